"""Where relevance lies: truth in seconds and Hz or in shares of a picture, a suite's regions, and their refusals."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from audit.checks.places import cells_inside, cells_of, places_of, share_inside, top_k_inside
from audit.checks.saliency import SaliencyRun
from audit.data import Patch, Region
from audit.errors import MethodError
from audit.input_spec import Axes, FaceInput, InputSpec, SpeechInput
from audit.model import TorchModel
from audit.record import table
from audit.suite import Check, NamedRegion, Use

from ..toys import picture_model, pictures, session, streams

MELS = SpeechInput(16000, 1.0, "melspectrogram", {"n_mels": 20})
FACES = FaceInput(12, 10)
SHAPES: dict[str, tuple[InputSpec, torch.Size]] = {
    "mels": (MELS, torch.Size((1, 20, 32))),
    "waveform": (SpeechInput(16000, 1.0, "waveform"), torch.Size((16000,))),
    "channel": (SpeechInput(16000, 1.0, "waveform", {"shape": "channel"}), torch.Size((1, 16000))),
    "mfcc": (SpeechInput(16000, 1.0, "mfcc", {"n_mfcc": 20}), torch.Size((1, 20, 32))),
}


def test_cells_of_speech_are_those_whose_centre_lies_in_time_and_frequency() -> None:
    regions = (Region(0.2, 0.5, 300.0, 2000.0), Region(0.4, 0.8, 1000.0, 5000.0))
    found = cells_inside(regions, MELS.axes, torch.Size((1, 20, 32)))
    assert found.shape == (1, 20, 32)
    for row, hertz in enumerate(MELS.axes.hertz):
        for column, moment in enumerate(MELS.axes.seconds):
            expected = any(r.start <= moment <= r.end and r.low <= hertz <= r.high for r in regions)
            assert bool(found[0, row, column]) is expected
    assert found.any()


@pytest.mark.parametrize("name", ["waveform", "channel", "mfcc"])
def test_without_frequencies_every_cell_of_a_moment_counts(name: str) -> None:
    spec, shape = SHAPES[name]
    found = cells_inside((Region(0.25, 0.5, 300.0, 400.0),), spec.axes, shape)
    assert found.shape == shape
    moments = torch.from_numpy((spec.axes.seconds >= 0.25) & (spec.axes.seconds <= 0.5))
    assert torch.equal(found, moments.expand(shape))


def test_two_channels_of_sound_share_their_moments() -> None:
    axes = Axes(seconds=np.arange(100) / 100)
    found = cells_inside((Region(0.1, 0.3, 0.0, 1.0),), axes, torch.Size((2, 100)))
    assert found.sum(1).tolist() == [21, 21]


@pytest.mark.parametrize("channels", [1, 3])
def test_cells_of_a_picture_are_the_pixels_whose_centre_lies_in_a_patch(channels: int) -> None:
    patches = (Patch(0.0, 0.25, 0.0, 0.5), Patch(0.5, 0.9, 0.3, 0.61))
    found = cells_inside(patches, FACES.axes, torch.Size((channels, 12, 10)))
    assert found.shape == (channels, 12, 10)
    for row in range(12):
        for column in range(10):
            y, x = (row + 0.5) / 12, (column + 0.5) / 10
            expected = any(p.top <= y <= p.bottom and p.left <= x <= p.right for p in patches)
            assert found[:, row, column].tolist() == [expected] * channels


def test_a_named_region_in_hertz_and_seconds_is_every_cell_within_both() -> None:
    shape = torch.Size((1, 20, 32))
    region = NamedRegion("tone", hertz=(3000.0, 4000.0), seconds=(0.25, 0.75))
    found = cells_of(region, MELS.axes, shape)
    for row, hertz in enumerate(MELS.axes.hertz):
        for column, moment in enumerate(MELS.axes.seconds):
            assert bool(found[0, row, column]) is bool(3000 <= hertz <= 4000 and 0.25 <= moment <= 0.75)
    whole = cells_of(NamedRegion("tone", hertz=(3000.0, 4000.0)), MELS.axes, shape)
    assert torch.equal(whole.any(-1), found.any(-1))
    assert whole.all(-1).any()


@pytest.mark.parametrize("shape", [(1, 12, 10), (3, 12, 10)])
def test_a_named_region_in_rows_and_columns_leaves_the_last_out(shape: tuple[int, ...]) -> None:
    found = cells_of(NamedRegion("corner", rows=(0, 5), columns=(2, 4)), Axes(), torch.Size(shape))
    expected = torch.zeros(shape, dtype=torch.bool)
    expected[:, 0:5, 2:4] = True
    assert torch.equal(found, expected)


def test_a_named_region_of_a_waveform_is_a_span_of_it() -> None:
    spec, shape = SHAPES["waveform"]
    found = cells_of(NamedRegion("start", seconds=(0.0, 0.1)), spec.axes, shape)
    assert found.shape == shape
    assert found.nonzero().flatten().tolist() == list(range(1601))
    assert torch.equal(cells_of(NamedRegion("start", columns=(0, 1601)), spec.axes, shape), found)


@pytest.mark.parametrize(
    ("region", "spec", "words"),
    [
        (NamedRegion("tone", hertz=(300, 400)), FACES, "region 'tone': this model's input has no hertz; give rows or"),
        (NamedRegion("start", seconds=(0, 1)), FACES, "no seconds"),
        (NamedRegion("tone", hertz=(300, 400)), SHAPES["waveform"][0], "no hertz"),
        (NamedRegion("tone", hertz=(300, 400)), SHAPES["mfcc"][0], "no hertz"),
        (NamedRegion("high", hertz=(9000, 9100)), MELS, "holds none of the input's 20 x 32 cells"),
        (NamedRegion("late", seconds=(5, 6)), MELS, "0 to 0.992 s"),
        (NamedRegion("below", rows=(20, 30)), MELS, "widen it"),
        (NamedRegion("beside", columns=(10, 12)), FACES, "none of the input's 12 x 10 cells; widen it"),
    ],
)
def test_a_region_that_the_input_does_not_have_is_refused(region: NamedRegion, spec: InputSpec, words: str) -> None:
    shape = torch.Size((1, 12, 10)) if spec is FACES else next(s for each, s in SHAPES.values() if each == spec)
    with pytest.raises(MethodError, match=re.escape(words)):
        cells_of(region, spec.axes, shape)


def test_the_share_inside_is_that_of_what_speaks_for_the_emotion() -> None:
    values = torch.tensor([[[1.0, 3.0, -5.0], [0.0, 4.0, 0.0]], [[-1.0, -3.0, -5.0], [0.0, 0.0, 0.0]]])
    cells = torch.tensor([[True, False, True], [False, True, False]]).expand(2, 2, 3)
    assert share_inside(values, cells, None).tolist() == [pytest.approx(5 / 8), 0.0]


def test_the_top_k_are_as_many_as_the_region_has_cells() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(5, 1, 6, 7, generator=generator)
    cells = torch.rand(5, 1, 6, 7, generator=generator) < 0.3
    cells[4] = False
    found = top_k_inside(values, cells, streams(5))
    for row in range(4):
        k = int(cells[row].sum())
        ranked = sorted(range(42), key=lambda i, row=row: -float(values[row].flatten()[i]))
        expected = sum(bool(cells[row].flatten()[i]) for i in ranked[:k]) / k
        assert float(found[row]) == pytest.approx(expected)
    assert float(found[4]) == 0.0


def test_ties_are_credited_with_no_more_than_chance() -> None:
    cells = torch.zeros(200, 1, 10, 10, dtype=torch.bool)
    cells[:, :, :3] = True
    found = top_k_inside(torch.zeros(200, 1, 10, 10), cells, streams(200))
    assert float(found.mean()) == pytest.approx(0.3, abs=0.02)


PATCHES = (Patch(0.0, 0.5, 0.0, 0.5), Patch(0.0, 0.5, 0.5, 1.0), Patch(0.5, 1.0, 0.0, 0.5), Patch(0.5, 1.0, 0.5, 1.0))
CHECK = Check(
    "maps",
    "saliency",
    (Use("saliency", "lrp"),),
    faithfulness=(Use("faithfulness", "probability_drop"),),
    random_masks=8,
    regions=(NamedRegion("left", columns=(0, 8)),),
)


NAME = "integrated_gradients"


def test_maps_of_a_network_that_looks_at_the_blob_lie_in_its_quadrant() -> None:
    inputs, truths = pictures(24, seed=11)
    check = replace(CHECK, uses=(Use("saliency", NAME),))
    run = SaliencyRun(check, session(picture_model(), inputs, truths), lambda i: (PATCHES[int(truths[i])],))
    frame = table(run.records()).groupby(["method", "measure"])["score"].mean()
    assert frame[NAME, "localisation"] > 0.5
    assert frame[NAME, "chance/localisation"] == pytest.approx(0.25, abs=0.08)
    # A fifth of them or more where the quadrant's every cell were relevant; the blob is a fourth of it.
    assert frame[NAME, "top_k_intersection"] > frame[NAME, "chance/top_k_intersection"] + 0.1
    assert frame[NAME, "localisation/left"] == pytest.approx(0.5, abs=0.15)
    assert frame["energy", "localisation"] > frame["energy", "chance/localisation"]


def test_records_of_places_are_those_of_the_definition() -> None:
    inputs, truths = pictures(8, seed=11)
    toys = session(picture_model(), inputs, truths)
    run = SaliencyRun(CHECK, toys, lambda i: (PATCHES[int(truths[i])],))
    scores = {(r.measure, r.sample.id): r.score for r in run.records() if r.method == "lrp"}
    for index, values in run.maps["lrp"].items():
        positive = values[0].clamp_min(0)
        top, left = 8 * (int(truths[index]) // 2), 8 * (int(truths[index]) % 2)
        sample = toys.samples[index].id
        quadrant = float(positive[top : top + 8, left : left + 8].sum() / positive.sum())
        assert scores["localisation", sample] == pytest.approx(quadrant, rel=1e-5)
        assert scores["localisation/left", sample] == pytest.approx(
            float(positive[:, :8].sum() / positive.sum()), rel=1e-5
        )


def test_chance_is_the_same_map_in_another_place() -> None:
    """Of one cell, rolled about, the share inside is the region's share of the area."""
    inputs, truths = pictures(24, seed=11)
    check = replace(CHECK, uses=(Use("saliency", "energy"),), random_masks=60)
    spots = torch.zeros_like(inputs)
    spots[:, :, 3, 3] = 1.0
    run = SaliencyRun(check, session(picture_model(), spots, truths), None)
    by_chance = [r.score for r in run.records() if r.measure == "chance/localisation/left" and r.method == "energy"]
    assert float(np.mean(by_chance)) == pytest.approx(0.5, abs=0.05)


def test_without_truth_or_regions_nothing_is_located() -> None:
    inputs, truths = pictures(4)
    run = SaliencyRun(replace(CHECK, regions=()), session(picture_model(), inputs, truths), None)
    assert not [r for r in run.records() if "localisation" in r.measure or "top_k" in r.measure]


def test_truth_is_not_looked_for_in_an_input_whose_columns_are_no_moments() -> None:
    spec = SpeechInput(8000, 0.5, "mfcc", {"n_fft": 256, "hop_length": 128, "n_mels": 16, "n_mfcc": 8, "mean": True})
    model = TorchModel(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 2)).eval(), spec, ("anger", "fear"))
    inputs: Tensor = torch.randn(2, 1, 8, 1, generator=torch.Generator().manual_seed(0))
    toys = session(model, inputs, torch.tensor([0, 1]))
    assert places_of(toys, lambda _: (Region(0, 1, 0, math.inf),), ()) == {}
    assert set(places_of(toys, None, (NamedRegion("first", rows=(0, 2)),))) == {"first"}
