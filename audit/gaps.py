"""How far groups lie apart: the largest gap between their means, with an interval for groups of their sizes.

The largest of many differences is large by chance alone, the more so the more groups there are and the smaller they
are: of twelve speakers with ten clips each one will look bad. A bootstrap takes that for the truth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri, xlog1py, xlogy

from audit.intervals import Bounds, Interval, reach

Floats = NDArray[np.float64]
NODES = 17
"""At so many true gaps above and below the one seen the tails are computed; between them their scores are drawn."""
MOST_POINTS = 400
"""Where the smallest mean may lie, at most so many places are told apart."""
LEAST_TAIL = 1e-13
"""Sums of probabilities are not exact to less."""
TIE = 1e-9


@dataclass(frozen=True)
class Groups:
    """The mean of each group's clips, and how many independent clips its clips tell as much as.

    Every clip counts 0 or 1 or, where `changed` says how many of all count something, -1, 0 or 1. Raises ValueError for
    fewer than two groups, or one without clips.
    """

    means: Floats
    sizes: Floats
    changed: float | None = None

    def __post_init__(self) -> None:
        if len(self.means) < 2 or len(self.means) != len(self.sizes) or not min(self.sizes) > 0:
            raise ValueError("a gap is between two groups or more, each with clips")

    @property
    def gap(self) -> float:
        """The largest mean less the smallest."""
        return float(np.max(self.means) - np.min(self.means))

    @property
    def widest(self) -> float:
        """The largest gap that there could be."""
        return 1.0 if self.changed is None else 2.0

    @cached_property
    def clips(self) -> NDArray[np.int64]:
        """The sizes as whole numbers."""
        return np.maximum(np.rint(self.sizes), 1).astype(np.int64)

    @property
    def overall(self) -> float:
        """The mean over all clips."""
        return float(np.average(self.means, weights=self.sizes))


def gap_bounds(blocks: Sequence[Groups], *, freedom: float = math.inf) -> Bounds:
    """Return the intervals of the largest gap between groups, of several `blocks` of groups the largest of all.

    A gap is in the interval unless the one seen lies in a tail of what groups of these sizes show that are so far
    apart, wherever the groups between the two ends lie: Neyman (1937). Too large it is where no such groups would have
    shown so little: two of the smallest lie at the ends and the others wherever that is likeliest. Too small it is
    where none would have shown so much: all lie at one end or the other. The overall mean is the one seen, and of the
    chance to see the very gap half counts: Lancaster (1961). The upper end is none smaller for groups that look more
    alike than half of those do that do not differ: Cowan, Cranmer, Gross and Vitells (2011). With `freedom`, for sizes
    that rest on the variance of few clusters, Student's t takes the place of the normal distribution, as in
    `audit.intervals.wilson`. The value seen is always inside.
    """
    seen, widest = max(block.gap for block in blocks), max(block.widest for block in blocks)
    steps = np.linspace(0.0, 1.0, NODES) ** 2
    wider, narrower = seen + (widest - seen) * steps, seen * (1.0 - steps)
    usual = seen if _kept(blocks, seen) >= 0.5 else chance_gap(blocks, 0.5)
    # From the gap seen outwards the tails can only get smaller.
    little = np.minimum.accumulate(
        ndtri(_shows_so_little(blocks, wider, max(seen, usual)).clip(LEAST_TAIL, 1 - LEAST_TAIL))
    )
    much = np.minimum.accumulate(ndtri(_shows_so_much(blocks, narrower, seen).clip(LEAST_TAIL, 1 - LEAST_TAIL)))

    def bounds(confidence: float) -> Interval:
        score = -reach(confidence, freedom)
        return _crossing(score, much, narrower), _crossing(score, little, wider)

    return bounds


def chance_gap(blocks: Sequence[Groups], confidence: float, *, freedom: float = math.inf) -> float:
    """Return, to a thousandth, what the largest gap stays under with that `confidence` where there is none."""
    confidence = float(ndtr(reach(2 * confidence - 1, freedom)))
    low, high = 0.0, max(block.widest for block in blocks)
    while high - low > 5e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if _kept(blocks, middle) >= confidence else (middle, high)
    return high


def _kept(blocks: Sequence[Groups], width: float) -> float:
    """Return the chance that groups which do not differ stay within `width`."""
    return math.prod(float(_at_most(_alike(block), (width,))[0, 0]) for block in blocks)


def _crossing(score: float, scores: Floats, gaps: Floats) -> float:
    """Return the gap at which falling `scores` cross `score`: the first where they start below, else the last."""
    if score < ndtri(LEAST_TAIL) or scores[-1] > score:
        return float(gaps[-1])
    return float(np.interp(-score, -scores, gaps))


def _shows_so_little(blocks: Sequence[Groups], gaps: Floats, seen: float) -> Floats:
    """Return the chance, for every true gap, that the largest gap is below `seen`, and half that of its being equal."""
    apart = [np.max([_below(placed, seen) for placed in _around(block, gaps)], axis=0) for block in blocks]
    alike = [_below(_alike(block), seen) for block in blocks]
    # Of several blocks one has the gap, and the others need none.
    others = [math.prod(alike[:place] + alike[place + 1 :]) for place in range(len(blocks))]
    found = np.max([own * other for own, other in zip(apart, others, strict=True)], axis=0)
    return np.asarray(found.mean(axis=0))


def _shows_so_much(blocks: Sequence[Groups], gaps: Floats, seen: float) -> Floats:
    """Return the chance, for every true gap, that the largest gap is above `seen`, and half that of its being equal."""
    less = [np.min([_below(placed, seen) for placed in _split(block, gaps)], axis=0) for block in blocks]
    return np.asarray(1.0 - np.prod(less, axis=0).mean(axis=0))


def _below(placed: _Placed, seen: float) -> Floats:
    """Return the chance of a smaller gap, and of one as large at most, (2, rows)."""
    return _at_most(placed, (seen - 2 * TIE, seen))


@dataclass(frozen=True)
class _Placed:
    """True means at a `height` (groups,) from 0 to 1 of the way from the `lowest` (rows,) up by the `gaps` (rows,)."""

    block: Groups
    lowest: Floats
    gaps: Floats
    height: Floats

    @classmethod
    def near(cls, block: Groups, gaps: Floats, height: Floats) -> _Placed:
        """Return means of which the overall one is as near to that seen as there is room."""
        gaps = np.minimum(gaps, block.widest)
        below = block.overall - gaps * np.average(height, weights=block.sizes)
        return cls(block, np.clip(below, 1.0 - block.widest, 1.0 - gaps), gaps, height)

    def at(self, height: float) -> Floats:
        """Return the means (rows,) at a height."""
        return np.clip(self.lowest + self.gaps * height, 1.0 - self.block.widest, 1.0)


def _alike(block: Groups) -> _Placed:
    return _Placed(block, np.array([block.overall]), np.zeros(1), np.zeros(len(block.clips)))


def _around(block: Groups, gaps: Floats) -> Iterator[_Placed]:
    """Yield means of which two of the smallest groups lie at the ends and the others somewhere between."""
    small, other = np.argsort(block.clips, kind="stable")[:2]
    ends = [(small, other), (other, small)]
    for low, high in ends if block.clips[small] < block.clips[other] else ends[:1]:
        for between in (0.0, 0.5, 1.0) if len(block.clips) > 2 else (0.5,):
            height = np.full(len(block.clips), between)
            height[low], height[high] = 0.0, 1.0
            yield _Placed.near(block, gaps, height)


def _split(block: Groups, gaps: Floats) -> Iterator[_Placed]:
    """Yield means of which every group lies at one of the ends: half of them, or all but the smallest."""
    order = np.argsort(block.clips, kind="stable")
    for lowest in (order[::2], order[:1], order[1:])[: 1 if len(order) == 2 else 3]:
        height = np.ones(len(order))
        height[lowest] = 0.0
        yield _Placed.near(block, gaps, height)


def _at_most(placed: _Placed, widths: Sequence[float]) -> Floats:
    """Return the chance that groups with these means show a gap of at most a width, (widths, rows).

    Exactly, summed over where the smallest lies: all lie within the width of it, less those where it lies above.
    """
    block, rows = placed.block, len(placed.lowest)
    least = 1.0 - block.widest
    points, cell = _points(block.clips, least)
    within, above = np.ones((2, len(widths), rows, len(points)))
    for (clips, height), times in Counter(zip(block.clips.tolist(), placed.height.tolist(), strict=True)).items():
        mean = placed.at(height)
        chances = _binomial(clips, mean) if block.changed is None else _trinomial(clips, mean, block.changed)
        sums = np.concatenate([np.zeros((rows, 1)), np.cumsum(chances, axis=1)], axis=1)
        last = chances.shape[1]
        below = sums[:, np.ceil((points - least - TIE) * clips).astype(np.int64).clip(0, last)]
        after = np.append(below[:, 1:], sums[:, -1:], axis=1)
        for place, width in enumerate(widths):
            end = np.floor((points + cell / 2 + width - least + TIE) * clips).astype(np.int64) + 1
            beyond = sums[:, end.clip(0, last)]
            within[place] *= np.maximum(beyond - below, 0.0) ** times
            above[place] *= np.maximum(beyond - after, 0.0) ** times
    return np.asarray((within - above).sum(axis=2).clip(0.0, 1.0))


def _points(clips: NDArray[np.int64], least: float) -> tuple[Floats, float]:
    """Return all means that groups of so many clips can show, or, where they are too many, cells of so wide."""
    shown = np.unique(np.concatenate([np.arange(least * n, n + 1) / n for n in np.unique(clips)]).round(12))
    if len(shown) <= MOST_POINTS:
        return shown, 0.0
    cell = (1.0 - least) / MOST_POINTS
    return np.asarray(least + cell * np.arange(MOST_POINTS + 1), dtype=np.float64), cell


def _binomial(clips: int, means: Floats) -> Floats:
    """Return the chance of every count of clips that count 1, (rows, clips + 1)."""
    counts = np.arange(clips + 1)
    ways = gammaln(clips + 1) - gammaln(counts + 1) - gammaln(clips - counts + 1)
    rows = means[:, None]
    return np.asarray(np.exp(ways + xlogy(counts, rows) + xlog1py(clips - counts, -rows)))


def _trinomial(clips: int, means: Floats, changed: float) -> Floats:
    """Return the chance of every sum of clips that count -1, 0 or 1, (rows, 2 clips + 1)."""
    any_ = np.maximum(changed, np.abs(means))[:, None]
    up, down = (any_ + means[:, None]) / 2, (any_ - means[:, None]) / 2
    turn = np.exp(-2j * np.pi * np.arange(2 * clips + 1) / (2 * clips + 1))
    return np.asarray(np.fft.ifft((down + (1 - any_) * turn + up * turn**2) ** clips, axis=1).real.clip(0.0))
