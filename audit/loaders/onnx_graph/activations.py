"""Activations."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from audit.loaders.onnx_graph.table import Node, Table

operations = Table()
operations.plain(
    Relu=torch.relu,
    Sigmoid=torch.sigmoid,
    Tanh=torch.tanh,
    Softplus=functional.softplus,
    Softsign=functional.softsign,
    HardSwish=functional.hardswish,
    Mish=functional.mish,
)


@operations("LeakyRelu")
def leaky_relu(node: Node, value: Tensor) -> Tensor:
    """Return x, below zero alpha x."""
    return functional.leaky_relu(value, node.get("alpha", 0.01))


@operations("PRelu")
def p_relu(_: Node, value: Tensor, slope: Tensor) -> Tensor:
    """Return x, below zero slope x; `slope` is broadcast."""
    return torch.relu(value) - slope * torch.relu(-value)


@operations("ThresholdedRelu")
def thresholded_relu(node: Node, value: Tensor) -> Tensor:
    """Return x above alpha, else zero."""
    return functional.threshold(value, node.get("alpha", 1.0), 0.0)


@operations("Elu")
def elu(node: Node, value: Tensor) -> Tensor:
    """Return x, below zero alpha (exp x - 1)."""
    return functional.elu(value, node.get("alpha", 1.0))


@operations("Celu")
def celu(node: Node, value: Tensor) -> Tensor:
    """Return x, below zero alpha (exp(x / alpha) - 1)."""
    return functional.celu(value, node.get("alpha", 1.0))


@operations("Selu")
def selu(node: Node, value: Tensor) -> Tensor:
    """Return gamma x, below zero gamma alpha (exp x - 1)."""
    alpha, gamma = node.get("alpha", 1.67326319217681884765625), node.get("gamma", 1.05070102214813232421875)
    return gamma * functional.elu(value, alpha)


@operations("HardSigmoid")
def hard_sigmoid(node: Node, value: Tensor) -> Tensor:
    """Return alpha x + beta, brought into [0, 1]."""
    return torch.clamp(node.get("alpha", 0.2) * value + node.get("beta", 0.5), 0.0, 1.0)


@operations("Swish")
def swish(node: Node, value: Tensor) -> Tensor:
    """Return x sigmoid(alpha x)."""
    return value * torch.sigmoid(node.get("alpha", 1.0) * value)


@operations("Gelu")
def gelu(node: Node, value: Tensor) -> Tensor:
    """Return x times the normal distribution's share below x, or its approximation by tanh."""
    return functional.gelu(value, approximate=node.get("approximate", "none"))


@operations("Softmax")
def softmax(node: Node, value: Tensor) -> Tensor:
    """Return shares that sum to one along an axis, before operator set 13 over all axes from it on."""
    if node.version >= 13:
        return torch.softmax(value, node.get("axis", -1))
    return torch.softmax(value.flatten(node.get("axis", 1)), -1).view(value.shape)


@operations("LogSoftmax")
def log_softmax(node: Node, value: Tensor) -> Tensor:
    """Return the logarithm of softmax."""
    if node.version >= 13:
        return torch.log_softmax(value, node.get("axis", -1))
    return torch.log_softmax(value.flatten(node.get("axis", 1)), -1).view(value.shape)
