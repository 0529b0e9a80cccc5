"""Generated faces: what they promise a suite, and that the truth about them is exact."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from audit.data import Dataset, Patch, Sample, recording_of
from audit.errors import DataError, UsageError
from audit.input_spec import FaceInput
from audit.kinds import find
from audit.layouts.face.expression import EXPRESSIONS
from audit.layouts.synthetic_faces import render, synthetic_faces, truth

SEVEN = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")


def pictures(**keys: Any) -> list[Sample]:
    return [item for item in synthetic_faces(None, **keys) if isinstance(item, Sample)]


def shown_as(sample: Sample, emotion: str) -> Sample:
    return replace(sample, emotion=emotion, groups={**sample.groups, "expression": emotion})


def inside(patches: tuple[Patch, ...], size: int) -> NDArray[np.bool_]:
    mask = np.zeros((size, size), dtype=bool)
    for patch in patches:
        top, bottom, left, right = (round(size * end) for end in (patch.top, patch.bottom, patch.left, patch.right))
        mask[top:bottom, left:right] = True
    return mask


def test_there_is_one_picture_per_person_emotion_and_number() -> None:
    samples = pictures(people=3, pictures=4)
    assert len(samples) == 3 * 4 * 7
    assert len({sample.id for sample in samples}) == len(samples)
    assert {sample.emotion for sample in samples} == set(SEVEN)
    assert "p02-angry-003" in {sample.id for sample in samples}
    assert {sample.groups["person"] for sample in samples} == {"p00", "p01", "p02"}
    assert all(sample.path is None for sample in samples)


def test_the_layout_is_found_by_name_with_its_modality_its_reader_and_its_truth() -> None:
    facts = find("layout", "synthetic_faces").facts
    assert facts["modality"] == "face"
    assert facts["read"] is render
    assert facts["truth"] is truth


def test_a_picture_is_the_same_to_the_last_bit_whatever_was_drawn_before_it() -> None:
    samples = pictures(people=2, pictures=2)
    first = {sample.id: render(sample)[0].tobytes() for sample in samples}
    np.random.default_rng(1).standard_normal(100)
    again = {sample.id: render(sample)[0].tobytes() for sample in reversed(pictures(people=2, pictures=2))}
    assert first == again


def test_a_picture_needs_nothing_but_its_sample() -> None:
    sample = pictures(people=2, pictures=3, seed=5)[-1]
    copy = Sample(sample.id, None, sample.emotion, dict(sample.groups))
    more = next(s for s in pictures(people=4, pictures=9, seed=5, emotions=["surprise"]) if s.id == sample.id)
    assert np.array_equal(render(sample)[0], render(copy)[0])
    assert np.array_equal(render(sample)[0], render(more)[0])


def test_global_random_states_are_left_alone() -> None:
    before = (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes())  # type: ignore[union-attr]
    sample = pictures(people=1, pictures=1)[0]
    render(sample)
    truth(sample)
    after = (random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes())  # type: ignore[union-attr]
    assert before == after


def test_other_seeds_have_other_people_and_pictures() -> None:
    one, other = (pictures(people=1, pictures=1, seed=seed)[0] for seed in (0, 1))
    assert not np.array_equal(render(one)[0], render(other)[0])
    assert truth(one) != truth(other)


def test_people_and_pictures_of_one_person_differ() -> None:
    samples = pictures(people=3, pictures=3, emotions=["neutral"])
    drawn = [render(sample)[0] for sample in samples]
    for first in range(len(drawn)):
        for second in range(first):
            assert np.abs(drawn[first] - drawn[second]).mean() > 0.02


@pytest.mark.parametrize("size", [32, 48, 97])
def test_a_picture_is_grey_and_as_large_as_asked(size: int) -> None:
    for sample in pictures(people=2, pictures=1, size=size):
        picture, rate = render(sample)
        assert rate == 0
        assert picture.shape == (size, size, 3)
        assert picture.dtype == np.float32
        assert 0.0 <= picture.min() < picture.max() <= 1.0
        assert np.ptp(picture, axis=2).max() == 0.0


def test_the_truth_is_two_rectangles_on_pixels_and_the_eyes_lie_above_the_mouth() -> None:
    for sample in pictures(people=10, pictures=3, emotions=["fear"], seed=4):
        upper, lower = truth(sample)
        for patch in (upper, lower):
            ends = 48 * np.array([patch.top, patch.bottom, patch.left, patch.right])
            assert np.array_equal(ends, np.rint(ends))
            assert 0.0 < patch.top < patch.bottom < 1.0
            assert 0.0 < patch.left < patch.right < 1.0
        assert (upper.top + upper.bottom) / 2 < (lower.top + lower.bottom) / 2
        assert 0.10 < inside((upper, lower), 48).mean() < 0.35


def test_faces_of_one_carrier_are_equal_outside_the_truth_to_the_last_bit() -> None:
    for sample in pictures(people=8, pictures=3, emotions=["neutral"], seed=11):
        patches = truth(sample)
        mask = inside(patches, 48)
        plain = render(sample)[0]
        for emotion in SEVEN:
            meant = shown_as(sample, emotion)
            other = render(meant)[0]
            assert truth(meant) == patches
            assert np.array_equal(plain[~mask], other[~mask])


def test_emotions_differ_inside_the_truth_and_every_edge_of_it_is_reached() -> None:
    for sample in pictures(people=6, pictures=2, emotions=["neutral"], seed=12):
        drawn = np.stack([render(shown_as(sample, emotion))[0][..., 0] for emotion in SEVEN])
        differs = np.ptp(drawn, axis=0) > 0
        for patch in truth(sample):
            part = differs[
                round(48 * patch.top) : round(48 * patch.bottom), round(48 * patch.left) : round(48 * patch.right)
            ]
            assert part.mean() > 0.35
            assert part[0].any()
            assert part[-1].any()
            assert part[:, 0].any()
            assert part[:, -1].any()
        for first in range(7):
            for second in range(first):
                assert np.abs(drawn[first] - drawn[second]).max() > 0.05


@pytest.mark.parametrize("size", [48, 128])
def test_a_model_gets_the_picture_through_the_data_set(size: int) -> None:
    sample = pictures(people=1, pictures=1, size=size)[0]
    dataset = Dataset((sample,), (), render, truth)
    seen = recording_of(sample, dataset, FaceInput(size, size))
    assert np.abs(seen[0] - render(sample)[0][..., 0]).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"people": 0}, "people must be from 1 to 1000, not 0"),
        ({"pictures": -1}, "pictures must be from 1"),
        ({"seed": -3}, "seed must be from 0"),
        ({"size": 16}, "size must be from 32 to 512, not 16"),
        ({"shortcut_contrast": float("nan")}, r"shortcut_contrast must be from 0.001 to 1, not nan"),
        ({"emotions": []}, "emotions must be a list with at least one emotion"),
        ({"emotions": "happy"}, "emotions must be a list"),
        ({"emotions": ["happy", "anger"]}, "unknown emotion 'anger'; did you mean 'angry'"),
        ({"emotions": ["fear", "fear"]}, "each may be named once"),
        ({"shortcut": "hapy"}, "no emotion 'hapy' is drawn; did you mean 'happy'"),
        ({"shortcut": "sad", "emotions": ["happy"]}, r"no emotion 'sad' is drawn.*\(drawn: happy\)"),
    ],
)
def test_a_key_out_of_range_is_named_with_what_is_allowed(keys: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        synthetic_faces(None, **keys)


def test_a_root_is_refused_because_nothing_would_be_read_from_it() -> None:
    with pytest.raises(UsageError, match=r"takes no root, not faces; leave root out"):
        synthetic_faces(Path("faces"))


def test_a_sample_of_another_layout_cannot_be_rendered() -> None:
    for function in (render, truth):
        with pytest.raises(DataError, match=r"face-1: not a sample of the synthetic_faces layout"):
            function(Sample("face-1", Path("face-1.png"), "angry", {"person": "x"}))


def test_an_emotion_without_expression_cannot_be_rendered() -> None:
    sample = shown_as(pictures(people=1, pictures=1)[0], "bored")
    with pytest.raises(DataError, match=f"no expression called 'bored' .there are: {', '.join(EXPRESSIONS)}"):
        render(sample)


def test_an_emotion_renamed_to_the_model_s_word_looks_the_same() -> None:
    sample = pictures(people=1, pictures=1, emotions=["surprise"])[0]
    assert np.array_equal(render(replace(sample, emotion="surprised"))[0], render(sample)[0])
