"""What LRP refuses, and how it says why."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.model import Model, TorchModel
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

WAVE = SpeechInput(16000, 1.0, "waveform", {})
RNG = SampleRng([])


def model_of(module: nn.Module, emotions: int) -> TorchModel:
    return TorchModel(module.eval(), WAVE, tuple("abcdefgh"[:emotions]), name="mine")


@pytest.mark.parametrize(("operation", "name"), [(torch.cumsum, "cumsum"), (torch.erfinv, "erfinv")])
def test_an_operation_without_a_rule_is_named_with_its_module(operation: object, name: str) -> None:
    class Odd(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return operation(inputs, 1) if name == "cumsum" else operation(inputs)

    model = model_of(nn.Sequential(nn.Linear(5, 3), Odd()), 3)
    with pytest.raises(MethodError, match=rf"no rule for aten\.{name}\.default at node '{name}' from '1' \(Odd\)"):
        lrp(model, torch.full((1, 5), 0.1), torch.tensor([0]), RNG)


@pytest.mark.parametrize(
    ("operation", "node", "why"),
    [
        (lambda x: 1 / (1 + x), "reciprocal", "it divides nothing that depends on the input"),
        (lambda x: (1 + x).rsqrt() + x, "rsqrt", "it divides nothing that depends on the input"),
        (lambda x: x.pow(-2) + x, "pow_1", "the exponent is not a number above 0"),
        (lambda x: torch.tensor([2.0]) / x, "div", "only the denominator depends on the input"),
    ],
)
def test_a_use_without_a_rule_is_refused_with_the_reason(
    operation: Callable[[Tensor], Tensor], node: str, why: str
) -> None:
    class Odd(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return operation(inputs)

    model = model_of(nn.Sequential(nn.Linear(5, 3), Odd()), 3)
    with pytest.raises(MethodError, match=rf"at node '{node}' from '1' \(Odd\) where {why}"):
        lrp(model, torch.full((1, 5), 0.1), torch.tensor([0]), RNG)


def test_a_model_without_a_module_is_refused() -> None:
    class Opaque(Model):
        name, spec, emotions, differentiable = "opaque", WAVE, ("a", "b"), False

        def _logits(self, inputs: Tensor) -> Tensor:
            return inputs[:, :2]

    with pytest.raises(MethodError, match="needs a torch module, and model 'opaque' has none"):
        lrp(Opaque(), torch.zeros(1, 2), torch.tensor([0]), RNG)


def test_a_model_whose_logits_are_not_its_modules_is_refused() -> None:
    class Turned(TorchModel):
        def _logits(self, inputs: Tensor) -> Tensor:
            return super()._logits(inputs).flip(1)

    model = Turned(nn.Linear(2, 2), WAVE, ("a", "b"), name="turned")
    with pytest.raises(MethodError, match="exported graph of model 'turned' gives"):
        lrp(model, torch.tensor([[1.0, 2.0]]), torch.tensor([0]), RNG)


def test_a_module_that_cannot_be_exported_is_refused_with_the_reason() -> None:
    class Branching(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs * 2 if inputs.sum() > 0 else inputs

    with pytest.raises(MethodError, match="Branching cannot be exported for inputs"):
        lrp(model_of(Branching(), 2), torch.ones(1, 2), torch.tensor([0]), RNG)


@pytest.mark.parametrize("numbers", [{"rule": "gama"}, {"epsilon": 0.0}, {"gamma": -1.0}, {"alpha": 0.5}])
def test_a_wrong_rule_or_number_is_refused(numbers: dict, resnet: TorchModel, mels: Tensor) -> None:
    with pytest.raises(MethodError, match="did you mean 'gamma'" if "rule" in numbers else "above 0, 0 or more"):
        lrp(resnet, mels, torch.tensor([0, 1, 2, 3]), RNG, **numbers)
