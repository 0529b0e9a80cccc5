"""The reference networks as code: one answer with gradients and without, and a graph that torch can export."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audit.kinds import import_file

NETWORKS = {
    "cnn_lstm": (7, (1, 48, 48)),
    "transformer": (6, (1, 128, 94)),
    "resnet18": (6, (1, 128, 94)),
    "dense": (6, (1, 64, 94)),
    "recurrent:build_rnn": (6, (1, 64, 12)),
    "recurrent:build_lstm": (6, (1, 64, 12)),
    "conv1d": (6, (1, 64, 94)),
    "conv1d_vector": (3, (1, 52, 1)),
    "conv2d_picture": (3, (1, 128, 47)),
}


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest, repository: Path) -> tuple[nn.Module, Tensor]:
    emotions, shape = NETWORKS[request.param]
    name, _, function = request.param.partition(":")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = getattr(import_file(repository / f"models/{name}.py"), function or "build")(emotions=emotions)
    return module.eval(), torch.rand(5, *shape, generator=torch.Generator().manual_seed(1))


def test_it_answers_the_same_with_gradients_and_without(network: tuple[nn.Module, Tensor]) -> None:
    module, inputs = network
    followed = module(inputs.clone().requires_grad_())
    assert followed.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(module(inputs), followed.detach(), rtol=0, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(module(inputs), followed.detach(), rtol=0, atol=1e-5)


def test_its_answers_do_not_depend_on_what_else_is_in_the_batch(network: tuple[nn.Module, Tensor]) -> None:
    module, inputs = network
    with torch.no_grad():
        alone = torch.cat([module(row[None]) for row in inputs])
        torch.testing.assert_close(module(inputs), alone, rtol=0, atol=1e-5)


# torch's own: it calls its flat LSTM weights unregistered, and copies with a class it has deprecated.
@pytest.mark.filterwarnings(
    "ignore:The tensor attributes self.(lstm|reader):UserWarning", "ignore:.*treespec, LeafSpec:FutureWarning"
)
def test_it_is_exported_with_the_same_answers(network: tuple[nn.Module, Tensor]) -> None:
    module, inputs = network
    exported = torch.export.export(module, (inputs,)).run_decompositions().module()
    with torch.no_grad():
        torch.testing.assert_close(exported(inputs), module(inputs), rtol=0, atol=1e-5)
