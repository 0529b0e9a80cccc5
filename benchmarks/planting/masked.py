"""Models that seem robust because no attack sees their gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planting.case import Case, Ground, Planted, Sign

UNSHOWN = "robustness is not shown"


def around(defect: str, **settings: Any) -> Any:
    """Return what plants a defect of `networks.py` around the sound network."""

    def plant(ground: Ground, folder: Path) -> Planted:
        return Planted(ground.wrapped(folder, defect, **settings), ground.listed)

    return plant


def twice(ground: Ground, folder: Path) -> Planted:
    """Plant a softmax of probabilities, which the manifest takes for probabilities."""
    return Planted({**ground.wrapped(folder, "softmaxed", times=2), "activation": "softmax"}, ground.listed)


CASES = (
    Case(
        "saturated-logits",
        "gradient masking: logits times 10,000",
        (Sign("attack*", UNSHOWN),),
        around("scaled", factor=1e4),
    ),
    Case(
        "quantised-input",
        "gradient masking: the input rounded to 32 levels",
        (Sign("attack*", UNSHOWN),),
        around("quantised", levels=32),
    ),
    Case(
        "randomised-input",
        "gradient masking: noise added to every input",
        (Sign("attack*", UNSHOWN), Sign("finding", "answers change from call to call")),
        around("randomised", sigma=0.03),
    ),
    Case(
        "zero-gradient",
        "gradient masking: features through a step function",
        (Sign("attack*", UNSHOWN),),
        around("stepped", step=0.1),
    ),
    Case(
        "undeclared-softmax",
        "softmax in the model, and none in the manifest",
        (Sign("error", "softmax would be taken twice"), Sign("attack*", "probabilities already")),
        around("softmaxed", times=1),
    ),
    Case(
        "double-softmax",
        "softmax twice in the model, and once in the manifest",
        (Sign("clean::ece*"),),
        twice,
    ),
)
