"""The baseline that never asks the model: the loudest cells, and the strongest edges."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.model import TorchModel
from audit.randomness import SampleRng
from audit.saliency.energy import energy
from audit.scaling import PerClip


def of(spec: InputSpec, inputs: Tensor) -> Tensor:
    class Deaf(nn.Module):
        def forward(self, given: Tensor) -> Tensor:
            raise AssertionError("the model is not asked")

    model = TorchModel(Deaf(), spec, ("anger", "fear"))
    kept = inputs.clone()
    found = energy(model, inputs, torch.zeros(len(inputs), dtype=torch.long), SampleRng(range(len(inputs)))).values
    assert torch.equal(inputs, kept)
    assert model.ledger.total.forward_samples == 0
    assert float(found.min()) >= 0
    return found


@pytest.mark.parametrize("channels", [1, 3])
def test_of_a_face_it_is_the_length_of_sobels_gradient(channels: int) -> None:
    faces = torch.rand(2, channels, 6, 7, generator=torch.Generator().manual_seed(0))
    found = of(FaceInput(6, 7), faces)
    for n in range(2):
        for c in range(channels):

            def at(row: int, column: int, n: int = n, c: int = c) -> float:
                return float(faces[n, c, min(max(row, 0), 5), min(max(column, 0), 6)])

            for i in range(6):
                for j in range(7):
                    across = sum(w * (at(i + d, j + 1) - at(i + d, j - 1)) for d, w in ((-1, 1), (0, 2), (1, 1)))
                    down = sum(w * (at(i + 1, j + d) - at(i - 1, j + d)) for d, w in ((-1, 1), (0, 2), (1, 1)))
                    assert float(found[n, c, i, j]) == pytest.approx(math.hypot(across, down), abs=1e-5)


def test_of_a_spectrogram_it_is_the_level_above_silence() -> None:
    mels = torch.rand(3, 1, 8, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(of(SpeechInput(16000, 1.0, "melspectrogram"), mels), mels)
    decibels = SpeechInput(16000, 1.0, "melspectrogram", {"scaling": "decibel", "top_db": 80})
    assert torch.allclose(of(decibels, 80.0 * (mels - 1.0)), 80.0 * mels, atol=1e-4)


def test_where_silence_is_not_known_it_is_the_level_above_the_quietest_cell() -> None:
    values = torch.randn(3, 1, 8, 9, generator=torch.Generator().manual_seed(0))
    spec = SpeechInput(16000, 1.0, "melspectrogram", scaling=PerClip("standard"))
    assert torch.equal(of(spec, values), values - values.amin((1, 2, 3), keepdim=True))


@pytest.mark.parametrize("representation", ["waveform", "mfcc"])
def test_of_what_swings_about_nought_it_is_the_magnitude(representation: str) -> None:
    inputs = torch.randn(3, 1, 8, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(of(SpeechInput(16000, 1.0, representation), inputs), inputs.abs())
