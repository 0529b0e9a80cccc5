"""The quickstart's network, as far as it can be judged untrained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from audit.kinds import import_file


@pytest.mark.parametrize(("height", "width", "emotions"), [(64, 63, 6), (128, 94, 8), (8, 8, 2)])
def test_small_cnn_maps_spectrograms_of_any_size_to_logits(
    repository: Path, height: int, width: int, emotions: int
) -> None:
    network = import_file(repository / "models/small_cnn.py").build(emotions=emotions).eval()
    with torch.no_grad():
        assert network(torch.rand(3, 1, height, width)).shape == (3, emotions)


def test_small_cnn_has_weights_under_400_kilobytes_in_half_precision(repository: Path) -> None:
    network = import_file(repository / "models/small_cnn.py").build(emotions=6)
    assert sum(2 * values.numel() for values in network.state_dict().values()) < 400_000
