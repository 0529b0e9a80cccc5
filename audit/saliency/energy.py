"""Energy: the loudest cells, or the strongest edges, whatever the model: the baseline that needs no method."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from audit.attribution import Attribution
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng
from audit.scaling import fitted


@saliency(gradients=False)
def energy(model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng) -> Attribution:
    """Return how loud every cell is, or of a face or a video how strong an edge it lies on, (n, ...), 0 or more.

    Loud is what lies far from silence: above the lowest level of a spectrogram, to either side of a waveform's middle;
    where a model's scaling leaves no silence to be known, above the input's own lowest value. Edges by the Sobel
    operator; of a video with its sound, pixels count by how far they are from grey. The model is never asked: a method
    that explains it must do better.
    """
    del targets, rng
    if model.spec.pictured and inputs.ndim == 4:
        return Attribution(_edges(inputs))
    nothing = model.spec.nothing
    if nothing is None:
        return Attribution(inputs - inputs.flatten(1).amin(1).view(-1, *[1] * (inputs.ndim - 1)))
    return Attribution((inputs - fitted(nothing, inputs)).abs())


def _edges(pictures: Tensor) -> Tensor:
    """Return the length of the gradient at every pixel of pictures (n, channels, height, width), channel by channel."""
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).to(pictures)
    flat = functional.pad(pictures.flatten(0, 1).unsqueeze(1), (1, 1, 1, 1), mode="replicate")
    slopes = [functional.conv2d(flat, kernel.view(1, 1, 3, 3)) for kernel in (across, across.mT)]
    return torch.hypot(*slopes).view_as(pictures)
