"""Masks of exact area, fills, and the random baseline."""

import pytest
import torch
from torch import Tensor

from audit.errors import MethodError
from audit.input_spec import InputSpec, SpeechInput
from audit.masking import FILLS, IMPUTED, elsewhere, order_of_relevance, random_ranking, replace, segments, top_cells
from audit.randomness import SampleRng


def test_a_mask_holds_exactly_the_share_of_cells_with_the_largest_values(mels: Tensor, rng: SampleRng) -> None:
    mask = top_cells(mels, 0.2, rng)
    assert mask.flatten(1).sum(1).tolist() == [round(0.2 * 128 * 94)] * 4
    for row, values in zip(mask, mels, strict=True):
        assert values[row].min() >= values[~row].max()


@pytest.mark.parametrize("tied", [False, True])
def test_every_cell_has_its_place_the_most_relevant_the_first(tied: bool) -> None:
    values = torch.randn(3, 2, 5, 6, generator=torch.Generator().manual_seed(0))
    values = values.round() if tied else values
    places = order_of_relevance(values, SampleRng([1, 2, 3]))
    for row, order in zip(values.flatten(1), places.flatten(1), strict=True):
        assert order.sort().values.tolist() == list(range(60))
        ranked = row[order.argsort()]
        assert (ranked.diff() <= 0).all()
        if not tied:
            assert all(int(order[i]) == int((row > row[i]).sum()) for i in range(60))


def test_a_place_does_not_depend_on_the_other_maps_of_the_batch() -> None:
    values = torch.zeros(3, 1, 5, 6)
    together = order_of_relevance(values, SampleRng([1, 2, 3]))
    alone = [order_of_relevance(values[:1], SampleRng([seed])) for seed in (1, 2, 3)]
    assert torch.equal(together, torch.cat(alone))
    assert not torch.equal(together[0], together[1])


def test_ties_are_broken_by_the_samples_stream_and_not_by_position(rng: SampleRng) -> None:
    mask = top_cells(torch.zeros(4, 1, 100, 100), 0.2, rng)
    upper = mask[:, :, :50].flatten(1).sum(1) / 2000
    assert ((upper > 0.45) & (upper < 0.55)).all()
    assert torch.equal(mask, top_cells(torch.zeros(4, 1, 100, 100), 0.2, SampleRng([11, 22, 33, 44])))


def test_segments_cut_the_input_into_a_grid_of_near_equal_blocks() -> None:
    grid = segments(torch.Size((1, 128, 94)))
    sizes = torch.bincount(grid.flatten())
    assert len(sizes) == 64
    assert sizes.min() >= 16 * 11
    assert sizes.max() <= 16 * 12


@pytest.mark.parametrize("shape", [(20,), (1, 20), (1, 1, 20), (1, 20, 1), (20, 1)])
def test_an_input_of_one_axis_is_cut_into_spans_wherever_that_axis_is(shape: tuple[int, ...]) -> None:
    """Averaged coefficients are a column."""
    for rows, columns, spans in ((8, 8, 20), (2, 2, 4)):
        grid = segments(torch.Size(shape), rows=rows, columns=columns)
        assert grid.shape == shape
        assert torch.bincount(grid.flatten()).tolist() == [20 // spans] * spans
        assert (grid.flatten().diff() >= 0).all()


def test_segments_of_a_waveform_are_spans_of_time() -> None:
    grid = segments(torch.Size((48000,)))
    assert grid.shape == (48000,)
    assert (grid.diff() >= 0).all()
    assert torch.bincount(grid).tolist() == [750] * 64


def test_a_random_ranking_ranks_whole_segments(mels: Tensor, rng: SampleRng) -> None:
    ranking = random_ranking(mels, rng)
    grid = segments(mels.shape[1:])
    for row in ranking:
        assert len(torch.unique(torch.stack([grid.flatten().float(), row.flatten()]), dim=1)[0]) == 64


def test_a_map_put_elsewhere_keeps_its_values_and_its_texture(mels: Tensor, rng: SampleRng) -> None:
    moved = elsewhere(mels, rng)
    assert not torch.equal(moved, mels)
    for before, after in zip(mels, moved, strict=True):
        shifts = [(r, c) for r in range(128) for c in range(94) if after[0, r, c] == before[0, 0, 0]]
        assert any(torch.equal(before.roll(shift, (1, 2)), after) for shift in shifts)


def test_a_waveforms_map_is_moved_along_time(rng: SampleRng) -> None:
    ramp = torch.arange(1000.0).repeat(4, 1)
    moved = elsewhere(ramp, rng)
    assert torch.equal(moved.sort(1).values, ramp)
    assert ((moved.diff(dim=1) - 1).abs() > 1e-6).sum(1).le(1).all()


@pytest.mark.parametrize("fill", [*sorted(FILLS), IMPUTED])
def test_a_fill_changes_the_masked_cells_alone_and_stays_in_bounds(
    fill: str, mels: Tensor, nemo_spec: InputSpec, rng: SampleRng
) -> None:
    kept = mels.clone()
    mask = mels > 0.8
    filled = replace(mels, mask, fill, nemo_spec, rng)
    assert torch.equal(filled[~mask], mels[~mask])
    assert (filled[mask] != mels[mask]).float().mean() > 0.95
    assert filled.min() >= 0
    assert filled.max() <= 1
    assert torch.equal(mels, kept)


def test_the_floor_of_a_waveform_is_silence(rng: SampleRng) -> None:
    waveforms = torch.rand(4, 1600) - 0.5
    spec = SpeechInput(16000, 0.1, "waveform")
    assert (replace(waveforms, torch.ones(4, 1600, dtype=torch.bool), "floor", spec, rng) == 0).all()


def test_a_blur_keeps_a_flat_input_flat(nemo_spec: InputSpec, rng: SampleRng) -> None:
    flat = torch.full((4, 1, 128, 94), 0.4)
    everywhere = torch.ones_like(flat, dtype=torch.bool)
    torch.testing.assert_close(replace(flat, everywhere, "blur", nemo_spec, rng), flat)


def test_a_misspelt_fill_names_the_nearest(mels: Tensor, nemo_spec: InputSpec, rng: SampleRng) -> None:
    with pytest.raises(MethodError, match="did you mean 'blur'"):
        replace(mels, mels > 0.5, "blurr", nemo_spec, rng)
