"""Whether robustness is real: attacks of several kinds on a few clips, and a look at the gradients and the outputs.

Where an attack that sees more does no better than one that sees less, the attack has failed and not the model won.
Carlini, Athalye, Papernot, Brendel, Rauber, Tsipras, Goodfellow, Madry and Kurakin (2019), On evaluating adversarial
robustness; Athalye, Carlini and Wagner (2018), Obfuscated gradients give a false sense of security.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audit.checks.attack import attacked, radii
from audit.checks.change import space_of
from audit.checks.session import Session
from audit.model import Model, gradient
from audit.outward import telling
from audit.record import SOUNDNESS, Record
from audit.sampling import shared_out
from audit.suite import Check, Use, known

CERTAIN = 36.0
"""By how much a logit lies above all others where its probability is 1 to the last bit of double precision."""
TO_ONE, ALIKE = 1e-4, 1e-4
"""How near probabilities sum to one; how near two answers are to each other, as a share of the largest logit."""
STEPS, DRAWS, QUERIES = 10, 10, 100
MANY_STEPS = {
    "linf": (Use("attack", "pgd", {"steps": STEPS}), "epsilon"),
    "l2": (Use("attack", "pgd_l2", {"steps": STEPS}), "epsilon"),
    "snr_db": (Use("attack", "pgd_snr", {"steps": STEPS}), "snr_db"),
}
SEARCH = Use("attack", "square", {"queries": QUERIES})
SHARES_OF_RANGE = (0.125, 0.5, 1.0)


def probed(check: Check, session: Session) -> Iterator[Record]:
    """Yield what the tests of an attack check measure, on clips that are recognised when clean; none where none is.

    Each is 1 or 0 per clip. `randomised`: it gets another answer when asked about again. `softmaxed` and `saturated`:
    its outputs are probabilities already, or certain beyond what a number can hold. `broken` and `vanishing`: its
    gradient is not finite, or all zero. `unbounded`: it stays right although it may be changed into any other. And at
    each of the check's `telling` severities, `iterative`: one step makes it wrong, and many do not; `black_box`: a
    random search or noise does, and no steps do; `simple`: it stays right after noise and one step, or where there are
    no gradients and the check does not search, after noise and a random search.
    Raises MethodError as the attacks do.
    """
    on_waveform = check.space == "waveform"
    model = space_of(session.model, on_waveform=on_waveform)
    chosen = [i for i in session.chosen(check) if int(session.clean[i].argmax()) == int(session.truths[i])]
    few = [chosen[i] for i in shared_out([session.samples[i] for i in chosen], check.soundness_samples, session.seed)]
    source = session.recordings if on_waveform else session.inputs
    everything = _range(model, source[few]) if few else 0.0
    for batch in session.batches(few):
        before = source[batch].to(model.device)
        probe = _Probe(check, session, model, batch, before)
        found = [(math.nan, name, values) for name, values in probe.looks(everything).items()]
        for severity in telling(check):
            found += [(severity, name, values) for name, values in probe.comparisons(severity).items()]
        for severity, name, values in found:
            for index, value in zip(batch, values.double().cpu().tolist(), strict=True):
                yield Record(check.id, SOUNDNESS, name, severity, session.samples[index], "", [], value)


@dataclass
class _Probe:
    """One batch of clips under test; whatever it returns is one value per clip, (n,)."""

    check: Check
    session: Session
    model: Model
    batch: list[int]
    before: Tensor

    def __post_init__(self) -> None:
        self.norm: str = known(self.check.uses[0]).facts["norm"]
        self.truths = self.session.truths[self.batch]
        self.rows = torch.arange(len(self.batch))
        self.slope: Tensor | None = None
        if self.model.differentiable:
            self.slope = gradient(self.model, self.before, self.truths.to(self.model.device))

    def looks(self, everything: float) -> dict[str, Tensor]:
        """Look at outputs and gradients, and try to change each clip into any other, `everything` away."""
        with torch.inference_mode():
            logits, again = (self.model.logits(self.before).double() for _ in range(2))
        first, second = logits.topk(2, dim=1).values.unbind(1)
        found = {
            "randomised": (again - logits).abs().amax(1) > ALIKE * logits.abs().amax(1).clamp_min(1.0),
            "softmaxed": (logits >= 0).all(1) & ((logits.sum(1) - 1.0).abs() < TO_ONE),
            "saturated": first - second > CERTAIN,
        }
        if self.slope is None:
            return {**found, "unbounded": self._after(SEARCH, "epsilon", [everything])}
        flat = self.slope.flatten(1)
        return {
            **found,
            "broken": ~torch.isfinite(flat).all(1),
            "vanishing": (flat == 0).all(1),
            "unbounded": self._after(*MANY_STEPS["linf"], [share * everything for share in SHARES_OF_RANGE]),
        }

    def comparisons(self, severity: float) -> dict[str, Tensor]:
        """Set attacks that see more against those that see less, in one ball."""
        radius = radii(self.before, severity, self.norm)
        # The corners of the largest cube in the ball: no noise, and no guess, leaves it.
        corner = radius if self.norm == "linf" else radius / math.sqrt(self.before[0].numel())
        after_noise = self._after_noise(corner)
        if self.slope is None:
            if any(use.name == SEARCH.name for use in self.check.uses):
                return {"simple": after_noise}
            after_search = after_noise.clone()
            after_search[after_noise] = self._after_search(corner, self.rows[after_noise])
            return {"simple": after_search}
        after_one = self._right(self._one_step(radius))
        after_many = self._after(*MANY_STEPS[self.norm], [severity])
        left = after_one & after_many
        blind = after_noise.clone()
        # What gradients find already, a search need not.
        blind[left & after_noise] = self._after_search(corner, self.rows[left & after_noise])
        return {
            "iterative": after_many & ~after_one,
            "black_box": left & ~blind,
            "simple": after_noise & after_one,
        }

    def _one_step(self, radius: Tensor) -> Tensor:
        assert self.slope is not None
        slope = self.slope.nan_to_num(0.0, 0.0, 0.0)
        if self.norm == "linf":
            return self.before + self._per_clip(radius) * slope.sign()
        # By the largest first: the squares of a small gradient are zero.
        slope = slope / self._per_clip(slope.flatten(1).abs().amax(1).clamp_min(1e-30))
        return self.before + self._per_clip(radius / slope.flatten(1).norm(dim=1).clamp_min(1e-30)) * slope

    def _after_noise(self, corner: Tensor) -> Tensor:
        rng = self.session.rng(self.batch, self.check.id, SOUNDNESS, "noise")
        right = torch.ones(len(self.batch), dtype=torch.bool)
        for _ in range(DRAWS):
            signs = (2.0 * rng.uniform(self.before) - 1.0).sign()
            right &= self._right(self.before + self._per_clip(corner) * signs)
        return right

    def _after_search(self, corner: Tensor, rows: Tensor) -> Tensor:
        if not len(rows):
            return torch.ones(0, dtype=torch.bool)
        if self.norm != "snr_db":
            return self._after(SEARCH, "epsilon", [float(corner[0])], rows)
        # Every clip has a ball of its own there.
        return torch.cat([self._after(SEARCH, "epsilon", [float(corner[row])], row[None]) for row in rows])

    def _after(self, use: Use, parameter: str, sizes: Sequence[float], rows: Tensor | None = None) -> Tensor:
        """Return which clips stay right in every one of these balls."""
        own = self.rows if rows is None else rows
        asked = replace(self.check, id=f"{self.check.id}/{SOUNDNESS}", uses=(use,), sweep=(parameter, tuple(sizes)))
        batch, before = [self.batch[row] for row in own.tolist()], self.before[own.to(self.before.device)]
        changes = attacked(asked, use, self.session, self.model, batch, before)
        return torch.stack([self._right(change.after, own) for change in changes]).all(0)

    def _right(self, inputs: Tensor, rows: Tensor | None = None) -> Tensor:
        truths = self.truths if rows is None else self.truths[rows]
        return self.session.predict(self.model.spec.clip(inputs), self.model).argmax(1) == truths

    def _per_clip(self, values: Tensor) -> Tensor:
        return values.view(-1, *[1] * (self.before.ndim - 1))


def _range(model: Model, inputs: Tensor) -> float:
    """Return how far apart inputs can be; where they have no bounds, as far as these are, and again on either side."""
    low, high = model.spec.bounds
    least, most = float(inputs.min()), float(inputs.max())
    span = most - least
    return (high if math.isfinite(high) else most + span) - (low if math.isfinite(low) else least - span)
