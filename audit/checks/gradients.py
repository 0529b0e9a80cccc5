"""Which methods of a check cannot be applied to a model for want of gradients."""

from __future__ import annotations

from audit.checks.change import space_of
from audit.kinds import find
from audit.model import Model
from audit.suite import Check

INSTEAD = {
    "attack": "square, uniform_noise and transfer need none",
    "saliency": "lime, kernel_shap and occlusion need none",
}


def lacking(check: Check, model: Model) -> dict[str, str]:
    """Return, by method, why it cannot be applied: it needs gradients, and the model gives none.

    Raises MethodError where the check changes the waveform of a model of faces.
    """
    if check.kind not in INSTEAD:
        return {}
    judged = space_of(model, on_waveform=check.space == "waveform")
    if judged.differentiable:
        return {}
    why = f" ({model.note})" if model.note and not model.differentiable else ""
    what = "" if judged is model or not model.differentiable else " of the waveform"
    return {
        use.name: f"{use.name} needs gradients, and model {model.name!r} gives none{what}{why}; {INSTEAD[check.kind]}"
        for use in check.uses
        if find(check.kind, use.method, relative_to=use.relative_to).facts["gradients"]
    }
