"""Which interval each kind of metric has, from what was sampled: clips, or whole clusters of them.

Shares have Wilson's interval, over clusters with the effective number of clips and Student's t, and drops that of their
lost and gained clips: BCa holds the truth too seldom where few clips are wrong, and not at all where none is. Mean
scores and critical epsilons have BCa over whole clusters. `benchmarks/interval_coverage.py` compares them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from audit.bootstrap import Floats, Statistic, jackknife, resampled
from audit.intervals import Bounds, Interval, effective_size, paired_difference, reach, unseen, wilson
from audit.metrics import calibration_gaps, critical_severity

BoundsOf = Callable[["Sampled", Statistic], Bounds | None]


@dataclass(frozen=True)
class Sampled:
    """The units that were sampled: additive rows (m, d), how often each stands, and of how many `clips` they are.

    With `clustered`, every row sums up one cluster.
    """

    rows: Floats
    repeats: Floats
    clips: int
    clustered: bool

    @property
    def units(self) -> int:
        """How many clusters, or clips, were drawn independently."""
        return int(self.repeats.sum())

    @property
    def freedom(self) -> float:
        """The degrees of freedom of a variance over clusters; clips are taken for enough."""
        return self.units - 1 if self.clustered else math.inf

    def variance(self, statistic: Statistic) -> float:
        """Return the variance of a statistic: the jackknife's over clusters, and of clips the one around their mean."""
        found = jackknife(self.rows, self.repeats, statistic).variance
        return found if self.clustered else found * (self.units - 1) / self.units

    def effective(self, share: float, statistic: Statistic) -> float:
        """Return the number of independent clips that would tell as much of a `share`."""
        return effective_size(self.clips, share * (1 - share) / self.clips, self.variance(statistic))


def of_share(sampled: Sampled, statistic: Statistic) -> Bounds:
    """Return the intervals of a statistic in [0, 1]: Wilson's of the effective number of clips.

    Of nominal 95 % intervals 93 to 98 % hold the truth, from 6 speakers and 5 clips each on. Too few do where nearly
    all speakers are perfect and a few fail, whom so small a sample seldom has: at a share of .95 with an intra-class
    correlation of .2 and 60 clips each, 83 % of 6 speakers, 87 % of 9, 91 % of 24. Of 20 clips alone at .95, 92 %.
    """
    share = min(max(float(statistic(sampled.repeats @ sampled.rows)), 0.0), 1.0)
    size = sampled.effective(share, statistic)
    return lambda confidence: wilson(share, size, confidence, freedom=sampled.freedom)


def of_drop(sampled: Sampled, statistic: Statistic) -> Bounds:
    """Return the intervals of a drop; rows are (clips, lost, gained)."""
    total, lost, gained = map(float, sampled.repeats @ sampled.rows)
    lost, gained = lost / total, gained / total
    independent = (lost + gained - (lost - gained) ** 2) / sampled.clips
    size = effective_size(sampled.clips, independent, sampled.variance(statistic))
    return lambda confidence: paired_difference(lost, gained, size, confidence, freedom=sampled.freedom)


def of_crossing(
    sampled: Sampled, statistic: Statistic, severities: Sequence[float], *, draws: int, seed: int
) -> Bounds | None:
    """Return the intervals of a critical severity: BCa; rows are (clips, right at every severity).

    Where every resample crosses at the same place, or none does, the ends are where the curves cross that the ends of
    the accuracies' intervals make: the severities at which one half is not excluded. Fieller (1954).
    """
    found = resampled(sampled.rows, sampled.repeats, statistic, units=sampled.units, draws=draws, seed=seed)
    if found is None:
        return None
    sums = sampled.repeats @ sampled.rows
    shares = [float(right / sums[0]) for right in sums[1:]]
    sizes = [sampled.effective(share, _right(place)) for place, share in enumerate(shares, start=1)]

    def drawn(confidence: float) -> Interval:
        low, high = found.bounds(confidence)
        # Nothing crosses before the first severity, and what crosses after the last was not seen to.
        return max(low, severities[0]), high if high <= severities[-1] else math.inf

    def inverted(confidence: float) -> Interval:
        ends = [
            wilson(share, size, confidence, freedom=sampled.freedom) for share, size in zip(shares, sizes, strict=True)
        ]
        low, high = critical_severity(severities, np.array(ends).T)
        # What was not seen to cross may do so right beyond the last severity.
        return min(float(low), severities[-1]), float(high)

    return inverted if found.values[0] == found.values[-1] else drawn


def _right(place: int) -> Statistic:
    return lambda sums: sums[..., place] / sums[..., 0]


CLEAR = 2.0
"""So many of its standard errors a bin's gap may be smaller than it looks."""


def of_calibration(sampled: Sampled, statistic: Statistic) -> Bounds:
    """Return the intervals of an expected calibration error; rows are those of `metrics.calibration_bins`.

    Chance gaps of the bins add up, so that the plain error of few clips is too large: by what the size of a normal gap
    exceeds that of its mean. Bröcker (2012) and Roelofs et al. (2022) take that off. How much it is depends on the true
    gaps: the upper end takes off what it is for gaps as large as they look, the lower one for gaps so small as they
    may yet be. It errs on the wide side: 95 % hold in 95 to 99 % of cases.
    """
    sums = sampled.repeats @ sampled.rows
    found = float(statistic(sums))
    gaps, counts = calibration_gaps(sums)
    of_units, in_units = calibration_gaps(sampled.rows)
    residues = (of_units - gaps / counts * in_units[..., None]) / counts
    scatter = np.sqrt(sampled.units / (sampled.units - 1) * (sampled.repeats @ residues**2))
    gaps = np.abs(gaps / counts)
    least = found - _folded(np.maximum(gaps - CLEAR * scatter, 0.0), scatter)
    most = found - _folded(gaps, scatter)
    error = math.sqrt(jackknife(sampled.rows, sampled.repeats, statistic).variance)
    right = float(np.split(sums, 3)[2].sum() / counts)
    # Of clips that are all right, or all wrong, or clusters that are all alike, the scatter says nothing.
    blind = not 0 < right < 1 or error == 0

    def bounds(confidence: float) -> Interval:
        beyond = unseen(sampled.clips, confidence, freedom=sampled.freedom) if blind else 0.0
        wide = reach(confidence, sampled.units - 1) * error + beyond
        return max(0.0, least - wide), min(1.0, most + wide)

    return bounds


def _folded(means: Floats, scatter: Floats) -> float:
    """Return by how much the absolute values of normal variables exceed those of their means, summed."""
    known = scatter > 0
    mean, sd = means[known], scatter[known]
    excess = sd * math.sqrt(2 / math.pi) * np.exp(-0.5 * (mean / sd) ** 2) - 2 * mean * ndtr(-mean / sd)
    return float(excess.sum())


def of_score(
    sampled: Sampled, statistic: Statistic, *, draws: int, seed: int, values: Interval = (-math.inf, math.inf)
) -> Bounds | None:
    """Return the intervals of a mean score or difference: BCa, or, where all units are equal, as if one more were not.

    Of equal scores nothing tells how they vary. Their mean is then given the standard error that one clip more would
    have made, had it been off by the whole score: by 1 at most, and where it is 0. `values` are the score's least and
    largest, beyond which no interval goes.
    """
    found = resampled(sampled.rows, sampled.repeats, statistic, units=sampled.units, draws=draws, seed=seed)
    if found is None:
        return None
    if found.values[-1] - found.values[0] > 1e-12 * max(1.0, abs(found.values[0])):
        return found.bounds
    value = float(statistic(sampled.repeats @ sampled.rows))
    error = (min(abs(value), 1.0) or 1.0) / (sampled.clips + 1)

    def bounds(confidence: float) -> Interval:
        off = reach(confidence, sampled.units - 1) * error
        return max(value - off, values[0]), min(value + off, values[1])

    return bounds
