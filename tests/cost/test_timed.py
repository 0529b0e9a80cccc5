"""What a cost check measures of a model, on the session's own recordings."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.ao.nn.quantized import dynamic as quantised

from audit.checks.cost import parameters, processor, timed, total, weight_files
from audit.input_spec import FaceInput
from audit.loaders.torchscript import _Script
from audit.model import BlackBox, Model, TorchModel, as_found
from audit.suite import Check

from .. import toys

SLEEP = 0.004
SHORT = Check("cost", "cost", warm=1, timed=8, batch=5, batches=7)


class Slow(nn.Module):
    """A network that waits at every call, and notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = toys.network()
        self.seen: list[Tensor] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen.append(inputs.clone())
        time.sleep(SLEEP)
        return self.inner(inputs)


class SlowInput(FaceInput):
    """A face whose representation waits."""

    def represent(self, recordings: Tensor) -> Tensor:
        time.sleep(SLEEP)
        return super().represent(recordings)


def session_of(model: Model, clips: int = 3) -> toys.Session:
    return toys.session(model, *toys.pictures(clips))


def black_box() -> BlackBox:
    def answer(inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return inputs.reshape(len(inputs), -1)[:, : len(toys.EMOTIONS)]

    return BlackBox(answer, toys.SPEC, toys.EMOTIONS, name="box")


def test_every_call_takes_at_least_as_long_as_the_model_waits() -> None:
    found = timed(SHORT, session_of(toys.picture_model(Slow())))
    assert len(found.calls) == len(found.calls_with_representation) == 8
    assert len(found.batch_calls) == 7
    assert min(*found.calls, *found.batch_calls) >= 1000 * SLEEP
    assert found.estimate("latency", 0.95).value >= 1000 * SLEEP
    assert found.estimate("throughput", 0.95).value <= 5 / SLEEP


def test_the_time_before_the_model_counts_with_the_representation_alone() -> None:
    model = TorchModel(toys.network(), SlowInput(toys.SIZE, toys.SIZE), toys.EMOTIONS)
    found = timed(SHORT, session_of(model))
    for whole, alone in zip(found.calls_with_representation, found.calls, strict=True):
        assert whole - alone >= 1000 * SLEEP


def test_the_model_is_given_the_sessions_recordings_in_turn_and_batches_are_filled_with_them() -> None:
    slow = Slow()
    session = session_of(toys.picture_model(slow))
    slow.seen.clear()
    timed(SHORT, session)
    singles, batches = slow.seen[:9], slow.seen[9:]
    assert [len(each) for each in slow.seen] == [1] * 9 + [5] * 8
    assert {tuple(each.flatten().tolist()) for each in singles} == {
        tuple(each.flatten().tolist()) for each in session.inputs
    }
    assert all(any(torch.equal(row, clip) for clip in session.inputs) for batch in batches for row in batch)
    assert total(SHORT) == sum(len(each) for each in slow.seen)


def test_a_check_of_fewer_samples_times_those_alone() -> None:
    slow = Slow()
    session = session_of(toys.picture_model(slow), clips=8)
    slow.seen.clear()
    timed(replace(SHORT, samples=1), session)
    assert all(torch.equal(row, slow.seen[0][0]) for batch in slow.seen for row in batch)


def test_the_model_is_left_as_it_was_and_every_pass_is_booked() -> None:
    model = toys.picture_model()
    before = toys.state(model)
    session = session_of(model)
    with as_found(model), model.ledger.during("cost") as cost:
        timed(SHORT, session)
    assert toys.same(before, toys.state(model))
    assert cost.forward_samples == total(SHORT)


def test_parameters_are_counted_as_by_hand_frozen_ones_too_and_shared_ones_once() -> None:
    module = nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5), nn.Linear(5, 4, bias=False))
    module.append(nn.Sequential(module[0]))
    module[2].weight.requires_grad_(False)
    # Running means and variances are counted from the data, and not learned.
    assert parameters(TorchModel(module, toys.SPEC, toys.EMOTIONS)) == 7 * 5 + 5 + 5 + 5 + 5 * 4


def test_a_black_box_shows_no_parameters_and_is_timed_all_the_same() -> None:
    found = timed(SHORT, session_of(black_box()))
    assert found.estimate("parameters", 0.95).value is None
    assert found.uncounted["parameters"].startswith("model 'box' shows no parameters")
    assert found.uncounted["size"] == "model 'box' has no file of weights (loader memory)"
    assert found.estimate("latency", 0.95).value > 0


@pytest.mark.filterwarnings("ignore:.*(quantized tensor|quantize_per_tensor|torch.jit).*")
@pytest.mark.parametrize("scripted", [False, True])
def test_packed_parameters_of_quantised_layers_are_never_counted_as_none(scripted: bool) -> None:
    module: nn.Module = nn.Sequential(nn.Linear(3, 4), quantised.Linear(4, 4))
    if scripted:
        module = _Script(torch.jit.trace(module, torch.zeros(1, 3)))
    assert "packed parameters" in str(parameters(TorchModel(module, toys.SPEC, toys.EMOTIONS)))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_parameters_that_are_constants_are_never_counted_as_none() -> None:
    frozen = torch.jit.freeze(torch.jit.trace(nn.Linear(3, 4).eval(), torch.zeros(1, 3)))
    assert "constants of its graph" in str(parameters(TorchModel(frozen, toys.SPEC, toys.EMOTIONS)))


def test_size_is_that_of_the_weights_files_each_once_and_no_code(tmp_path: Path) -> None:
    for name, size in (("a.bin", 1000), ("b.safetensors", 250), ("m.model.yaml", 70), ("net.py", 90)):
        (tmp_path / name).write_bytes(b"\0" * size)
    model = toys.picture_model()
    model.weights = tuple(tmp_path / name for name in ("a.bin", "m.model.yaml", "net.py", "b.safetensors", "a.bin"))
    assert [file.name for file in weight_files(model)] == ["a.bin", "b.safetensors"]
    found = timed(SHORT, session_of(model))
    assert (found.size, found.files) == (1250, 2)


def test_the_machine_is_told() -> None:
    machine = timed(SHORT, session_of(toys.picture_model())).machine
    assert machine["processor"] == processor(torch.device("cpu")) != ""
    assert (machine["device"], machine["threads"]) == ("cpu", torch.get_num_threads())
    assert machine["torch"] == torch.__version__


class Spin(nn.Module):
    """A network that keeps an accelerator busy long after it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2048, 2048))

    def forward(self, inputs: Tensor) -> Tensor:
        product = self.weight
        for _ in range(20):
            product = product @ self.weight / 2048
        return inputs.flatten(1)[:, : len(toys.EMOTIONS)] + 0 * product.mean()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_an_accelerator_calls_are_timed_to_their_end() -> None:
    model = toys.picture_model(Spin())
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with as_found(model, "cuda"), torch.inference_mode():
        found = timed(SHORT, session_of(model))
        start.record()
        model.module(torch.rand(1, 1, toys.SIZE, toys.SIZE, device="cuda"))
        end.record()
        torch.cuda.synchronize()
    assert found.machine["processor"] == torch.cuda.get_device_name()
    assert found.estimate("latency", 0.95).value > 0.5 * start.elapsed_time(end)
