"""Where relevance lies: how much of it is inside the region that carries the emotion, or one that the suite names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.checks.explainer import Explainer
from audit.checks.session import Session
from audit.data import Patch, Region
from audit.errors import MethodError
from audit.input_spec import Axes
from audit.masking import order_of_relevance
from audit.record import CHANCE, Record
from audit.suite import NamedRegion

Truth = Callable[[int], tuple[Region | Patch, ...]]
Inside = Callable[[Sequence[int]], Tensor]
"""Indices of samples to boolean masks (n, ...), shaped as their inputs."""


def places_of(session: Session, truth: Truth | None, regions: Sequence[NamedRegion]) -> Mapping[str, Inside]:
    """Return what tells the cells of each place: "" for where the emotion is known to lie, and every named region.

    Raises MethodError for a region that the input has no axis for, or that holds none of its cells.
    """
    spec, shape = session.model.spec, session.inputs.shape[1:]
    found: dict[str, Inside] = {}
    # Where an input's columns are no moments, a region in seconds and Hz cannot be found in it.
    if truth is not None and (spec.axes.seconds is not None or spec.modality == "face"):
        found[""] = lambda indices: torch.stack([cells_inside(truth(i), spec.axes, shape) for i in indices])
    for region in regions:
        mask = cells_of(region, spec.axes, shape)
        found[region.name] = lambda indices, mask=mask: mask.expand(len(indices), *shape)  # type: ignore[misc]
    return found


def located(
    explainer: Explainer,
    indices: Sequence[int],
    values: Tensor,
    moved: Sequence[Tensor],
    places: Mapping[str, Inside],
) -> Iterator[Record]:
    """Yield, for every place, how much of a method's maps (n, ...) lies in it, and of those `moved` elsewhere."""
    check, session, name = explainer.check, explainer.session, explainer.name
    for place, inside in places.items():
        cells = inside(indices)
        suffix = f"/{place}" if place else ""
        for measure, share in (("localisation", share_inside), ("top_k_intersection", top_k_inside)):

            def taken(
                maps: Tensor, turn: object, share: Callable[..., Tensor] = share, cells: Tensor = cells
            ) -> Tensor:
                return share(maps, cells, session.rng(indices, check.id, "rank", name, turn))

            own = taken(values, "own")
            by_chance = torch.stack([taken(maps, turn) for turn, maps in enumerate(moved)]).mean(0)
            yield from session.scores(check, name, f"{measure}{suffix}", check.masked, indices, own)
            yield from session.scores(check, name, f"{CHANCE}/{measure}{suffix}", check.masked, indices, by_chance)


def share_inside(values: Tensor, cells: Tensor, rng: object) -> Tensor:
    """Return the share of each map's positive relevance that lies in `cells`, (n,); 0 for one with nothing positive."""
    del rng
    positive = values.clamp_min(0.0).double()
    mass = positive.flatten(1).sum(1)
    return (positive * cells).flatten(1).sum(1) / mass.clamp_min(torch.finfo(mass.dtype).tiny)


def top_k_inside(values: Tensor, cells: Tensor, rng: object) -> Tensor:
    """Return the share of each map's k most relevant cells that lie in `cells`, (n,), k being how many those are."""
    count = cells.flatten(1).sum(1)
    places = order_of_relevance(values, rng)  # type: ignore[arg-type]
    first = places < count.view(-1, *[1] * (values.ndim - 1))
    return (first & cells).flatten(1).sum(1).double() / count.clamp_min(1)


def cells_inside(regions: Sequence[Region | Patch], axes: Axes, shape: torch.Size) -> Tensor:
    """Return a boolean mask shaped as one input: the cells whose centre lies in one of the regions."""
    if axes.seconds is None:
        return _pixels_inside(regions, shape)
    mask = np.zeros((len(axes.hertz) if axes.hertz is not None else 1, len(axes.seconds)), dtype=bool)
    for region in regions:
        assert isinstance(region, Region)
        columns = (axes.seconds >= region.start) & (axes.seconds <= region.end)
        rows = np.ones(len(mask), dtype=bool)
        if axes.hertz is not None:
            rows = (axes.hertz >= region.low) & (axes.hertz <= region.high)
        mask |= rows[:, None] & columns[None, :]
    return torch.from_numpy(mask).expand(shape) if len(shape) > 1 else torch.from_numpy(mask[0])


def _pixels_inside(patches: Sequence[Region | Patch], shape: torch.Size) -> Tensor:
    height, width = shape[-2:]
    mask = np.zeros((height, width), dtype=bool)
    down, across = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    for patch in patches:
        assert isinstance(patch, Patch)
        rows = (down >= patch.top) & (down <= patch.bottom)
        columns = (across >= patch.left) & (across <= patch.right)
        mask |= rows[:, None] & columns[None, :]
    return torch.from_numpy(mask).expand(shape)


def cells_of(region: NamedRegion, axes: Axes, shape: torch.Size) -> Tensor:
    """Return a boolean mask shaped as one input: the cells of a named region; raises MethodError."""
    rows = shape[-2] if len(shape) > 1 else 1
    down, across = np.ones(rows, dtype=bool), np.ones(shape[-1], dtype=bool)
    for key, known, mask in (("hertz", axes.hertz, down), ("seconds", axes.seconds, across)):
        ends = getattr(region, key)
        if ends is not None:
            if known is None:
                raise MethodError(f"region {region.name!r}: this model's input has no {key}; give rows or columns")
            mask &= (known >= ends[0]) & (known <= ends[1])
    for key, mask in (("rows", down), ("columns", across)):
        ends = getattr(region, key)
        if ends is not None:
            mask &= _between(ends, len(mask))
    if not (down.any() and across.any()):
        raise MethodError(
            f"region {region.name!r} holds none of the input's {rows} x {shape[-1]} cells{_reach(axes)}; widen it"
        )
    return (
        torch.from_numpy(down[:, None] & across[None, :])
        .expand(shape if len(shape) > 1 else (1, *shape))
        .reshape(shape)
    )


def _between(ends: tuple[int, int], count: int) -> NDArray[np.bool_]:
    cells = np.arange(count)
    return (cells >= ends[0]) & (cells < ends[1])


def _reach(axes: Axes) -> str:
    known = [("Hz", axes.hertz), ("s", axes.seconds)]
    told = [f"{values[0]:.4g} to {values[-1]:.4g} {unit}" for unit, values in known if values is not None]
    return f" ({', '.join(told)})" if told else ""
