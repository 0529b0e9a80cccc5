"""A case's parts: what was hidden from the model and what was not, and what became of a map under the perturbation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image

from audit.input_spec import SpeechInput
from audit.kinds import import_file
from audit.rendering import speech
from audit.rendering.case import Moved
from audit.rendering.exhibit import draw
from audit.rendering.picture import OPPOSES, SUPPORTS
from audit.scaling import PerClip

CASES = import_file(Path(__file__).with_name("cases.py"))
EMOTIONS, MEL, MOVED, WAVE = CASES.EMOTIONS, CASES.MEL, CASES.MOVED, CASES.WAVE
case_of, noise, represented = CASES.case_of, CASES.noise, CASES.represented
PARTS = (MEL, WAVE, replace(MEL, representation="mfcc"), replace(MEL, scaling=PerClip("standard")))


@pytest.mark.parametrize("loud", [1.0, 9.0])
@pytest.mark.parametrize("spec", PARTS, ids=["mel", "waveform", "mfcc", "per clip"])
def test_what_was_hidden_and_what_was_not_add_up_to_the_clip(tmp_path: Path, spec: SpeechInput, loud: float) -> None:
    case = case_of(spec)
    recording = np.clip(loud * case.recording, -1, 1)
    case = replace(case, recording=recording)
    media = speech.media_of(case, spec)
    assert media.masked_clip is not None
    assert media.only_clip is not None
    parts = [media.masked_clip.waveform, media.only_clip.waveform]
    assert all(np.abs(part).max() <= 1 for part in parts)
    # Where a part swings beyond full scale, both are made quieter alike.
    level = float(np.dot(sum(parts), recording) / np.dot(recording, recording))
    assert level == pytest.approx(1.0, abs=1e-6) if loud == 1.0 else 0.5 < level <= 1.0 + 1e-6
    assert np.abs(sum(parts) - level * recording).max() < 1e-5
    row = draw(case, spec, EMOTIONS, tmp_path)
    written = [soundfile.read(tmp_path.parent / row["audio"][name], dtype="float64")[0] for name in ("masked", "only")]
    # Half a step of 16 bits for each of the two.
    assert np.abs(sum(written) - level * recording).max() < 1 / 32768 + 1e-5
    assert all(np.abs(part).max() > 0 for part in written)


@pytest.mark.parametrize("spec", [MEL, WAVE], ids=["mel", "waveform"])
def test_only_what_was_hidden_from_the_model_is_heard_in_the_other_part(tmp_path: Path, spec: SpeechInput) -> None:
    hidden = np.zeros(represented(noise(), spec).shape, bool)
    hidden[..., (spec.axes.seconds >= 1) & (spec.axes.seconds < 2)] = True
    row = draw(replace(case_of(spec), hidden=hidden), spec, EMOTIONS, tmp_path)
    only = soundfile.read(tmp_path.parent / row["audio"]["only"], dtype="float32")[0]
    assert not only[:14000].any()
    assert not only[34000:].any()
    assert np.abs(only[18000:30000] - noise()[18000:30000]).max() <= 1 / 32768 + 1e-5


def drawn(path: Path) -> NDArray[np.int64]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"), dtype=np.int64)


@pytest.mark.parametrize("spec", [MEL, WAVE], ids=["mel", "waveform"])
def test_a_map_and_what_became_of_it_are_drawn_on_one_scale(tmp_path: Path, spec: SpeechInput) -> None:
    case = case_of(spec)
    before = np.zeros(case.inputs.shape)
    before[..., : before.shape[-1] // 3] = 1.0
    after = np.zeros(case.inputs.shape)
    after[..., -before.shape[-1] // 3 :] = 0.5
    moved = Moved(after, 0.0, 0.2)
    row = draw(replace(case, maps={"lime": before}, moved=moved), spec, EMOTIONS, tmp_path)
    assert {name: row["moved"][name] for name in ("stays", "by_chance", "reason")} == {
        **{"stays": 0.0, "by_chance": 0.2, "reason": ""}
    }
    clean, perturbed, difference = (drawn(tmp_path.parent / row["moved"][name]) for name in MOVED)
    middle = len(clean) // 2
    assert tuple(clean[middle, 5, :3]) == tuple(perturbed[middle, -5, :3]) == SUPPORTS
    # Half of the relevance shows half as much.
    assert perturbed[middle, -5, 3] == pytest.approx(clean[middle, 5, 3] / 2, abs=5)
    assert tuple(difference[middle, 5, :3]) == OPPOSES
    assert tuple(difference[middle, -5, :3]) == SUPPORTS
    assert difference[middle, 5, 3] == clean[middle, 5, 3]
    assert not clean[middle, -5, 3]


def test_a_method_that_gave_no_map_of_the_perturbed_input_leaves_its_reason(tmp_path: Path) -> None:
    row = draw(replace(case_of(MEL), moved=Moved(None, None, 0.2, "it said NaN")), MEL, EMOTIONS, tmp_path)
    none = dict.fromkeys((*MOVED, "stays"))
    assert row["moved"] == {**none, "by_chance": 0.2, "reason": "it said NaN"}
