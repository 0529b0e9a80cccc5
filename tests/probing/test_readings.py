"""The other ways to make an input, each of which a manifest can say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.manifest import read_manifest
from audit.probing.lines import flow
from audit.probing.readings import other_readings, scaled, scalings

SPEECH = "sampling_rate: 16000\n  seconds: 1.0\n  representation: {melspectrogram: {n_mels: 40}}"
WAVEFORM = "sampling_rate: 16000\n  seconds: 0.5\n  representation: waveform"
SCALED = f"{SPEECH}\n  scaling: {{low: -1, high: 1}}"
FACE = "modality: face\n  height: 20\n  width: 20\n  colour: rgb"


def read(folder: Path, lines: str) -> InputSpec:
    path = folder / "x.model.yaml"
    path.write_text(f"version: 1\nmodel: x\nloader: torch\ninput:\n  {lines}\nemotions: [a, b]\n")
    return read_manifest(path).spec


@pytest.mark.parametrize("lines", [SPEECH, WAVEFORM, SCALED, FACE])
def test_the_lines_of_every_reading_say_what_it_does(tmp_path: Path, lines: str) -> None:
    spec = read(tmp_path, lines)
    recordings = spec.example(2)
    seen = []
    for reading in other_readings(spec):
        if reading.turned:
            continue
        kept = [line for line in lines.split("\n  ") if line.partition(":")[0] not in reading.lines]
        said = [flow({key: value}) for key, value in reading.lines.items() if value is not None]
        told = read(tmp_path, "\n  ".join([*kept, *said]))
        if isinstance(spec, SpeechInput):
            assert told == reading.spec
        else:
            assert torch.equal(told.represent(recordings), reading.spec.represent(recordings))
        assert told != spec
        seen.append(flow(dict(reading.lines)))
    assert len(set(seen)) == len(seen) > 3


def test_the_axes_of_a_picture_or_a_spectrogram_change_places() -> None:
    spec = SpeechInput(16000, 1.0, "melspectrogram", {"n_mels": 40})
    (turned,) = [reading for reading in other_readings(spec) if reading.turned]
    assert turned.lines == {"order": "nctf"}
    assert turned.ordered(torch.zeros(2, 1, 40, 32)).shape == (2, 1, 32, 40)
    (back,) = [reading for reading in other_readings(spec, "nctf") if reading.turned]
    assert back.lines == {"order": None}
    (channels_last,) = [reading for reading in other_readings(FaceInput(8, 8), "nhwc") if reading.turned]
    assert channels_last.lines == {"order": "nwhc"}
    assert not [reading for reading in other_readings(SpeechInput(16000, 1.0, "waveform")) if reading.turned]


@pytest.mark.parametrize(
    ("order", "chunked", "turned"),
    [
        ("nwhc", False, "nhwc"),
        ("ncwh", False, None),
        ("nhw", False, "nwh"),
        ("nkhwc", True, "nkwhc"),
        (None, True, "nkcwh"),
        ("nkcwh", True, None),
    ],
)
def test_the_axes_change_places_wherever_the_others_are(order: str | None, chunked: bool, turned: str | None) -> None:
    (reading,) = [r for r in other_readings(FaceInput(8, 8), order, chunked=chunked) if r.turned]
    assert reading.lines == {"order": turned}


def test_an_order_without_one_of_the_axes_has_none_to_change() -> None:
    spec = SpeechInput(16000, 1.0, "mfcc", {"mean": True})
    assert not [reading for reading in other_readings(spec, "nf") if reading.turned]


def test_the_usual_hops_are_tried() -> None:
    spec = SpeechInput(16000, 1.0, "melspectrogram", {"n_mels": 40, "hop_length": 256})
    hops = {reading.spec.parameters["hop_length"] for reading in other_readings(spec)}
    assert hops == {128, 160, 256, 512}


def test_what_a_function_of_ones_own_makes_is_not_scaled_or_turned() -> None:
    spec = SpeechInput(16000, 1.0, "preprocess", {"function": "mine.py:f"})
    assert {reading.cause for reading in other_readings(spec)} == {"sampling rate"}


def test_the_usual_scalings_bring_a_picture_where_they_say() -> None:
    spec = FaceInput(4, 4)
    ends = {flow(dict(lines)) if lines else "": scaled(spec, lines).bounds for lines in scalings(spec)}
    assert ends[""] == (0.0, 1.0)
    assert ends["low: -1, high: 1"] == (-1.0, 1.0)
    assert ends["low: 0, high: 255"] == pytest.approx((0.0, 255.0))
    assert ends["per_clip: standard"] == (-float("inf"), float("inf"))
