"""Files that are empty, cut off or another framework's, given to every loader that opens a file."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

NAMES = {
    "torch": "w.pt",
    "torchscript": "w.ts",
    "exported": "w.pt2",
    "keras": "w.keras",
    "onnx": "w.onnx",
    "sklearn": "w.skops",
}
EXTRA = {"torch": "source: net.py:Net\n"}


def empty(path: Path) -> None:
    path.write_bytes(b"")


def words(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")


def half_a_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}" * 500)
    path.write_bytes(path.read_bytes()[:200])


def another_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")


def hdf5(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(3000))


def script(path: Path) -> None:
    torch.jit.trace(nn.Linear(2000, 3), torch.zeros(1, 2000)).save(str(path))


def a_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"coef": [1.0]}, protocol=2))


MADE = [empty, words, half_a_zip, another_zip, hdf5, script, a_pickle]
FOREIGN = [(loader, make) for loader in NAMES for make in MADE if (loader, make) != ("torchscript", script)]


@pytest.mark.filterwarnings("ignore:.*torch.load.* received a zip file:UserWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
@pytest.mark.parametrize(("loader", "make"), FOREIGN, ids=lambda part: getattr(part, "__name__", part))
def test_a_file_that_is_none_of_the_loaders_is_refused_by_its_name(
    loader: str,
    make: Callable[[Path], None],
    write: Callable[[str], None],
    refused: Callable[..., None],
    tmp_path: Path,
) -> None:
    name = NAMES[loader]
    write(f"loader: {loader}\nweights: {name}\n{EXTRA.get(loader, '')}")
    make(tmp_path / name)
    refused(name)
