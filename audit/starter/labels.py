"""The names of a model's outputs, found out from its file, from usual orders, or from its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from audit.probing.emotion_names import meaning
from audit.probing.label_order import MUCH, Counts, counts_of, sign_test

Places = NDArray[np.int64]
UNKNOWN = "unknown"
ALPHABETICAL = "alphabetical order"
_EKMAN = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
_ORDERS = (
    ("the order of FER2013", ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")),
    ("the order of RAVDESS", ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")),
    ("the order of AffectNet", ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")),
    ("the order of SUPERB", ("neutral", "happiness", "anger", "sadness")),
    (ALPHABETICAL, _EKMAN),
    (ALPHABETICAL, ("anger", "calm", *_EKMAN[1:])),
    (ALPHABETICAL, ("anger", "contempt", *_EKMAN[1:])),
)
TOLD = "the answers fit it best"
SURPRISING = 0.01


@dataclass(frozen=True)
class Labels:
    """Names of the outputs in order, each one's place among the data's emotions (-1 for none of them), and why these.

    `right` says which of the answers are, (n,); of names fitted to the answers, when fitted to the other half of them.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]
    why: str
    right: NDArray[np.bool_]
    certain: bool = False

    @property
    def accuracy(self) -> float:
        """The share of answers that are right."""
        return float(self.right.mean())


def named_orders(outputs: int, emotions: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield usual orders (why, names) of `outputs` emotions that hold all the data's, under the data's names."""
    if outputs == len(emotions):
        yield ALPHABETICAL, tuple(sorted(emotions))
        yield "the order in which the data names them", tuple(emotions)
    own = {meaning(name): name for name in emotions}
    for why, order in _ORDERS:
        names = tuple(own.get(name, name) for name in order)
        if len(order) == outputs and (set(emotions) <= set(names) or set(names) <= set(emotions)):
            yield why, names


def known_labels(labels: Sequence[str], emotions: Sequence[str], truths: Places, answers: Places) -> Labels | None:
    """Return the file's own labels, None where they are no names of the data's emotions (LABEL_0)."""
    places = tuple(_place(label, emotions) for label in labels)
    if max(places, default=-1) < 0:
        return None
    right = np.array(places)[answers] == truths
    return Labels(tuple(labels), places, "named in the file", right, certain=True)


def fitted_labels(outputs: int, emotions: Sequence[str], truths: Places, answers: Places) -> Labels:
    """Return the usual order that most answers fit, or where another is far better, that other one.

    What is fitted to the answers is judged on clips it was not fitted to.
    """
    found = []
    for why, names in named_orders(outputs, emotions):
        places = tuple(emotions.index(name) if name in emotions else -1 for name in names)
        found.append(Labels(names, places, why, np.array(places)[answers] == truths))
    if not found:
        places = tuple(i if i < len(emotions) else -1 for i in range(outputs))
        right = np.array(places)[answers] == truths
        found = [Labels(_named(places, emotions), places, "the file does not name its outputs", right)]
    # Of equals, the first.
    best = max(found, key=lambda each: each.accuracy)
    places, unseen = _crossfitted(outputs, len(emotions), truths, answers)
    gained, lost = int((unseen & ~best.right).sum()), int((best.right & ~unseen).sum())
    if gained - lost >= MUCH * len(truths) and sign_test(gained, lost) < SURPRISING:
        return Labels(_named(places, emotions), places, TOLD, unseen)
    return best


def _crossfitted(
    outputs: int, emotions: int, truths: Places, answers: Places
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    """Return each output's emotion fitted on all clips, -1 for none, and which are right where fitted on the others."""
    turn = np.random.default_rng(0).permutation(len(truths)) % 2
    right = np.zeros(len(truths), dtype=bool)
    for part in (0, 1):
        fitted = _assigned(counts_of(truths[turn != part], answers[turn != part], emotions, outputs))
        right[turn == part] = fitted[answers[turn == part]] == truths[turn == part]
    return tuple(_assigned(counts_of(truths, answers, emotions, outputs)).tolist()), right


def _assigned(counts: Counts) -> Places:
    rows, columns = linear_sum_assignment(counts, maximize=True)
    places = np.full(counts.shape[1], -1, dtype=np.int64)
    places[columns] = rows
    return places


def _named(places: Sequence[int], emotions: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{UNKNOWN}-{i + 1}" if place < 0 else emotions[place] for i, place in enumerate(places))


def _place(label: str, emotions: Sequence[str]) -> int:
    if label in emotions:
        return list(emotions).index(label)
    same = [
        i for i, emotion in enumerate(emotions) if meaning(label) is not None and meaning(emotion) == meaning(label)
    ]
    return same[0] if len(same) == 1 else -1


def merged(labels: Sequence[str], emotions: Sequence[str]) -> dict[str, str]:
    """Return the manifest's `rename`: labels of which several mean one emotion of the data, to its name."""
    places = [_place(label, emotions) for label in labels]
    return {
        label: emotions[place]
        for label, place in zip(labels, places, strict=True)
        if place >= 0 and places.count(place) > 1 and emotions[place] != label
    }
