"""What all tests share: where the real recordings are, and small models with known behaviour."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from audit.input_spec import InputSpec, SpeechInput
from audit.kinds import import_file
from audit.model import TorchModel
from audit.randomness import SampleRng

pytest_plugins = ["pytester"]

REPOSITORY = Path(__file__).resolve().parent.parent
AUDIT_DATA = Path(REPOSITORY / os.environ.get("AUDIT_DATA", "../shared/data")).resolve()
EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def audit_data() -> Path:
    """The folder of real recordings; the test skips, and says so, where there is none."""
    if not (AUDIT_DATA / "nemo" / "data.tsv").is_file():
        pytest.skip(f"no real recordings in {AUDIT_DATA}; set AUDIT_DATA to the folder that holds nemo/")
    return AUDIT_DATA


@pytest.fixture(scope="session")
def nemo_spec() -> InputSpec:
    return SpeechInput(16000, 3.0, "melspectrogram", {})


@pytest.fixture
def resnet(nemo_spec: InputSpec) -> TorchModel:
    """An untrained, narrow ResNet-18 on mel-spectrograms, in evaluation mode with lively batch-norm statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module: nn.Module = import_file(REPOSITORY / "models/resnet18.py").build(emotions=6, width=8)
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 1.5)
    return TorchModel(module.eval(), nemo_spec, EMOTIONS, name="resnet")


@pytest.fixture
def mels() -> Tensor:
    """Four inputs of the size of a three-second mel-spectrogram, in [0, 1]."""
    return torch.rand(4, 1, 128, 94, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def rng() -> SampleRng:
    return SampleRng([11, 22, 33, 44])
