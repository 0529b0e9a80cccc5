"""The spectrogram in decibels, a row for every bin of the Fourier transform."""

from __future__ import annotations

from typing import Literal

import librosa
from torch import Tensor

from audit.input_spec import Axes
from audit.kinds import representation
from audit.representations.spectrum import frame_seconds, level_bounds, power_spectrum, scaled


def _axes(samples: int, sampling_rate: int, *, n_fft: int = 1024, hop_length: int = 512, **_: object) -> Axes:
    return Axes(
        seconds=frame_seconds(samples, sampling_rate, hop_length, n_fft),
        hertz=librosa.fft_frequencies(sr=sampling_rate, n_fft=n_fft),
    )


@representation(bounds=level_bounds, axes=_axes)
def spectrogram(
    waveforms: Tensor,
    sampling_rate: int,
    *,
    n_fft: int = 1024,
    hop_length: int = 512,
    win_length: int | None = None,
    window: str = "hann",
    power: float = 2.0,
    ref: float | Literal["max"] = "max",
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    scaling: Literal["unit", "decibel", "power"] = "unit",
) -> Tensor:
    """Return (n, 1, 1 + n_fft // 2, 1 + samples // hop_length), equal to librosa's stft and power_to_db.

    Rows go from 0 Hz to half the sampling rate. `power` is the exponent of the magnitudes; `ref`, `amin`, `top_db` and
    `scaling` are those of `melspectrogram`: `power` leaves magnitude^power, `decibel` its level in dB, `unit` maps
    [-top_db, 0] dB to [0, 1] and clips.
    Allen and Rabiner (1977), A unified approach to short-time Fourier analysis and synthesis.
    Raises ModelError for `scaling: unit` without top_db.
    """
    energy = power_spectrum(waveforms, n_fft, hop_length, win_length, window, power).unsqueeze(1)
    return scaled(energy, ref=ref, amin=amin, top_db=top_db, scaling=scaling)
