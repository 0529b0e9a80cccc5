"""The tests that every attack check runs on itself, on the models we ship, and on one that hides a ripple in sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from audit import Audit, read_suite, run
from audit.manifest import load_model
from audit.model import TorchModel
from audit.soundness import CLAIMS
from audit.suite import Suite, Use


def failed(audit: Audit) -> set[str]:
    (row,) = audit.soundness
    return {trial["name"] for trial in row["trials"] if trial["outcome"] != "PASS"}


FGSM = Use("attack", "fgsm")


def small(path: Path, check: str, **keys: Any) -> Suite:
    suite = read_suite(path)
    (found,) = (each for each in suite.checks if each.id == check)
    return replace(suite, checks=(replace(found, **{"soundness_samples": 16, "samples": 24, "gates": (), **keys}),))


@pytest.mark.parametrize("check", ["attacks", "waveform-attacks"])
@pytest.mark.parametrize("name", ["quickstart", "quickstart-faces"])
def test_none_fires_on_the_bundled_models_under_fgsm_alone(repository: Path, name: str, check: str) -> None:
    if (name, check) == ("quickstart-faces", "waveform-attacks"):
        pytest.skip("faces have no waveform")
    audit = run(small(repository / "suites" / f"{name}.audit.yaml", check, uses=(FGSM,)), limit=48)
    assert (audit.soundness[0]["outcome"], audit.soundness[0]["untested"], failed(audit)) == ("PASS", "", set())
    assert len(audit.soundness[0]["trials"]) == len(CLAIMS)


@pytest.mark.parametrize("name", ["nemo-attention", "fer-cnn-lstm"])
def test_none_fires_on_models_trained_on_real_clips(
    repository: Path, audit_data: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NEMO", str(audit_data / "nemo"))
    monkeypatch.setenv("FER2013", str(audit_data / "fer2013"))
    audit = run(small(repository / "suites" / f"{name}.audit.yaml", "attacks"), limit=42)
    assert failed(audit) == set()


def test_one_step_that_overshoots_to_what_a_guesser_reaches_is_no_failure(repository: Path) -> None:
    faces = repository / "suites/quickstart-faces.audit.yaml"
    audit = run(small(faces, "attacks", uses=(FGSM,), samples=None, sweep=("epsilon", (0.01, 0.1, 0.5))), limit=210)
    right = audit.records["emotion"] == audit.records["predicted"]
    accuracies = right[audit.records["method"] == "fgsm"].groupby(audit.records["severity"]).mean()
    assert accuracies[0.1] + 0.05 < accuracies[0.5] < 0.2
    assert failed(audit) == set()


def test_at_a_signal_to_noise_ratio_a_ripple_is_found_out_as_well(repository: Path) -> None:
    class Ripple(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
            return self.inner(torch.round(waveforms * 2**11) / 2**11)

    model = load_model(repository / "models/quickstart.model.yaml")
    hidden = TorchModel(Ripple(nn.Sequential(Heard(model))), model.view_from_waveform().spec, model.emotions)
    suite = small(
        repository / "suites/quickstart.audit.yaml",
        "attacks",
        uses=(Use("attack", "pgd_snr", {"steps": 3}),),
        sweep=("snr_db", (30.0, 10.0)),
        soundness_samples=6,
        samples=12,
    )
    audit = run(suite, model=hidden, limit=18)
    assert {"vanishing", "black_box"} <= failed(audit)


class Heard(nn.Module):
    """A model with its front end, as a network on waveforms."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.view = model.view_from_waveform()
        self.network = model.module

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.view.logits(waveforms)
