"""A case as files and as a row: every name safe, every path real, nothing invented where nothing exists."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from audit.data import printable
from audit.input_spec import InputSpec, SpeechInput
from audit.kinds import import_file
from audit.rendering.exhibit import draw
from audit.scaling import Affine, PerClip, Scaling

CASES = import_file(Path(__file__).with_name("cases.py"))
EMOTIONS, MEL, MOVED, WAVE = CASES.EMOTIONS, CASES.MEL, CASES.MOVED, CASES.WAVE
case_of, files, noise, represented = CASES.case_of, CASES.files, CASES.noise, CASES.represented
FILES = 4 + 2 + 2 + len(MOVED)
HOSTILE = (
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "a\x00b\nc",
    "CON.flac",
    "клип №1",
    "x" * 400,
    "-rf *",
    "",
    "broken \udcff",
)


@pytest.mark.parametrize("on_waveform", [False, True])
@pytest.mark.parametrize("spec", [MEL, WAVE], ids=["mel", "waveform"])
def test_the_row_has_every_key_and_every_file_it_names_exists(
    tmp_path: Path, spec: InputSpec, on_waveform: bool
) -> None:
    row = draw(case_of(spec, on_waveform=on_waveform), spec, EMOTIONS, tmp_path)
    assert set(row) == {
        *("emotion", "sample", "path", "why", "groups", "predicted", "probabilities", "perturbation", "audio"),
        *("spectrogram", "perturbed_spectrogram", "masked_picture", "only_picture", "maps", "drops", "masked_by"),
        *("moved", "axes"),
    }
    assert row["predicted"] == {"clean": "anger", "perturbed": "sadness", "masked": "sadness"}
    assert set(row["audio"]) == {"original", "perturbed", "masked", "only"}
    assert len(files(row)) == FILES
    assert {tmp_path.parent / path for path in files(row)} == set(tmp_path.iterdir())
    assert row["axes"]["seconds"] == [0.0, 3.0]
    assert bool(row["axes"]["hertz"]) == (spec is MEL)
    json.dumps(row, allow_nan=False)


@pytest.mark.parametrize(
    ("spec", "on_waveform", "approximate"),
    [(MEL, False, True), (MEL, True, False), (WAVE, False, False), (WAVE, True, False)],
)
def test_only_a_changed_spectrogram_is_heard_approximately(
    tmp_path: Path, spec: InputSpec, on_waveform: bool, approximate: bool
) -> None:
    case = case_of(spec, on_waveform=on_waveform)
    row = draw(case, spec, EMOTIONS, tmp_path)
    assert row["perturbation"]["approximate"] is approximate
    assert row["perturbation"]["space"] == ("waveform" if on_waveform else "input")
    assert case.perturbation is not None
    heard = soundfile.read(tmp_path.parent / row["audio"]["perturbed"], dtype="float32")[0]
    if not approximate:
        assert np.abs(heard - case.perturbation.values.reshape(-1)).max() <= 1 / 2**23
    assert not np.array_equal(heard, soundfile.read(tmp_path.parent / row["audio"]["original"], dtype="float32")[0])


@pytest.mark.parametrize("spec", [MEL, WAVE], ids=["mel", "waveform"])
def test_the_original_is_the_clip_and_the_masked_clip_lacks_what_was_hidden(tmp_path: Path, spec: InputSpec) -> None:
    hidden = np.zeros(represented(noise(), spec).shape, bool)
    hidden[..., (spec.axes.seconds >= 1) & (spec.axes.seconds < 2)] = True
    case = replace(case_of(spec), hidden=hidden)
    row = draw(case, spec, EMOTIONS, tmp_path)
    original = soundfile.read(tmp_path.parent / row["audio"]["original"], dtype="float32")[0]
    masked = soundfile.read(tmp_path.parent / row["audio"]["masked"], dtype="float32")[0]
    assert np.abs(original - case.recording).max() <= 1 / 32768
    assert not masked[18000:30000].any()
    assert np.abs(masked[:14000] - original[:14000]).max() <= 1 / 32768
    assert np.abs(masked[34000:] - original[34000:]).max() <= 1 / 32768


def test_what_does_not_exist_is_none_and_no_file(tmp_path: Path) -> None:
    nothing: dict[str, Any] = {"perturbation": None, "maps": {}, "hidden": None, "masked_by": None, "moved": None}
    case = replace(case_of(MEL), **nothing, drops={}, probabilities={"clean": [1, 0]})
    row = draw(case, MEL, EMOTIONS, tmp_path)
    assert row["perturbation"] is row["perturbed_spectrogram"] is row["masked_by"] is None
    assert row["audio"]["perturbed"] is row["audio"]["masked"] is row["audio"]["only"] is row["moved"] is None
    assert row["predicted"] == {"clean": "anger"}
    assert row["probabilities"] == {"clean": [1.0, 0.0]}
    assert row["maps"] == row["drops"] == {}
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_no_hostile_name_reaches_a_file_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    case = case_of(MEL, name=name, emotion=name)
    case = replace(case, maps={name: case.maps["lime"]}, masked_by=name)
    row = draw(case, MEL, (name, "other"), folder)
    assert list(tmp_path.iterdir()) == [folder]
    for path in files(row):
        assert re.fullmatch(r"media/[a-z0-9-]{1,100}\.(flac|png)", path)
        assert (tmp_path / path).is_file()
    assert row["sample"] == row["emotion"] == printable(name)


def test_samples_perturbations_and_methods_of_like_names_get_files_of_their_own(tmp_path: Path) -> None:
    like = [case_of(MEL, name="clip 1"), case_of(MEL, name="clip-1"), case_of(MEL, name="Clip-1")]
    assert like[0].perturbation is not None
    like.append(replace(like[0], perturbation=replace(like[0].perturbation, severity=0.02)))
    maps = [{"my.map": case.maps["lime"], "my-map": case.maps["gradcam"]} for case in like]
    like = [replace(case, maps=own, masked_by="my-map") for case, own in zip(like, maps, strict=True)]
    named = [path for case in like for path in files(draw(case, MEL, EMOTIONS, tmp_path))]
    assert len(set(named)) == len(named) == 4 * FILES


def test_the_same_case_makes_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    for turn in ("one", "two"):
        folder = tmp_path / turn
        folder.mkdir()
        draw(case_of(MEL), MEL, EMOTIONS, folder)
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()})
    assert digests[0] == digests[1]


def test_drawing_changes_nothing_it_was_given(tmp_path: Path) -> None:
    case, untouched = case_of(MEL), case_of(MEL)
    draw(case, MEL, EMOTIONS, tmp_path)
    assert np.array_equal(case.recording, untouched.recording)
    assert np.array_equal(case.inputs, untouched.inputs)
    assert all(np.array_equal(case.maps[name], untouched.maps[name]) for name in case.maps)


SCALED = (Affine(0.3, 0.2), PerClip("standard"), PerClip("unit"))


@pytest.mark.parametrize("scaling", SCALED, ids=str)
@pytest.mark.parametrize("spec", [MEL, WAVE], ids=["mel", "waveform"])
def test_a_scaled_input_is_seen_and_heard_as_the_unscaled_one(
    tmp_path: Path, spec: SpeechInput, scaling: Scaling
) -> None:
    plain, scaled = case_of(spec), case_of(replace(spec, scaling=scaling))
    assert plain.perturbation is not None
    # The same change, in the scaled input's units.
    unit = float(np.ptp(scaled.inputs) / np.ptp(plain.inputs))
    changed = scaled.inputs + unit * (plain.perturbation.values - plain.inputs)
    scaled = replace(scaled, perturbation=replace(plain.perturbation, values=changed.astype(np.float32)))
    found = []
    for name, case, judged in (("plain", plain, spec), ("scaled", scaled, replace(spec, scaling=scaling))):
        folder = tmp_path / name
        folder.mkdir()
        row = draw(case, judged, EMOTIONS, folder)
        pictures = [
            np.asarray(Image.open(io.BytesIO((tmp_path / row[key]).read_bytes())).convert("RGBA"), dtype=np.int64)
            for key in ("spectrogram", "perturbed_spectrogram")
        ]
        clips = [soundfile.read(tmp_path / row["audio"][key], dtype="float32")[0] for key in ("perturbed", "masked")]
        found.append((pictures, clips))
    for one, other in zip(found[0][0], found[1][0], strict=True):
        # A level on the border between two shades may fall on either side.
        assert np.abs(one - other).max() <= 8
        assert (one != other).mean() < 0.01
    for one, other in zip(found[0][1], found[1][1], strict=True):
        assert np.abs(one - other).max() < 1e-3


def preprocessed(tmp_path: Path, body: str) -> SpeechInput:
    (tmp_path / "mine.py").write_text(f"import numpy as np\n\n\ndef mine(waveform, rate):\n    return {body}\n")
    return replace(MEL, representation="preprocess", parameters={"function": str(tmp_path / "mine.py:mine")})


@pytest.mark.parametrize(
    ("body", "shape"),
    [("waveform[:4800].reshape(1, 60, 80)", (60, 80)), ("np.abs(waveform[:40])", (1, 40))],
    ids=["a plane", "features"],
)
def test_an_input_of_the_users_own_making_is_drawn_as_a_plane_and_not_heard(
    tmp_path: Path, body: str, shape: tuple[int, int]
) -> None:
    spec = preprocessed(tmp_path, body)
    folder = tmp_path / "media"
    folder.mkdir()
    row = draw(case_of(spec), spec, EMOTIONS, folder)
    assert row["axes"] == {"seconds": [], "hertz": [], "pixels": [], "scale": [-1.0, 1.0]}
    assert row["audio"]["original"] is not None
    assert row["audio"]["perturbed"] is row["audio"]["masked"] is row["masked_picture"] is None
    assert len(files(row)) == 5 + len(MOVED)
    for path in files(row)[1:]:
        with Image.open(tmp_path / path) as image:
            assert image.size == shape[::-1]


def test_a_perturbed_waveform_is_heard_whatever_the_user_made_of_it(tmp_path: Path) -> None:
    spec = preprocessed(tmp_path, "waveform[:40]")
    row = draw(case_of(spec, on_waveform=True), spec, EMOTIONS, tmp_path)
    assert row["audio"]["perturbed"] is not None
    assert row["perturbation"]["approximate"] is False


def test_coefficients_over_time_are_masked_in_time_alone(tmp_path: Path) -> None:
    spec = replace(MEL, representation="mfcc")
    case = case_of(spec)
    hidden = np.zeros(case.inputs.shape, bool)
    hidden[..., 30:60] = True
    row = draw(replace(case, hidden=hidden), spec, EMOTIONS, tmp_path)
    assert row["axes"]["seconds"] == [0.0, 3.0]
    assert row["axes"]["hertz"] == []
    assert row["audio"]["perturbed"] is None
    masked = soundfile.read(tmp_path.parent / row["audio"]["masked"], dtype="float32")[0]
    assert not masked[31 * 512 : 58 * 512].any()
    assert masked[: 28 * 512].any()
