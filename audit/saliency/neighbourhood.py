"""A clip's segments, and what a model answers where some of them are hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.masking import replace, segments
from audit.model import Model
from audit.randomness import SampleRng

Segmentation = Literal["grid", "slic"]
COMPACTNESS = 10.0
"""SLIC's weight of nearness against likeness, of pictures whose values span 100, as CIELAB's lightness does."""


@dataclass(frozen=True)
class Neighbourhood:
    """Clips (n, ...), what fills their hidden cells, and each cell's segment, `labels` (n, cells).

    `counts` holds how many segments each clip has; `sizes` (n, most segments) how many cells each segment.
    """

    model: Model
    inputs: Tensor
    filled: Tensor
    targets: Tensor
    labels: Tensor
    counts: tuple[int, ...]
    batch: int

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Return how many cells each segment of each clip has, (n, most segments); 0 where a clip has fewer."""
        most = max(self.counts)
        return np.stack([np.bincount(row, minlength=most) for row in self.labels.cpu().numpy()])

    def probabilities(self, present: Sequence[NDArray[np.bool_]]) -> list[NDArray[np.float64]]:
        """Return the target's probability, (rows,), for each clip's rows of segments that are `present`.

        Rows of several clips share batches.
        """
        clip = np.repeat(np.arange(len(present)), [len(rows) for rows in present])
        some = np.zeros((len(clip), max(self.counts)), dtype=bool)
        for index, rows in enumerate(present):
            some[clip == index, : self.counts[index]] = rows
        device = self.inputs.device
        shown, whose = torch.from_numpy(some).to(device), torch.from_numpy(clip).to(device)
        parts = zip(shown.split(self.batch), whose.split(self.batch), strict=True)
        found = [self._answers(rows, index) for rows, index in parts]
        numbers = torch.cat(found).cpu().numpy() if found else np.zeros(0)
        return np.split(numbers, np.cumsum([len(rows) for rows in present])[:-1])

    def spread(self, weights: Sequence[NDArray[np.float64]]) -> Tensor:
        """Return each clip's numbers per segment as one per cell, shaped as `inputs`."""
        rows = np.stack([np.pad(each, (0, max(self.counts) - len(each))) for each in weights])
        per_segment = torch.from_numpy(rows).to(self.inputs)
        return per_segment.gather(1, self.labels).view_as(self.inputs)

    @torch.inference_mode()
    def _answers(self, present: Tensor, clip: Tensor) -> Tensor:
        cells = present.gather(1, self.labels[clip]).view(-1, *self.inputs.shape[1:])
        logits = self.model.logits(torch.where(cells, self.inputs[clip], self.filled[clip]))
        return logits.double().softmax(1).gather(1, self.targets[clip, None]).squeeze(1)


def neighbourhood(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    segmentation: Segmentation | None,
    rows: int,
    columns: int,
    fill: str,
    batch: int,
) -> Neighbourhood:
    """Return clips with their segments: a grid of `rows` x `columns`, or about as many SLIC superpixels.

    Without `segmentation`, faces have superpixels, videos the same ones in all frames, and speech a grid.
    """
    by_modality: Segmentation = "slic" if model.spec.pictured else "grid"
    if (segmentation or by_modality) == "slic" and inputs.ndim == 4:
        labels = torch.stack([superpixels(one, rows * columns).reshape(-1) for one in inputs.cpu()])
    else:
        labels = segments(inputs.shape[1:], rows=rows, columns=columns).reshape(1, -1).expand(len(inputs), -1)
    filled = replace(inputs, torch.ones_like(inputs, dtype=torch.bool), fill, model.spec, rng)
    counts = tuple(int(row.max()) + 1 for row in labels)
    return Neighbourhood(model, inputs, filled, targets, labels.to(inputs.device), counts, batch)


def superpixels(picture: Tensor, count: int) -> Tensor:
    """Return the segment of every cell of one picture (channels, rows, columns), about `count` in all, from 0.

    Achanta et al. (2012), SLIC superpixels compared to state-of-the-art superpixel methods. Computed by scikit-image.
    """
    from skimage.segmentation import slic

    image = picture.double().numpy().transpose(1, 2, 0)
    low, high = image.min(), image.max()
    image = (image - low) / (high - low) * 100.0 if high > low else image
    found = slic(image, n_segments=count, compactness=COMPACTNESS, start_label=0, convert2lab=False, channel_axis=-1)
    # Numbers that enforcing connectivity left unused are closed up.
    _, labels = np.unique(found, return_inverse=True)
    return torch.from_numpy(labels.reshape(found.shape)).expand(picture.shape).contiguous()
