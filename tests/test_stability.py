"""Models whose answers are not their own: each is found, named, and gets no verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from audit import Audit, ModelError, read_suite, run
from audit.checks.session import Session
from audit.cli import main
from audit.data import Sample
from audit.input_spec import SpeechInput
from audit.model import TorchModel
from audit.progress import Unwatched
from audit.stability import ASKED_AGAIN, CHANCE, COMPANIONS, DEAD, examine

TWO = ("anger", "fear")


class Own(torch.nn.Module):
    """Answers with the first two samples of each clip, changed by `change(outputs, number of the call)`."""

    def __init__(self, change: Callable[[Tensor, int], Tensor]) -> None:
        super().__init__()
        self.change, self.calls = change, 0

    def forward(self, inputs: Tensor) -> Tensor:
        self.calls += 1
        return self.change(inputs[:, :2], self.calls)


def session(change: Callable[[Tensor, int], Tensor], clips: int = 40, batch_size: int = 32) -> Session:
    generator = torch.Generator().manual_seed(1)
    model = TorchModel(Own(change).eval(), SpeechInput(8000, 1.0, "waveform"), TWO)
    empty = Session(
        model=model,
        samples=tuple(Sample(f"c{i}", None, TWO[i % 2]) for i in range(clips)),
        recordings=torch.zeros(clips, 8),
        inputs=torch.rand(clips, 8, generator=generator),
        truths=torch.tensor([i % 2 for i in range(clips)]),
        clean=torch.empty(0),
        seed=0,
        batch_size=batch_size,
        progress=Unwatched(),
    )
    return replace(empty, clean=empty.predict(empty.inputs))


CHANGES: dict[str, tuple[Callable[[Tensor, int], Tensor], str]] = {
    "dropout left on": (lambda x, _: torch.nn.functional.dropout(x, 0.5, training=True), CHANCE),
    "another answer every call": (lambda x, call: x + 0.1 * call * torch.tensor([1.0, 0.0]), CHANCE),
    "another answer the first time": (lambda x, call: x + (call == 1) * torch.tensor([1.0, 0.0]), CHANCE),
    "the mean of the batch": (lambda x, _: x - x.mean(0), COMPANIONS),
    "batch norm in training mode": (lambda x, _: torch.nn.functional.batch_norm(x, None, None, training=True)
                                    if len(x) > 1 else x, COMPANIONS),
    "the place in the batch": (lambda x, _: x + 0.1 * torch.arange(len(x))[:, None] * torch.eye(2)[0], COMPANIONS),
    "answers in the wrong order": (lambda x, _: x.sort(0).values, COMPANIONS),
    "another answer alone": (lambda x, _: x + (len(x) == 1) * torch.tensor([1.0, 0.0]), COMPANIONS),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("batch_size", [1, 32])
def test_a_model_that_does_not_answer_for_itself_is_named(name: str, batch_size: int) -> None:
    change, finding = CHANGES[name]
    found = examine(session(change, batch_size=batch_size))
    assert found is not None
    assert found.finding == finding
    assert found.change > 0.001
    assert found.clips == ASKED_AGAIN
    assert f"by up to {found.change:.2g}" in str(found)


@pytest.mark.parametrize("clips", [1, 2, 15, 17, 100])
def test_a_model_that_answers_for_itself_is_not(clips: int) -> None:
    assert examine(session(lambda x, _: x, clips)) is None


def test_rounding_is_no_finding() -> None:
    assert examine(session(lambda x, _: x + 1e-6 * torch.randn_like(x))) is None


def test_few_clips_are_asked_about_again() -> None:
    asked = session(lambda x, _: x)
    before = asked.model.ledger.total.forward_samples
    examine(asked)
    assert asked.model.ledger.total.forward_samples - before == 4 * ASKED_AGAIN


def test_a_model_that_takes_no_single_clip_is_an_error() -> None:
    def pairs(x: Tensor, _: int) -> Tensor:
        if len(x) == 1:
            raise ValueError("expected more than 1 value per channel")
        return x

    with pytest.raises(ModelError, match=r"on a clip alone in its batch.*expected more than 1 value"):
        examine(session(pairs))


UNSTABLE = """
import numpy as np

DRAW = np.random.default_rng(0)


def mood(waveforms):
    return DRAW.normal(size=(len(waveforms), 3)) - 4


def crowd(waveforms):
    pitch = np.square(np.diff(waveforms, axis=1)).mean(1)
    return np.stack([pitch, pitch.mean() - pitch, 0 * pitch - 9], axis=1) * 50
"""
CHECKS = """\
  - check: clean
    gates: [{metric: accuracy, min: 0}, {metric: recall, per: emotion, min: 0}]
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.01, 0.1]}
    gates: [{metric: accuracy, at: 0.1, max: 1}]
"""


@pytest.fixture
def write(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    monkeypatch.chdir(tmp_path)

    def write(function: str) -> Path:
        (tmp_path / "net.py").write_text(UNSTABLE)
        (tmp_path / "own.model.yaml").write_text(
            f"version: 1\nmodel: own\nloader: python\nsource: net.py:{function}\nactivation: none\n"
            "input: {sampling_rate: 8000, seconds: 0.25, representation: waveform}\nemotions: [calm, angry, sad]\n"
        )
        path = tmp_path / "own.audit.yaml"
        path.write_text(
            "version: 1\nsuite: own\nmodel: own.model.yaml\n"
            f'data: {{layout: "{repository / "tests/tones/clips.py"}:tone_clips"}}\n'
            f"decide: {{seed: 1, bootstrap: 200}}\nchecks:\n{CHECKS}"
        )
        return path

    return write


@pytest.mark.parametrize(("function", "finding"), [("mood", CHANCE), ("crowd", COMPANIONS)])
def test_no_verdict_is_given_and_the_report_says_why_above_its_curves(
    write: Callable[[str], Path], capsys: pytest.CaptureFixture[str], function: str, finding: str
) -> None:
    write(function)
    assert main(["run", "own.audit.yaml", "--out", "out"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{finding}: asked ")
    assert lines[-1] == "GATE NOT JUDGED  5 error, 0 fail, 0 unsure, 0 pass, 5 toothless    exit 3"
    document = json.loads(Path("out/audit.json").read_text())
    (found,) = document["findings"]
    assert (found["finding"], found["clips"]) == (finding, 16)
    assert found["change"] > 0.001
    assert {row["outcome"] for row in document["verdicts"]} == {"ERROR"}
    assert all(row["reason"].startswith(finding) and row["value"] is None for row in document["verdicts"])
    page = Path("out/index.html").read_text()
    assert 0 < page.index(finding) < page.index('id="Failures"')
    assert '<div class="plot"' in page.partition('id="Curves"')[2].partition("</section>")[0]
    assert {row["at"] for row in document["metrics"] if row["check"] == "gaussian_noise"} >= {0.01, 0.1}
    assert finding in Path("out/summary.md").read_text().partition("## ")[0]
    assert Audit.load(Path("out")).document() == document


def test_a_model_in_memory_that_changes_its_inputs_is_an_error(repository: Path, write: Callable[[str], Path]) -> None:
    class Careless(torch.nn.Module):
        def forward(self, waveforms: Tensor) -> Tensor:
            return waveforms.mul_(0.5)[:, :3]

    spec = SpeechInput(8000, 0.25, "waveform")
    model = TorchModel(Careless().eval(), spec, ("calm", "angry", "sad"))
    with pytest.raises(ModelError, match="changes its inputs in place"):
        run(read_suite(write("mood")), model=model)


def test_a_member_of_an_ensemble_that_says_the_same_of_every_clip_is_found(resnet: TorchModel, mels: Tensor) -> None:
    samples = tuple(Sample(str(n), None, resnet.emotions[n]) for n in range(len(mels)))
    clean = resnet.logits(mels).detach().double().softmax(1)
    session = Session(resnet, samples, mels, mels, torch.arange(len(mels)), clean, 0, 4, Unwatched())
    resnet.members = {"ears": resnet._logits, "deaf": lambda inputs: torch.ones(len(inputs), len(resnet.emotions))}
    found = examine(session)
    assert found is not None
    assert (found.finding, found.member) == (DEAD, "deaf")
    assert str(found).startswith("a member of the ensemble is dead: deaf gives 4 clips the same answer, so no verdict")
    resnet.members = {"ears": resnet._logits}
    assert examine(session) is None
