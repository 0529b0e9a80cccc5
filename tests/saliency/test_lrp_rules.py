"""The rules of relevance propagation against slow, literal versions of their formulas."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from audit.saliency.lrp.rules import Layer, Rule, alphabeta, epsilon, gamma, signplus, zplus

Array = NDArray[np.float64]
EPS = 1e-9


def literal(inputs: Array, weight: Array, bias: Array, relevance: Array, share: Callable[[list[float]], list[float]]):
    """Share each output's relevance over its contributions, one number at a time; the bias is the last of them."""
    to_inputs, to_bias = np.zeros(len(inputs)), np.zeros(len(bias))
    for j in range(len(bias)):
        contributions = [inputs[i] * weight[i, j] for i in range(len(inputs))] + [bias[j]]
        shares = share(contributions)
        for i in range(len(inputs)):
            to_inputs[i] += shares[i] * relevance[j]
        to_bias[j] = shares[-1] * relevance[j]
    return to_inputs, to_bias


def in_proportion(values: list[float]) -> list[float]:
    total = sum(values)
    return [value / total if total else 0.0 for value in values]


def above(values: list[float]) -> list[float]:
    return [max(value, 0.0) for value in values]


def below(values: list[float]) -> list[float]:
    return [min(value, 0.0) for value in values]


def by_sign(values: list[float]) -> list[float]:
    return in_proportion(above(values) if sum(values) >= 0 else below(values))


def favoured(values: list[float]) -> list[float]:
    side = above(values) if sum(values) >= 0 else below(values)
    return in_proportion([value + 0.3 * part for value, part in zip(values, side, strict=True)])


def weighed(values: list[float]) -> list[float]:
    high, low = in_proportion(above(values)), in_proportion(below(values))
    if not any(high) or not any(low):
        return [one + other for one, other in zip(high, low, strict=True)]
    return [2.0 * one - 1.0 * other for one, other in zip(high, low, strict=True)]


RULES = {
    "epsilon": (partial(epsilon, eps=EPS), in_proportion),
    "zplus": (partial(zplus, eps=EPS), lambda values: in_proportion(above(values))),
    "signplus": (partial(signplus, eps=EPS), by_sign),
    "gamma": (partial(gamma, eps=EPS, factor=0.3), favoured),
    "alphabeta": (partial(alphabeta, eps=EPS, alpha=2.0), weighed),
}


def dense(inputs: Array, weight: Array, bias: Array, *, nonnegative: bool, rectified: bool = False) -> Layer:
    x, w, b = (torch.from_numpy(array) for array in (inputs, weight, bias))
    return Layer(
        x, w, b, x @ w + b, lambda x, w: x @ w, lambda s, w: s @ w.mT, nonnegative=nonnegative, rectified=rectified
    )


@pytest.mark.parametrize("nonnegative", [True, False], ids=["nonnegative", "signed"])
@pytest.mark.parametrize("name", RULES)
def test_a_rule_equals_its_formula_written_out(name: str, nonnegative: bool) -> None:
    random = np.random.default_rng(3)
    inputs, weight, bias = random.normal(size=7), random.normal(size=(7, 9)), random.normal(size=9)
    weight[:, 4], bias[4] = np.abs(weight[:, 4]), 0.5
    inputs = np.abs(inputs) if nonnegative else inputs
    relevance = random.normal(size=9)
    rule, share = RULES[name]
    found = rule(dense(inputs, weight, bias, nonnegative=nonnegative), torch.from_numpy(relevance))
    expected = literal(inputs, weight, bias, relevance, share)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    np.testing.assert_allclose(found[1], expected[1], atol=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_knowing_that_a_layer_is_rectified_changes_nothing(name: str) -> None:
    random = np.random.default_rng(4)
    inputs, weight, bias = random.normal(size=7), random.normal(size=(7, 9)), random.normal(size=9)
    relevance = random.normal(size=9) * (inputs @ weight + bias > 0)
    rule: Rule = RULES[name][0]
    plain = rule(dense(inputs, weight, bias, nonnegative=False), torch.from_numpy(relevance))
    known = rule(dense(inputs, weight, bias, nonnegative=False, rectified=True), torch.from_numpy(relevance))
    np.testing.assert_allclose(known[0], plain[0], atol=1e-9)
    np.testing.assert_allclose(known[1], plain[1], atol=1e-9)


@pytest.mark.parametrize("name", RULES)
def test_no_relevance_is_divided_by_zero(name: str) -> None:
    zeros = np.zeros(3)
    found = RULES[name][0](dense(zeros, np.ones((3, 2)), np.zeros(2), nonnegative=False), torch.ones(2).double())
    assert torch.isfinite(found[0]).all()
    assert torch.isfinite(found[1]).all()


def test_gamma_without_bound_becomes_the_rule_of_signs() -> None:
    random = np.random.default_rng(5)
    layer = dense(random.normal(size=7), random.normal(size=(7, 9)), random.normal(size=9), nonnegative=False)
    relevance = torch.from_numpy(random.normal(size=9))
    far, side = gamma(layer, relevance, EPS, 1e9), signplus(layer, relevance, EPS)
    torch.testing.assert_close(far[0], side[0], rtol=0, atol=1e-6)
