"""Recurrent layers as one operation each: their steps, and relevance back through time.

torch.export would write every step out, thousands of operations for a clip of some seconds. Relevance follows Arras et
al. (2017), Explaining recurrent neural network predictions: of a gate and its signal the signal takes all, and sums
share among their terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph

from audit.saliency.lrp.call import Call, Share
from audit.saliency.lrp.rules import Layer

aten = torch.ops.aten


@dataclass(frozen=True)
class Run:
    """One layer in one direction: what each of its steps saw and computed, in the order it ran."""

    params: tuple[Tensor | None, ...]
    inputs: Tensor
    projected: Tensor
    steps: list[tuple[Tensor, ...]]


def lstm(inputs: Tensor, state: Sequence[Tensor], params: Sequence[Tensor], *options: Any) -> Any:
    """Return outputs, last hidden states, last cells, and the runs, for the arguments of aten.lstm.input."""
    return _layers(_lstm_step, inputs, list(state), params, *options)


def gru(inputs: Tensor, state: Tensor, params: Sequence[Tensor], *options: Any) -> Any:
    """Return outputs, last hidden states, and the runs, for the arguments of aten.gru.input."""
    return _layers(_gru_step, inputs, [state], params, *options)


def rnn_tanh(inputs: Tensor, state: Tensor, params: Sequence[Tensor], *options: Any) -> Any:
    """Return outputs, last hidden states, and the runs, for the arguments of aten.rnn_tanh.input."""
    return _layers(_tanh_step, inputs, [state], params, *options)


def rnn_relu(inputs: Tensor, state: Tensor, params: Sequence[Tensor], *options: Any) -> Any:
    """Return outputs, last hidden states, and the runs, for the arguments of aten.rnn_relu.input."""
    return _layers(_relu_step, inputs, [state], params, *options)


KEPT = {
    aten.lstm.input: lstm,
    aten.gru.input: gru,
    aten.rnn_tanh.input: rnn_tanh,
    aten.rnn_relu.input: rnn_relu,
}


def rename_recurrent(graph: Graph) -> None:
    """Let recurrent layers remember their steps."""
    for node in graph.nodes:
        if node.target in KEPT:
            node.target = KEPT[node.target]


def _layers(
    step: Callable[..., tuple[Tensor, ...]],
    inputs: Tensor,
    state: list[Tensor],
    params: Sequence[Tensor],
    biases: bool,
    depth: int,
    dropout: float,
    train: bool,
    both: bool,
    batch_first: bool,
) -> Any:
    sequence = inputs.transpose(0, 1) if batch_first else inputs
    runs, last = [], []
    each = len(params) // (depth * (1 + both))
    for layer in range(depth):
        found = []
        for backward in range(1 + both):
            index = layer * (1 + both) + backward
            own = _unpacked(params[index * each : (index + 1) * each], biases)
            one = sequence.flip(0) if backward else sequence
            projected = torch.nn.functional.linear(one, *own[:3:2])  # type: ignore[arg-type]
            now = tuple(part[index] for part in state)
            steps = []
            for part in projected.unbind(0):
                steps.append(step(part, now, own))
                now = steps[-1][: len(now)]
            hidden = torch.stack([done[0] for done in steps])
            found.append(hidden.flip(0) if backward else hidden)
            last.append(now)
            runs.append(Run(own, one, projected, steps))
        sequence = torch.cat(found, -1)
    outputs = sequence.transpose(0, 1) if batch_first else sequence
    return (outputs, *(torch.stack(part) for part in zip(*last, strict=True)), runs)


def _unpacked(params: Sequence[Tensor], biases: bool) -> tuple[Tensor | None, ...]:
    """Return weights of the input and of the state, their biases, and the projection's weights, None where missing."""
    found: list[Tensor | None] = list(params[:2])
    found += params[2:4] if biases else [None, None]
    rest = params[4 if biases else 2 :]
    return (*found, rest[0] if rest else None)


def _lstm_step(projected: Tensor, state: tuple[Tensor, ...], params: tuple[Any, ...]) -> tuple[Tensor, ...]:
    hidden, cell = state
    recurrent = torch.nn.functional.linear(hidden, params[1], params[3])
    i, f, g, o = (projected + recurrent).chunk(4, -1)
    kept, added = f.sigmoid() * cell, i.sigmoid() * g.tanh()
    unprojected = o.sigmoid() * (kept + added).tanh()
    following = unprojected if params[4] is None else unprojected @ params[4].mT
    return following, kept + added, hidden, recurrent.chunk(4, -1)[2], kept, added, unprojected


def _gru_step(projected: Tensor, state: tuple[Tensor, ...], params: tuple[Any, ...]) -> tuple[Tensor, ...]:
    (hidden,) = state
    recurrent = torch.nn.functional.linear(hidden, params[1], params[3])
    width = hidden.shape[-1]
    reset, update = (projected + recurrent)[..., : 2 * width].sigmoid().chunk(2, -1)
    signal = recurrent[..., 2 * width :]
    fresh = (1 - update) * (projected[..., 2 * width :] + reset * signal).tanh()
    return fresh + update * hidden, hidden, signal, reset * signal, fresh, update * hidden


def _tanh_step(projected: Tensor, state: tuple[Tensor, ...], params: tuple[Any, ...]) -> tuple[Tensor, ...]:
    recurrent = torch.nn.functional.linear(state[0], params[1], params[3])
    return (projected + recurrent).tanh(), state[0], recurrent


def _relu_step(projected: Tensor, state: tuple[Tensor, ...], params: tuple[Any, ...]) -> tuple[Tensor, ...]:
    recurrent = torch.nn.functional.linear(state[0], params[1], params[3])
    return (projected + recurrent).relu(), state[0], recurrent


@dataclass
class _Back:
    """Relevance on its way back through one run; `absorbed` are the biases' parts."""

    call: Call
    run: Run
    reference: Tensor | None
    absorbed: list[Tensor]

    def linear(
        self,
        inputs: Tensor,
        outputs: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        relevance: Tensor,
        reference: Tensor | None = None,
    ) -> Tensor:
        layer = Layer(inputs, weight.mT, bias, outputs, lambda x, w: x @ w, lambda s, w: s @ w.mT)  # type: ignore[operator, union-attr]
        shares, of_bias = self.call.share(layer, relevance, reference)
        if of_bias is not None:
            self.absorbed.append(of_bias.sum(dtype=torch.float64))
        return shares

    def rows(self, index: int) -> slice:
        """Return the rows of the weights that make the signal: gates, the other rows, take nothing."""
        width = self.run.params[1].shape[0] // (4 if self.call.node.target is lstm else 3)  # type: ignore[union-attr]
        return slice(index * width, (index + 1) * width)

    def state(self, hidden: Tensor, signal: Tensor, relevance: Tensor, rows: slice) -> Tensor:
        _, weight, _, bias, _ = self.run.params
        assert weight is not None
        return self.linear(hidden, signal, weight[rows], None if bias is None else bias[rows], relevance)

    def input(self, relevance: list[Tensor], rows: slice) -> Tensor:
        weight, _, bias, _, _ = self.run.params
        assert weight is not None
        return self.linear(
            self.run.inputs,
            self.run.projected[..., rows],
            weight[rows],
            None if bias is None else bias[rows],
            torch.stack(relevance[::-1]),
            self.reference,
        )

    def steps(self, relevance: Tensor, rows: slice) -> Iterator[tuple[tuple[Tensor, ...], Tensor, Tensor]]:
        """Yield, from the last step to the first, what it computed, its output's relevance, its input's signal."""
        signals = self.run.projected[..., rows].unbind(0)
        return zip(reversed(self.run.steps), reversed(relevance.unbind(0)), reversed(signals), strict=True)


def through_time(call: Call, relevance: tuple[Tensor | None, ...]) -> Iterable[Share]:
    """Recurrent layers, either direction, any depth: from the last step to the first. Arras et al. (2017)."""
    outputs, *last, runs = call.output
    depth, both, batch_first = call.operand(4), call.operand(7), call.operand(8)
    received = torch.zeros_like(outputs) if relevance[0] is None else relevance[0]
    sequence = received.transpose(0, 1) if batch_first else received
    ends = [torch.zeros_like(v) if r is None else r for v, r in zip(last, relevance[1:-1], strict=True)]
    before: list[tuple[Tensor, ...]] = []
    absorbed: list[Tensor] = []
    for layer in reversed(range(depth)):
        directions = 1 + both
        parts = sequence.chunk(directions, -1)
        total = None
        for backward in reversed(range(directions)):
            index = layer * directions + backward
            reference = call.reference if layer == 0 else None
            if reference is not None:
                reference = reference.transpose(0, 1) if batch_first else reference
                reference = reference.flip(0) if backward else reference
            back = _Back(call, runs[index], reference, absorbed)
            part = parts[backward].flip(0) if backward else parts[backward]
            shares, start = _BACK[call.node.target](  # type: ignore[index]
                back, part, tuple(end[index] for end in ends)
            )
            before.insert(0, start)
            shares = shares.flip(0) if backward else shares
            total = shares if total is None else total + shares
        assert total is not None
        sequence = total
    yield call.operand(0), sequence.transpose(0, 1) if batch_first else sequence
    given = call.operand(1)
    for operand, *starts in zip(given if isinstance(given, list | tuple) else [given], *before, strict=True):
        yield operand, torch.stack(starts)
    parameters: Any = call.operand(2)
    for of_bias in absorbed:
        yield parameters[-1], of_bias


def _through_lstm(back: _Back, relevance: Tensor, end: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    hidden, cell = end
    projection, rows = back.run.params[4], back.rows(2)
    to_inputs: list[Tensor] = []
    for step, arrived, from_input in back.steps(relevance, rows):
        following, _, before, signal, kept, added, unprojected = step
        hidden = hidden + arrived
        if projection is not None:
            hidden = back.linear(unprojected, following, projection, None, hidden)
        cell, fresh = back.call.split([kept, added], hidden + cell)
        of_input, of_state = back.call.split([from_input, signal], fresh)
        to_inputs.append(of_input)
        hidden = back.state(before, signal, of_state, rows)
    return back.input(to_inputs, rows), (hidden, cell)


def _through_gru(back: _Back, relevance: Tensor, end: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    (hidden,) = end
    rows = back.rows(2)
    to_inputs: list[Tensor] = []
    for step, arrived, from_input in back.steps(relevance, rows):
        _, before, signal, gated, fresh, kept = step
        of_fresh, of_kept = back.call.split([fresh, kept], hidden + arrived)
        of_input, of_state = back.call.split([from_input, gated], of_fresh)
        to_inputs.append(of_input)
        hidden = of_kept + back.state(before, signal, of_state, rows)
    return back.input(to_inputs, rows), (hidden,)


def _through_plain(back: _Back, relevance: Tensor, end: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
    (hidden,) = end
    rows = slice(None)
    to_inputs: list[Tensor] = []
    for step, arrived, from_input in back.steps(relevance, rows):
        _, before, signal = step
        of_input, of_state = back.call.split([from_input, signal], hidden + arrived)
        to_inputs.append(of_input)
        hidden = back.state(before, signal, of_state, rows)
    return back.input(to_inputs, rows), (hidden,)


_BACK = {lstm: _through_lstm, gru: _through_gru, rnn_tanh: _through_plain, rnn_relu: _through_plain}
