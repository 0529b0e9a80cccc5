"""Loads a model that answers over HTTP: clips go out, probabilities come back."""

from __future__ import annotations

import io
import json
import secrets
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, InvalidURL
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.io import wavfile

from audit.errors import ModelError
from audit.input_spec import SpeechInput
from audit.kinds import loader
from audit.loaders.answered import probabilities_in
from audit.model import BlackBox, Model
from audit.recognition import are_probabilities

if TYPE_CHECKING:
    from audit.manifest import Manifest

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
BUSY = 429
ADVICE = {
    401: "name the key in `header:`, {Authorization: 'Bearer ${TOKEN}'}",
    403: "name the key in `header:`, {Authorization: 'Bearer ${TOKEN}'}",
    404: "correct `url:`",
    405: "it must take POST",
    413: "make `batch:` smaller",
    415: "try `send: json`, or `send: wav` with `field:`",
    422: "try `send: json`, or `send: wav` with `field:`",
}


@loader(gradients=False)
def http(
    manifest: Manifest,
    *,
    url: str,
    send: Literal["wav", "json"] = "wav",
    subtype: Literal["float", "pcm_16"] = "float",
    field: str | None = None,
    inputs: str = "inputs",
    batch: int = 32,
    probabilities: str | None = None,
    header: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    retries: int = 3,
) -> Model:
    """Return the model behind `url`, as a black box: every batch is a POST, or one for each of its clips.

    `send: wav` posts one clip as a WAV file of the input's sampling rate, mono, of 32-bit floats, or with
    `subtype: pcm_16` of 16-bit numbers: as the body, or as the file `field` of a form. `send: json` posts up to `batch`
    inputs as `{"inputs": [...], "sampling_rate": Hz}`, each a list (of lists) of numbers; `inputs` is the name there.
    The answer is JSON that holds probabilities at `probabilities` ("result.scores"; left out, the answer itself or its
    entry of that name): a list in the order of the manifest's emotions, a mapping from their names, or a list of
    `{"label": ..., "score": ...}`. They may be rounded, or in percent, and logits where the manifest declares
    `activation: none`.
    After `timeout` seconds without a word, a lost connection, 429 or 5xx it is asked again, up to `retries` times,
    after 0.5 s, 1 s, 2 s ...; other answers are final. Redirections are not followed: `header` goes to `url` alone.
    Raises ModelError naming the url, its status, and what to do.
    """
    spec = manifest.spec
    rate = spec.sampling_rate if isinstance(spec, SpeechInput) else None
    if send == "wav" and (rate is None or spec.representation != "waveform"):
        raise ModelError(
            f"{manifest.path}: a WAV file holds a waveform, and the input is {spec.representation}; write "
            "`send: json`, or `representation: waveform` where the server takes clips"
        )
    if timeout <= 0 or retries < 0 or batch < 1:
        raise ModelError(f"{manifest.path}: loader http needs timeout above 0, retries from 0 and batch from 1 up")
    endpoint = _Endpoint(_checked(url, manifest), header or {}, timeout=timeout, retries=retries)
    clips = _Wav(rate, subtype, field) if send == "wav" and rate is not None else _Json(rate, inputs, batch)
    normalised = manifest.activation in (None, "softmax")

    def answer(given: NDArray[np.float32]) -> NDArray[Any]:
        found = []
        for body, kind, count in clips.requests(given):
            try:
                rows = probabilities_in(endpoint.post(body, kind), probabilities, manifest.labels, count)
                if normalised:
                    _refuse_other_sums(rows, manifest.kept)
            except ModelError as error:
                raise ModelError(f"{endpoint.name}: {error}") from error
            found.append(rows)
        return np.concatenate(found)

    model = BlackBox(answer, spec, manifest.labels, name=manifest.name)
    model.note = f"black box: {endpoint.name} answers over HTTP, without gradients"
    return model


@dataclass(frozen=True)
class _Wav:
    rate: int
    subtype: str
    field: str | None

    def requests(self, given: NDArray[np.float32]) -> Iterator[tuple[bytes, str, int]]:
        """Yield one body, its kind and 1 for each clip."""
        for clip in given.reshape(len(given), -1):
            if self.subtype == "pcm_16":
                clip = np.rint(clip * 32768.0).clip(-32768, 32767).astype(np.int16)
            file = io.BytesIO()
            wavfile.write(file, self.rate, clip)
            wav = file.getvalue()
            yield (wav, "audio/wav", 1) if self.field is None else (*_form(wav, self.field), 1)


def _form(wav: bytes, name: str) -> tuple[bytes, str]:
    """Return the body and the kind of a form (RFC 7578) that holds one file."""
    boundary = secrets.token_hex(16)
    quoted = name.replace('"', "%22")
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"; filename="clip.wav"\r\n'
        "Content-Type: audio/wav\r\n\r\n"
    )
    return head.encode() + wav + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


@dataclass(frozen=True)
class _Json:
    rate: int | None
    name: str
    batch: int

    def requests(self, given: NDArray[np.float32]) -> Iterator[tuple[bytes, str, int]]:
        """Yield a body, its kind and the number of inputs in it for each batch."""
        rate = {} if self.rate is None else {"sampling_rate": self.rate}
        for start in range(0, len(given), self.batch):
            part = given[start : start + self.batch]
            yield json.dumps({self.name: part.tolist(), **rate}).encode(), "application/json", len(part)


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        raise ModelError(f"{code}, redirects to {_plain(newurl)}; write that as `url:` if it is the one you mean")


class _Endpoint:
    def __init__(self, url: str, header: Mapping[str, str], *, timeout: float, retries: int) -> None:
        self.url, self.header, self.timeout, self.retries = url, header, timeout, retries
        self.name = _plain(url)
        self.opener = urllib.request.build_opener(_NoRedirection)

    def post(self, body: bytes, kind: str) -> bytes:
        """Return the body of the answer, asked for as often as is allowed; raises ModelError without the url."""
        for attempt in range(self.retries + 1):
            try:
                return self._ask(body, kind)
            except urllib.error.HTTPError as error:
                told, status = _refused(error), error.code
                pause = _pause(attempt, error.headers.get("Retry-After"))
                if status != BUSY and status < 500:
                    raise ModelError(told) from error
            except (TimeoutError, urllib.error.URLError, HTTPException, OSError) as error:
                told, pause = self._unreached(error), _pause(attempt)
            if attempt < self.retries:
                time.sleep(pause)
        raise ModelError(f"{told} (asked {self.retries + 1} times)")

    def _ask(self, body: bytes, kind: str) -> bytes:
        try:
            request = urllib.request.Request(self.url, body, {"Content-Type": kind, "Accept": "application/json"})
            for name, value in self.header.items():
                request.add_header(name, value)
            with self.opener.open(request, timeout=self.timeout) as response:
                return response.read()
        except (ValueError, InvalidURL) as error:
            # Of the header's values not even one line is shown: they may be secret.
            raise ModelError(f"`url:` or `header:` holds what HTTP cannot carry ({type(error).__name__})") from error

    def _unreached(self, error: Exception) -> str:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            return f"no answer within {self.timeout:g} s; start the server, or raise `timeout:`"
        return f"cannot be reached ({str(reason) or type(reason).__name__}); start the server, or correct `url:`"


def _refused(error: urllib.error.HTTPError) -> str:
    try:
        with error:
            lines = error.read(2000).decode("utf-8", "replace").strip().splitlines()
    except (OSError, HTTPException):
        lines = []
    said = f": {lines[0][:200]}" if lines else ""
    advice = "see the server's log" if error.code >= 500 else ADVICE.get(error.code, "see what the server takes")
    return f"{error.code} {error.reason}{said}; {'ask less often' if error.code == BUSY else advice}"


def _pause(attempt: int, asked: str | None = None) -> float:
    """Return seconds to wait: twice as many each time, or as many as the server asks for."""
    own = FIRST_PAUSE * 2.0**attempt
    return min(float(asked), LONGEST_PAUSE) if asked and asked.isdecimal() else min(own, LONGEST_PAUSE)


def _checked(url: str, manifest: Manifest) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ModelError(f"{manifest.path}: url: {url!r} is no http://host:port/path, nor one with https")
    if "@" in parts.netloc:
        raise ModelError(f"{manifest.path}: url: holds a name or password before the @; they go into `header:`")
    return url


def _plain(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _refuse_other_sums(rows: NDArray[np.float64], emotions: Sequence[int]) -> None:
    """Raise ModelError unless all labels, or those that are `emotions`, hold what probabilities sum to."""
    if any(are_probabilities(torch.from_numpy(part)) for part in (rows, rows[:, list(emotions)])):
        return
    sums = rows.sum(axis=1)
    wrong = float(sums[np.argmax(np.abs(sums - 1.0))])
    raise ModelError(
        f"the numbers for one clip sum to {wrong:.4g}, the least is {float(rows.min()):.4g}: no probabilities; "
        "declare `activation: none` if it answers with logits, `activation: sigmoid` if each stands for itself"
    )
