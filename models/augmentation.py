"""How training data are varied: spectrograms in time and frequency, faces in place, size and light, waveforms."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Spectrograms:
    """Shifts in time, a band of frequencies silenced, noise. Park et al. (2019).

    `shift` is in columns, `band` in rows, both the most there can be; `noise` is the largest standard deviation.
    """

    shift: int = 20
    band: int = 16
    noise: float = 0.0

    def varied(self, batch: Tensor, generator: Generator) -> Tensor:
        """Return the batch (n, 1, rows, columns), values in [0, 1], varied sample by sample."""
        changed = batch.clone()
        for row in range(len(changed)):
            shift = _drawn(2 * self.shift + 1, generator) - self.shift
            changed[row] = changed[row].roll(shift, dims=-1)
            if self.band:
                width = _drawn(self.band, generator)
                low = _drawn(changed.shape[-2] - width, generator)
                changed[row, :, low : low + width] = 0.0
        return _noisy(changed, self.noise, generator) if self.noise else changed


@dataclass(frozen=True)
class Faces:
    """Mirror images, shifts, rotations and zooms, contrast, noise.

    `shift` is the most in shares of the picture's side, `angle` in degrees, `zoom` and `contrast` as shares of 1;
    `noise` is the largest standard deviation. With `mirrored`, every second picture is flipped left to right.
    """

    mirrored: bool = True
    shift: float = 0.1
    angle: float = 12.0
    zoom: float = 0.1
    contrast: float = 0.2
    noise: float = 0.03

    def varied(self, batch: Tensor, generator: Generator) -> Tensor:
        """Return the batch (n, channels, height, width), values in [0, 1], varied sample by sample."""
        n = len(batch)

        def within(most: float, *shape: int) -> Tensor:
            return most * (2 * torch.rand(n, *shape, generator=generator) - 1)

        angle, size = within(self.angle) * pi / 180, 1 + within(self.zoom)
        flip = 1 - 2 * torch.randint(2, (n,), generator=generator) if self.mirrored else torch.ones(n)
        # The grid spans -1 to 1, so a share of the side is twice that of the grid.
        across, down = within(2 * self.shift), within(2 * self.shift)
        upper = torch.stack([flip * size * angle.cos(), -size * angle.sin(), across], 1)
        lower = torch.stack([flip * size * angle.sin(), size * angle.cos(), down], 1)
        grid = functional.affine_grid(torch.stack([upper, lower], 1), list(batch.shape), align_corners=False)
        moved = functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)
        middle = moved.mean((1, 2, 3), keepdim=True)
        return _noisy((moved - middle) * (1 + within(self.contrast, 1, 1, 1)) + middle, self.noise, generator)


@dataclass(frozen=True)
class Waveforms:
    """Shifts in time and other gains, each clip its own; white noise.

    `shift` is the most in samples, `gain` in dB up or down; `noise` is the largest standard deviation, of full scale.
    """

    shift: int = 4000
    gain: float = 6.0
    noise: float = 0.002

    def varied(self, batch: Tensor, generator: Generator) -> Tensor:
        """Return the batch (n, samples) varied, within full scale."""
        moved = torch.stack([row.roll(_drawn(2 * self.shift + 1, generator) - self.shift) for row in batch])
        gains = self.gain * (2 * torch.rand(len(batch), 1, generator=generator) - 1)
        size = self.noise * torch.rand(len(batch), 1, generator=generator)
        noise = size * torch.randn(batch.shape, generator=generator)
        return (moved * 10 ** (gains / 20) + noise).clamp(-1.0, 1.0)


@dataclass(frozen=True)
class Unvaried:
    """Nothing: of vectors, every cell means something of its own."""

    def varied(self, batch: Tensor, generator: Generator) -> Tensor:
        """Return the batch."""
        return batch


@dataclass(frozen=True)
class NoisyCopies:
    """White noise on further copies of every clip, `count` of them, made once and added to those trained on.

    Each copy's signal-to-noise ratio is drawn evenly between `least` and `most` decibels.
    """

    count: int
    least: float = 0.0
    most: float = 30.0

    def noisy(self, waveforms: Tensor, generator: Generator) -> Tensor:
        """Return waveforms (n, samples) with noise added."""
        snr_db = self.least + (self.most - self.least) * torch.rand(len(waveforms), 1, generator=generator)
        power = waveforms.square().mean(dim=1, keepdim=True) * 10.0 ** (-snr_db / 10.0)
        return waveforms + power.sqrt() * torch.randn(waveforms.shape, generator=generator)


def _drawn(high: int, generator: Generator) -> int:
    return int(torch.randint(high, (1,), generator=generator))


def _noisy(batch: Tensor, most: float, generator: Generator) -> Tensor:
    size = most * torch.rand(len(batch), 1, 1, 1, generator=generator)
    return (batch + size * torch.randn(batch.shape, generator=generator)).clamp(0.0, 1.0)
