"""LRP through every kind of network: relevance is conserved, and nothing but constants absorbs any."""

import pytest
import torch
from torch import Tensor, nn

from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

from .lrp_cases import NETWORKS, Network, built, frames, inputs_of, model_of, statistics_pooled

RNG = SampleRng([])
TARGETS = torch.tensor([1, 0, 3])
BIASED = frozenset({"class token", "standardised input", "logarithm of the input"})
"""Networks with constants that are no biases."""


@pytest.mark.parametrize("name", NETWORKS)
def test_relevance_and_what_constants_absorb_add_up_to_the_logit(name: str) -> None:
    module, inputs = built(NETWORKS[name]), inputs_of(3)
    model = model_of(module)
    keys = [set(vars(m)) for m in module.modules()]
    for rule in ("composite", "epsilon", "gamma"):
        found = lrp(model, inputs, TARGETS, RNG, rule=rule)
        logits = module(inputs).gather(1, TARGETS[:, None]).squeeze(1)
        total = found.values.sum((1, 2, 3)) + found.measures["absorbed"] * logits
        assert ((total - logits).abs() < 1e-3 * logits.abs()).all(), rule
        assert (found.measures["conservation"] < 1e-3).all(), rule
        assert (found.values.abs().amax((1, 2, 3)) > 0).all(), rule
    assert [set(vars(m)) for m in module.modules()] == keys


def without_constants(module: nn.Module) -> None:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if "bias" in name or "running_mean" in name:
            tensor.zero_()


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - BIASED))
def test_a_network_without_biases_has_nothing_to_absorb_but_terms_of_rules(name: str) -> None:
    module, inputs = built(NETWORKS[name], seed=1), inputs_of(3)
    without_constants(module)
    for rule in ("composite", "epsilon"):
        measures = lrp(model_of(module), inputs, TARGETS, RNG, rule=rule, epsilon=1e-9).measures
        assert ((measures["absorbed"] - measures["absorbed_by_rules"]).abs() < 1e-6).all(), rule
        assert (measures["conservation"] < 1e-3).all(), rule


WITH_TERMS = frozenset(
    {
        "multi-head attention",
        "transformer",
        "masked transformer",
        "class token",
        "einsum attention",
        "matmul attention",
        "scaled dot product attention",
        "activations above zero at zero",
        "attention pooling",
        "softmax within",
        "log-softmax within",
        "log-sum-exp pooling",
    }
)
"""Networks with a softmax, a log-sum-exp, or an activation that is not zero at zero."""


@pytest.mark.parametrize("name", NETWORKS)
def test_rules_absorb_only_where_an_operation_has_a_constant_term(name: str) -> None:
    module, inputs = built(NETWORKS[name]), inputs_of(3)
    absorbed = lrp(model_of(module), inputs, TARGETS, RNG, rule="epsilon").measures["absorbed_by_rules"]
    if name in WITH_TERMS:
        assert (absorbed.abs() > 1e-4).any()
    else:
        assert (absorbed == 0).all()


@pytest.mark.parametrize("name", ["batch norm", "conv1d", "transposed conv2d", "average pool", "adaptive max pool"])
def test_biases_absorb_what_their_gradients_say(name: str) -> None:
    """A network of ReLUs is linear in inputs and constants around each input: its logit is gradient times either."""
    module, inputs = built(NETWORKS[name]), inputs_of(3)
    found = lrp(model_of(module), inputs, TARGETS, RNG, rule="epsilon", epsilon=1e-9)
    biases = {key: tensor for key, tensor in module.named_parameters() if key.endswith("bias")}
    constants = {key: tensor.clone() for key, tensor in biases.items()}
    for path, norm in module.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            constants[f"{path}.bias"] -= norm.running_mean * norm.weight / torch.sqrt(norm.running_var + norm.eps)
    for row, target in enumerate(TARGETS.tolist()):

        def logit(values: dict[str, Tensor], row: int = row, target: int = target) -> Tensor:
            return torch.func.functional_call(module, values, (inputs[row : row + 1],))[0, target]

        gradients = torch.func.grad(logit)(biases)
        absorbed = sum(float((gradients[key] * constants[key]).sum()) for key in constants)
        share = absorbed / float(logit(biases))
        assert found.measures["absorbed"][row].item() == pytest.approx(share, rel=1e-3, abs=1e-4)


def test_every_way_to_write_a_deviation_is_explained_alike() -> None:
    inputs = inputs_of(3)
    maps = [
        lrp(model_of(built(lambda way=way: statistics_pooled(way))), inputs, TARGETS, RNG, epsilon=1e-9).values
        for way in ("std", "var", "pow")
    ]
    for other in maps[1:]:
        torch.testing.assert_close(maps[0], other, rtol=1e-3, atol=1e-6)


def test_a_layer_norm_is_explained_as_it_is_written_out() -> None:
    def written(x: Tensor, embed: nn.Module, norm: nn.LayerNorm, head: nn.Module) -> Tensor:
        x = embed(frames(x))
        centred = x - x.mean(-1, keepdim=True)
        scaled = centred / (x.var(-1, correction=0, keepdim=True) + norm.eps).sqrt()
        return head((scaled * norm.weight + norm.bias).relu().mean(1))

    def whole(x: Tensor, embed: nn.Module, norm: nn.Module, head: nn.Module) -> Tensor:
        return head(norm(embed(frames(x))).relu().mean(1))

    inputs, found = inputs_of(3), []
    for forward in (written, whole):
        module = built(lambda f=forward: Network(f, nn.Linear(12, 16), nn.LayerNorm(16), nn.Linear(16, 4)))
        module.layers[1].bias.normal_(generator=torch.Generator().manual_seed(3))
        found.append(lrp(model_of(module), inputs, TARGETS, RNG, rule="epsilon", epsilon=1e-9))
    torch.testing.assert_close(found[0].values, found[1].values, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(found[0].measures["absorbed"], found[1].measures["absorbed"], rtol=1e-3, atol=1e-5)


def test_a_gate_takes_nothing_and_its_signal_all() -> None:
    inputs = torch.tensor([[0.0, 1.0, 3.0, 4.0]])
    for gated in (lambda x: torch.sigmoid(x[:, :2]) * x[:, 2:], lambda x: x[:, 2:] * (1 - torch.sigmoid(-x[:, :2]))):
        found = lrp(model_of(Network(gated).eval(), 2), inputs, torch.tensor([0]), RNG).values
        torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 1.5, 0.0]]))


def test_a_product_of_two_signals_is_halved() -> None:
    model = model_of(Network(lambda x: x[:, :2] * x[:, 2:]).eval(), 2)
    found = lrp(model, torch.tensor([[2.0, 1.0, 3.0, 4.0]]), torch.tensor([0]), RNG).values
    torch.testing.assert_close(found, torch.tensor([[3.0, 0.0, 3.0, 0.0]]))


def test_of_a_quotient_the_denominator_takes_nothing_however_it_is_written() -> None:
    inputs = torch.tensor([[2.0, 1.0, 4.0, 8.0]])
    ways = (
        lambda x: x[:, :2] / x[:, 2:],
        lambda x: x[:, :2] * x[:, 2:].reciprocal(),
        lambda x: x[:, 2:].pow(-1) * x[:, :2],
        lambda x: x[:, :2] * x[:, 2:].square().rsqrt(),
    )
    for way in ways:
        found = lrp(model_of(Network(way).eval(), 2), inputs, torch.tensor([0]), RNG).values
        torch.testing.assert_close(found, torch.tensor([[0.5, 0.0, 0.0, 0.0]]))


def test_what_lowers_an_activation_speaks_against_it() -> None:
    class Lowered(nn.Module):
        """softplus(x0 - 2 x1), below its value at zero where x1 prevails."""

        def forward(self, inputs: Tensor) -> Tensor:
            return nn.functional.softplus(inputs[:, :1] - 2 * inputs[:, 1:]).expand(-1, 2) * torch.tensor([1.0, 2.0])

    found = lrp(model_of(Lowered().eval(), 2), torch.tensor([[1.0, 1.0]]), torch.tensor([0]), RNG, rule="epsilon")
    at_zero, value = torch.tensor(2.0).log(), nn.functional.softplus(torch.tensor(-1.0))
    expected = (value - at_zero) * torch.tensor([[-1.0, 2.0]])
    torch.testing.assert_close(found.values, expected, rtol=1e-4, atol=0)
    torch.testing.assert_close(found.measures["absorbed_by_rules"], (at_zero / value)[None], rtol=1e-4, atol=0)
