"""Recurrent layers, step by step as ONNX defines them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from audit.loaders.onnx_graph.table import Host, Node, Table

operations = Table()
Activation = Callable[[Tensor], Tensor]
Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]
ACTIVATIONS: dict[str, Activation] = {
    "Relu": torch.relu,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
    "Softsign": functional.softsign,
    "Softplus": functional.softplus,
}


def _activations(node: Node, defaults: list[str], direction: int) -> list[Activation]:
    names = node.get("activations", None) or defaults * 2
    chosen = names[direction * len(defaults) :][: len(defaults)]
    unknown = [name for name in chosen if name not in ACTIVATIONS]
    if unknown or node.get("activation_alpha", None) or node.get("activation_beta", None):
        raise node.refuse(f"activations {', '.join(chosen)} of their own parameters")
    if node.get("clip", None) is not None:
        raise node.refuse("clipped gates")
    return [ACTIVATIONS[name] for name in chosen]


def _run(
    node: Node,
    value: Tensor,
    lengths: Host | None,
    weight: Tensor,
    bias: Tensor,
    states: list[Tensor],
    step: Callable[[int], Step],
) -> tuple[Tensor, ...]:
    """Return the first state at every step, (steps, directions, n, hidden), and each state at the last one.

    `states` are (directions, n, hidden) each; `step(direction)` takes W x + b (n, gates x hidden) of one input, and the
    states (n, hidden).
    """
    if node.get("layout", 0):
        raise node.refuse("the batch as the first axis")
    if lengths is not None and (lengths != value.shape[0]).any():
        raise node.refuse("sequences of unlike length")
    outputs, lasts = [], []
    for direction in range(states[0].shape[0]):
        once, now, seen = step(direction), tuple(state[direction] for state in states), []
        inputs = functional.linear(value, weight[direction], bias[direction]).unbind(0)
        backwards = node.get("direction", "forward") == "reverse" or direction == 1
        for each in reversed(inputs) if backwards else inputs:
            now = once(each, now)
            seen.append(now[0])
        outputs.append(torch.stack(seen[::-1] if backwards else seen))
        lasts.append(now)
    ends = (torch.stack(parts) for parts in zip(*lasts, strict=True))
    return (torch.stack(outputs, dim=1), *ends)


def _state(value: Tensor, given: Tensor | None, weight: Tensor) -> Tensor:
    """Return an initial state (directions, n, hidden), zeros where none is given."""
    return given if given is not None else value.new_zeros(weight.shape[0], value.shape[1], weight.shape[2])


def _biases(weight: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the biases (directions, gates x hidden) of input and state."""
    given = bias if bias is not None else weight.new_zeros(weight.shape[0], 2 * weight.shape[1])
    first, second = given.chunk(2, dim=1)
    return first, second


def _outputs(node: Node, found: tuple[Tensor, ...]) -> Any:
    return found if node.outputs > 1 else found[0]


@operations("RNN", host=(4,))
def rnn(
    node: Node,
    value: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Host | None = None,
    start: Tensor | None = None,
) -> Any:
    """Return h_t = f(W x_t + R h_{t-1} + b) for steps (steps, n, features)."""
    of_input, of_state = _biases(weight, bias)

    def step(direction: int) -> Step:
        (activation,) = _activations(node, ["Tanh"], direction)

        def once(each: Tensor, now: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (activation(functional.linear(now[0], recurrence[direction], of_state[direction]) + each),)

        return once

    return _outputs(node, _run(node, value, lengths, weight, of_input, [_state(value, start, recurrence)], step))


@operations("LSTM", host=(4,))
def lstm(
    node: Node,
    value: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Host | None = None,
    start: Tensor | None = None,
    cell: Tensor | None = None,
    peepholes: Tensor | None = None,
) -> Any:
    """Return the states of a long short-term memory for steps (steps, n, features); gates are in order i, o, f, c."""
    if node.get("input_forget", 0):
        raise node.refuse("coupled gates")
    of_input, of_state = _biases(weight, bias)

    def step(direction: int) -> Step:
        gate, candidate, output = _activations(node, ["Sigmoid", "Tanh", "Tanh"], direction)
        peeps = peepholes[direction].chunk(3) if peepholes is not None else None

        def once(each: Tensor, now: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            hidden, memory = now
            gates = functional.linear(hidden, recurrence[direction], of_state[direction]) + each
            i, o, f, c = gates.chunk(4, dim=1)
            if peeps is not None:
                i, f = i + peeps[0] * memory, f + peeps[2] * memory
            memory = gate(f) * memory + gate(i) * candidate(c)
            o = o if peeps is None else o + peeps[1] * memory
            return gate(o) * output(memory), memory

        return once

    states = [_state(value, start, recurrence), _state(value, cell, recurrence)]
    return _outputs(node, _run(node, value, lengths, weight, of_input, states, step))


@operations("GRU", host=(4,))
def gru(
    node: Node,
    value: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Host | None = None,
    start: Tensor | None = None,
) -> Any:
    """Return the states of gated recurrent units for steps (steps, n, features); gates are in the order z, r, h."""
    of_input, of_state = _biases(weight, bias)

    def step(direction: int) -> Step:
        gate, candidate = _activations(node, ["Sigmoid", "Tanh"], direction)
        matrix, shift = recurrence[direction], of_state[direction]
        size = matrix.shape[1]

        def once(each: Tensor, now: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            hidden = now[0]
            z, r, h = each.chunk(3, dim=1)
            if node.get("linear_before_reset", 0):
                of_z, of_r, of_h = functional.linear(hidden, matrix, shift).chunk(3, dim=1)
                z, r = gate(z + of_z), gate(r + of_r)
                h = candidate(h + of_h * r)
            else:
                of_z, of_r = functional.linear(hidden, matrix[: 2 * size], shift[: 2 * size]).chunk(2, dim=1)
                z, r = gate(z + of_z), gate(r + of_r)
                h = candidate(h + functional.linear(hidden * r, matrix[2 * size :], shift[2 * size :]))
            return ((hidden - h) * z + h,)

        return once

    return _outputs(node, _run(node, value, lengths, weight, of_input, [_state(value, start, recurrence)], step))
