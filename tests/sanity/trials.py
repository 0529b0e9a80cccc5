"""Saliency methods that a sanity test must tell apart, and what a check makes of one of them."""

from __future__ import annotations

from typing import Any

from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.estimator import Estimator
from audit.record import table
from audit.standing import Standing, standings
from audit.suite import Check, Decide, Use

OWN = '''
import torch
from audit.attribution import Attribution
from audit.kinds import saliency


@saliency()
def noise(model, inputs, targets, rng):
    """Draws a map."""
    return Attribution(rng.normal(inputs))


@saliency()
def gradient(model, inputs, targets, rng):
    """Is the gradient."""
    leaf = inputs.detach().clone().requires_grad_(True)
    chosen = model.logits(leaf).gather(1, targets[:, None]).sum()
    return Attribution(torch.autograd.grad(chosen, leaf)[0])
'''
FEW: dict[str, dict[str, Any]] = {
    "lime": {"samples": 256, "rows": 4, "columns": 4, "segmentation": "grid"},
    "smoothgrad": {"samples": 8},
    "integrated_gradients": {"steps": 16},
}


def check_of(use: Use, *tests: str | Use) -> Check:
    return Check(
        "saliency",
        "saliency",
        (use,),
        faithfulness=(Use("faithfulness", "probability_drop"),),
        random_masks=3,
        sanity=tuple(test if isinstance(test, Use) else Use("sanity", test) for test in tests),
    )


def standing(check: Check, session: Session) -> tuple[Standing, Estimator, SaliencyRun]:
    run = SaliencyRun(check, session, None)
    estimator = Estimator(table(run.records()), session.model.emotions, {}, Decide(cluster=None, bootstrap=500))
    assert run.refused == {}
    (found,) = standings(check, estimator, run.refused, run.untested)
    return found, estimator, run


def trial(found: Standing, name: str) -> Any:
    (one,) = (each for each in found.trials if each.name == name)
    return one
