"""The onnx loader's files: weights beside the graph, and what is no whole ONNX file."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from audit.errors import ModelError, UntrustedError
from audit.manifest import load_model

from .conftest import Write

Export = Callable[..., Path]
EXAMPLE = torch.zeros(4, 1, 16, 32)
BLACK = "{onnx: {gradients: none}}"


def split(path: Path, location: str = "weights.bin") -> Path:
    """Put the graph's weights into a file beside it."""
    onnx.save_model(
        onnx.load(path), path, save_as_external_data=True, location=location, size_threshold=0, convert_attribute=True
    )
    return path


def told_to(path: Path, location: str) -> None:
    """Make the graph look for its weights elsewhere."""
    proto = onnx.load(path, load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(proto.SerializeToString())


@pytest.mark.parametrize("loader", ["onnx", BLACK], ids=["converted", "black box"])
def test_weights_beside_the_graph_are_read_and_named(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export, loader: str
) -> None:
    path = split(export_onnx(cnn, EXAMPLE))
    before = {each: each.read_bytes() for each in (path, path.with_name("weights.bin"))}
    model = load_model(manifest_of(path, loader))
    assert model.weights == tuple(before)
    torch.testing.assert_close(model.logits(cnn_inputs), cnn(cnn_inputs), atol=1e-5, rtol=0)
    assert {each: each.read_bytes() for each in before} == before
    digest = model.digest()
    beside = path.with_name("weights.bin")
    beside.write_bytes(beside.read_bytes()[:-4] + b"\0\0\0\1")
    assert load_model(manifest_of(path, loader)).digest() != digest


def test_weights_in_a_folder_below_are_beside_the_graph(
    cnn: nn.Module, cnn_inputs: Tensor, manifest_of: Write, export_onnx: Export
) -> None:
    path = split(export_onnx(cnn, EXAMPLE))
    (path.parent / "below").mkdir()
    path.with_name("weights.bin").rename(path.parent / "below/weights.bin")
    told_to(path, "below/weights.bin")
    model = load_model(manifest_of(path, "onnx"))
    assert model.weights == (path, path.parent / "below/weights.bin")
    torch.testing.assert_close(model.logits(cnn_inputs), cnn(cnn_inputs), atol=1e-5, rtol=0)


@pytest.mark.parametrize("how", ["..", "absolute", "link"])
def test_weights_outside_the_graphs_folder_are_refused(
    cnn: nn.Module, tmp_path: Path, manifest_of: Write, export_onnx: Export, how: str
) -> None:
    outside = tmp_path.with_name(tmp_path.name + "-outside")
    outside.mkdir()
    path = split(export_onnx(cnn, EXAMPLE))
    secret = outside / "weights.bin"
    path.with_name("weights.bin").rename(secret)
    location = {"..": f"../{outside.name}/weights.bin", "absolute": str(secret), "link": "weights.bin"}[how]
    if how == "link":
        os.symlink(secret, path.with_name("weights.bin"))
    told_to(path, location)
    with pytest.raises(ModelError, match=r"keeps weights in .*weights\.bin', outside its own folder"):
        load_model(manifest_of(path, "onnx"))


def test_missing_and_short_weights_are_named(cnn: nn.Module, manifest_of: Write, export_onnx: Export) -> None:
    path = split(export_onnx(cnn, EXAMPLE))
    beside = path.with_name("weights.bin")
    beside.write_bytes(beside.read_bytes()[:100])
    with pytest.raises(ModelError, match="its weights beside it cannot be read"):
        load_model(manifest_of(path, "onnx"))
    beside.unlink()
    with pytest.raises(ModelError, match=r"its weights 'weights\.bin' are not beside it; download all of its files"):
        load_model(manifest_of(path, "onnx"))


def test_a_truncated_or_empty_file_says_so(
    cnn: nn.Module, tmp_path: Path, manifest_of: Write, export_onnx: Export
) -> None:
    content = export_onnx(cnn, EXAMPLE).read_bytes()
    path = tmp_path / "damaged.onnx"
    for damage, told in ((b"", "the file is empty"), (b"<html>404</html>", "(not a whole ONNX file|no ONNX model)")):
        path.write_bytes(damage)
        with pytest.raises(ModelError, match=told) as caught:
            load_model(manifest_of(path, "onnx"))
        assert str(path) in str(caught.value)
        assert not isinstance(caught.value, UntrustedError)
    for share in (0.02, 0.1, 0.5, 0.9, 0.99):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ModelError, match="save or download it again") as caught:
            load_model(manifest_of(path, "onnx"))
        assert str(path) in str(caught.value)


def torchscript(network: nn.Module, path: Path) -> None:
    torch.jit.trace(network, EXAMPLE).save(str(path))


def state(network: nn.Module, path: Path) -> None:
    torch.save(network.state_dict(), path)


def a_pickle(_: nn.Module, path: Path) -> None:
    path.write_bytes(pickle.dumps({"coef": [1.0]}, protocol=2))


def hdf5(_: nn.Module, path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(3000))


@pytest.mark.parametrize("make", [torchscript, state, a_pickle, hdf5])
def test_another_frameworks_file_is_refused_by_its_name(
    cnn: nn.Module, tmp_path: Path, manifest_of: Write, make: Callable[[nn.Module, Path], None]
) -> None:
    path = tmp_path / "foreign.onnx"
    with warnings.catch_warnings():
        # torch warns that TorchScript is of old.
        warnings.simplefilter("ignore")
        make(cnn, path)
    with pytest.raises(
        ModelError, match=r"(not a whole ONNX file|no ONNX model).*; save or download it again"
    ) as caught:
        load_model(manifest_of(path, "onnx"))
    assert str(path) in str(caught.value)


def test_gradients_are_auto_or_none(cnn: nn.Module, manifest_of: Write, export_onnx: Export) -> None:
    with pytest.raises(Exception, match=r"gradients") as caught:
        load_model(manifest_of(export_onnx(cnn, EXAMPLE), "{onnx: {gradients: always}}"))
    assert "always" in str(caught.value)
