"""One saliency method on one session: it is asked for maps, and what it returns is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.checks.session import Session
from audit.errors import MethodError
from audit.explained import Explained
from audit.masking import elsewhere
from audit.model import Model
from audit.record import CHANCE
from audit.seeds import stream_seed
from audit.suite import Check, Use, known


@dataclass(frozen=True)
class Explainer:
    """A saliency method as a check uses it."""

    check: Check
    session: Session
    use: Use

    @property
    def name(self) -> str:
        """The method's name in records."""
        return self.use.name

    def maps(self, indices: Sequence[int], *, inputs: Tensor, model: Model, turn: int = 0) -> Attribution:
        """Return attributions of `inputs` (n, ...), which belong to the samples `indices`, on the CPU.

        Another `turn` draws other random numbers. Raises MethodError where the method cannot be applied, or returns
        another shape, NaN or infinity, or a measure that is not one number per map.
        """
        session, name = self.session, self.name
        rng = session.rng(indices, self.check.id, name, *((f"turn-{turn}",) if turn else ()))
        targets = session.clean[list(indices)].argmax(1).to(model.device)
        found: Any = known(self.use).load()(model, inputs.to(model.device), targets, rng, **self.use.parameters)
        if not isinstance(found, Attribution) or found.values.shape != inputs.shape:
            shape = tuple(found.values.shape) if isinstance(found, Attribution) else type(found).__name__
            raise MethodError(f"{name} returned {shape}, an Attribution of shape {tuple(inputs.shape)} is due")
        values = found.values.detach().cpu()
        if not bool(torch.isfinite(values).all()):
            raise MethodError(f"{name} returned NaN or infinite relevance")
        for measure, numbers in found.measures.items():
            if numbers.shape != (len(inputs),):
                raise MethodError(f"{name} measured {measure} as {tuple(numbers.shape)}, ({len(inputs)},) is due")
        return Attribution(values, {measure: numbers.detach().cpu() for measure, numbers in found.measures.items()})

    def elsewhere(self, indices: Sequence[int], values: Tensor) -> list[Tensor]:
        """Return the maps (n, ...) put elsewhere, as often as the check asks for random masks."""
        return [
            elsewhere(values, self.session.rng(indices, self.check.id, CHANCE, self.name, turn))
            for turn in range(self.check.random_masks)
        ]

    def explained(self, indices: Sequence[int], values: Tensor) -> Explained:
        """Return the samples with these maps of them (n, ...), as scores and sanity tests take them."""
        session = self.session
        chosen = list(indices)
        targets = session.clean[chosen].argmax(1)

        def probability(inputs: Tensor) -> Tensor:
            return session.predict(inputs).gather(1, targets[:, None]).squeeze(1)

        def explain(model: Model, inputs: Tensor, turn: int) -> Tensor:
            rows = range(0, len(chosen), session.batch_size)
            parts = [slice(start, start + session.batch_size) for start in rows]
            found = [self.maps(chosen[part], inputs=inputs[part], model=model, turn=turn).values for part in parts]
            return torch.cat(found)

        return Explained(
            model=session.model,
            inputs=session.inputs[chosen],
            targets=targets,
            values=values,
            before=session.clean[chosen].gather(1, targets[:, None]).squeeze(1),
            probability=probability,
            explain=explain,
            seed=stream_seed(session.seed, self.check.id),
        )
