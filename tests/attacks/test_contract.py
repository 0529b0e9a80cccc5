"""What every attack of the package must keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from audit import read_suite
from audit.attacks.worst import BATCH
from audit.checks.attack import into_ball
from audit.input_spec import SpeechInput
from audit.intake import open_session
from audit.kinds import find, known_methods
from audit.manifest import load_model
from audit.model import Model, TorchModel, as_found
from audit.progress import Unwatched
from audit.randomness import SampleRng

from ..toys import EMOTIONS, picture_model, pictures, same, state
from .linear import recognised

KEYS: Mapping[str, Mapping[str, Any]] = {
    "pgd": {"steps": 6, "restarts": 2},
    "pgd_l2": {"steps": 6},
    "pgd_snr": {"steps": 6},
    "apgd": {"steps": 8},
    "square": {"queries": 30},
    "uniform_noise": {"draws": 3},
    "torchattacks": {"name": "PGD", "settings": {"steps": 4}},
    "transfer": {"steps": 6},
}
SIZES = {"linf": (0.0, 0.02, 0.05), "l2": (0.0, 0.3, 0.8), "snr_db": (60.0, 20.0, 12.0)}
NAMES = sorted(known_methods("attack"))


class Heard(nn.Module):
    """The pictures' network on 256 samples, as a waveform would come."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        return self.inner(inputs.view(-1, 1, 16, 16))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manifest of another model of the pictures, which looks at their quadrants."""
    folder = tmp_path_factory.mktemp("other")
    (folder / "quadrants.py").write_text(
        "from torch import nn\n\n\n"
        "def build() -> nn.Module:\n"
        "    return nn.Sequential(nn.AvgPool2d(8), nn.Flatten(), nn.Linear(4, 4))\n"
    )
    line = {"2.weight": 40.0 * torch.eye(4), "2.bias": torch.zeros(4)}
    save_file(line, folder / "quadrants.safetensors")
    path = folder / "quadrants.model.yaml"
    path.write_text(
        "version: 1\nmodel: quadrants\nloader: torch\nsource: quadrants.py:build\n"
        "weights: quadrants.safetensors\n"
        "input: {modality: face, height: 16, width: 16, colour: grey}\n"
        f"emotions: [{', '.join(EMOTIONS)}]\n"
    )
    return path


def case(name: str, manifest: Path) -> tuple[Model, Tensor, Tensor, dict[str, Any]]:
    """Return a model this attack can be used on, inputs, truths, and its keys."""
    inputs, truths = pictures(BATCH + 3, seed=9)
    keys = dict(KEYS.get(name, {}), **({"source": str(manifest)} if name == "transfer" else {}))
    model = picture_model()
    model.module.requires_grad_(False)
    if name == "pgd_snr":
        spec = SpeechInput(256, 1.0, "waveform")
        model, inputs = TorchModel(Heard(model.module).eval(), spec, EMOTIONS), inputs.flatten(1)
    return model, inputs, truths, keys


def severity(name: str) -> str:
    return "snr_db" if name == "pgd_snr" else "epsilon"


def attacked(name: str, manifest: Path, rows: Sequence[int], sizes: Sequence[float] | None = None) -> list[Tensor]:
    model, inputs, truths, keys = case(name, manifest)
    method = find("attack", name)
    rows = list(rows)
    given = {severity(name): list(sizes or SIZES[method.facts["norm"]])}
    return list(method.load()(model, inputs[rows], truths[rows], SampleRng(rows), **given, **keys))


@pytest.mark.parametrize("name", NAMES)
def test_one_finite_batch_per_severity_stays_in_the_ball_and_the_bounds(name: str, manifest: Path) -> None:
    model, inputs, *_ = case(name, manifest)
    norm = find("attack", name).facts["norm"]
    found = attacked(name, manifest, range(len(inputs)))
    assert len(found) == 3
    for size, changed in zip(SIZES[norm], found, strict=True):
        assert changed.shape == inputs.shape
        assert bool(torch.isfinite(changed).all())
        assert not changed.requires_grad
        if name == "fgsm":
            continue  # Leaves the bounds to the driver.
        torch.testing.assert_close(model.spec.clip(changed), changed, rtol=0, atol=0)
        if norm == "snr_db":
            noise = (changed - inputs).double().square().sum(1)
            reached = 10 * torch.log10(inputs.double().square().sum(1) / noise)
            assert bool((reached >= size - 1e-3).all())
        else:
            torch.testing.assert_close(into_ball(inputs, changed, size, norm), changed, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seeds_give_the_same_bits_and_the_model_stays_as_it_was(name: str, manifest: Path) -> None:
    model, inputs, truths, keys = case(name, manifest)
    method = find("attack", name)
    before, given, kept = state(model), inputs.clone(), truths.clone()
    sizes = {severity(name): list(SIZES[method.facts["norm"]])}
    runs = [list(method.load()(model, inputs, truths, SampleRng(range(len(inputs))), **sizes, **keys)) for _ in "ab"]
    for first, second in zip(*runs, strict=True):
        assert torch.equal(first, second)
    assert same(before, state(model))
    assert torch.equal(inputs, given)
    assert torch.equal(truths, kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [[4], [9, 0, 4], list(range(10, -1, -1))], ids=str)
def test_what_a_clip_gets_does_not_hang_on_the_others(name: str, manifest: Path, rows: list[int]) -> None:
    together = attacked(name, manifest, range(11))
    for all_of_them, some in zip(together, attacked(name, manifest, rows), strict=True):
        assert torch.equal(all_of_them[rows], some)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("fgsm", "square", "transfer", "torchattacks")])
def test_no_clip_is_recognised_again_in_a_larger_ball(name: str, manifest: Path) -> None:
    model, inputs, truths, _ = case(name, manifest)
    sizes = {"snr_db": (34.0, 28.0, 22.0, 16.0, 10.0), "l2": (0.2, 0.5, 1.0, 2.0)}
    sizes = sizes.get(find("attack", name).facts["norm"], (0.1, 0.2, 0.4, 0.8, 1.0))
    shuffled = [sizes[i] for i in (2, 0, 3, 1)]
    in_order = dict(zip(sizes, attacked(name, manifest, range(len(inputs)), sizes), strict=True))
    for size, found in zip(shuffled, attacked(name, manifest, range(len(inputs)), shuffled), strict=True):
        if len(sizes) == 4:
            assert torch.equal(found, in_order[size])
    with torch.no_grad():
        wrong = torch.stack([model.logits(found).argmax(1) != truths for found in in_order.values()])
    assert bool((wrong[1:] >= wrong[:-1]).all())
    assert bool(wrong[-1].any())


def test_in_order_of_strength_they_are_noise_one_step_many_steps(repository: Path) -> None:
    suite = read_suite(repository / "suites/quickstart.audit.yaml")
    model = load_model(repository / "models/quickstart.model.yaml")
    with as_found(model):
        _, session = open_session(suite, model, 36, 32, Unwatched())
        inputs, truths = session.inputs, session.truths
        left = {}
        for name, keys in (("uniform_noise", {"draws": 3}), ("fgsm", {}), ("pgd", {"steps": 10}), ("apgd", {})):
            (found,) = find("attack", name).load()(model, inputs, truths, SampleRng(range(36)), epsilon=[0.015], **keys)
            left[name] = recognised(model, model.spec.clip(found), truths)
    assert left["uniform_noise"] > left["fgsm"] > left["pgd"] >= left["apgd"], left
