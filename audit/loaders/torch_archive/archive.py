"""Zip archives that torch wrote, read by the reader with which torch itself opens them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from audit.errors import ModelError, first_line

LOADERS = {
    "torchscript": "a TorchScript archive, `torch.jit.script(network).save(path)`",
    "exported": "an exported program, `torch.export.save(program, path)`",
    "torch": "weights alone, which `source: file.py:function` builds the network for",
}
OLD = "serialized_exported_program.json"


@dataclass(frozen=True)
class Archive:
    """A file's whole content, so that what is opened is what was looked at, and the names of its records."""

    path: Path
    content: bytes
    names: tuple[str, ...]

    @cached_property
    def _reader(self) -> Any:
        return torch._C.PyTorchFileReader(self.stream())

    @property
    def loader(self) -> str | None:
        """Which loader takes it, None where it is no model's."""
        if "archive_format" in self.names or any(name.startswith("models/") for name in self.names):
            return "exported"
        if any(name.startswith("code/") for name in self.names):
            return "torchscript"
        return "torch" if "data.pkl" in self.names else None

    def read(self, name: str) -> bytes:
        """Return one record."""
        record: bytes = self._reader.get_record(name)
        return record

    def stream(self) -> io.BytesIO:
        """Return the whole as a file."""
        return io.BytesIO(self.content)


def archive_at(path: Path, loader: str) -> Archive:
    """Return the archive at `path`, which must be one that `loader` takes.

    Raises ModelError where it is empty, truncated, no archive, or another loader's.
    """
    content = path.read_bytes()
    due = LOADERS[loader]
    if not content:
        raise ModelError(f"{path}: the file is empty; save or download it again")
    if not content.startswith(b"PK"):
        what = "a pickle" if content.startswith(b"\x80") else "no archive"
        raise ModelError(f"{path}: is {what}; loader {loader} takes {due}")
    if OLD.encode() in content:
        raise ModelError(f"{path}: was exported by torch before 2.8, which kept another format; export it again")
    try:
        reader = torch._C.PyTorchFileReader(io.BytesIO(content))
        archive = Archive(path, content, tuple(reader.get_all_records()))
    except (RuntimeError, ValueError) as error:
        reason = first_line(error).rpartition(": ")[2]
        raise ModelError(f"{path}: not a whole archive of torch ({reason}); save or download it again") from error
    if archive.loader != loader:
        other = f"holds {LOADERS[archive.loader]}: `loader: {archive.loader}`" if archive.loader else "holds no model"
        raise ModelError(f"{path}: {other}; loader {loader} takes {due}")
    return archive
