"""The exported loader: what a program could do besides computing, and that it does none of it unless trusted."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from audit.errors import ModelError, UntrustedError
from audit.manifest import load_model

from .conftest import Write

GRAPH, INPUTS, WEIGHTS = "models/model.json", "data/sample_inputs/model.pt", "data/weights/model_weights_config.json"
Change = Callable[[dict[str, bytes]], None]


class Touches:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture
def program(cnn: nn.Module, tmp_path: Path) -> Path:
    path = tmp_path / "net.pt2"
    shapes = ({0: torch.export.Dim("batch")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(cnn, (torch.zeros(4, 1, 16, 32),), dynamic_shapes=shapes), path)
    return path


def changed(path: Path, change: Change) -> Path:
    other = path.with_name("changed.pt2")
    with zipfile.ZipFile(path) as archive:
        (root,) = {name.partition("/")[0] for name in archive.namelist()}
        records = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    change(records)
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in records.items():
            archive.writestr(f"{root}/{name}", content)
    return other


def with_graph(change: Callable[[dict[str, Any]], None]) -> Change:
    def changing(records: dict[str, bytes]) -> None:
        described = json.loads(records[GRAPH])
        change(described)
        records[GRAPH] = json.dumps(described).encode()

    return changing


def pickled(touched: Path) -> bytes:
    stream = io.BytesIO()
    torch.save(Touches(touched), stream)
    return stream.getvalue()


def in_the_inputs(touched: Path) -> Change:
    return lambda records: records.update({INPUTS: pickled(touched)})


def in_the_weights(touched: Path) -> Change:
    def change(records: dict[str, bytes]) -> None:
        described = json.loads(records[WEIGHTS])
        weight = next(iter(described["config"].values()))
        weight["use_pickle"] = True
        records[f"data/weights/{weight['path_name']}"] = pickled(touched)
        records[WEIGHTS] = json.dumps(described).encode()

    return change


def in_a_constant(touched: Path) -> Change:
    def change(records: dict[str, bytes]) -> None:
        name = "opaque_obj_0"
        entry = {"path_name": name, "is_param": False, "use_pickle": True, "tensor_meta": None}
        records["data/constants/model_constants_config.json"] = json.dumps({"config": {"object": entry}}).encode()
        records[f"data/constants/{name}"] = pickle.dumps(Touches(touched))

    return change


@pytest.mark.parametrize("place", [in_the_inputs, in_the_weights, in_a_constant])
def test_a_pickle_anywhere_in_it_is_refused_and_has_run_nothing(
    program: Path, tmp_path: Path, manifest_of: Write, place: Callable[[Path], Change]
) -> None:
    touched = tmp_path / "touched"
    path = changed(program, place(touched))
    with pytest.raises(UntrustedError, match=r"run any code when opened.*`trust: true`"):
        load_model(manifest_of(path, "exported"))
    assert not touched.exists()


@pytest.mark.parametrize("place", [in_the_inputs, in_the_weights, in_a_constant])
def test_with_trust_the_pickle_runs(
    program: Path, tmp_path: Path, manifest_of: Write, place: Callable[[Path], Change]
) -> None:
    touched = tmp_path / "touched"
    path = changed(program, place(touched))
    # What it leaves behind is no weight, so it fails all the same, and too late.
    with pytest.raises(ModelError, match="cannot be opened"):
        load_model(manifest_of(path, "exported", "trust: true"))
    assert touched.exists()


def calls(target: str) -> Change:
    return with_graph(lambda described: described["graph_module"]["graph"]["nodes"][0].update({"target": target}))


def named(name: str) -> Change:
    def change(described: dict[str, Any]) -> None:
        text = (
            json.dumps(described)
            .replace('"input_1"', '"input"')
            .replace('{"name": "input"}', json.dumps({"name": name}))
        )
        described.clear()
        described.update(json.loads(text))

    return with_graph(change)


def sized(expression: str) -> Change:
    def change(described: dict[str, Any]) -> None:
        sizes = described["graph_module"]["graph"]["tensor_values"]["input"]["sizes"]
        sizes[0]["as_expr"]["expr_str"] = expression

    return with_graph(change)


def returning(spec: str) -> Change:
    def change(described: dict[str, Any]) -> None:
        described["graph_module"]["module_call_graph"][0]["signature"]["out_spec"] = spec

    return with_graph(change)


def holding(name: str) -> Change:
    return lambda records: records.update({name: b"\x7fELF"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (calls("torch.os.system"), r"calls 'torch\.os\.system'"),
        (calls("torch.hub.load"), r"calls 'torch\.hub\.load'"),
        (calls("torch.ops.load_library"), r"calls 'torch\.ops\.load_library'"),
        (calls("torch.ops.aten.from_file.default"), r"calls 'torch\.ops\.aten\.from_file"),
        (calls("torch.ops.theirs.anything.default"), r"calls 'torch\.ops\.theirs"),
        (calls("_operator.methodcaller"), "calls '_operator.methodcaller'"),
        (named("x=print('here')"), "has the name"),
        (sized("__import__('os').system('true')"), "has the size"),
        (sized("Symbol('s0', positive=exit())"), "has the size"),
        (sized("().__class__"), "has the size"),
        (sized("s0["), "has the size"),
        (returning('[1, {"type": null, "context": "{\\"__enum__\\": true}"}]'), "imports modules"),
        (returning('[1, {"type": "collections.defaultdict"}]'), "imports modules"),
        (returning('[1, {"type": null, "context": "\\\\u005f"}]'), "imports modules"),
        (holding("data/aotinductor/model/model.so"), "brings compiled code"),
        (holding("models/model.json"), r"cannot be read \(models/model\.json\)"),
    ],
)
def test_a_program_that_could_do_more_than_compute_is_refused(
    program: Path, manifest_of: Write, change: Change, told: str
) -> None:
    with pytest.raises(UntrustedError, match=rf"{told}.*`trust: true`"):
        load_model(manifest_of(changed(program, change), "exported"))


class Reshapes(nn.Module):
    """Sizes that depend on the batch, conditions, and names of layers that are no identifiers."""

    def __init__(self, cnn: nn.Module) -> None:
        super().__init__()
        self.add_module("layer-1", cnn)

    def forward(self, inputs: Tensor) -> Tensor:
        count = inputs.shape[0]
        pairs = torch.cat([inputs, inputs]).reshape(2 * count, 1, 16, 32)
        answers = self.get_submodule("layer-1")(pairs).reshape(2, count, 3)
        return answers.mean(0) + torch.arange(3) / (1 + 0 * (count // 2))


def test_sizes_computed_of_the_batch_are_no_reason_to_refuse(
    cnn: nn.Module, cnn_inputs: Tensor, tmp_path: Path, manifest_of: Write
) -> None:
    path, network = tmp_path / "reshapes.pt2", Reshapes(cnn)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shapes = ({0: torch.export.Dim("batch")},)
        torch.export.save(torch.export.export(network, (cnn_inputs[:4],), dynamic_shapes=shapes), path)
    model = load_model(manifest_of(path, "exported"))
    torch.testing.assert_close(model.logits(cnn_inputs), network(cnn_inputs), atol=1e-5, rtol=0)
