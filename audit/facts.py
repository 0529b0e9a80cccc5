"""What an audit says of its model, its data, its cost and its circumstances."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import resource
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from typing import Any

import torch

from audit.checks.session import Session
from audit.data import Dataset
from audit.input_spec import InputSpec
from audit.ledger import Ledger
from audit.model import Model
from audit.suite import Suite

PACKAGES = ("emotion-audit", "torch", "numpy", "librosa", "captum", "lime", "pandas", "scipy")


def suite_facts(suite: Suite) -> Mapping[str, Any]:
    """Return the suite as it was resolved, and the digest of its file."""
    return {
        "name": suite.name,
        "path": str(suite.path),
        "sha256": hashlib.sha256(suite.path.read_bytes()).hexdigest(),
        "resolved": suite.resolved,
    }


def provenance(
    suite: Suite, started: datetime, device: str, batch_size: int, command: Sequence[str] | None
) -> Mapping[str, Any]:
    """Return what is needed to run the audit again."""
    return {
        "command": shlex.join(command or sys.argv),
        "started": started.isoformat(timespec="seconds"),
        "seed": suite.decide.seed,
        "device": device,
        "threads": torch.get_num_threads(),
        "batch_size": batch_size,
        "versions": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


def model_facts(suite: Suite, model: Model, session: Session) -> Mapping[str, Any]:
    """Return the model's name, digest, size, emotions and input."""
    spec = model.spec
    parameters = sum(p.numel() for p in model.module.parameters()) if model.module is not None else None
    return {
        "name": model.name,
        "path": str(suite.model) if suite.model else None,
        "sha256": model.digest(),
        "loader": model.loader,
        "activation": model.activation,
        "note": model.note,
        "differentiable": model.differentiable,
        "parameters": parameters,
        "emotions": list(model.emotions),
        "input": {
            "modality": spec.modality,
            **{name: getattr(spec, name) for name in _named(spec)},
            "parameters": dict(spec.parameters),
            "scaling": str(spec.scaling) if spec.scaling else None,
            "shape": list(session.inputs.shape[1:]),
            "bounds": list(spec.bounds),
        },
    }


def _named(spec: InputSpec) -> list[str]:
    assert is_dataclass(spec)
    return [field.name for field in fields(spec) if field.name not in ("parameters", "scaling")]


def data_facts(suite: Suite, dataset: Dataset, session: Session) -> Mapping[str, Any]:
    """Return the clips judged, counted and digested, and those that could not be."""
    assert suite.data is not None
    digest = hashlib.sha256()
    groups: dict[str, dict[str, int]] = {}
    emotions: dict[str, int] = {}
    for sample, recording in zip(session.samples, session.recordings, strict=True):
        digest.update(f"{sample.id}\x1f{sample.emotion}\x1f".encode())
        digest.update(recording.numpy().tobytes())
        emotions[sample.emotion] = emotions.get(sample.emotion, 0) + 1
        for column, value in sample.groups.items():
            counts = groups.setdefault(column, {})
            counts[value] = counts.get(value, 0) + 1
    return {
        "layout": suite.data.layout.method,
        "root": str(suite.data.root) if suite.data.root else None,
        "split": suite.data.split,
        "sha256": digest.hexdigest(),
        "n": len(session.samples),
        "left_out": dict(dataset.left_out),
        "undersampled": dict(dataset.undersampled),
        "emotions": {emotion: emotions.get(emotion, 0) for emotion in session.model.emotions},
        # A column with a value of its own for nearly every clip is an id, not a group.
        "groups": {column: counts for column, counts in groups.items() if len(counts) <= 50},
        "problems": [{"path": problem.path, "reason": problem.reason} for problem in dataset.problems],
    }


def recordings(session: Session) -> Mapping[str, str]:
    """Return a digest of every clip's recording, by its id."""
    return {
        sample.id: hashlib.sha256(recording.numpy().tobytes()).hexdigest()[:16]
        for sample, recording in zip(session.samples, session.recordings, strict=True)
    }


def cost(ledger: Ledger) -> Mapping[str, Any]:
    """Return the passes, the seconds and the peak memory, in all and by check."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        **asdict(ledger.total),
        "peak_rss_mb": round(peak / (1024 if sys.platform != "darwin" else 1024**2), 1),
        "by_check": {check: asdict(cost) for check, cost in ledger.by_check.items()},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
