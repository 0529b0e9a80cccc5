"""A session over noise, of a network that was never trained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from audit.checks.session import Session
from audit.data import Sample
from audit.model import TorchModel
from audit.progress import Unwatched

COUNT = 24


@pytest.fixture
def session(resnet: TorchModel) -> Session:
    generator = torch.Generator().manual_seed(4)
    waveforms = 0.2 * torch.randn(COUNT, 48000, generator=generator)
    samples = tuple(
        Sample(f"clip-{i:02d}", None, resnet.emotions[i % 6], {"speaker": f"s{i % 4}"}) for i in range(COUNT)
    )
    with torch.inference_mode():
        inputs = resnet.spec.represent(waveforms)
    empty = Session(
        model=resnet,
        samples=samples,
        recordings=waveforms,
        inputs=inputs.clone(),
        truths=torch.tensor([i % 6 for i in range(COUNT)]),
        clean=torch.empty(0),
        seed=7,
        batch_size=8,
        progress=Unwatched(),
    )
    return replace(empty, clean=empty.predict(empty.inputs))
