"""AttnLRP's rules for softmax and products of matrices against slow, literal versions of their formulas."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.randomness import SampleRng
from audit.saliency.lrp.lrp import lrp

from .lrp_cases import Network, built, inputs_of, model_of

Array = NDArray[np.float64]
RNG = SampleRng([])


def of_softmax(inputs: Array, relevance: Array) -> Array:
    """R_i = x_i (R_i - s_i sum_j R_j)."""
    outputs = np.exp(inputs) / np.exp(inputs).sum()
    return np.array([inputs[i] * (relevance[i] - outputs[i] * relevance.sum()) for i in range(len(inputs))])


def of_product(left: Array, right: Array, relevance: Array) -> tuple[Array, Array]:
    """R_ij = sum_p A_ij V_jp / (2 O_ip) R_ip, and the other factor's in the same way."""
    product = left @ right
    of_left, of_right = np.zeros_like(left), np.zeros_like(right)
    for i in range(left.shape[0]):
        for j in range(left.shape[1]):
            for p in range(right.shape[1]):
                share = left[i, j] * right[j, p] / (2 * product[i, p]) * relevance[i, p]
                of_left[i, j] += share
                of_right[j, p] += share
    return of_left, of_right


def test_softmax_follows_its_formula() -> None:
    head = built(lambda: nn.Linear(6, 3, bias=False))
    inputs = torch.randn(2, 6, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([2, 0])
    module = Network(lambda x, layer: layer(x.softmax(1)), head).eval()
    found = lrp(model_of(module, 3), inputs, targets, RNG, rule="epsilon", epsilon=1e-9).values
    for row, target in enumerate(targets.tolist()):
        weights = head.weight[target].double().numpy()
        values = inputs[row].double().numpy()
        relevance = np.exp(values) / np.exp(values).sum() * weights
        np.testing.assert_allclose(found[row], of_softmax(values, relevance), rtol=1e-4, atol=1e-6)


def test_attention_follows_its_formulas() -> None:
    """Relevance of the positions' values, by way of the weights as well as of what they weigh."""
    inputs = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    targets = torch.tensor([4, 11])
    module = Network(lambda x: ((x @ x.mT).softmax(-1) @ x).flatten(1)).eval()
    found = lrp(model_of(module, 15), inputs, targets, RNG, rule="epsilon", epsilon=1e-9).values
    for row, target in enumerate(targets.tolist()):
        x = inputs[row].double().numpy()
        scores = x @ x.T
        weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        relevance = np.zeros((5, 3))
        relevance.flat[target] = (weights @ x).flat[target]
        of_weights, of_values = of_product(weights, x, relevance)
        of_scores = np.stack([of_softmax(scores[i], of_weights[i]) for i in range(5)])
        of_queries, of_keys = of_product(x, x.T, of_scores)
        np.testing.assert_allclose(found[row], of_values + of_queries + of_keys.T, rtol=1e-3, atol=1e-5)


def test_a_masked_position_takes_no_relevance() -> None:
    mask = torch.tensor([0.0, 0.0, 0.0, float("-inf"), float("-inf")])

    def added(x: Tensor, layer: nn.Module) -> Tensor:
        return (((layer(x) @ x.mT) + mask).softmax(-1) @ x).sum(1)

    def filled(x: Tensor, layer: nn.Module) -> Tensor:
        return ((layer(x) @ x.mT).masked_fill(mask < 0, float("-inf")).softmax(-1) @ x).sum(1)

    layer = built(lambda: nn.Linear(3, 3))
    inputs = torch.randn(3, 5, 3, generator=torch.Generator().manual_seed(2))
    maps = [
        lrp(model_of(Network(run, layer).eval(), 3), inputs, torch.tensor([0, 1, 2]), RNG) for run in (added, filled)
    ]
    for found in maps:
        assert (found.measures["conservation"] < 1e-3).all()
        torch.testing.assert_close(found.values, maps[0].values, rtol=1e-3, atol=1e-5)


def test_the_same_attention_written_in_other_ways_is_explained_alike() -> None:
    def by_einsum(x: Tensor) -> Tensor:
        return torch.einsum("bts,bsd->btd", torch.einsum("btd,bsd->bts", x, x).mul(0.5).softmax(-1), x).mean(1)

    def by_matmul(x: Tensor) -> Tensor:
        return ((x @ x.mT / 2).softmax(-1) @ x).mean(1)

    def by_one_call(x: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(x, x, x).mean(1)

    inputs = inputs_of(2, 6, 4)
    maps = [
        lrp(model_of(Network(way).eval(), 4), inputs, torch.tensor([1, 3]), RNG).values
        for way in (by_einsum, by_matmul, by_one_call)
    ]
    for other in maps[1:]:
        torch.testing.assert_close(maps[0], other, rtol=1e-3, atol=1e-6)
