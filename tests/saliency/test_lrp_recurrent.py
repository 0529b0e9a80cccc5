"""LRP through recurrent layers against Arras et al. (2017), step by step, and against the steps written out."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.randomness import SampleRng
from audit.saliency.lrp.export import graph_of
from audit.saliency.lrp.lrp import lrp

from .lrp_cases import Network, built, frames, inputs_of, model_of

Array = NDArray[np.float64]
RNG = SampleRng([])
TARGETS = torch.tensor([1, 0, 3])


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def linear(inputs: Array, weight: Array, outputs: Array, relevance: Array) -> Array:
    """R_i = sum_j x_i w_ji / z_j R_j, one weight at a time."""
    found = np.zeros_like(inputs)
    for j in range(len(outputs)):
        for i in range(len(inputs)):
            found[i] += inputs[i] * weight[j, i] / outputs[j] * relevance[j]
    return found


def literal(core: nn.LSTM, backward: bool, sequence: Array, relevance: Array) -> Array:
    """Arras et al.: relevance (steps, width) of an LSTM's outputs to its inputs (steps, bands), in one direction."""
    end = "_reverse" if backward else ""
    w, u, bw, bu = (
        getattr(core, f"{name}_l0{end}").double().numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    width = core.hidden_size
    order = list(range(len(sequence)))[:: -1 if backward else 1]
    hidden, cell, told = np.zeros(width), np.zeros(width), {}
    for t in order:
        i, f, g, o = np.split(w @ sequence[t] + bw + u @ hidden + bu, 4)
        following = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        told[t] = (hidden, cell, i, f, g, following)
        hidden, cell = sigmoid(o) * np.tanh(following), following
    found = np.zeros_like(sequence)
    of_hidden, of_cell = np.zeros(width), np.zeros(width)
    signal = slice(2 * width, 3 * width)
    for t in reversed(order):
        hidden, cell, i, f, g, following = told[t]
        # The output gate takes nothing, so that all of an output's relevance is its cell's.
        total = of_cell + of_hidden + relevance[t]
        of_cell = sigmoid(f) * cell / following * total
        of_signal = sigmoid(i) * np.tanh(g) / following * total
        found[t] = linear(sequence[t], w[signal], g, of_signal)
        of_hidden = linear(hidden, u[signal], g, of_signal)
    return found


def test_a_bidirectional_lstm_follows_arras_step_by_step() -> None:
    inputs = inputs_of(2, 1, 5, 6)
    core = built(lambda: nn.LSTM(5, 4, batch_first=True, bidirectional=True))
    module = Network(lambda x, core: core(frames(x))[0].sum(1), core).eval()
    target = torch.tensor([1, 6])
    found = lrp(model_of(module, 8), inputs, target, RNG, rule="epsilon", epsilon=1e-9).values
    for row, unit in enumerate(target.tolist()):
        sequence = frames(inputs)[row].double().numpy()
        relevance = np.zeros((6, 8))
        relevance[:, unit] = core(frames(inputs)[row : row + 1])[0][0, :, unit].double().numpy()
        expected = literal(core, False, sequence, relevance[:, :4]) + literal(core, True, sequence, relevance[:, 4:])
        np.testing.assert_allclose(found[row, 0].T, expected, rtol=1e-3, atol=1e-5)


class ByCells(nn.Module):
    """A recurrent layer of one direction as users write it out: a cell, and a loop."""

    def __init__(self, core: nn.RNNBase) -> None:
        super().__init__()
        kind = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}[type(core)]
        self.cell = kind(core.input_size, core.hidden_size)
        for name, tensor in core.named_parameters():
            getattr(self.cell, name.removesuffix("_l0")).data = tensor

    def forward(self, sequence: Tensor) -> tuple[Tensor, None]:
        state = torch.zeros(len(sequence), self.cell.hidden_size)
        cell, outputs = torch.zeros_like(state), []
        for part in sequence.unbind(1):
            if isinstance(self.cell, nn.LSTMCell):
                state, cell = self.cell(part, (state, cell))
            else:
                state = self.cell(part, state)
            outputs.append(state)
        return torch.stack(outputs, 1), None


class GruByHand(nn.Module):
    """A GRU as the paper writes it."""

    def __init__(self, core: nn.GRU) -> None:
        super().__init__()
        self.core = core

    def forward(self, sequence: Tensor) -> tuple[Tensor, None]:
        weights = self.core
        state, outputs = torch.zeros(len(sequence), weights.hidden_size), []
        for part in sequence.unbind(1):
            one = nn.functional.linear(part, weights.weight_ih_l0, weights.bias_ih_l0).chunk(3, 1)
            other = nn.functional.linear(state, weights.weight_hh_l0, weights.bias_hh_l0).chunk(3, 1)
            reset, update = (a + b for a, b in zip(one[:2], other[:2], strict=True))
            fresh = torch.tanh(one[2] + torch.sigmoid(reset) * other[2])
            update = torch.sigmoid(update)
            state = (1 - update) * fresh + update * state
            outputs.append(state)
        return torch.stack(outputs, 1), None


@pytest.mark.parametrize("rule", ["composite", "epsilon", "gamma"])
@pytest.mark.parametrize(
    ("kind", "written"),
    [(nn.LSTM, ByCells), (nn.GRU, ByCells), (nn.GRU, GruByHand), (nn.RNN, ByCells)],
    ids=["lstm", "gru", "gru by hand", "rnn"],
)
def test_a_recurrent_layer_is_explained_as_its_steps_written_out(
    kind: type[nn.RNNBase], written: Callable[[nn.RNNBase], nn.Module], rule: str
) -> None:
    core, head = built(lambda: kind(12, 8, batch_first=True)), built(lambda: nn.Linear(8, 4))
    # Written out, the first step's state is a number, and a gate times a number is an activation that is scaled.
    core.bias_hh_l0.data.zero_()
    inputs = inputs_of(3, 1, 12, 6)
    found = [
        lrp(
            model_of(Network(lambda x, core, head: head(core(frames(x))[0].mean(1)), layer, head).eval()),
            inputs,
            TARGETS,
            RNG,
            rule=rule,
            epsilon=1e-9,
        )
        for layer in (core, written(core))
    ]
    torch.testing.assert_close(found[0].values, found[1].values, rtol=2e-3, atol=1e-5)
    torch.testing.assert_close(found[0].measures["absorbed"], found[1].measures["absorbed"], rtol=2e-3, atol=1e-4)


def test_the_order_of_axes_changes_nothing() -> None:
    first = built(lambda: nn.LSTM(12, 8, batch_first=True, bidirectional=True))
    second = nn.LSTM(12, 8, bidirectional=True)
    second.load_state_dict(first.state_dict())
    one = Network(lambda x, core: core(frames(x))[0].mean(1), first).eval()
    other = Network(lambda x, core: core(x[:, 0].permute(2, 0, 1))[0].mean(0), second).eval()
    inputs = inputs_of(3)
    maps = [lrp(model_of(module, 16), inputs, TARGETS, RNG).values for module in (one, other)]
    torch.testing.assert_close(*maps, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("options", [{"proj_size": 5}, {"bias": False}, {"num_layers": 3}], ids=str)
def test_every_kind_of_lstm_conserves(options: dict) -> None:
    core = built(lambda: nn.LSTM(12, 8, batch_first=True, **options))
    head = built(lambda: nn.Linear(options.get("proj_size", 8), 4, bias=False))
    module = Network(lambda x, core, head: head(core(frames(x))[0].mean(1)), core, head).eval()
    for rule in ("composite", "epsilon"):
        found = lrp(model_of(module), inputs_of(3), TARGETS, RNG, rule=rule, epsilon=1e-9)
        assert (found.measures["conservation"] < 1e-3).all()
        if not options.get("bias", True):
            assert (found.measures["absorbed"] == 0).all()


def test_a_state_given_from_outside_absorbs_its_part() -> None:
    start = torch.randn(1, 1, 8, generator=torch.Generator().manual_seed(0))

    def run(inputs: Tensor, core: nn.Module) -> Tensor:
        return core(frames(inputs), start.expand(-1, len(inputs), -1).contiguous())[0].sum(1)

    module = Network(run, built(lambda: nn.GRU(12, 8, batch_first=True, bias=False))).eval()
    found = lrp(model_of(module, 8), inputs_of(3, 1, 12, 3), TARGETS, RNG, rule="epsilon", epsilon=1e-9)
    assert (found.measures["conservation"] < 1e-3).all()
    assert (found.measures["absorbed"].abs() > 1e-3).all()


def test_a_composite_counts_a_recurrent_layers_input_from_silence() -> None:
    core = built(lambda: nn.LSTM(12, 8, batch_first=True, bidirectional=True))
    plain = Network(lambda x, core: core(frames(x))[0].mean(1), core).eval()
    moved = Network(lambda x, core: core(frames(x + 2.0))[0].mean(1), core).eval()
    inputs = inputs_of(3)
    shifted = lrp(model_of(moved, 16), inputs, TARGETS, RNG)
    assert (shifted.measures["conservation"] < 1e-3).all()
    silent = inputs.clone()
    silent[:, :, :, 5:] = 0.0
    for module in (plain, moved):
        values = lrp(model_of(module, 16), silent, TARGETS, RNG).values
        assert (values[..., 5:] == 0).all()
        assert (values[..., :5] != 0).any()


def test_the_steps_of_a_recurrent_layer_are_not_written_out() -> None:
    for steps in (10, 94):
        module = built(lambda: Network(lambda x, core: core(frames(x))[0].mean(1), nn.LSTM(12, 8, bidirectional=True)))
        assert len(graph_of(model_of(module, 16), inputs_of(1, 1, 12, steps)).varying) < 20
