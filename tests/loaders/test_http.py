"""The http loader against a server on this machine."""

import email
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.io import wavfile

from audit.errors import ModelError
from audit.loaders import http
from audit.manifest import load_model
from audit.model import Model

LABELS = ("anger", "joy", "neutral")
WEIGHTS = np.random.default_rng(0).normal(size=(40, 3))
MANIFEST = """version: 1
model: remote
loader: {{http: {keys}}}
input: {{sampling_rate: 1000, seconds: 0.04, representation: {representation}}}
emotions: [anger, joy, neutral]
"""
Answer = tuple[int, dict[str, str], bytes]


class Server(ThreadingHTTPServer):
    """A server that answers as `answer` says and keeps what it was sent."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answer: Callable[[Message, bytes], Answer] = in_wav
        self.received: list[tuple[Message, bytes]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/predict"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.headers, body))
        status, headers, content = self.server.answer(self.headers, body)
        try:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def due(clips: Any) -> NDArray[np.float64]:
    powers = np.exp(np.asarray(clips, dtype=np.float64).reshape(len(clips), -1) @ WEIGHTS)
    return powers / powers.sum(1, keepdims=True)


def said(content: object, status: int = 200, **headers: str) -> Answer:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(content).encode()


def heard(body: bytes) -> NDArray[np.float64]:
    rate, clip = wavfile.read(io.BytesIO(body))
    assert rate == 1000
    return due([clip / 32768.0 if clip.dtype == np.int16 else clip])[0]


def in_wav(headers: Message, body: bytes) -> Answer:
    assert headers["Content-Type"] == "audio/wav"
    return said(heard(body).tolist())


def in_form(headers: Message, body: bytes) -> Answer:
    form = email.message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    (part,) = form.get_payload()
    assert part.get_param("name", header="Content-Disposition") == "clip"
    assert part.get_filename() == "clip.wav"
    return said({"probabilities": heard(part.get_payload(decode=True)).tolist()})


def in_json(headers: Message, body: bytes) -> Answer:
    assert headers["Content-Type"] == "application/json"
    sent = json.loads(body)
    assert set(sent) == {"inputs", "sampling_rate"}
    return said({"probabilities": due(sent["inputs"]).tolist()})


def load(server: Server | str, folder: Path, keys: str = "", representation: str = "waveform", more: str = "") -> Model:
    url = server if isinstance(server, str) else server.url
    path = folder / "m.model.yaml"
    both = f'{{url: "{url}", {keys}}}'
    path.write_text(MANIFEST.format(keys=both, representation=representation) + more)
    return load_model(path)


def clips(count: int) -> torch.Tensor:
    return torch.rand(count, 40, generator=torch.Generator().manual_seed(1)) - 0.5


@pytest.mark.parametrize(
    ("answer", "keys", "near"),
    [
        (in_wav, "", 1e-5),
        (in_wav, "subtype: pcm_16", 1e-4),
        (in_form, "field: clip", 1e-5),
        (in_json, "send: json", 1e-5),
    ],
    ids=["wav", "pcm_16", "form", "json"],
)
@pytest.mark.parametrize("count", [1, 32])
def test_answers_are_the_servers_own(
    server: Server, tmp_path: Path, answer: Any, keys: str, near: float, count: int
) -> None:
    server.answer = answer
    model = load(server, tmp_path, keys)
    found = model.logits(clips(count))
    np.testing.assert_allclose(found.softmax(1), due(clips(count)), atol=near)
    assert torch.equal(model.logits(clips(count)), found)
    assert (model.activation, model.differentiable, model.emotions) == ("softmax", False, LABELS)
    assert model.note == f"black box: {server.url} answers over HTTP, without gradients"


def test_a_wav_holds_one_clip_and_a_json_body_a_batch(server: Server, tmp_path: Path) -> None:
    model = load(server, tmp_path)
    server.received.clear()
    model.logits(clips(7))
    assert len(server.received) == 7
    server.answer = in_json
    model = load(server, tmp_path, "send: json, batch: 3")
    server.received.clear()
    model.logits(clips(7))
    assert [len(json.loads(body)["inputs"]) for _, body in server.received] == [3, 3, 1]


def test_a_float_wav_loses_nothing_on_the_way(server: Server, tmp_path: Path) -> None:
    model = load(server, tmp_path)
    server.received.clear()
    model.logits(clips(1))
    assert np.array_equal(wavfile.read(io.BytesIO(server.received[0][1]))[1], clips(1)[0].numpy())


def test_other_inputs_than_waveforms_go_as_nested_lists(server: Server, tmp_path: Path) -> None:
    server.answer = in_json
    model = load(server, tmp_path, "send: json", "{waveform: {shape: channel}}")
    np.testing.assert_allclose(model.logits(clips(2).unsqueeze(1)).softmax(1), due(clips(2)), atol=1e-5)
    assert np.shape(json.loads(server.received[-1][1])["inputs"]) == (2, 1, 40)
    with pytest.raises(ModelError, match=r"a WAV file holds a waveform, and the input is mfcc; write `send: json`"):
        load(server, tmp_path, "", "{mfcc: {n_fft: 16, hop_length: 8, n_mels: 4, n_mfcc: 3}}")


def test_another_name_for_the_inputs_and_a_header_from_the_environment_are_sent(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMOTE_TOKEN", "s3cret")
    server.answer = lambda _, body: said({"predictions": due(json.loads(body)["instances"]).tolist()})
    header = '{Authorization: "Bearer ${REMOTE_TOKEN}", content-type: application/json+x}'
    model = load(server, tmp_path, f"send: json, inputs: instances, probabilities: predictions, header: {header}")
    assert "s3cret" not in model.note
    sent = server.received[-1][0]
    assert (sent["Authorization"], sent.get_all("Content-Type")) == ("Bearer s3cret", ["application/json+x"])


@pytest.mark.parametrize(("status", "calls"), [(500, 3), (503, 3), (429, 3), (404, 1), (422, 1), (401, 1)])
def test_what_may_pass_is_asked_again_and_what_is_final_is_not(
    server: Server, tmp_path: Path, status: int, calls: int
) -> None:
    server.answer = lambda *_: said({"detail": "not today"}, status)
    told = rf'{server.url}: {status} .*: {{"detail": "not today"}}; ' + ("" if calls == 1 else r".*\(asked 3 times\)")
    with pytest.raises(ModelError, match=told):
        load(server, tmp_path, "retries: 2")
    assert len(server.received) == calls


def test_a_server_that_comes_back_is_heard(server: Server, tmp_path: Path) -> None:
    model = load(server, tmp_path)
    troubles = [said("", 503, Retry_After="0"), (200, {"Content-Length": "999"}, b"[0.1,"), said("", 500)]
    server.answer = lambda headers, body: troubles.pop() if troubles else in_wav(headers, body)
    server.received.clear()
    np.testing.assert_allclose(model.logits(clips(1)).softmax(1), due(clips(1)), atol=1e-5)
    assert len(server.received) == 4


def test_a_server_that_says_nothing_is_not_waited_for(server: Server, tmp_path: Path) -> None:
    model = load(server, tmp_path, "timeout: 0.2, retries: 1")
    released = threading.Event()
    server.answer = lambda *_: (released.wait(10), said(""))[1]
    start = time.monotonic()
    try:
        with pytest.raises(ModelError, match=r"no answer within 0\.2 s; .*`timeout:` \(asked 2 times\)"):
            model.logits(clips(1))
        assert time.monotonic() - start < 5
    finally:
        released.set()


def test_a_server_that_is_not_there_says_so(server: Server, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as gone:
        url = f"http://127.0.0.1:{gone.server_port}/x"
    with pytest.raises(ModelError, match=rf"{url}: cannot be reached \(.*refused\); start the server.*asked 4 times"):
        load(url, tmp_path)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirection_is_not_followed(server: Server, tmp_path: Path, status: int) -> None:
    server.answer = lambda *_: said("", status, Location="http://127.0.0.2:1/elsewhere?key=s3cret")
    with pytest.raises(ModelError, match=rf"{status}, redirects to http://127\.0\.0\.2:1/elsewhere; write that as"):
        load(server, tmp_path, 'header: {Authorization: "x"}')
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/x", "localhost:8000", "http://", "http://h:x/", "/x"]
)
def test_anything_but_http_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ModelError, match="is no http://host:port/path, nor one with https"):
        load(url, tmp_path)


def test_secrets_in_a_url_are_not_told(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="they go into `header:`") as caught:
        load("http://me:s3cret@127.0.0.1:1/", tmp_path)
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in load(f"{server.url}?key=s3cret", tmp_path).note
    server.answer = lambda *_: said("", 404)
    with pytest.raises(ModelError, match=r"404 Not Found.*correct `url:`") as caught:
        load(f"{server.url}?key=s3cret", tmp_path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("keys", ["header: {X: 'ü\\u2026'}", 'header: {X: "a\\nb: c"}'])
def test_a_header_that_http_cannot_carry_is_an_error(server: Server, tmp_path: Path, keys: str) -> None:
    with pytest.raises(ModelError, match=r"`url:` or `header:` holds what HTTP cannot carry"):
        load(server, tmp_path, keys.replace("'ü\\u2026'", '"ü\\u2026"'))
    assert not server.received


@pytest.mark.parametrize("keys", ["timeout: 0", "retries: -1", "batch: 0"])
def test_impossible_numbers_are_refused(server: Server, tmp_path: Path, keys: str) -> None:
    with pytest.raises(ModelError, match="timeout above 0, retries from 0 and batch from 1 up"):
        load(server, tmp_path, keys)


def test_logits_and_sigmoids_are_declared(server: Server, tmp_path: Path) -> None:
    server.answer = lambda *_: said([3.0, -1.0, 0.5])
    with pytest.raises(ModelError, match=r"sum to 2\.5, the least is -1: no probabilities; declare `activation: none`"):
        load(server, tmp_path)
    model = load(server, tmp_path, more="activation: none\n")
    assert model.logits(clips(1)).tolist() == [[3.0, -1.0, 0.5]]
    server.answer = lambda *_: said([0.9, 0.5, 0.7])
    model = load(server, tmp_path, more="activation: sigmoid\n")
    np.testing.assert_allclose(model.logits(clips(1)).exp(), [[0.9, 0.5, 0.7]], atol=1e-6)


def test_rounded_probabilities_are_probabilities(server: Server, tmp_path: Path) -> None:
    server.answer = lambda *_: said([0.33, 0.33, 0.33])
    np.testing.assert_allclose(load(server, tmp_path).logits(clips(1)).softmax(1), [[1 / 3] * 3], atol=1e-6)


def test_probabilities_that_are_declared_logits_are_refused(server: Server, tmp_path: Path) -> None:
    server.answer = lambda *_: said([0.7, 0.2, 0.1])
    with pytest.raises(ModelError, match="softmax would be taken twice"):
        load(server, tmp_path, more="activation: none\n")


def test_what_a_server_says_beside_the_emotions_is_left_out(server: Server, tmp_path: Path) -> None:
    server.answer = lambda *_: said({LABELS[0]: 0.75, LABELS[1]: 0.25, LABELS[2]: 0.12})
    model = load(server, tmp_path, more=f"rename: {{{LABELS[2]}: null}}\n")
    np.testing.assert_allclose(model.logits(clips(1)).softmax(1), [[0.75, 0.25]], atol=1e-6)
