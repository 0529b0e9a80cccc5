"""Audits as the engine writes them, of a model that was never run: predictions are drawn, everything else is real."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit import shortcuts, stand_ins, summary
from audit.audit import LIMITS, Audit
from audit.data import Sample
from audit.estimator import Estimator
from audit.gate_id import due
from audit.judging import judge
from audit.kinds import import_file
from audit.record import Record, table
from audit.reliability import reliability_rows
from audit.standing import Standing, caps_of, standings
from audit.suite import Check, Suite, read_suite

SIX = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
EIGHT = (*SIX, "disgust", "calm")
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "a/b\\c'd\"e",
    "Sad ness",
    "sad-ness",
    "ＪＯＹ 悲しみ \u202e%41{{7*7}} &lt;b&gt; " + "long " * 60,
)
HOSTILE_REGION = "</td><script>alert(4)</script> ' {{7*7}}"
MAPS = import_file(Path(__file__).with_name("fake_maps.py"))
SUITE = """\
version: 1
suite: {name}
data: {{layout: folder, root: clips}}
decide: {{confidence: 0.95, cluster: {cluster}, when_unsure: {unsure}, seed: 7, bootstrap: 200}}
checks:
  - check: clean
    gates:
      - {{metric: accuracy, min: {clean}}}
      - {{metric: recall, per: emotion, min: {recall}}}
      - {{metric: ece, max: 0.3}}
  - check: corruption
    method: gaussian_noise
    sweep: {{sigma: [0.01, 0.03, 0.05, 0.08, 0.10, 0.15, 0.20, 0.30]}}
    gates:
      - {{metric: accuracy, at: 0.03, min: {noisy}}}
      - {{metric: recall, per: emotion, at: 0.05, min: {noisy}}}
  - check: corruption
    method: white_noise
    sweep: {{snr_db: [0, 5, 10, 20, 30, 40]}}
    gates:
      - {{metric: accuracy, at: 30, min: {noisy}}}
  - check: attack
    method: fgsm
    sweep: {{epsilon: [0, 0.0025, 0.005, 0.01, 0.02]}}
    gates:
      - {{metric: critical_epsilon, min: {critical}}}
      - {{metric: critical_epsilon, per: emotion, min: {critical}}}
"""
SALIENCY = """\
  - check: saliency
    method: [lime, gradcam, lrp, smoothgrad, integrated_gradients]
    samples: {samples}
    faithfulness: [{{probability_drop: {{masked: 0.2, fill: [mean, floor, noise, blur]}}}}, deletion, road]
    sanity: [parameter_randomisation, seed_stability, input_shift]
    regions: {{"{region}": {{hertz: [6000, 8000]}}}}
    confined: {{fgsm: {{epsilon: [0.01]}}}}
    gates:
      - {{metric: faithfulness_over_random, of: lrp, per: emotion, min: {faithful}}}
      - {{metric: faithfulness, of: gradcam, by: deletion, max: 1}}
      - {{metric: localisation, of: lime, region: "{region}", max: 1}}
      - {{metric: overlap, of: lime, after: seed_stability, min: 0}}
      - {{metric: conservation, of: lrp, max: 0.001}}
"""
LENIENT = {"clean": 0.3, "recall": 0.1, "noisy": 0.05, "critical": 0.0, "faithful": -0.9}
STRICT = {"clean": 0.8, "recall": 0.7, "noisy": 0.62, "critical": 0.002, "faithful": 0.2}


@dataclass(frozen=True)
class Story:
    """What the audit is of, and what it comes to."""

    emotions: Sequence[str] = SIX
    clips: int = 40
    limits: str = "strict"
    saliency: bool = True
    exhibits: int = 2
    unjudged: str | None = None
    problems: int = 0
    name: str = "release-gate"
    cluster: str = "speaker"
    region: str = "tone"


def write(folder: Path, story: Story) -> Path:
    """Write `audit.json`, `records.parquet` and `media/` of a story into `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    suite = _suite(folder, story)
    rng = np.random.default_rng(5)
    samples = [
        Sample(f"{i:04d}-{e[:8]}", None, e, {"speaker": f"S{i % 8}", "sex": "fm"[i % 2]})
        for e in story.emotions
        for i in range(story.clips)
    ]
    records = list(_predictions(suite, samples, story.emotions, rng))
    for check in suite.checks:
        records += MAPS.records(check, samples, story.emotions, rng) if check.kind == "saliency" else []
    kept = [check for check in suite.checks if check.id != story.unjudged]
    seen = table(record for record in records if record.check != story.unjudged)
    estimator = Estimator(seen, story.emotions, {}, suite.decide)
    errors = {story.unjudged: "white_noise returned NaN at snr_db 0"} if story.unjudged else {}
    standing = [
        s
        for check in kept
        if check.kind == "saliency"
        for s in standings(check, estimator, MAPS.REFUSED, MAPS.UNTESTED)
    ]
    today, asked = date(2026, 11, 21), due(suite, story.emotions)
    useless = stand_ins.judged(suite, asked, samples, story.emotions, today)
    verdicts = judge(
        asked,
        estimator,
        suite.decide,
        today=today,
        error_of=lambda due: errors.get(due.check.id) or MAPS.REFUSED.get(due.method),
        caps_of=caps_of(standing),
    )
    best = summary.best_saliency(kept, estimator, standing)
    Audit(
        suite={"name": suite.name, "path": "suites/gate.audit.yaml", "sha256": "5" * 64, "resolved": suite.resolved},
        model=_model(story),
        data=_data(samples, story),
        decide={"confidence": 0.95, "cluster": suite.decide.cluster, "when_unsure": "fail", "seed": 7},
        verdicts=tuple(replace(v, toothless=stand_ins.passed_by(useless, v.id)) for v in verdicts),
        stand_ins=[asdict(each) for each in useless],
        kinds={check.id: check.kind for check in suite.checks},
        metrics=summary.metric_rows(kept, estimator),
        confusions=summary.confusions(kept, estimator),
        reliability=reliability_rows(kept, estimator),
        best_saliency=best,
        cost=_cost(suite),
        exhibits=import_file(Path(__file__).with_name("fake_media.py")).exhibits(
            kept,
            seen,
            samples,
            story.emotions,
            per_emotion=story.exhibits,
            explained_by=(best["method"] or "lrp") if story.saliency else None,
            folder=folder,
        ),
        provenance={
            "command": "audit run suites/gate.audit.yaml --model 'models/it''s.model.yaml'",
            "started": "2026-11-21T06:30:00+00:00",
            **{"seed": 7, "device": "cpu", "threads": 2, "batch_size": 32},
            "versions": {"emotion-audit": "0.1.0", "torch": "2.13.0", "numpy": "2.4.0", "lime": None},
            **{"python": "3.11.7", "platform": "Linux-6.1-x86_64"},
        },
        limits=LIMITS,
        records=seen,
        standings=[_row(each) for each in standing],
        findings=[{**asdict(each), "told": str(each)} for each in shortcuts.found(kept, estimator, standing)],
    ).save(folder)
    return folder


def _suite(folder: Path, story: Story) -> Suite:
    limits = STRICT if story.limits == "strict" else LENIENT
    text = (SUITE + SALIENCY if story.saliency else SUITE).format(
        name=story.name,
        cluster=story.cluster,
        unsure="fail",
        samples=6 * len(story.emotions),
        region=story.region,
        **limits,
    )
    path = folder / "gate.audit.yaml"
    path.write_text(text, encoding="utf-8")
    return read_suite(path)


def _probabilities(which: int, margin: float, k: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return _shares(rng.normal(0, 0.6, k), which, margin)


def _shares(noise: NDArray[np.float64], which: int, margin: float) -> NDArray[np.float64]:
    logits, k = noise.copy(), len(noise)
    logits[which] += margin
    # Every emotion has another it is taken for.
    logits[(which + 3) % k] += 1.2
    shares = np.exp(1.6 * logits)
    return shares / shares.sum()


def _predictions(
    suite: Suite, samples: Sequence[Sample], emotions: Sequence[str], rng: np.random.Generator
) -> Iterator[Record]:
    which = {emotion: i for i, emotion in enumerate(emotions)}
    for sample in samples:
        true = which[sample.emotion]
        base, noise = rng.normal(3.4 - 1.4 * true / len(emotions), 0.8), rng.normal(0, 0.6, len(emotions))
        for check in suite.checks:
            if check.kind == "saliency":
                continue
            for at in check.sweep[1] if check.sweep else (math.nan,):
                shares = _shares(noise, true, base - _loss(check, at) * (1 + 0.15 * true))
                said = emotions[int(shares.argmax())]
                method = check.uses[0].name if check.uses else "clean"
                yield Record(check.id, method, "", at, sample, said, shares.tolist(), math.nan)


def _loss(check: Check, at: float) -> float:
    if check.kind == "clean":
        return 0.0
    if check.kind == "attack":
        return 300.0 * at
    return 12.0 * at if check.id == "gaussian_noise" else max(0.0, 3.2 - 0.09 * at)


def _row(standing: Standing) -> dict[str, Any]:
    return {**asdict(standing), "outcome": standing.outcome, "reason": standing.reason}


def _model(story: Story) -> dict[str, Any]:
    return {
        "name": "nemo-resnet18",
        "path": "models/nemo-resnet18.model.yaml",
        "sha256": "9f2c" + "0" * 60,
        "loader": "torch",
        "parameters": 11170000,
        "emotions": list(story.emotions),
        "input": {
            **{"modality": "speech", "sampling_rate": 16000, "seconds": 3.0, "offset": 0.0, "pad": "end"},
            **{"representation": "melspectrogram", "parameters": {"n_mels": 128}},
            **{"shape": [1, 128, 94], "bounds": [0.0, 1.0]},
        },
    }


def _data(samples: Sequence[Sample], story: Story) -> dict[str, Any]:
    groups: dict[str, dict[str, int]] = {}
    for sample in samples:
        for column, member in sample.groups.items():
            groups.setdefault(column, {}).setdefault(member, 0)
            groups[column][member] += 1
    return {
        **{"layout": "folder", "root": "/data/clips", "split": {"random": 0.2}, "sha256": "d" * 64},
        "n": len(samples),
        "left_out": {"<i>calm</i>": 3},
        "undersampled": {"<i>anger</i>": 2},
        "emotions": dict.fromkeys(story.emotions, story.clips),
        "groups": groups,
        "problems": [
            {"path": f"clips/<b>{i:04d}</b>.wav", "reason": "silent: every sample is zero"}
            for i in range(story.problems)
        ],
    }


def _cost(suite: Suite) -> dict[str, Any]:
    one = {"forward_samples": 2400, "backward_samples": 240, "model_seconds": 31.5, "wall_seconds": 34.25}
    many = len(suite.checks)
    total = {key: value * many for key, value in one.items()}
    return {**total, "peak_rss_mb": 1290.4, "by_check": {check.id: one for check in suite.checks}}
