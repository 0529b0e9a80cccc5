"""What an input may be, guessed from its shape."""

from __future__ import annotations

from typing import Any

import pytest

from audit.loaders.inspection import Dimensions, Inspection
from audit.starter.data_facts import DataFacts
from audit.starter.inputs import MOST, drafts

SPOKEN = DataFacts("speech", (16000,) * 4, (1.5, 2.0, 2.5, 3.0), (), False)
FACES = DataFacts("face", (), (), ((48, 48), (48, 48), (60, 50)), True)


def first(shape: Dimensions | None, data: DataFacts = SPOKEN, **seen: Any) -> dict[str, Any]:
    return dict(next(drafts(Inspection("x", shape=shape, **seen), data)).lines)


@pytest.mark.parametrize(
    ("shape", "n_mels", "hop", "seconds", "order"),
    [
        ((1, 128, 94), 128, 512, 3.0, None),
        ((1, 64, 63), 64, 512, 2.0, None),
        ((64, 63, 1), 64, 512, 2.0, "nftc"),
        ((63, 64), 64, 512, 2.0, "ntf"),
        ((1, 188, 80), 80, 256, 3.0, "nctf"),
        ((1, 80, 301), 80, 160, 3.0, None),
        ((1, 40, None), 40, 512, 3.0, None),
    ],
)
def test_a_spectrogram_tells_its_bands_its_seconds_and_its_axes(
    shape: Dimensions, n_mels: int, hop: int, seconds: float, order: str | None
) -> None:
    lines = first(shape)
    mel = lines["representation"]["melspectrogram"]
    assert (mel["n_mels"], mel["hop_length"], lines["seconds"]) == (n_mels, hop, seconds)
    assert lines["sampling_rate"] == 16000
    assert lines.get("order") == order


def test_as_many_columns_come_out_as_the_model_takes() -> None:
    for columns in (44, 63, 94, 100, 130, 216, 251, 300, 313):
        for draft in drafts(Inspection("x", shape=(1, 128, columns)), SPOKEN):
            ((_, keys),) = draft.lines["representation"].items()
            samples = round(draft.lines["seconds"] * draft.lines["sampling_rate"])
            assert 1 + samples // keys["hop_length"] == columns


def test_one_long_row_is_a_waveform_and_a_short_one_coefficients() -> None:
    assert first((48000,)) == {"sampling_rate": 16000, "seconds": 3.0, "representation": "waveform"}
    assert first((1, 32000))["order"] == "n1s"
    assert first((20,))["representation"] == {"mfcc": {"n_mfcc": 20, "mean": True}}
    assert first((40, 1))["order"] == "nf1"
    assert first((180,))["representation"] == {"mfcc": {"n_mfcc": 180, "mean": True, "n_mels": 180}}
    assert list(drafts(Inspection("x", shape=(1300,)), SPOKEN)) == []


def test_pictures_are_as_the_file_says_or_else_as_they_are() -> None:
    assert first((3, 224, 224), FACES) == {"modality": "face", "height": 224, "width": 224, "colour": "rgb"}
    assert first((64, 64, 1), FACES) == {
        "modality": "face",
        "height": 64,
        "width": 64,
        "colour": "grey",
        "order": "nhwc",
    }
    assert first(None, FACES) == {"modality": "face", "height": 48, "width": 48, "colour": "grey"}


def test_what_the_file_makes_certain_is_in_every_draft_and_no_guess() -> None:
    seen = {"sampling_rate": 24000, "representation": "waveform", "scaling": None}
    for draft in drafts(Inspection("x", input=seen), SPOKEN):
        assert draft.lines["sampling_rate"] == 24000
        assert "scaling" not in draft.lines
        assert set(draft.why) == {"seconds"}


def test_there_are_never_too_many_and_none_twice() -> None:
    for shape in (None, (None, None, 1), (1, 64, 64), (1, 40, 40)):
        found = [draft.lines for draft in drafts(Inspection("x", shape=shape), SPOKEN)]
        assert 1 <= len(found) <= MOST
        assert all(lines not in found[:place] for place, lines in enumerate(found))


def test_a_function_of_ones_own_stands_in_place_of_what_the_file_knows() -> None:
    seen = Inspection("x", input={"sampling_rate": 16000, "representation": "waveform", "scaling": None})
    (draft,) = drafts(seen, SPOKEN, "mine.py:features")
    assert draft.lines["preprocess"] == "mine.py:features"
    assert "representation" not in draft.lines
    assert draft.lines["sampling_rate"] == 16000
