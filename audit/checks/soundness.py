"""Whether robustness is real: attacks of several kinds on a few clips, and a look at the gradients and the outputs.

Where an attack that sees more does no better than one that sees less, the attack has failed and not the model won.
Carlini, Athalye, Papernot, Brendel, Rauber, Tsipras, Goodfellow, Madry and Kurakin (2019), On evaluating adversarial
robustness; Athalye, Carlini and Wagner (2018), Obfuscated gradients give a false sense of security.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from audit.checks.attack import attacked, smallest_first
from audit.checks.change import space_of
from audit.checks.session import Session
from audit.model import Model, gradient
from audit.record import SOUNDNESS, Record
from audit.sampling import shared_out
from audit.suite import Check, Use, known

CERTAIN = 36.0
"""By how much a logit lies above all others where its probability is 1 to the last bit of double precision."""
SINGLE, ITERATIVE = Use("attack", "fgsm"), Use("attack", "pgd", {"steps": 10})
BLIND = (Use("attack", "square", {"queries": 100}), Use("attack", "uniform_noise", {"draws": 10}))
IN_NORM = {
    "linf": (SINGLE, ITERATIVE, BLIND),
    "l2": (Use("attack", "pgd_l2", {"steps": 1}), Use("attack", "pgd_l2", {"steps": 10}), ()),
    "snr_db": (Use("attack", "pgd_snr", {"steps": 1}), Use("attack", "pgd_snr", {"steps": 10}), ()),
}
"""In balls of each norm: an attack of one step, one of many, and those that see answers alone."""
SHARES_OF_RANGE = (0.125, 0.5, 1.0)


def probed(check: Check, session: Session) -> Iterator[Record]:
    """Yield what the tests of an attack check measure, on clips that are recognised when clean; none where none is.

    `vanishing` and `broken` are 1 where a clip's gradient is all zero or not finite, `softmaxed` and `saturated` where
    its outputs are probabilities already, or certain beyond what a number can hold. In the check's largest ball,
    `iterative` is 1 where many steps leave a clip right that one step does not, less 1 where it is the other way, and
    `black_box` the same of what sees the gradients against what does not. `unbounded` is 1 where a clip stays right
    although it may be changed into any other.
    Raises MethodError as the attacks do.
    """
    chosen = [i for i in session.chosen(check) if int(session.clean[i].argmax()) == int(session.truths[i])]
    few = shared_out([session.samples[i] for i in chosen], check.soundness_samples, session.seed)
    on_waveform = check.space == "waveform"
    model = space_of(session.model, on_waveform=on_waveform)
    source = session.recordings if on_waveform else session.inputs
    for batch in session.batches([chosen[i] for i in few]):
        before = source[batch].to(model.device)
        found = _outputs(model, before)
        if model.differentiable:
            slope = gradient(model, before, session.truths[batch].to(model.device)).flatten(1)
            found["broken"] = ~torch.isfinite(slope).all(1)
            found["vanishing"] = (slope == 0).all(1)
        found |= _compared(check, session, model, batch, before)
        for name, values in found.items():
            for index, value in zip(batch, values.double().cpu().tolist(), strict=True):
                yield Record(check.id, SOUNDNESS, name, math.nan, session.samples[index], "", [], value)


def _outputs(model: Model, before: Tensor) -> dict[str, Tensor]:
    with torch.inference_mode():
        logits = model.logits(before).double()
    first, second = logits.topk(2, dim=1).values.unbind(1)
    sums = (logits.sum(1) - 1.0).abs() < 1e-4
    return {"softmaxed": (logits >= 0).all(1) & sums, "saturated": first - second > CERTAIN}


def _compared(check: Check, session: Session, model: Model, batch: list[int], before: Tensor) -> dict[str, Tensor]:
    assert check.sweep is not None
    parameter, severities = check.sweep
    norm = known(check.uses[0]).facts["norm"]
    largest = smallest_first(severities, norm)[-1]
    single, iterative, blind = IN_NORM[norm]

    def right(use: Use, parameter: str, sizes: Sequence[float]) -> Tensor:
        """Return which clips stay right in every one of these balls."""
        asked = replace(check, id=f"{check.id}/{SOUNDNESS}", uses=(use,), sweep=(parameter, tuple(sizes)))
        changes = attacked(asked, use, session, model, batch, before)
        truths = session.truths[batch]
        said = [session.predict(change.after, model).argmax(1) == truths for change in changes]
        return torch.stack(said).all(0)

    found: dict[str, Tensor] = {}
    low, high = _range(model, before)
    everything = [share * (high - low) for share in SHARES_OF_RANGE]
    if model.differentiable:
        by_one, by_many = (right(use, parameter, [largest]).double() for use in (single, iterative))
        found["iterative"] = by_many - by_one
        found["unbounded"] = right(ITERATIVE, "epsilon", everything)
        if blind:
            blinded = torch.stack([right(use, parameter, [largest]) for use in blind]).all(0)
            found["black_box"] = torch.minimum(by_one, by_many) - blinded.double()
    elif blind:
        found["unbounded"] = right(blind[0], "epsilon", everything[-1:])
    return found


def _range(model: Model, before: Tensor) -> tuple[float, float]:
    """Return the ends of what an input can be; of inputs without bounds, of these, and as much again on either side."""
    low, high = model.spec.bounds
    least, most = float(before.min()), float(before.max())
    span = most - least
    return low if math.isfinite(low) else least - span, high if math.isfinite(high) else most + span
