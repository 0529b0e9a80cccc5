"""Saliency maps and how faithful they are: the driver hides the cells, predicts again and scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.checks.session import Session
from audit.data import Region
from audit.errors import MethodError
from audit.input_spec import Axes
from audit.kinds import Method, find
from audit.masking import elsewhere, random_ranking, top_cells
from audit.record import Record
from audit.suite import Check, Use

Maps = dict[str, dict[int, Tensor]]
RANDOM = "random"
CHANCE = "chance"


class SaliencyRun:
    """One saliency check on one session; `maps` and `refused` fill up while `records` is read.

    `maps` holds each method's attribution by sample index, `refused` the reason why a method gave none; one that is
    refused beforehand is not tried.
    """

    def __init__(
        self,
        check: Check,
        session: Session,
        truth: Callable[[int], tuple[Region, ...]] | None,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        assert check.faithfulness is not None
        self.check, self.session, self.truth = check, session, truth
        self.maps: Maps = {}
        self.refused = dict(refused or {})
        self._explain = {
            use.name: (find("saliency", use.method, relative_to=use.relative_to), use) for use in check.uses
        }
        use = check.faithfulness
        self._hide = find("faithfulness", use.method, relative_to=use.relative_to)
        self._fills = check.fills
        # Where an input's columns are no moments, a region in seconds and Hz cannot be found in it.
        self._located = truth is not None and session.model.spec.axes.seconds is not None
        self._masked = float(use.parameters.get("masked", self._hide.parameters["masked"].default))

    def records(self) -> Iterator[Record]:
        """Yield, per clip and method, what the map measured of itself and its score for every fill.

        Random masks are judged beside them; where every method is refused beforehand, there is nothing to compare.
        """
        if self.refused.keys() >= self._explain.keys():
            self.session.progress.advance(self.total())
            return
        for indices in self.session.batches(self.session.chosen(self.check)):
            inputs = self.session.inputs[indices]
            targets = self.session.clean[indices].argmax(1)
            for name, (method, use) in self._explain.items():
                if name not in self.refused:
                    yield from self._judge_method(name, method, use, inputs, targets, indices)
                self.session.progress.advance(len(indices))
            yield from self._judge_random(inputs, targets, indices)
            self.session.progress.advance(len(indices))

    def total(self) -> int:
        """Return how many clips times methods are judged, the random baseline included."""
        return len(self.session.chosen(self.check)) * (len(self.check.uses) + 1)

    def first_mask(self, name: str, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what the method's mask did to clips it explained, with the check's first fill.

        (maps, the hidden cells as booleans, the probabilities then, the drop of the predicted emotion's), each with one
        row per index.
        """
        session = self.session
        values = torch.stack([self.maps[name][index] for index in indices])
        fill = self._fills[0]
        # The stream the faithfulness method draws from, so that what is shown is what it hid.
        hidden = top_cells(values, self._masked, session.rng(indices, *self._stream(name, fill)))
        after = self._hidden(session.inputs[list(indices)], values, fill, indices, name)
        targets = session.clean[list(indices)].argmax(1)
        return values, hidden, after, self._drops(targets, indices, after)

    def _judge_method(
        self, name: str, method: Method, use: Use, inputs: Tensor, targets: Tensor, indices: Sequence[int]
    ) -> Iterator[Record]:
        try:
            attribution = self._attribute(method, use, inputs, targets, indices)
        except MethodError as error:
            self.refused[name] = str(error)
            return
        values = attribution.values.detach().cpu()
        self.maps.setdefault(name, {}).update(zip(indices, values, strict=True))
        check, session = self.check, self.session
        for measure, numbers in attribution.measures.items():
            yield from session.scores(check, name, measure, self._masked, indices, numbers)
        if self._located:
            yield from session.scores(check, name, "localisation", self._masked, indices, self._inside(values, indices))
        moved = [
            elsewhere(values, session.rng(indices, check.id, CHANCE, name, turn)) for turn in range(check.random_masks)
        ]
        for fill in self._fills:
            probabilities = self._hidden(inputs, values, fill, indices, name)
            yield from self._scored(name, f"{self._hide.name}/{fill}", targets, indices, probabilities)
            probabilities = self._averaged(inputs, moved, fill, indices, name)
            yield from self._scored(name, f"{CHANCE}/{fill}", targets, indices, probabilities)

    def _attribute(
        self, method: Method, use: Use, inputs: Tensor, targets: Tensor, indices: Sequence[int]
    ) -> Attribution:
        session = self.session
        device = session.model.device
        rng = session.rng(indices, self.check.id, method.name)
        found: Any = method.load()(session.model, inputs.to(device), targets.to(device), rng, **use.parameters)
        if not isinstance(found, Attribution) or found.values.shape != inputs.shape:
            shape = tuple(found.values.shape) if isinstance(found, Attribution) else type(found).__name__
            raise MethodError(f"{method.name} returned {shape}, an Attribution of shape {tuple(inputs.shape)} is due")
        if not bool(torch.isfinite(found.values).all()):
            raise MethodError(f"{method.name} returned NaN or infinite relevance")
        return found

    def _judge_random(self, inputs: Tensor, targets: Tensor, indices: Sequence[int]) -> Iterator[Record]:
        session, check = self.session, self.check
        rankings = [
            random_ranking(inputs, session.rng(indices, check.id, RANDOM, turn)) for turn in range(check.random_masks)
        ]
        if self._located:
            inside = torch.stack([self._inside(ranking, indices) for ranking in rankings]).mean(0)
            yield from session.scores(check, RANDOM, "localisation", self._masked, indices, inside)
        for fill in self._fills:
            probabilities = self._averaged(inputs, rankings, fill, indices, RANDOM)
            yield from self._scored(RANDOM, f"{self._hide.name}/{fill}", targets, indices, probabilities)

    def _averaged(self, inputs: Tensor, maps: Sequence[Tensor], fill: str, indices: Sequence[int], name: str) -> Tensor:
        """Return the mean probabilities over many masks of one kind, (n, emotions)."""
        drawn = [self._hidden(inputs, map_, fill, indices, f"{name}-{turn}") for turn, map_ in enumerate(maps)]
        return torch.stack(drawn).mean(0)

    def _hidden(self, inputs: Tensor, values: Tensor, fill: str, indices: Sequence[int], name: str) -> Tensor:
        session = self.session
        rng = session.rng(indices, *self._stream(name, fill))
        hidden = self._hide.load()(inputs, values, session.model.spec, rng, masked=self._masked, fill=fill)
        return session.predict(hidden)

    def _stream(self, name: str, fill: str) -> tuple[str, ...]:
        return self.check.id, "hide", name, fill

    def _drops(self, targets: Tensor, indices: Sequence[int], probabilities: Tensor) -> Tensor:
        before = self.session.clean[list(indices)].gather(1, targets[:, None]).squeeze(1)
        return before - probabilities.gather(1, targets[:, None]).squeeze(1)

    def _scored(
        self, name: str, measure: str, targets: Tensor, indices: Sequence[int], probabilities: Tensor
    ) -> Iterator[Record]:
        session = self.session
        drops = self._drops(targets, indices, probabilities)
        for index, drop, row in zip(indices, drops.tolist(), probabilities, strict=True):
            emotion = session.model.emotions[int(row.argmax())]
            yield Record(
                self.check.id, name, measure, self._masked, session.samples[index], emotion, row.tolist(), drop
            )

    def _inside(self, values: Tensor, indices: Sequence[int]) -> Tensor:
        """Return the share of positive relevance that lies inside the regions known to carry the emotion, (n,)."""
        assert self.truth is not None
        axes = self.session.model.spec.axes
        regions = torch.stack([cells_inside(self.truth(i), axes, values.shape[1:]) for i in indices])
        positive = values.clamp_min(0.0).double()
        mass = positive.flatten(1).sum(1)
        # A map with nothing positive finds nothing.
        return (positive * regions).flatten(1).sum(1) / mass.clamp_min(torch.finfo(mass.dtype).tiny)


def cells_inside(regions: Sequence[Region], axes: Axes, shape: torch.Size) -> Tensor:
    """Return a boolean mask shaped as one input: the cells whose centre lies in one of the regions."""
    assert axes.seconds is not None
    mask = np.zeros((len(axes.hertz) if axes.hertz is not None else 1, len(axes.seconds)), dtype=bool)
    for region in regions:
        columns = (axes.seconds >= region.start) & (axes.seconds <= region.end)
        rows = np.ones(len(mask), dtype=bool)
        if axes.hertz is not None:
            rows = (axes.hertz >= region.low) & (axes.hertz <= region.high)
        mask |= rows[:, None] & columns[None, :]
    return torch.from_numpy(mask).reshape(shape)
