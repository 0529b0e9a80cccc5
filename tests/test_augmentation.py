"""How training batches are varied: within bounds, by the generator alone, and as far as it says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Generator, Tensor

from audit.kinds import import_file


@pytest.fixture(scope="module")
def augmentation(repository: Path) -> ModuleType:
    return import_file(repository / "models/augmentation.py")


@pytest.fixture
def batch() -> Tensor:
    return torch.rand(12, 1, 24, 20, generator=seeded(0))


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ["Spectrograms", "Faces"])
def test_the_generator_decides_all_of_it_and_the_batch_stays(
    augmentation: ModuleType, batch: Tensor, name: str
) -> None:
    vary = getattr(augmentation, name)(noise=0.1).varied
    before = batch.clone()
    first, again, other = (vary(batch, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(batch, before)
    assert first.shape == batch.shape
    assert 0.0 <= float(first.min()) < float(first.max()) <= 1.0
    changed = (first - batch).abs().flatten(1).amax(1)
    assert (changed > 0).all()


def test_a_spectrogram_is_shifted_in_time_and_loses_one_band(augmentation: ModuleType, batch: Tensor) -> None:
    varied = augmentation.Spectrograms(shift=3, band=6).varied(batch, seeded(3))
    for row, original in zip(varied[:, 0], batch[:, 0], strict=True):
        silent = (row == 0).all(1)
        edges = torch.diff(silent.int(), prepend=torch.zeros(1), append=torch.zeros(1)).abs().sum()
        assert int(silent.sum()) < 6
        assert int(edges) in (0, 2)
        kept = ~silent
        assert any(torch.equal(row[kept], original.roll(by, dims=-1)[kept]) for by in range(-3, 4))


def test_without_anything_asked_for_a_face_stays_as_it_is(augmentation: ModuleType, batch: Tensor) -> None:
    still = augmentation.Faces(mirrored=False, shift=0.0, angle=0.0, zoom=0.0, contrast=0.0, noise=0.0)
    torch.testing.assert_close(still.varied(batch, seeded(0)), batch, rtol=0, atol=1e-5)


def test_a_face_is_mirrored_about_every_second_time_and_never_upside_down(
    augmentation: ModuleType, batch: Tensor
) -> None:
    mirroring = augmentation.Faces(shift=0.0, angle=0.0, zoom=0.0, contrast=0.0, noise=0.0)
    varied = torch.cat([mirroring.varied(batch, seeded(seed)) for seed in range(20)])
    originals = batch.repeat(20, 1, 1, 1)

    def distance(pictures: Tensor) -> Tensor:
        return (varied - pictures).abs().flatten(1).amax(1)

    mirrored = distance(originals.flip(-1)) < 1e-5
    assert (mirrored | (distance(originals) < 1e-5)).all()
    assert 0.4 < float(mirrored.float().mean()) < 0.6


def test_a_face_moves_by_no_more_than_a_share_of_its_side(augmentation: ModuleType) -> None:
    side, shift = 40, 0.1
    dots = torch.zeros(200, 1, side, side)
    dots[:, :, 19:21, 19:21] = 1.0
    moving = augmentation.Faces(mirrored=False, shift=shift, angle=0.0, zoom=0.0, contrast=0.0, noise=0.0)
    varied = moving.varied(dots, seeded(0))[:, 0]
    places = torch.arange(side) + 0.5
    for axis in (1, 2):
        mass = varied.sum(3 - axis)
        moved = (mass * places).sum(1) / mass.sum(1) - side / 2
        assert float(moved.abs().max()) <= shift * side + 1e-3
        assert float(moved.max()) > 0.8 * shift * side
        assert float(moved.min()) < -0.8 * shift * side
