"""The model as it is lent out and given back, its account, and outputs that cannot be used."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from audit.errors import ModelError
from audit.input_spec import SpeechInput
from audit.model import TorchModel, as_found, gradient


def state(module: nn.Module) -> dict[str, object]:
    return {
        "modes": [m.training for m in module.modules()],
        "hooks": [len(m._forward_hooks) for m in module.modules()],
        "asked": [p.requires_grad for p in module.parameters()],
        "grads": [None if p.grad is None else p.grad.clone() for p in module.parameters()],
        "values": [v.clone() for v in module.state_dict().values()],
    }


def same(first: dict[str, object], second: dict[str, object]) -> bool:
    def equal(a: object, b: object) -> bool:
        return torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b

    return all(equal(a, b) for key in first for a, b in zip(first[key], second[key], strict=True))


@pytest.fixture
def lived_in(resnet: TorchModel, mels: Tensor) -> TorchModel:
    """A model in the middle of its owner's work: mixed modes, a frozen layer, grads, a hook."""
    module = resnet.module
    module.train()
    module.stem.eval()
    module.head.weight.requires_grad_(False)
    module(mels).sum().backward()
    module.pool.register_forward_hook(lambda *_: None)
    return resnet


def test_a_model_is_found_again_as_it_was(lived_in: TorchModel, mels: Tensor) -> None:
    before = state(lived_in.module)
    with as_found(lived_in):
        assert not any(m.training for m in lived_in.module.modules())
        gradient(lived_in, mels, torch.zeros(4, dtype=torch.long))
        lived_in.module.stem.register_forward_hook(lambda *_: None)
    assert same(before, state(lived_in.module))


def test_even_after_an_error_inside(lived_in: TorchModel) -> None:
    before = state(lived_in.module)
    with pytest.raises(RuntimeError, match="power cut"), as_found(lived_in):  # noqa: PT012
        lived_in.module.train()
        raise RuntimeError("power cut")
    assert same(before, state(lived_in.module))


def test_every_pass_is_booked_on_the_check_that_made_it(resnet: TorchModel, mels: Tensor) -> None:
    with resnet.ledger.during("one"):
        resnet.logits(mels)
    with resnet.ledger.during("two"):
        gradient(resnet, mels, torch.zeros(4, dtype=torch.long))
    one, two = resnet.ledger.by_check["one"], resnet.ledger.by_check["two"]
    assert (one.forward_samples, one.backward_samples) == (4, 0)
    assert (two.forward_samples, two.backward_samples) == (4, 4)
    assert 0 < two.model_seconds <= two.wall_seconds


class Broken(nn.Module):
    def __init__(self, shape: tuple[int, ...], value: float) -> None:
        super().__init__()
        self.shape, self.value = shape, value

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.full((len(inputs), *self.shape), self.value)


@pytest.mark.parametrize(
    ("shape", "value", "told"),
    [((3,), 0.0, r"logits of shape \(2, 3\)"), ((2,), float("nan"), "NaN or infinite logits")],
    ids=["too-many-emotions", "nan"],
)
def test_outputs_that_cannot_be_used_are_an_error(shape: tuple[int, ...], value: float, told: str) -> None:
    model = TorchModel(Broken(shape, value), SpeechInput(16000, 1.0, "waveform"), ("anger", "fear"), name="odd")
    with pytest.raises(ModelError, match=told) as raised:
        model.logits(torch.zeros(2, 16000))
    assert "'odd'" in str(raised.value)


def test_the_waveform_view_is_the_model_behind_its_front_end(resnet: TorchModel) -> None:
    waveforms = 0.1 * torch.randn(2, 48000, generator=torch.Generator().manual_seed(1))
    view = resnet.view_from_waveform()
    assert torch.equal(view.logits(waveforms), resnet.logits(resnet.spec.represent(waveforms)))
    assert view.spec.bounds == (-1.0, 1.0)
    assert gradient(view, waveforms, torch.tensor([0, 1])).abs().sum() > 0


def test_the_digest_is_that_of_the_weights(resnet: TorchModel) -> None:
    before = resnet.digest()
    assert before == resnet.digest()
    with torch.no_grad():
        resnet.module.head.bias[0] += 1
    assert resnet.digest() != before
