"""The torch loader: weights that fit, and what is said of those that do not."""

import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audit.errors import ModelError, UntrustedError
from audit.manifest import Manifest, Source

from .torch_cases import load, network, saved, written


@pytest.fixture
def state() -> dict[str, Tensor]:
    return network().state_dict()


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return written(tmp_path)


def test_safetensors_and_a_state_dict_give_the_same_network(manifest: Manifest, state: dict[str, Tensor]) -> None:
    inputs = torch.linspace(-1, 1, 8000).view(2, 4000)
    with torch.no_grad():
        expected = network()(inputs)
        assert torch.equal(load(manifest).logits(inputs), expected)
        assert torch.equal(load(saved(manifest, state)).logits(inputs), expected)


def test_a_checkpoints_weights_are_found_under_the_key(manifest: Manifest, state: dict[str, Tensor]) -> None:
    nested = saved(manifest, {"epoch": 3, "state_dict": state})
    with pytest.raises(ModelError, match=r"not a mapping with epoch, state_dict.*`key: state_dict`"):
        load(nested)
    with pytest.raises(ModelError, match=r"no entry 'model' \(there is: epoch, state_dict\)"):
        load(replace(nested, key="model"))
    assert load(replace(nested, key="state_dict")).module is not None


def test_half_precision_on_disk_is_single_precision_in_memory(manifest: Manifest, state: dict[str, Tensor]) -> None:
    halved = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    module = load(saved(manifest, halved)).module
    assert module is not None
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    assert torch.equal(module.state_dict()["0.weight"], state["0.weight"].half().float())


def test_the_network_is_in_evaluation_mode(manifest: Manifest) -> None:
    module = load(manifest).module
    assert module is not None
    assert not any(part.training for part in module.modules())


def test_building_the_network_leaves_the_global_random_state_alone(manifest: Manifest) -> None:
    before = torch.get_rng_state()
    load(replace(manifest, source=replace(manifest.source, function="draws")))
    assert torch.equal(torch.get_rng_state(), before)


def test_all_weights_that_do_not_fit_are_named_in_one_error(manifest: Manifest, state: dict[str, Tensor]) -> None:
    del state["3.bias"]
    state |= {"0.weight": torch.zeros(4, 3999), "extra": torch.zeros(7), "3.bais": torch.zeros(2)}
    with pytest.raises(ModelError) as caught:
        load(saved(manifest, state))
    told = str(caught.value)
    assert "1 missing: 3.bias (2), in the file perhaps '3.bais'" in told
    assert "2 not in the network: extra (7), 3.bais (2)" in told
    assert "1 of another shape: 0.weight (4x3999) where the network has (4x4000)" in told


def test_many_weights_that_do_not_fit_are_counted(manifest: Manifest, state: dict[str, Tensor]) -> None:
    with pytest.raises(ModelError, match=r"9 missing: .* and 4 more; 9 not in the network: .* and 4 more"):
        load(saved(manifest, {f"layer{index}": value for index, value in enumerate(state.values())}))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(manifest: Manifest, state: dict[str, Tensor], bad: float) -> None:
    state["3.weight"][0, :2] = bad
    with pytest.raises(ModelError, match=r"3\.weight has 2 NaN or infinite values of 8"):
        load(saved(manifest, state))


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_truncated_empty_or_foreign_file_says_so(manifest: Manifest, state: dict[str, Tensor], name: str) -> None:
    whole = saved(manifest, state)
    path = manifest.path.with_name(name)
    content = (manifest.weights if name == "w.safetensors" else whole.weights).read_bytes()
    for damage, told in (
        (content[: len(content) // 2], "not a whole"),
        (b"", "is empty"),
        (b"<html>404</html>" * 9, "not a"),
    ):
        path.write_bytes(damage)
        with pytest.raises(ModelError, match=told) as caught:
            load(replace(manifest, weights=path))
        assert str(path) in str(caught.value)
        assert not isinstance(caught.value, UntrustedError)


@pytest.mark.parametrize(("inside", "told"), [("code/__torch__.py", "TorchScript"), ("archive_format", r"\.pt2")])
def test_another_kind_of_pytorch_file_is_called_by_its_name(manifest: Manifest, inside: str, told: str) -> None:
    path = manifest.path.with_name("other.pt")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"other/{inside}", "")
        archive.writestr("other/version", "3")
    with pytest.raises(ModelError, match=told):
        load(replace(manifest, weights=path))


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {}, {"a": 1}])
def test_a_file_that_holds_no_weights_says_what_it_holds(manifest: Manifest, content: object) -> None:
    with pytest.raises(ModelError, match="a state_dict"):
        load(saved(manifest, content))


@pytest.fixture
def pickled(manifest: Manifest) -> Manifest:
    return saved(replace(manifest, source=None), network(), "whole.pt")


def test_a_pickled_module_is_refused_without_trust(pickled: Manifest) -> None:
    with pytest.raises(UntrustedError, match=r"can run any code when opened.*state_dict.*trust: true"):
        load(pickled)


def test_a_refused_pickle_has_run_nothing(manifest: Manifest, tmp_path: Path) -> None:
    evil = saved(manifest, _Toucher(tmp_path / "touched"))
    with pytest.raises(UntrustedError):
        load(evil)
    assert not (tmp_path / "touched").exists()


def test_a_pickled_module_loads_with_trust(pickled: Manifest) -> None:
    inputs = torch.linspace(-1, 1, 8000).view(2, 4000)
    with torch.no_grad():
        assert torch.equal(load(replace(pickled, trust=True)).logits(inputs), network()(inputs))


def test_a_pickled_module_and_a_source_are_one_too_many(manifest: Manifest) -> None:
    both = replace(saved(manifest, network(), "whole.pt"), trust=True)
    with pytest.raises(ModelError, match=r"whole pickled Sequential, code and weights, .*leave out `source:`"):
        load(both)


def test_a_pickled_module_whose_code_is_gone_says_what_to_do(manifest: Manifest, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "gone_net.py").write_text("from torch import nn\nclass Gone(nn.Linear):\n    pass\n")
    sys.path.insert(0, str(folder))
    try:
        import gone_net

        trusted = replace(saved(manifest, gone_net.Gone(2, 2)), source=None, trust=True)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("gone_net", None)
        shutil.rmtree(folder)
    with pytest.raises(ModelError, match=r"cannot be imported.*save its state_dict"):
        load(trusted)


@pytest.mark.parametrize(
    ("function", "arguments", "told"),
    [
        ("bild", {}, r"no function 'bild'; did you mean 'build'\?"),
        ("fails", {}, r"fails\(\) raised ValueError: no such width"),
        ("build", {"widht": 3}, r"build\(widht=3\) raised TypeError"),
        ("dictionary", {}, r"returned a dict; a torch\.nn\.Module is due"),
    ],
)
def test_code_that_builds_no_network_says_why(
    manifest: Manifest, function: str, arguments: dict[str, object], told: str
) -> None:
    assert manifest.source is not None
    with pytest.raises(ModelError, match=told):
        load(replace(manifest, source=replace(manifest.source, function=function), arguments=arguments))


def test_code_that_cannot_be_imported_says_why(manifest: Manifest, tmp_path: Path) -> None:
    for name, code, told in (
        ("a.py", "import no_such_module", "ModuleNotFoundError"),
        ("b.py", "def (", "SyntaxError"),
    ):
        (tmp_path / name).write_text(code)
        with pytest.raises(ModelError, match=f"cannot be imported .{told}"):
            load(replace(manifest, source=Source(tmp_path / name, "build")))


def test_weights_alone_need_a_source_and_a_source_needs_weights(manifest: Manifest) -> None:
    with pytest.raises(ModelError, match=r"name `source: file\.py:function`"):
        load(replace(manifest, source=None))
    with pytest.raises(ModelError, match="needs `weights:`"):
        load(replace(manifest, weights=None))


class _Toucher:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_a_network_with_lazy_layers_is_refused_by_name(manifest: Manifest) -> None:
    manifest.path.with_name("net.py").write_text("from torch import nn\n\ndef build():\n    return nn.LazyLinear(2)\n")
    with pytest.raises(ModelError, match="weight has no shape before its first input"):
        load(replace(manifest, source=Source(manifest.path.with_name("net.py"), "build")))
