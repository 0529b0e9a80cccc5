"""Clips of several kinds for comparing representations with librosa's, in double precision."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

Clip = NDArray[np.float64]
RATES = (16000, 22050, 48000)


def noise(samples: int, seed: int = 0) -> Clip:
    return np.random.default_rng(seed).normal(0.0, 0.1, samples)


def chord(samples: int, rate: int, fundamental: float = 223.0) -> Clip:
    """A chord out of tune, struck twice a second, over faint noise."""
    seconds = np.arange(samples) / rate
    tones = sum(np.sin(2 * np.pi * fundamental * ratio * seconds) / k for k, ratio in enumerate((1, 1.26, 1.5, 2), 1))
    return 0.2 * tones * np.exp(-6 * (seconds % 0.5)) + 1e-3 * noise(samples)


def speech(data: Path, count: int = 2, rate: int = 16000, seconds: float = 2.0) -> Clip:
    """Real recordings, (count, samples)."""
    found = []
    for path in sorted((data / "nemo" / "samples").glob("*.flac"))[:count]:
        recording, own = soundfile.read(path)
        recording = librosa.resample(recording, orig_sr=own, target_sr=rate) if own != rate else recording
        found.append(librosa.util.fix_length(recording, size=round(seconds * rate)))
    return np.stack(found)


def clips(rate: int, seconds: float = 1.0) -> dict[str, Clip]:
    """One of each kind, by its name; of an odd number of samples."""
    samples = round(seconds * rate) | 1
    return {
        "noise": noise(samples),
        "chord": chord(samples, rate),
        "silence": np.zeros(samples),
        "half silent": np.where(np.arange(samples) < samples // 2, chord(samples, rate), 0.0),
        "short": noise(rate // 10),
    }


def batch(clip: Clip) -> Tensor:
    return torch.from_numpy(clip[None])
