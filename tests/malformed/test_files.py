"""Model files and manifests that are broken, hostile or of another kind: one clear message each, no verdict."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest
import safetensors.torch
import torch

from audit.cli import main

TORCH = "loader: torch\nsource: net.py:Net\n"
SAFE = TORCH + "weights: w.safetensors\n"
PLAIN = TORCH + "weights: w.pt\n"
JOBLIB = "loader: sklearn\nweights: w.joblib\n"
NAN = float("nan")


class Bomb:
    """Leaves a mark where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "exploded"

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.mark,)


FILES: dict[str, tuple[str, tuple[str, ...], Callable[[Path], object]]] = {
    "of another framework": (
        PLAIN,
        ("w.pt: not a file that torch.save wrote", "save or download it again"),
        lambda at: (at / "w.pt").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(2000)),
    ),
    "of another framework, under the right name": (
        SAFE,
        ("w.safetensors: not a whole safetensors file", "save or download it again"),
        lambda at: torch.save({"head.bias": torch.zeros(3)}, at / "w.safetensors"),
    ),
    "empty": (SAFE, ("w.safetensors: the file is empty", "again"), lambda at: (at / "w.safetensors").write_bytes(b"")),
    "a pickle that would run code": (
        PLAIN,
        ("w.pt: holds pickled Python objects", "torch.save(model.state_dict(), path)", "trust: true"),
        lambda at: torch.save(Bomb(at), at / "w.pt"),
    ),
    "a bare pickle that would run code": (
        PLAIN,
        ("w.pt: holds pickled Python objects", "trust: true"),
        lambda at: (at / "w.pt").write_bytes(pickle.dumps(Bomb(at), protocol=2)),
    ),
    "joblib's, without trust": (JOBLIB, ("w.joblib", "trust: true"), lambda at: joblib.dump(Bomb(at), at / "w.joblib")),
    "trusted, and no classifier": (
        JOBLIB + "trust: true\n",
        ("w.joblib: holds a mapping", "name the classifier"),
        lambda at: joblib.dump({"weights": np.zeros(3)}, at / "w.joblib"),
    ),
    "a checkpoint around the weights": (
        PLAIN,
        ("w.pt: a state_dict (tensors by name) is due", "key: model"),
        lambda at: torch.save({"epoch": 3, "model": {"head.bias": torch.zeros(3)}}, at / "w.pt"),
    ),
    "scaling that is none": (
        SAFE + "input: {sampling_rate: 8000, seconds: 0.25, representation: waveform, scaling: {file: s.json}}\n",
        ("s.json: needs mean and std, or min and max",),
        lambda at: (at / "s.json").write_text('{"mu": 0}'),
    ),
    "source that is no Python": (
        SAFE.replace("net.py", "odd.py"),
        ("odd.py: cannot be imported (SyntaxError",),
        lambda at: (at / "odd.py").write_text("def Net(:\n"),
    ),
    "source that needs a package nobody has": (
        SAFE.replace("net.py", "odd.py"),
        ("odd.py: cannot be imported (ModuleNotFoundError: No module named 'no_such_package'",),
        lambda at: (at / "odd.py").write_text("import no_such_package\n"),
    ),
}
MANIFESTS = {
    "no such weights": (PLAIN, ("own.model.yaml:5:10: error: w.pt: no such file",)),
    "a folder in place of a file": (TORCH + "weights: kept\n", ("kept: is a folder, a file is due",)),
    "an emotion named twice": (
        f"{SAFE}emotions: [calm, angry, calm]\n",
        ("own.model.yaml:6:25: error: emotion 'calm' is named twice", "every logit stands for one emotion"),
    ),
    "no YAML": ("\x00\x01PK\x03", ("own.model.yaml",)),
    "cut off": ("loader: {torch: ", ("own.model.yaml",)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_by_its_name_with_what_to_do(
    name: str, write: Callable[[str], None], weights: Callable[..., Path], refused: Callable[..., None], tmp_path: Path
) -> None:
    manifest, told, make = FILES[name]
    write(manifest)
    weights()
    make(tmp_path)
    refused(*told)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_refused_at_its_place(
    name: str, write: Callable[[str], None], weights: Callable[..., Path], refused: Callable[..., None], tmp_path: Path
) -> None:
    manifest, told = MANIFESTS[name]
    write(manifest)
    weights()
    (tmp_path / "kept").mkdir()
    refused(*told, code=2)


@pytest.mark.parametrize(("name", "part"), [("w.safetensors", 0.5), ("w.pt", 0.5), ("w.pt", 0.02), ("w.pt", 0.99)])
def test_a_file_cut_off_is_refused(
    name: str, part: float, write: Callable[[str], None], weights: Callable[..., Path], refused: Callable[..., None]
) -> None:
    write(f"{TORCH}weights: {name}\n")
    path = weights(name)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    refused(f"{name}: not a", "download it again")


@pytest.mark.parametrize(
    ("tensor", "told"),
    [
        (torch.tensor([0.0, NAN, 0.0]), ("head.bias has 1 NaN or infinite values of 3", "train or save again")),
        (torch.zeros(9), ("the weights do not fit the network", "head.bias (9) where the network has (3)")),
    ],
)
def test_weights_that_are_no_weights_of_this_network_are_refused(
    tensor: torch.Tensor,
    told: tuple[str, ...],
    write: Callable[[str], None],
    weights: Callable[..., Path],
    refused: Callable[..., None],
) -> None:
    write(SAFE)
    weights(**{"head.bias": tensor})
    refused("w.safetensors", *told)


def test_a_place_that_cannot_be_written_is_named(
    write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write("loader: python\nsource: net.py:scores\n")
    assert main(["run", "own.audit.yaml", "--out", "/proc/audit"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: /proc: cannot be written to (")
    assert err.rstrip().endswith("name another folder with --out")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_weights_that_may_not_be_read_are_named(
    name: str,
    write: Callable[[str], None],
    weights: Callable[..., Path],
    refused: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(f"{TORCH}weights: {name}\n")
    weights(name)

    # Root may read anything, so the refusal is played.
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(safetensors.torch, "load_file", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    refused(name, "Permission denied")
