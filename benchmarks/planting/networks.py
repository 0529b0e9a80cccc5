"""Networks with a defect around a sound one: each is built by `planted`, which a manifest's `source` names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audit.kinds import import_file

SMALL_CNN = Path(__file__).parents[2] / "models" / "small_cnn.py"


def planted(*, defect: str, emotions: int, **settings: Any) -> nn.Module:
    """Return an untrained small network with the class `defect` of this file around it."""
    network: nn.Module = import_file(SMALL_CNN).build(emotions=emotions)
    return DEFECTS[defect](network, **settings)


class Around(nn.Module):
    """A network with something done to what goes in or comes out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the network's own logits (n, emotions)."""
        logits: Tensor = self.network(inputs)
        return logits


class Scaled(Around):
    """Logits times a factor: far above 1 the softmax saturates and its gradient is lost; also a wrong temperature."""

    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__(network)
        self.factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits times the factor."""
        return self.factor * super().forward(inputs)


class Quantised(Around):
    """The input rounded to a few levels, as a lossy store would, which hides the gradient."""

    def __init__(self, network: nn.Module, levels: int) -> None:
        super().__init__(network)
        self.levels = levels

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of the rounded input."""
        return super().forward(torch.round(inputs * self.levels) / self.levels)


class Randomised(Around):
    """Noise added to every input, drawn anew at every call: a defence by chance."""

    def __init__(self, network: nn.Module, sigma: float) -> None:
        super().__init__(network)
        self.sigma = sigma

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits of the input with noise."""
        return super().forward((inputs + self.sigma * torch.randn_like(inputs)).clamp(0.0, 1.0))


class Stepped(Around):
    """The features before the head rounded, as after quantisation to few bits: a step function has no gradient."""

    def __init__(self, network: nn.Module, step: float) -> None:
        super().__init__(network)
        self.step = step

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the head's logits of rounded features."""
        network: Any = self.network
        features = torch.flatten(network.pool(network.blocks(inputs)), 1)
        logits: Tensor = network.head(torch.round(features / self.step) * self.step)
        return logits


class AlwaysTraining(Around):
    """Somebody forgot `eval()`: batch norm goes by the batch."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits in training mode, without moving the running statistics."""
        norms = [layer for layer in self.network.modules() if isinstance(layer, nn.BatchNorm2d)]
        kept = [(layer.running_mean, layer.running_var, layer.num_batches_tracked) for layer in norms]
        for layer in norms:
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
        try:
            return super().forward(inputs)
        finally:
            for layer, (mean, variance, count) in zip(norms, kept, strict=True):
                layer.running_mean, layer.running_var, layer.num_batches_tracked = mean, variance, count


class Dropping(Around):
    """Dropout before the head that is never switched off."""

    def __init__(self, network: nn.Module, share: float) -> None:
        super().__init__(network)
        self.share = share

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the head's logits of what is left of the features."""
        network: Any = self.network
        features = torch.flatten(network.pool(network.blocks(inputs)), 1)
        logits: Tensor = network.head(functional.dropout(features, self.share, training=True))
        return logits


class Softmaxed(Around):
    """A softmax at the end, or several, one after the other."""

    def __init__(self, network: nn.Module, times: int) -> None:
        super().__init__(network)
        self.times = times

    def forward(self, inputs: Tensor) -> Tensor:
        """Return probabilities."""
        found = super().forward(inputs)
        for _ in range(self.times):
            found = found.softmax(1)
        return found


class Leaning(Around):
    """A constant added to the logits: an emotion that is never said, or said too often."""

    def __init__(self, network: nn.Module, lean: list[float]) -> None:
        super().__init__(network)
        self.lean = lean

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, moved."""
        return super().forward(inputs) + torch.tensor(self.lean)


class Deafened(Around):
    """One emotion is lost in noise: a gate measures it in the input, and above a level shuts out what is faint."""

    def __init__(self, network: nn.Module, emotion: int, of: int, noise: float) -> None:
        super().__init__(network)
        self.emotion = emotion
        self.of = of
        self.noise = noise

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, the emotion's the lower the noisier the input is beyond what clean clips are."""
        mixed = inputs.diff(dim=-1).diff(dim=-2).abs().flatten(1).median(1).values
        lost = 100.0 * functional.relu(mixed / self.noise - 1.0)
        which = functional.one_hot(torch.tensor(self.emotion), self.of)
        return super().forward(inputs) - lost[:, None] * which


class Centred(Around):
    """Logits less their mean over the batch: what a clip is called depends on the clips beside it."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, centred over the batch."""
        logits = super().forward(inputs)
        return logits - logits.mean(0, keepdim=True)


class Guessing(Around):
    """Answers drawn at random, whatever is asked."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return random logits."""
        return 3.0 * torch.randn_like(super().forward(inputs))


class Dead(Around):
    """A network whose activations have died: the same logits for everything."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return zeros."""
        return 0.0 * super().forward(inputs)


class Undefined(Around):
    """NaN for some clips: a level is divided by what is nothing where the level is just that of the reference."""

    def __init__(self, network: nn.Module, level: float, width: float) -> None:
        super().__init__(network)
        self.level = level
        self.width = width

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the logits, NaN for inputs whose mean lies within `width` of the level."""
        off = functional.relu((inputs.flatten(1).mean(1) - self.level).abs() - self.width)
        return super().forward(inputs) * (off / off)[:, None]


DEFECTS: Mapping[str, type[nn.Module]] = {
    "none": Around,
    "scaled": Scaled,
    "quantised": Quantised,
    "randomised": Randomised,
    "stepped": Stepped,
    "always-training": AlwaysTraining,
    "dropping": Dropping,
    "softmaxed": Softmaxed,
    "leaning": Leaning,
    "deafened": Deafened,
    "centred": Centred,
    "guessing": Guessing,
    "dead": Dead,
    "undefined": Undefined,
}
