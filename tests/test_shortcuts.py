"""A shortcut that a network fell for is found by a method that is to be trusted, and by no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from audit import shortcuts
from audit.checks.saliency import SaliencyRun
from audit.data import Sample
from audit.estimator import Estimator
from audit.input_spec import SpeechInput
from audit.model import TorchModel
from audit.outcome import Trial
from audit.record import CHANCE, Record, table
from audit.shortcuts import Shortcut
from audit.standing import Standing, standings
from audit.suite import Check, Decide, NamedRegion, Use

from .toys import EMOTIONS, SPEC, picture_model, pictures, session

CORNER = NamedRegion("corner", rows=(0, 2), columns=(14, 16))
CHECK = Check(
    "maps",
    "saliency",
    (Use("saliency", "lrp"), Use("saliency", "gradient_times_input")),
    faithfulness=(Use("faithfulness", "probability_drop", {"masked": 0.05}),),
    random_masks=5,
    sanity=tuple(Use("sanity", name) for name in ("parameter_randomisation", "seed_stability")),
    regions=(CORNER,),
)


def planted(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return noise in whose upper right corner a patch, as bright as its number, tells one of four emotions."""
    inputs, truths = pictures(count, seed)
    inputs = 0.5 * torch.rand(inputs.shape, generator=torch.Generator().manual_seed(seed))
    for picture, truth in zip(inputs, truths.tolist(), strict=True):
        picture[0, :2, 14:] = torch.tensor([[truth >> 1, truth & 1], [truth & 1, truth >> 1]])
    return inputs, truths


def fallen() -> TorchModel:
    """Return a network that was trained on nothing but the patch."""
    inputs, truths = planted(200, seed=2)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = nn.Sequential(nn.Flatten(), nn.Linear(256, 24), nn.ReLU(), nn.Linear(24, 4))
        optimiser = torch.optim.Adam(module.parameters(), 5e-3, weight_decay=1e-3)
        for _ in range(150):
            loss = nn.functional.cross_entropy(module(inputs), truths)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return TorchModel(module.eval().requires_grad_(False), SPEC, EMOTIONS, name="fallen")


def findings(model: TorchModel, inputs: Tensor, truths: Tensor, check: Check) -> tuple[list[Shortcut], list[Standing]]:
    run = SaliencyRun(check, session(model, inputs, truths), None)
    estimator = Estimator(table(run.records()), model.emotions, {}, Decide(bootstrap=500))
    stood = standings(check, estimator, run.refused, run.untested)
    return list(shortcuts.found([check], estimator, stood)), stood


@pytest.fixture(scope="module")
def network() -> TorchModel:
    return fallen()


def test_a_network_that_looks_at_nothing_but_a_patch_is_found_out(network: TorchModel) -> None:
    inputs, truths = planted(24, seed=3)
    assert float((network.logits(inputs).argmax(1) == truths).double().mean()) > 0.9
    found, stood = findings(network, inputs, truths, CHECK)
    assert {each.method: each.outcome for each in stood}["lrp"] == "PASS"
    (shortcut,) = (each for each in found if each.method == "lrp")
    assert (shortcut.finding, shortcut.check, shortcut.region) == ("shortcut", "maps", "corner")
    # Told of the emotion that has by far the most of it, or of all four.
    assert shortcut.clips == (24 if shortcut.emotion is None else 6)
    assert shortcut.share > 5 * shortcut.chance
    assert 0 < shortcut.interval[0] <= shortcut.share - shortcut.chance <= shortcut.interval[1]
    told = str(shortcut)
    whose = "" if shortcut.emotion is None else f"of {shortcut.emotion}, "
    assert told.startswith(
        f"lrp finds a shortcut: {whose}{shortcut.share:.0%} of the relevance lies in region 'corner'"
    )
    assert f"{shortcut.clips} clips" in told
    assert "audit again" in told


def test_a_network_that_looks_elsewhere_is_not() -> None:
    inputs, truths = pictures(24, seed=11)
    corner = replace(CHECK, regions=(NamedRegion("edge", rows=(0, 1)),))
    found, stood = findings(picture_model(), inputs, truths, corner)
    assert {each.outcome for each in stood} == {"PASS"}
    assert found == []


def test_without_a_region_nothing_is_suspected(network: TorchModel) -> None:
    found, _ = findings(network, *planted(24, seed=3), replace(CHECK, regions=()))
    assert found == []


class Banded(nn.Module):
    """Hears the eleventh and twelfth band alone."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(2, 2, bias=False)
        self.dense.weight.data = torch.tensor([[3.0, 3.0], [-3.0, -3.0]])

    def forward(self, mels: Tensor) -> Tensor:
        return self.dense(mels[:, 0, 10:12].mean(-1) - 0.5)


def test_a_band_that_a_model_of_speech_hears_alone_is_found_by_its_hertz() -> None:
    spec = SpeechInput(8000, 0.5, "melspectrogram", {"n_fft": 256, "hop_length": 128, "n_mels": 16})
    hertz = spec.axes.hertz
    assert hertz is not None
    band = NamedRegion("tone", hertz=(float(hertz[10]) - 1, float(hertz[11]) + 1))
    beside = NamedRegion("beside", hertz=(float(hertz[2]) - 1, float(hertz[3]) + 1))
    inputs = torch.rand(16, 1, 16, 32, generator=torch.Generator().manual_seed(0))
    inputs[:, :, 10:12] += 0.5
    model = TorchModel(Banded().eval().requires_grad_(False), spec, ("anger", "fear"))
    check = replace(CHECK, uses=(Use("saliency", "lrp"),), sanity=(), regions=(band, beside))
    found, _ = findings(model, inputs.clamp(0, 1), torch.zeros(16, dtype=torch.long), check)
    assert [each.region for each in found] == ["tone"]
    assert found[0].share == pytest.approx(1.0)
    assert found[0].chance == pytest.approx(2 / 16, abs=0.1)


SAMPLES = [Sample(f"clip-{i:02d}", None, "anger", {}) for i in range(20)]


def told(share: float, chance: float, outcome: str, noise: float = 0.01) -> list[Shortcut]:
    generator = torch.Generator().manual_seed(0)
    records = []
    for measure, mean in (("localisation/corner", share), (f"{CHANCE}/localisation/corner", chance)):
        values = mean + noise * torch.randn(20, generator=generator)
        records += [
            Record("maps", "lrp", measure, 0.2, sample, "", [], value)
            for sample, value in zip(SAMPLES, values.tolist(), strict=True)
        ]
    trial = Trial("chance", 1.0, (0.9, 1.1), 20, 0.0, None, outcome, "because")  # type: ignore[arg-type]
    standing = Standing("maps", "lrp", (trial,), "no maps" if outcome == "ERROR" else "")
    estimator = Estimator(table(records), ("anger",), {}, Decide(bootstrap=500))
    return list(shortcuts.found([CHECK], estimator, [standing]))


def test_a_method_that_has_not_earned_its_place_finds_nothing() -> None:
    assert len(told(0.4, 0.1, "PASS")) == 1
    for outcome in ("FAIL", "UNSURE", "ERROR"):
        assert told(0.4, 0.1, outcome) == []


def test_a_share_that_is_not_shown_to_be_above_chance_is_no_finding() -> None:
    assert told(0.1, 0.1, "PASS") == []
    assert told(0.05, 0.1, "PASS") == []
    assert told(0.13, 0.1, "PASS", noise=0.2) == []
