"""Saliency maps and how much they are worth: the driver scores, tests and locates what the methods return."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from audit.checks.confined import confined
from audit.checks.explainer import Explainer
from audit.checks.places import Truth, located, places_of
from audit.checks.sanity import tested
from audit.checks.scoring import scored, scored_at_random, scores_of
from audit.checks.session import Session
from audit.errors import MethodError, ModelError
from audit.masking import random_ranking, replace, top_cells
from audit.record import CONFINED, ENERGY, RANDOM, Record
from audit.suite import Check, Use

Maps = dict[str, dict[int, Tensor]]


class SaliencyRun:
    """One saliency check on one session; `maps`, `refused` and `untested` fill up while `records` is read.

    `maps` holds each method's attribution by sample index, `refused` the reason why a method gave none, `untested` by
    method and sanity test (or the confined attack) why that could not be applied; a method that is refused beforehand
    is not tried.
    """

    def __init__(
        self, check: Check, session: Session, truth: Truth | None, refused: Mapping[str, str] | None = None
    ) -> None:
        self.check, self.session = check, session
        self.maps: Maps = {}
        self.refused = dict(refused or {})
        self.untested: dict[str, dict[str, str]] = {}
        self._methods = [Explainer(check, session, use) for use in check.uses]
        baseline = Explainer(check, session, Use("saliency", ENERGY))
        self._baselines = [] if ENERGY in [each.name for each in self._methods] else [baseline]
        self._places = places_of(session, truth, check.regions)
        # What a report shows hidden is what the probability drop hid, where that is a score of the check.
        drops = [score for score in scores_of(check.faithfulness) if score.use.name == "probability_drop"]
        self._shown = (drops[0].measure, drops[0].fill or "mean") if drops else ("shown", "mean")

    def records(self) -> Iterator[Record]:
        """Yield, per clip and method, what the map measured of itself, its scores, and where its relevance lies.

        The loudest cells, or strongest edges, and random maps are judged beside them; then come the sanity tests and
        the confined attack. Where every method is refused beforehand, there is nothing to compare.
        """
        check, session = self.check, self.session
        if self.refused.keys() >= {each.name for each in self._methods}:
            session.progress.advance(self.total())
            return
        for indices in session.batches(session.chosen(check)):
            for explainer in (*self._methods, *self._baselines):
                if explainer.name not in self.refused:
                    yield from self._judged(explainer, indices)
                session.progress.advance(len(indices))
            yield from self._random(indices)
            session.progress.advance(len(indices))
        for explainer in self._methods:
            yield from self._tested(explainer)
            yield from self._confined(explainer)

    def total(self) -> int:
        """Return how many clips times methods are judged, baselines and sanity tests included."""
        methods = len(self._methods)
        clips = len(self.session.chosen(self.check))
        tests = len(self._tested_on()) * len(self.check.sanity) * methods
        return clips * (methods + len(self._baselines) + 1) + tests

    def first_mask(self, name: str, indices: Sequence[int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return what the method's mask did to clips it explained, as the check's first probability drop had it.

        (maps, the hidden cells as booleans, the probabilities then, the drop of the predicted emotion's), each with one
        row per index.
        """
        session, check = self.session, self.check
        measure, fill = self._shown
        values = torch.stack([self.maps[name][index] for index in indices])
        inputs = session.inputs[list(indices)]
        # The stream the score draws from, so that what is shown is what it hid.
        rng = session.rng(indices, check.id, "hide", name, measure)
        hidden = top_cells(values, check.masked, rng)
        after = session.predict(replace(inputs, hidden, fill, session.model.spec, rng))
        before = session.clean[list(indices)]
        targets = before.argmax(1, keepdim=True)
        return values, hidden, after, (before.gather(1, targets) - after.gather(1, targets)).squeeze(1)

    def explained_again(self, name: str, indices: Sequence[int], inputs: Tensor) -> Tensor:
        """Return a method's maps of changed `inputs` of these samples, still for what the clean ones were taken for."""
        (explainer,) = (each for each in self._methods if each.name == name)
        return explainer.maps(indices, inputs=inputs, model=self.session.model).values

    def _judged(self, explainer: Explainer, indices: Sequence[int]) -> Iterator[Record]:
        session, check, name = self.session, self.check, explainer.name
        try:
            found = explainer.maps(indices, inputs=session.inputs[list(indices)], model=session.model)
            # A score may ask for maps of other inputs, and a method refuse those.
            moved = explainer.elsewhere(indices, found.values)
            scores = list(scored(explainer, indices, found.values, moved))
        except MethodError as error:
            self.refused[name] = str(error)
            return
        if explainer in self._methods:
            self.maps.setdefault(name, {}).update(zip(indices, found.values, strict=True))
        for measure, numbers in found.measures.items():
            yield from session.scores(check, name, measure, check.masked, indices, numbers)
        yield from located(explainer, indices, found.values, moved, self._places)
        yield from scores

    def _random(self, indices: Sequence[int]) -> Iterator[Record]:
        session, check = self.session, self.check
        inputs = session.inputs[list(indices)]
        rankings = [
            random_ranking(inputs, session.rng(indices, check.id, RANDOM, turn)) for turn in range(check.random_masks)
        ]
        yield from scored_at_random(Explainer(check, session, Use("saliency", RANDOM)), rankings, indices)

    def _tested_on(self) -> list[int]:
        check = self.check
        fewer = min(check.sanity_samples, check.samples or len(self.session.samples))
        return self.session.chosen(check, fewer) if check.sanity else []

    def _tested(self, explainer: Explainer) -> Iterator[Record]:
        indices = self._tested_on()
        for use in self.check.sanity:
            if explainer.name not in self.refused:
                try:
                    yield from tested(explainer, indices, self._maps_of(explainer, indices), use)
                except (MethodError, ModelError) as error:
                    # A network in disorder may fail where it does not as it is.
                    self.untested.setdefault(explainer.name, {})[use.name] = str(error)
            self.session.progress.advance(len(indices))

    def _confined(self, explainer: Explainer) -> Iterator[Record]:
        check, session = self.check, self.session
        if check.confined is None or explainer.name in self.refused:
            return
        try:
            for indices in session.batches(session.chosen(check)):
                yield from confined(explainer, indices, self._maps_of(explainer, indices))
        except MethodError as error:
            self.untested.setdefault(explainer.name, {})[CONFINED] = str(error)

    def _maps_of(self, explainer: Explainer, indices: Sequence[int]) -> Tensor:
        return torch.stack([self.maps[explainer.name][index] for index in indices])
