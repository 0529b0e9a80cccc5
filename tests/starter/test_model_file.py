"""Which loader opens a file, and what the file says."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from audit.errors import ModelError, UntrustedError, UsageError
from audit.starter.model_file import inspected


@pytest.fixture
def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))


def test_weights_by_any_name_are_known_by_their_content(tmp_path: Path, network: nn.Module) -> None:
    safetensors.torch.save_file(network.state_dict(), tmp_path / "a.safetensors")
    torch.save(network.state_dict(), tmp_path / "b.pth")
    torch.save({"epoch": 1, "model": network.state_dict()}, tmp_path / "c.ckpt")
    for name in ("a.safetensors", "b.pth", "c.ckpt"):
        loader, seen = inspected(tmp_path / name, None, trust=False)
        assert (loader, seen.outputs) == ("torch", 5)
        assert seen.source is not None
    assert inspected(tmp_path / "c.ckpt", None, trust=False)[1].lines == {"key": "model"}


def test_a_head_is_told_from_other_matrices(tmp_path: Path) -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.squeeze = nn.Linear(16, 2)
            self.excite = nn.Linear(2, 16)
            self.classifier = nn.Sequential(nn.Linear(16, 32), nn.Linear(32, 7))

    torch.save(Gated().state_dict(), tmp_path / "x.pt")
    assert inspected(tmp_path / "x.pt", None, trust=False)[1].outputs == 7


def test_a_pickled_module_needs_trust_and_the_manifest_says_so(tmp_path: Path, network: nn.Module) -> None:
    torch.save(network, tmp_path / "whole.pt")
    with pytest.raises(UntrustedError, match="audit init --trust"):
        inspected(tmp_path / "whole.pt", None, trust=False)
    loader, seen = inspected(tmp_path / "whole.pt", None, trust=True)
    assert (loader, seen.outputs, seen.lines, seen.source) == ("torch", 5, {"trust": True}, None)


def test_what_nobody_opens_is_an_error_that_lists_what_is_opened(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"nothing of the sort")
    with pytest.raises(ModelError, match=r"neither its name nor its content.*\.safetensors"):
        inspected(tmp_path / "x.pt", None, trust=False)
    (tmp_path / "x.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(ModelError, match="not a whole safetensors file"):
        inspected(tmp_path / "x.safetensors", None, trust=False)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ModelError, match="a folder of transformers"):
        inspected(tmp_path / "folder", None, trust=False)
    with pytest.raises(UsageError, match="no such file or folder"):
        inspected(tmp_path / "nothing", None, trust=False)
    (tmp_path / "m.model.yaml").write_text("version: 1\n")
    with pytest.raises(
        UsageError, match=r"is a manifest or a suite, not a trained model; .*`audit probe .*m\.model\.yaml`"
    ):
        inspected(tmp_path / "m.model.yaml", None, trust=False)


def test_a_loader_of_ones_own_may_look_into_its_files(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from audit.kinds import loader\nfrom audit.loaders.inspection import Inspection\n\n\n"
        "def look(path, *, trust, key):\n    return Inspection('mine', outputs=3)\n\n\n"
        "@loader(extensions=('.xyz',), inspect=look)\ndef mine(manifest):\n    raise NotImplementedError\n"
    )
    (tmp_path / "x.xyz").write_text("x")
    name = f"{tmp_path / 'mine.py'}:mine"
    assert inspected(tmp_path / "x.xyz", name, trust=False)[1].outputs == 3
