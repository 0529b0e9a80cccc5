"""A patch by its definition: where it lies, how large it is, what grey it has, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from audit.corruptions.patch import patch
from audit.errors import MethodError
from audit.input_spec import FaceInput
from audit.randomness import SampleRng
from audit.scaling import Affine, PerClip

FACE = FaceInput(20, 30)


@pytest.fixture
def pictures() -> Tensor:
    return 0.2 + 0.5 * torch.rand(4, 1, 20, 30, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("place", "rows", "columns"),
    [(0, (0, 4), (0, 4)), (2, (0, 4), (26, 30)), (4, (8, 12), (13, 17)), (8, (16, 20), (26, 30))],
)
def test_it_lies_at_its_place_and_nowhere_else(
    pictures: Tensor, rng: SampleRng, place: int, rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    changed = patch(pictures, FACE, rng, place=place, across=3, size=0.2, grey=1.0)
    inside = torch.zeros(20, 30, dtype=torch.bool)
    inside[slice(*rows), slice(*columns)] = True
    assert (changed[..., inside] == 1.0).all()
    assert torch.equal(changed[..., ~inside], pictures[..., ~inside])


def test_the_places_cover_every_edge_and_differ(pictures: Tensor, rng: SampleRng) -> None:
    squares = [patch(pictures, FACE, rng, place=place) != pictures for place in range(16)]
    touched = torch.stack(squares).any(0)[0, 0]
    assert all(part.any() for part in (touched[0], touched[-1], touched[:, 0], touched[:, -1]))
    assert len({tuple(square.flatten().tolist()) for square in squares}) == 16


def test_grey_is_counted_from_black_to_white_in_each_channels_own_units(rng: SampleRng) -> None:
    scaled = FaceInput(20, 30, "rgb", scaling=Affine([0.5, 0.0, 0.0], [0.5, 0.1, 1.0]))
    changed = patch(torch.zeros(4, 3, 20, 30), scaled, rng, place=0, grey=0.25)
    assert changed[0, :, 0, 0].tolist() == pytest.approx([-0.5, 2.5, 0.25])


def test_inputs_without_black_and_white_are_refused(pictures: Tensor, rng: SampleRng) -> None:
    with pytest.raises(MethodError, match="no black and white"):
        patch(pictures, FaceInput(20, 30, scaling=PerClip("standard")), rng, place=0)


def test_one_place_alone_is_the_middle(rng: SampleRng) -> None:
    changed = patch(torch.zeros(4, 1, 20, 20), FACE, rng, place=0, across=1, size=0.1)
    assert torch.equal(changed[0, 0].nonzero().float().mean(0), torch.tensor([9.5, 9.5]))


def test_the_picture_that_was_given_stays_as_it_was(pictures: Tensor, rng: SampleRng) -> None:
    before = pictures.clone()
    patch(pictures, FACE, rng, place=0)
    assert torch.equal(pictures, before)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"place": 16}, "place is 16; 0 to 15 is due, of 4 x 4"),
        ({"place": -1}, "place is -1"),
        ({"place": 0, "across": 0}, "of 0 x 0"),
        ({"place": 0, "size": 0.0}, "size 0 must be above 0"),
        ({"place": 0, "grey": 1.5}, "grey 1.5 from 0"),
    ],
)
def test_what_is_not_there_is_refused(pictures: Tensor, rng: SampleRng, keys: dict[str, float], told: str) -> None:
    with pytest.raises(MethodError, match=told):
        patch(pictures, FACE, rng, **keys)  # type: ignore[arg-type]
