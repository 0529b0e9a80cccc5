"""The many names of one emotion."""

from __future__ import annotations

import pytest

from audit.probing.emotion_names import meaning, renamed, share_of_emotions


@pytest.mark.parametrize(
    ("name", "told"),
    [("Angry", "anger"), ("ang", "anger"), ("female_angry", "anger"), ("surprised", "surprise"), ("noise", None)],
)
def test_a_name_means_an_emotion(name: str, told: str | None) -> None:
    assert meaning(name) == told


def test_names_are_matched_where_that_is_clear() -> None:
    assert renamed(["surprised", "happy", "fear", "loud"], ["surprise", "happiness", "fear"]) == {
        "surprised": "surprise",
        "happy": "happiness",
    }
    # Which of two is meant is not.
    assert renamed(["angry"], ["male_anger", "female_anger"]) == {}


def test_folders_of_actors_are_no_emotions() -> None:
    assert share_of_emotions(["Actor_01", "Actor_02"]) == 0.0
    assert share_of_emotions(["anger", "sad", "loud", "x"]) == 0.5
    assert share_of_emotions([]) == 0.0
