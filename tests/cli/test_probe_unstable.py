"""`audit probe` and `audit init` on models whose answers are not the clips' own: said first, and no remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.cli import main

Told = pytest.CaptureFixture[str]
CODE = """
import itertools

import numpy as np

calls = itertools.count()


def by_place(waveforms):
    return np.eye(6)[[i % 6 for i in range(len(waveforms))]] * 0.9 + 0.1 / 6


def by_order(waveforms):
    return np.eye(6)[[next(calls) % 6 for _ in waveforms]] * 0.9 + 0.1 / 6


def of_the_batch(waveforms):
    loud = np.abs(waveforms).mean(1) - np.abs(waveforms).mean()
    return np.stack([loud * 100 * place for place in range(6)], 1)


def noisy(waveforms):
    return np.random.rand(len(waveforms), 6) * 9 - 4
"""
COMPANIONS, CHANCE = "answers depend on the other clips in the batch", "answers change from call to call"


@pytest.mark.parametrize(
    ("function", "finding"),
    [("by_place", COMPANIONS), ("by_order", CHANCE), ("of_the_batch", COMPANIONS), ("noisy", CHANCE)],
)
def test_answers_that_are_not_the_clips_own_are_the_first_warning_and_nothing_is_recommended(
    here: Path, spoken: Path, capsys: Told, function: str, finding: str
) -> None:
    (here / "mine.py").write_text(CODE)
    (here / "my.model.yaml").write_text(
        f"version: 1\nmodel: mine\nloader: python\nsource: mine.py:{function}\n"
        "input: {sampling_rate: 16000, seconds: 1, representation: waveform}\n"
        "emotions: [anger, fear, happiness, neutral, sadness, surprise]\n"
    )
    assert main(["probe", "my.model.yaml", "--data", str(spoken), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["warnings"][0]["message"].startswith(f"{finding}: asked ")
    assert not [cause for warned in found["warnings"] for cause in warned["causes"]]
    # Emotions do not take turns within a batch.
    assert found["accuracy"] < 0.4


def test_init_does_not_lead_to_an_audit_of_them(here: Path, spoken: Path, capsys: Told) -> None:
    (here / "mine.py").write_text(CODE)
    words = ["init", "--model", "mine.py", "--source", "mine.py:of_the_batch", "--loader", "python"]
    assert main([*words, "--data", str(spoken)]) == 1
    told = capsys.readouterr().out
    assert f"WARNING {COMPANIONS}" in told
    assert "next    audit run" not in told
