"""The same audit on a CUDA device."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from audit import read_suite, run


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_a_cuda_device_gives_the_predictions_of_the_processor(repository: Path) -> None:
    suite = read_suite(repository / "suites" / "quickstart.audit.yaml")
    keys = ["check", "method", "measure", "severity", "sample"]
    there, here = (run(suite, limit=24, device=device).records for device in ("cuda", "cpu"))
    both = there.merge(here, on=keys, suffixes=("", "_cpu"))
    assert len(both) == len(here)
    predicted = both[both["measure"] == ""]
    np.testing.assert_allclose(
        np.array(predicted["probabilities"].tolist()), np.array(predicted["probabilities_cpu"].tolist()), atol=1e-3
    )
