"""What inputs a network was trained on, as its first batch normalisation remembers them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.model import Model, as_found

FAR = 0.5
WIDE = 2.0
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Remembered:
    """How the values that reach the first batch normalisation differ from those it was trained on.

    `shift` is how many of the training's deviations their mean lies from the training's, `spread` by which factor
    their deviation is larger or smaller; both are medians over channels.
    """

    layer: str
    shift: float
    spread: float

    @property
    def strange(self) -> bool:
        """Whether the inputs are surely none of those it was trained on."""
        return self.shift > FAR or self.spread > WIDE


def remembered(model: Model, inputs: Tensor) -> Remembered | None:
    """Return what the network's first batch normalisation says of `inputs` (n, ...), None where there is none."""
    if model.module is None:
        return None
    found: list[Remembered] = []

    def note(name: str, layer: nn.Module, given: tuple[object, ...]) -> None:
        values = given[0]
        mean, var = layer.running_mean, layer.running_var
        if found or not (isinstance(values, Tensor) and isinstance(mean, Tensor) and isinstance(var, Tensor)):
            return
        deviation = var.clamp_min(torch.finfo(var.dtype).tiny).sqrt()
        seen = values.transpose(0, 1).flatten(1)
        shift = ((seen.mean(1) - mean) / deviation).abs().median()
        spread = (seen.std(1).clamp_min(1e-12) / deviation).log().abs().median().exp()
        found.append(Remembered(name, float(shift), float(spread)))

    with torch.inference_mode(), as_found(model, str(model.device)):
        for name, layer in model.module.named_modules():
            if isinstance(layer, _NORMS) and not isinstance(layer, torch.jit.ScriptModule):
                layer.register_forward_pre_hook(lambda m, given, name=name: note(name, m, given))
        try:
            model.logits(inputs.to(model.device))
        except ModelError:
            return None
    return found[0] if found else None
