"""The names of outputs, from the file, from usual orders, or from the answers."""

from __future__ import annotations

import numpy as np

from audit.starter.labels import fitted_labels, known_labels, merged

SIX = ("anger", "fear", "happiness", "neutral", "sadness", "surprise")
FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def answered(emotions: int, order: list[int], right: float = 0.8, n: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Return truths and answers of a model whose output j means emotion `order[j]`."""
    rng = np.random.default_rng(0)
    truths = np.arange(n) % emotions
    meant = np.where(rng.random(n) < right, truths, rng.integers(0, emotions, n))
    return truths, np.array([order.index(place) for place in meant])


def test_the_alphabet_is_found() -> None:
    data = ("sadness", "anger", "happiness")
    found = fitted_labels(3, data, *answered(3, [1, 2, 0]))
    assert (found.names, found.why) == (("anger", "happiness", "sadness"), "alphabetical order")
    assert 0.7 < found.accuracy < 0.95
    assert not found.certain


def test_the_order_in_which_the_data_names_them_is_found() -> None:
    found = fitted_labels(3, ("sadness", "anger", "happiness"), *answered(3, [0, 1, 2]))
    assert found.why == "the order in which the data names them"


def test_the_order_of_a_known_data_set_is_found_though_clips_show_fewer() -> None:
    data = ("angry", "fear", "happy", "neutral", "sad")
    truths, meant = answered(5, [0, 1, 2, 3, 4])
    answers = np.array([FER.index(data[place]) for place in meant])
    found = fitted_labels(7, data, truths, answers)
    assert (found.why, found.names) == (
        "the order of FER2013",
        ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"),
    )


def test_an_order_of_nobodys_is_fitted_and_judged_on_what_it_was_not_fitted_to() -> None:
    order = [3, 0, 5, 1, 4, 2]
    found = fitted_labels(6, SIX, *answered(6, order))
    assert found.names == tuple(SIX[place] for place in order)
    assert found.why == "the answers fit it best"
    assert 0.7 < found.accuracy < 0.95


def test_outputs_that_no_clip_shows_are_called_unknown() -> None:
    truths, answers = answered(3, [2, 0, 1])
    found = fitted_labels(5, ("loud", "soft", "mute"), truths, answers + 1)
    assert found.names == ("unknown-1", "mute", "loud", "soft", "unknown-5")


def test_guesses_are_fitted_to_nothing() -> None:
    rng = np.random.default_rng(5)
    for _ in range(50):
        found = fitted_labels(6, SIX, np.arange(96) % 6, rng.integers(0, 6, 96))
        assert found.why != "the answers fit it best"
        assert found.accuracy < 0.35


def test_names_in_the_file_are_kept_and_matched() -> None:
    truths, answers = answered(6, [0, 1, 2, 3, 4, 5], right=1.0)
    found = known_labels(("ang", "fea", "hap", "neu", "sad", "sur"), SIX, truths, answers)
    assert found is not None
    assert (found.accuracy, found.certain) == (1.0, True)
    assert known_labels(("LABEL_0", "LABEL_1"), SIX, truths, answers) is None


def test_labels_of_one_emotion_are_merged() -> None:
    labels = ("female_angry", "male_angry", "male_fear", "noise")
    assert merged(labels, ("anger", "fear")) == {"female_angry": "anger", "male_angry": "anger"}
