"""A small network of torch, its code and its weights beside a manifest."""

from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from audit.input_spec import SpeechInput
from audit.kinds import find
from audit.manifest import Manifest, Source
from audit.model import Model

SPEC = SpeechInput(8000, 0.5, "waveform")
CODE = """
import torch
from torch import nn

def build(*, width=4):
    return nn.Sequential(nn.Linear(4000, width), nn.ReLU(), nn.BatchNorm1d(width), nn.Linear(width, 2))

def fails():
    raise ValueError("no such width")

def draws():
    torch.rand(3)
    return build()

def dictionary():
    return {}
"""


def load(manifest: Manifest) -> Model:
    model = find("loader", "torch").load()(manifest)
    assert isinstance(model, Model)
    return model


def network(width: int = 4) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4000, width), nn.ReLU(), nn.BatchNorm1d(width), nn.Linear(width, 2)).eval()


def written(folder: Path) -> Manifest:
    """Write the network's code and weights into `folder`."""
    (folder / "net.py").write_text(CODE)
    weights = folder / "w.safetensors"
    safetensors.torch.save_file(network().state_dict(), weights)
    path = folder / "m.model.yaml"
    return Manifest("m", path, "torch", SPEC, ("a", "b"), Source(folder / "net.py", "build"), {}, weights)


def saved(manifest: Manifest, content: object, name: str = "w.pt") -> Manifest:
    path = manifest.path.with_name(name)
    torch.save(content, path)
    return replace(manifest, weights=path)
