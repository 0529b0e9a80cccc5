"""Audits of answers that are known clip by clip, as `audit compare` opens them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from audit.baseline import Baseline
from audit.data import Sample
from audit.record import Record, table

EMOTIONS = ("anger", "fear")
CLIPS = 200
NOISE = {"check": "corruption", "id": "noise", "method": "gaussian_noise", "sweep": {"sigma": [0.1, 0.2]}, "gates": []}
ATTACK = {"check": "attack", "id": "fgsm", "method": "fgsm", "sweep": {"epsilon": [0.1]}, "space": "input", "gates": []}
INPUT = {
    **{"modality": "speech", "sampling_rate": 16000, "seconds": 3.0, "representation": "melspectrogram"},
    **{"parameters": {}, "scaling": None, "shape": [1, 128, 94], "bounds": [0.0, 1.0]},
}
NONE: frozenset[int] = frozenset()
PLACES = (("clean", math.nan), ("noise", 0.1), ("noise", 0.2), ("fgsm", 0.1))


def answered(
    name: str = "b",
    *,
    clean: Sequence[int] | frozenset[int] = NONE,
    noise: Sequence[int] | frozenset[int] = NONE,
    attack: Sequence[int] | frozenset[int] = NONE,
    clips: range = range(CLIPS),
    speakers: int = 0,
    cluster: str | None = None,
    recording: str = "r",
    checks: Sequence[Mapping[str, Any]] = (NOISE, ATTACK),
    emotions: Sequence[str] = EMOTIONS,
    seed: int = 0,
    **parts: Any,
) -> Baseline:
    """Return an audit that answers wrongly to these clips, the even ones angry, the odd ones afraid.

    `noise` are those at sigma 0.2, at 0.1 half of them. `parts` take the place of parts of the document.
    """
    wrong = [set(each) for each in (clean, list(noise)[::2], noise, attack)]
    run = [str(entry["id"]) for entry in checks]
    found = []
    for n in clips:
        sample = Sample(str(n), None, emotions[n % 2], {"speaker": str(n % speakers)} if speakers else {})
        for (check, at), mistaken in zip(PLACES, wrong, strict=True):
            if check in ("clean", *run):
                said = emotions[(n + (n in mistaken)) % 2]
                shares = [float(said == each) for each in emotions]
                found.append(Record(check, check, "", at, sample, said, shares, math.nan))
    resolved = {
        "decide": {"confidence": 0.95, "cluster": cluster, "when_unsure": "fail", "seed": seed, "bootstrap": 500},
        "checks": [{"check": "clean", "id": "clean", "gates": []}, *checks],
        "groups": {},
    }
    kinds = {"clean": "clean", **{str(entry["id"]): str(entry["check"]) for entry in checks}}
    document: dict[str, Any] = {
        "model": {"name": name, "sha256": name * 64, "emotions": list(emotions), "input": INPUT, "activation": None},
        "suite": {"name": "s", "resolved": resolved},
        "data": {"sha256": recording * 64, "n": len(clips)},
        "verdicts": [],
        "metrics": [row(check, kind, "accuracy", 1.0) for check, kind in kinds.items()],
        "unjudged": [],
        "soundness": [],
    }
    recordings = {str(n): f"{recording}{n}" for n in clips}
    return Baseline(name, {**document, **parts}, table(found, recordings))


def row(check: str, kind: str, metric: str, value: float | None, **more: Any) -> dict[str, Any]:
    """Return a row of `metrics`."""
    empty = {"method": check, "measure": "", "at": None, "emotion": None, "group": None, "interval": None, "n": 1}
    return {**empty, "check": check, "kind": kind, "metric": metric, "value": value, **more}
