"""How the groups of an audit's data fare beside each other: by speaker, by sex, by any column of the recordings.

Groups of fewer than `FEWEST` clips are left aside: hardly anything they show could be told from chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.gaps import Groups, chance_gap, gap_bounds
from audit.intervals import LEAST_EFFECT, Interval, wilson
from audit.record import GROUP_PREFIX

Floats = NDArray[np.float64]
GAPS = ("accuracy_gap", "recall_gap", "share_gap")
FEWEST, MOST = 5, 30
NAMELESS = "no value"


@dataclass(frozen=True)
class Member:
    """One value of a column: the mean of its clips, their number, and how many independent ones tell as much."""

    name: str
    value: float
    n: int
    size: float


@dataclass(frozen=True)
class Block:
    """The groups of one question, the lowest first: of all clips, or those of one `emotion`.

    `aside` counts the clips of those left aside. Where whole `clusters` lie in each group (None where they do not),
    `freedom` is that of the sizes. `changed` is as in `audit.gaps.Groups`.
    """

    emotion: str | None
    members: tuple[Member, ...]
    aside: Mapping[str, int]
    clusters: int | None
    freedom: float
    changed: float | None

    @cached_property
    def groups(self) -> Groups:
        """The groups that are compared."""
        means, sizes = [each.value for each in self.members], [each.size for each in self.members]
        return Groups(np.array(means), np.array(sizes), self.changed)

    @property
    def lone(self) -> bool:
        """Whether each group is a single cluster, whose own difference from others cannot be told from the group's."""
        return self.clusters == len(self.members)

    def interval(self, member: Member, confidence: float) -> Interval:
        """Return Wilson's interval of a group whose clips count 0 or 1."""
        return wilson(member.value, member.size, confidence, freedom=self.freedom)


@dataclass(frozen=True)
class Gap:
    """The largest gap between the values of a column: what it was found to be, and in which of the `blocks`.

    `blocks` are those with two groups or more; there are several where the largest over all emotions is asked for.
    """

    found: Estimate
    blocks: tuple[Block, ...]

    @property
    def widest(self) -> Block | None:
        """Where the gap is the largest; None where nothing can be compared."""
        return max(self.blocks, key=lambda each: each.groups.gap, default=None)

    def by_chance(self, confidence: float) -> float | None:
        """Return what the gap stays under where groups of these sizes do not differ; None where there are none."""
        if not self.blocks:
            return None
        freedom = min(block.freedom for block in self.blocks)
        return chance_gap([block.groups for block in self.blocks], confidence, freedom=freedom)


def columns(estimator: Estimator) -> list[str]:
    """Return the columns that group the clean clips: of 2 to `MOST` values, two of them with enough clips."""
    table = estimator.clean
    found = []
    for name in (column for column in table.columns if column.startswith(GROUP_PREFIX)):
        counts = table[name].value_counts()
        if 2 <= len(counts) <= MOST and (counts >= FEWEST).sum() >= 2:
            found.append(name.removeprefix(GROUP_PREFIX))
    return found


def gap(
    estimator: Estimator,
    check: str,
    metric: str,
    across: str,
    *,
    at: float | None = None,
    emotion: str | None = None,
    group: str | None = None,
    of: str | None = None,
) -> Gap:
    """Return the largest gap of a metric (one of `GAPS`) between the values of the column `across`.

    `accuracy_gap` is that of accuracy; `recall_gap` that of an emotion's recall, without one the largest over all
    emotions; `share_gap` that of the share of clips that are called the emotion less the share that are.
    """
    table = estimator.predictions(check, at, of)
    column = GROUP_PREFIX + across
    if column not in table:
        there = ", ".join(name.removeprefix(GROUP_PREFIX) for name in table if name.startswith(GROUP_PREFIX))
        return Gap(Estimate(None, None, 0, None, f"the clips have no column {across!r} (they have: {there})"), ())
    if group is not None:
        table = table[table["emotion"].isin(estimator.groups[group])]
    cluster = estimator.decide.cluster
    if metric == "share_gap":
        blocks = [_block(table, _called(table, str(emotion)), column, cluster, emotion, signed=True)]
    else:
        emotions = (emotion,) if emotion or metric == "accuracy_gap" else estimator.emotions
        parts = [(each, table if each is None else table[table["emotion"] == each]) for each in emotions]
        blocks = [_block(part, _right(part), column, cluster, each, signed=False) for each, part in parts]
    return _gap(blocks, across, estimator)


def _right(table: pd.DataFrame) -> Floats:
    return (table["emotion"] == table["predicted"]).to_numpy(np.float64)


def _called(table: pd.DataFrame, emotion: str) -> Floats:
    return (table["predicted"] == emotion).to_numpy(np.float64) - (table["emotion"] == emotion).to_numpy(np.float64)


def _gap(blocks: Sequence[Block], across: str, estimator: Estimator) -> Gap:
    kept = tuple(block for block in blocks if len(block.members) > 1)
    if not kept:
        have = max((block.members for block in blocks), key=len)
        clips = sum(member.n for member in have)
        which = ", ".join(member.name for member in have) or "none"
        why = f"of {across}, fewer than two values have {FEWEST} clips ({which}): there is nothing to compare"
        return Gap(Estimate(None, None, clips, None, why), ())
    groups = [block.groups for block in kept]
    interval_at = gap_bounds(groups, freedom=min(block.freedom for block in kept))
    gap_found = Gap(Estimate(None, None, 0, None), kept)
    block = gap_found.widest
    assert block is not None
    clusters = [block.clusters for block in kept if block.clusters is not None]
    found = Estimate(
        block.groups.gap,
        interval_at(estimator.decide.confidence),
        sum(member.n for each in kept for member in each.members),
        max(clusters, default=None),
        _told(block, len(blocks) > 1, estimator.decide.cluster),
        interval_at,
    )
    return Gap(found, kept)


def _told(block: Block, of_several: bool, cluster: str | None) -> str:
    """Return which groups lie at the ends, and what else there is to know of them."""
    of = f" of {block.emotion}" if of_several else ""
    low, high = (f"{each.name} {each.value:z.2f} (n={each.n})" for each in (block.members[0], block.members[-1]))
    aside = ", ".join(f"{name} ({n})" for name, n in block.aside.items())
    told = [f"lowest{of} {low}, highest {high}"]
    told += [f"each is one {cluster}, whose own difference it may be"] if block.lone else []
    told += [f"left aside, too few clips: {aside}"] if aside else []
    return "; ".join(told)


def _block(
    table: pd.DataFrame, values: Floats, column: str, cluster: str | None, emotion: str | None, *, signed: bool
) -> Block:
    """Return the groups of a table's `column`, whose clips have `values`; a clip without a group is left aside."""
    named = table[column].astype(object).where(table[column].notna(), NAMELESS).to_numpy()
    names, codes, counts = np.unique(named.astype(str), return_inverse=True, return_counts=True)
    few = (counts < FEWEST) | (names == NAMELESS)
    aside = {str(names[i]): int(counts[i]) for i in np.flatnonzero(few)}
    kept = np.flatnonzero(~few)
    inside = ~few[codes]
    codes, values = np.searchsorted(kept, codes[inside]), values[inside]
    means = np.bincount(codes, values, len(kept)) / counts[kept]
    effect, clusters, freedom = 1.0, None, math.inf
    if cluster is not None and column != GROUP_PREFIX + cluster and len(kept):
        effect, clusters, freedom = _design_effect(codes, values, table.loc[inside, GROUP_PREFIX + cluster], means)
    members = [
        Member(str(names[i]), float(mean), int(counts[i]), float(counts[i] / effect))
        for i, mean in zip(kept, means, strict=True)
    ]
    members.sort(key=lambda each: (each.value, each.name))
    changed = float(np.abs(values).mean()) if signed and len(values) else 0.0
    return Block(emotion, tuple(members), aside, clusters, freedom, changed if signed else None)


def _design_effect(
    codes: NDArray[np.int64], values: Floats, cluster: pd.Series, means: Floats
) -> tuple[float, int | None, float]:
    """Return by how much whole clusters within the groups inflate variances, their number, and its freedom.

    It is pooled over the groups, of which each may have but few clusters. Clusters that lie in several groups inflate
    no difference between them: (1, None, infinity). Where each group is but one, nothing tells how clusters differ.
    """
    units, names = pd.factorize(cluster.to_numpy(dtype=object), use_na_sentinel=False)
    first = np.zeros(len(names), dtype=np.int64)
    first[units] = codes
    per_group = np.bincount(first, minlength=len(means))
    if (first[units] != codes).any():
        return 1.0, None, math.inf
    if per_group.max() < 2:
        return 1.0, len(names), math.inf
    sums = np.bincount(units, values - means[codes], len(names))
    several = per_group[first] > 1
    inflated = float((sums**2 * (per_group / np.maximum(per_group - 1, 1))[first])[several].sum())
    alone = float(((values - means[codes]) ** 2)[several[units]].sum())
    effect = max(inflated / alone, LEAST_EFFECT) if alone > 0 else 1.0
    return effect, len(names), float(len(names) - len(means) + (per_group == 0).sum())
