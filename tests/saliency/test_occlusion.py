"""Occlusion: what it finds in models whose truth is known, beside a literal version and captum's."""

import captum.attr
import pytest
import torch
from torch import Tensor, nn

from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.kinds import find
from audit.masking import replace
from audit.model import BlackBox, TorchModel
from audit.randomness import SampleRng
from audit.saliency.occlusion import occlusion

MEL = SpeechInput(16000, 3.0, "melspectrogram", {})
WAVE = SpeechInput(16000, 1.0, "waveform", {})
TARGETS = torch.tensor([0, 1, 0, 1])


class Spot(nn.Module):
    """Answers with the mean of a few cells."""

    def __init__(self, *where: slice) -> None:
        super().__init__()
        self.where = (slice(None), *where)

    def forward(self, inputs: Tensor) -> Tensor:
        mean = inputs[self.where].flatten(1).mean(1)
        return torch.stack([4 * mean, -4 * mean], dim=1)


def literal(model: TorchModel, one: Tensor, target: int, window: tuple[int, int], step: tuple[int, int]) -> Tensor:
    """Loop over every window and every cell, as the definition says; the last windows end at the edges."""

    def probability(inputs: Tensor) -> float:
        return float(model.logits(inputs[None]).double().softmax(1)[0, target])

    whole, (_, rows, columns) = probability(one), one.shape
    found = torch.zeros(rows, columns, dtype=torch.float64)
    drops: dict[tuple[int, int], list[float]] = {(r, c): [] for r in range(rows) for c in range(columns)}
    tops = sorted({min(top, rows - window[0]) for top in range(0, rows, step[0])})
    lefts = sorted({min(left, columns - window[1]) for left in range(0, columns, step[1])})
    for top in tops:
        for left in lefts:
            hidden = one.clone()
            hidden[:, top : top + window[0], left : left + window[1]] = one.mean()
            drop = whole - probability(hidden)
            for row in range(top, top + window[0]):
                for column in range(left, left + window[1]):
                    drops[row, column].append(drop)
    for (row, column), values in drops.items():
        found[row, column] = sum(values) / len(values)
    return found


@pytest.mark.parametrize(("window", "step"), [((3, 4), (2, 3)), ((5, 5), (5, 5)), ((1, 1), (1, 1)), ((9, 11), (4, 4))])
def test_it_is_the_mean_drop_over_the_windows_that_cover_a_cell(
    window: tuple[int, int], step: tuple[int, int], rng: SampleRng
) -> None:
    generator = torch.Generator().manual_seed(2)
    inputs = torch.rand(4, 2, 9, 11, generator=generator)
    network = nn.Sequential(nn.Flatten(), nn.Linear(198, 2), nn.Tanh(), nn.Linear(2, 2))
    model = TorchModel(network.eval(), MEL, ("anger", "fear"))
    with torch.no_grad():
        maps = occlusion(model, inputs, TARGETS, rng, window=window, step=step, batch=7).values
        for one, target, map_ in zip(inputs, TARGETS.tolist(), maps, strict=True):
            expected = literal(model, one, target, window, step).float().expand(2, 9, 11)
            torch.testing.assert_close(map_, expected, rtol=0, atol=1e-6)


def test_it_equals_captums_occlusion(resnet: TorchModel, mels: Tensor, rng: SampleRng) -> None:
    targets = torch.tensor([0, 2, 3, 5])
    ours = occlusion(resnet, mels, targets, rng, window=[16, 47], step=[16, 47], fill="floor").values

    def probabilities(inputs: Tensor) -> Tensor:
        return resnet.logits(inputs).softmax(1)

    with torch.no_grad():
        theirs = captum.attr.Occlusion(probabilities).attribute(
            mels, sliding_window_shapes=(1, 16, 47), strides=(1, 16, 47), baselines=0.0, target=targets
        )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_it_finds_the_cells_that_decide(mels: Tensor, rng: SampleRng) -> None:
    where = (slice(None), slice(32, 48), slice(22, 33))
    model = TorchModel(Spot(*where), MEL, ("anger", "fear"))
    maps = occlusion(model, 0.5 + mels, torch.zeros(4, dtype=torch.long), rng, fill="floor").values
    inside = torch.zeros_like(maps)
    inside[(slice(None), *where)] = 1
    assert ((maps * inside).flatten(1).sum(1) > 0.4 * maps.clamp_min(0).flatten(1).sum(1)).all()
    far = maps[:, :, 64:, 47:]
    assert torch.equal(far, torch.zeros_like(far))


@pytest.mark.parametrize("shape", [(640,), (1, 640), (1, 1, 640)])
def test_on_a_waveform_the_window_is_a_span_of_time(shape: tuple[int, ...]) -> None:
    waveforms = 0.5 + torch.rand(2, *shape, generator=torch.Generator().manual_seed(1))
    model = TorchModel(Spot(..., slice(100, 200)), WAVE, ("anger", "fear"))  # type: ignore[arg-type]
    targets = torch.zeros(2, dtype=torch.long)
    maps = occlusion(model, waveforms, targets, SampleRng([1, 2]), window=[100], step=[50], fill="floor").values
    assert maps.shape == waveforms.shape
    assert ((maps.argmax(-1) >= 100) & (maps.argmax(-1) < 200)).all()
    assert (maps[..., 250:] == 0).all()


def test_neither_batches_nor_neighbours_change_a_map(resnet: TorchModel, mels: Tensor) -> None:
    targets = torch.tensor([0, 2, 3, 5])
    together = occlusion(resnet, mels, targets, SampleRng([1, 2, 3, 4]), fill="noise", batch=64).values
    for row, seed in enumerate((1, 2, 3, 4)):
        alone = occlusion(resnet, mels[row : row + 1], targets[row : row + 1], SampleRng([seed]), fill="noise", batch=5)
        torch.testing.assert_close(alone.values[0], together[row], rtol=0, atol=1e-5)


def test_it_asks_a_model_without_gradients_once_per_window(mels: Tensor, rng: SampleRng) -> None:
    model = BlackBox(lambda array: array.reshape(len(array), -1)[:, :2], MEL, ("anger", "fear"))
    occlusion(model, mels, TARGETS, rng)
    assert model.ledger.total.forward_samples == 4 * (1 + 15 * 15)
    assert not find("saliency", "occlusion").facts["gradients"]


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"window": [200, 4]}, r"window \[200, 4\] does not fit the input; at most \[128, 94\]"),
        ({"window": [4]}, "does not fit"),
        ({"window": [4, 0]}, "at least 1"),
        ({"window": [4, 4], "step": [4, 5]}, "cells would be left out"),
    ],
)
def test_a_window_that_does_not_fit_is_refused(
    resnet: TorchModel, mels: Tensor, rng: SampleRng, keys: dict[str, list[int]], told: str
) -> None:
    with pytest.raises(MethodError, match=told):
        occlusion(resnet, mels, TARGETS, rng, **keys)


def test_what_hides_is_what_faithfulness_uses(mels: Tensor) -> None:
    seen: list[Tensor] = []

    class Watching(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            seen.append(inputs.clone())
            return inputs.flatten(1)[:, :2]

    model = TorchModel(Watching(), MEL, ("anger", "fear"))
    one, everything = mels[:1], torch.ones(1, 1, 128, 94, dtype=torch.bool)
    occlusion(model, one, TARGETS[:1], SampleRng([5]), window=[128, 94], fill="blur")
    assert torch.equal(seen[-1], replace(one, everything, "blur", MEL, SampleRng([5])))
