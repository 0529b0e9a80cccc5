"""Answers by another reading."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from audit.adapter import Ahead, Behind, Chunks, adapted
from audit.data import Sample
from audit.input_spec import SpeechInput
from audit.model import Model, TorchModel
from audit.probing.clips import Clips, logits_of
from audit.probing.readings import other_readings
from audit.probing.trial import tried_otherwise

SPEC = SpeechInput(8000, 1.0, "melspectrogram", {"n_fft": 512, "n_mels": 12})
SAMPLES = tuple(Sample(f"c{i}", None, "ab"[i % 2]) for i in range(6))
CLIPS = Clips(SAMPLES, tuple((np.random.default_rng(i).normal(size=8000).astype(np.float32), 8000) for i in range(6)))


class Counted(nn.Module):
    """Notes how many clips came at a time and in what order, by the first value of each."""

    def __init__(self) -> None:
        super().__init__()
        self.firsts: list[list[float]] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.firsts.append(inputs[:, 0].tolist())
        return inputs[:, :2]


def of_pieces(order: str) -> Model:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    network(torch.zeros(1, 4, 1, 12, 4))
    model = TorchModel(network.eval(), SPEC, ("a", "b"))
    ahead = Ahead(SPEC.letters, order, Chunks(4, 4))
    return adapted(model, ahead, Behind("none", [[0], [1]], 2), ("a", "b"))


def test_pieces_of_a_clip_are_turned_one_by_one_and_the_model_is_left_as_it_was() -> None:
    model = of_pieces("nkcft")
    before = logits_of(model, CLIPS.inputs(SPEC))
    (turned,) = [reading for reading in other_readings(SPEC, "nkcft", chunked=True) if reading.turned]
    found = tried_otherwise(model, CLIPS, turned)
    assert found is not None
    expected = logits_of(of_pieces("nkctf"), CLIPS.inputs(SPEC)).softmax(1)
    torch.testing.assert_close(found.probabilities, expected)
    assert not torch.allclose(found.probabilities, before.softmax(1))
    assert torch.equal(logits_of(model, CLIPS.inputs(SPEC)), before)


def test_answers_come_back_in_the_clips_order_though_they_are_asked_for_in_another() -> None:
    network = Counted()
    model = TorchModel(network.eval(), SpeechInput(8000, 1.0, "waveform"), ("a", "b"))
    inputs = torch.arange(80.0).reshape(40, 2)
    assert torch.equal(logits_of(model, inputs), inputs.double())
    asked = [first for part in network.firsts for first in part]
    assert [len(part) for part in network.firsts] == [32, 8]
    assert asked != inputs[:, 0].tolist()
    assert sorted(asked) == inputs[:, 0].tolist()
    again = Counted()
    logits_of(TorchModel(again.eval(), model.spec, ("a", "b")), inputs)
    assert again.firsts == network.firsts
