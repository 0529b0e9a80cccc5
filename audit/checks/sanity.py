"""Sanity: whether a method's maps depend on what the model learned, and hold still where nothing changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from audit.checks.explainer import Explainer
from audit.checks.scoring import scores_of
from audit.errors import MethodError
from audit.masking import order_after
from audit.randomness import SampleRng
from audit.record import OTHER, Record
from audit.suite import Use, known


def tested(explainer: Explainer, indices: Sequence[int], values: Tensor, use: Use) -> Iterator[Record]:
    """Yield how like a sanity test's maps are to the method's own (n, ...), at every severity of the test.

    `similarity/<test>` is their rank correlation, `overlap/<test>` the share of the masked cells that both would mask.
    Where they ought to differ, also what the check's first score gives them (`other/<test>`): a map of a network that
    learned nothing must be worth less. Raises MethodError where the test cannot be applied.
    """
    check, session, name = explainer.check, explainer.session, explainer.name
    method = known(use)
    explained = explainer.explained(indices, values)
    rng = session.rng(indices, check.id, "sanity", use.name, name)
    first = scores_of(check.faithfulness)[0]
    # Every map is made before any is scored: a test may hold the network in another state until it ends.
    found = [(severity, maps.detach().cpu()) for severity, maps in method.load()(explained, rng, **use.parameters)]
    if not found:
        raise MethodError(f"{use.name} made no maps")
    for severity, maps in found:
        if maps.shape != values.shape:
            raise MethodError(f"{use.name} made maps of shape {tuple(maps.shape)}; {tuple(values.shape)} are due")
        correlated = similarity(values, maps)
        yield from session.scores(check, name, f"similarity/{use.name}", severity, indices, correlated)
        shared = overlap(values, maps, check.masked, session.rng(indices, check.id, "overlap", use.name, name))
        yield from session.scores(check, name, f"overlap/{use.name}", severity, indices, shared)
        if not method.facts["alike"] and first.has_chance:
            rng = session.rng(indices, check.id, "hide", name, first.measure)
            theirs = first.of(replace(explained, values=maps), rng)
            yield from session.scores(check, name, f"{OTHER}/{use.name}", severity, indices, theirs)


def similarity(one: Tensor, other: Tensor) -> Tensor:
    """Return Spearman's rank correlation of each pair of maps (n, ...), (n,), from -1 to 1.

    Two maps that are equal have 1; a constant map ranks nothing, and has 0 with any other.
    """
    left, right = _ranks(one), _ranks(other)
    scale = np.sqrt((left**2).sum(1) * (right**2).sum(1))
    found = np.divide((left * right).sum(1), scale, out=np.zeros(len(left)), where=scale > 0)
    equal = (one == other).flatten(1).all(1)
    return torch.where(equal, 1.0, torch.from_numpy(found))


def overlap(one: Tensor, other: Tensor, share: float, rng: SampleRng) -> Tensor:
    """Return the part of the most relevant `share` of cells that both maps (n, ...) have in common, (n,), 0 to 1.

    Two maps that have nothing to do with each other have `share` in common.
    """
    # Whole segments tie: broken the same way in both maps, a tie is no difference.
    shuffle, count = rng.permutations(one[0].numel()), round(share * one[0].numel())
    first, second = (order_after(maps, shuffle) < count for maps in (one, other))
    return (first & second).flatten(1).sum(1).double() / count


def _ranks(maps: Tensor) -> NDArray[np.float64]:
    ranks = rankdata(maps.flatten(1).numpy(), axis=1)
    return ranks - ranks.mean(axis=1, keepdims=True)
