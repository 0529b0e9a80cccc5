"""LRP of networks that end in probabilities: merged labels, ensembles, softmax and its logarithm."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from audit.adapter import Ahead, Behind, adapted
from audit.errors import MethodError
from audit.model import Activation, TorchModel
from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

from .lrp_cases import SPEC, Network, built, inputs_of, model_of

RNG = SampleRng([])
TARGETS = torch.tensor([1, 0, 2])


def cnn(seed: int, emotions: int = 3) -> nn.Module:
    return built(
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(720, emotions)), seed=seed
    )


def maps(module: nn.Module, targets: Tensor, emotions: int = 3) -> Tensor:
    return lrp(model_of(module, emotions), inputs_of(len(targets)), targets, RNG).values


@pytest.mark.parametrize(
    "end",
    [
        lambda z: z.softmax(1),
        lambda z: z.log_softmax(1),
        lambda z: z.softmax(1).log(),
        lambda z: z.softmax(1).clamp_min(1e-38).log(),
        lambda z: torch.log(z.softmax(1)).mul(1.0),
        lambda z: z - z.logsumexp(1, keepdim=True),
        lambda z: z.sigmoid().log(),
        lambda z: z.sigmoid(),
        lambda z: z.softmax(1).log().softmax(1),
    ],
    ids=lambda end: "",
)
def test_a_network_that_ends_in_probabilities_is_explained_at_its_logits(end: Callable[[Tensor], Tensor]) -> None:
    bare = cnn(0)
    ended = Network(lambda x, network: end(network(x)), bare).eval()
    torch.testing.assert_close(maps(ended, TARGETS), maps(bare, TARGETS), rtol=1e-4, atol=1e-7)


def test_a_probability_too_small_for_a_float_is_explained_at_its_logit() -> None:
    bare = cnn(0)
    bare[3].bias.data = torch.tensor([0.0, 300.0, 0.0])
    ended = Network(lambda x, network: network(x).softmax(1).clamp_min(1e-38).log(), bare).eval()
    targets = torch.tensor([0, 0, 2])
    assert (ended(inputs_of(3)).gather(1, targets[:, None]) < -80).all()
    torch.testing.assert_close(maps(ended, targets), maps(bare, targets), rtol=1e-4, atol=1e-7)


def test_a_merged_label_solved_by_hand() -> None:
    layer = nn.Linear(2, 3, bias=False)
    layer.weight.data = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    module = nn.Sequential(layer, Behind("none", [[0, 1], [2]], 3)).eval()
    inputs = torch.tensor([[2.0, 0.5]])
    found = lrp(model_of(module, 2), inputs, torch.tensor([0]), RNG, rule="epsilon")
    # Logits 2 and 1, of which the first makes e / (e + 1) of the merged probability.
    share = torch.tensor(1.0).exp() / (torch.tensor(1.0).exp() + 1)
    torch.testing.assert_close(found.values, torch.stack([2 * share, 1 - share])[None], rtol=1e-4, atol=0)
    assert float(found.measures["conservation"]) < 1e-5
    assert float(found.measures["absorbed"]) == 0.0
    logits = torch.tensor([2.0, 1.0])
    entropy = -(share * share.log() + (1 - share) * (1 - share).log())
    torch.testing.assert_close(logits.logsumexp(0), found.values.sum() + entropy, rtol=1e-4, atol=0)


@pytest.mark.parametrize("activation", ["none", "softmax", "sigmoid"])
def test_labels_renamed_left_out_and_merged_are_explained_in_proportion(activation: Activation) -> None:
    bare, inputs = cnn(0, 4), inputs_of(3)
    ends = {"softmax": nn.Softmax(1), "sigmoid": nn.Sigmoid()}
    network = nn.Sequential(bare, ends[activation]) if activation in ends else bare
    model = adapted(
        TorchModel(network, SPEC, tuple("abcd")),
        Ahead({}, None, None),
        Behind(activation, [[3], [0, 2]], 4),
        ("x", "y"),
    )
    model.module.eval()
    found = lrp(model, inputs, torch.tensor([0, 1, 1]), RNG)
    each = [maps(bare, torch.full((3,), label), 4) for label in range(4)]
    outputs = network(inputs)
    logs = outputs if activation == "none" else outputs.log()
    parts = torch.softmax(logs[:, [0, 2]], 1)
    merged = parts[:, 0, None, None, None] * each[0] + parts[:, 1, None, None, None] * each[2]
    torch.testing.assert_close(found.values, torch.cat([each[3][:1], merged[1:]]), rtol=1e-3, atol=1e-6)
    assert (found.measures["conservation"] < 1e-3).all()


def of_probabilities(z: list[Tensor]) -> Tensor:
    return (0.25 * z[0].softmax(1) + 0.75 * z[1].softmax(1)).log()


def of_stacked_logarithms(z: list[Tensor]) -> Tensor:
    weights = torch.tensor([0.25, 0.75]).log().view(-1, 1, 1)
    return torch.logsumexp(torch.stack(z).log_softmax(2) + weights, 0)


def of_a_mean(z: list[Tensor]) -> Tensor:
    return torch.stack([z[0].softmax(1), z[1].softmax(1), z[1].softmax(1), z[1].softmax(1)]).mean(0)


@pytest.mark.parametrize("averaged", [of_probabilities, of_stacked_logarithms, of_a_mean])
def test_members_of_an_ensemble_share_in_proportion_to_their_part_of_the_probability(
    averaged: Callable[[list[Tensor]], Tensor],
) -> None:
    one, other, inputs = cnn(1), cnn(2), inputs_of(3)
    module = Network(lambda x, a, b: averaged([a(x) * 9, b(x) * 9]), one, other).eval()
    found = lrp(model_of(module, 3), inputs, TARGETS, RNG)
    rows = torch.arange(3)
    p, q = ((member(inputs) * 9).softmax(1)[rows, TARGETS] for member in (one, other))
    part = (0.25 * p / (0.25 * p + 0.75 * q))[:, None, None, None]
    expected = 9 * (part * maps(one, TARGETS) + (1 - part) * maps(other, TARGETS))
    torch.testing.assert_close(found.values, expected, rtol=1e-3, atol=1e-5)
    assert (found.measures["conservation"] < 1e-3).all()


def test_averaged_logarithms_are_explained_by_the_members_weights() -> None:
    one, other = cnn(1), cnn(2)
    module = Network(lambda x, a, b: 0.3 * a(x).log_softmax(1) + 0.7 * b(x).log_softmax(1), one, other).eval()
    expected = 0.3 * maps(one, TARGETS) + 0.7 * maps(other, TARGETS)
    torch.testing.assert_close(maps(module, TARGETS), expected, rtol=1e-3, atol=1e-6)


def test_an_ensemble_of_ensembles_shares_twice() -> None:
    nets, inputs = [cnn(seed) for seed in (1, 2, 3)], inputs_of(3)

    def nested(x: Tensor, a: nn.Module, b: nn.Module, c: nn.Module) -> Tensor:
        inner = of_stacked_logarithms([a(x), b(x)])
        return of_stacked_logarithms([inner, c(x)])

    rows = torch.arange(3)
    weights = torch.tensor([1 / 16, 3 / 16, 3 / 4])
    parts = torch.stack([net(inputs).softmax(1)[rows, TARGETS] for net in nets], 1) * weights
    parts = (parts / parts.sum(1, keepdim=True))[..., None, None, None]
    expected = sum(parts[:, index] * maps(net, TARGETS) for index, net in enumerate(nets))
    found = maps(Network(nested, *nets).eval(), TARGETS)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_a_softmax_within_a_network_is_no_end() -> None:
    module = built(lambda: nn.Sequential(nn.Flatten(), nn.Linear(240, 8), nn.Softmax(1), nn.Linear(8, 3)))
    found = lrp(model_of(module, 3), inputs_of(3), TARGETS, RNG)
    assert (found.measures["conservation"] < 1e-3).all()
    assert (found.measures["absorbed_by_rules"].abs() > 1e-3).all()


def test_a_logarithm_within_a_network_is_refused_with_the_reason() -> None:
    module = built(lambda: Network(lambda x, layer: layer(x.flatten(1)).relu().add(1).log(), nn.Linear(240, 3)))
    with pytest.raises(MethodError, match=r"no rule for aten\.log\.default at node 'log' .* neither the input's own"):
        lrp(model_of(module, 3), inputs_of(3), TARGETS, RNG)
