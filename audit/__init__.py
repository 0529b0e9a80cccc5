"""Decide whether an emotion-recognition model is robust and explainable enough to deploy."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audit.attribution import Attribution
    from audit.audit import Audit
    from audit.data import Dataset, Problem, Region, Sample
    from audit.errors import AuditError, DataError, MethodError, ModelError, SuiteError, UntrustedError, UsageError
    from audit.input_spec import Axes, FaceInput, InputSpec, SpeechInput
    from audit.model import BlackBox, Model, TorchModel
    from audit.record import Record
    from audit.runner import run
    from audit.suite import Check, Gate, Suite, read_suite
    from audit.verdict import Verdict

# Imported on first use: pytest loads this package at start-up, and torch takes seconds.
_HOME = {
    "Attribution": "attribution",
    "Audit": "audit",
    "AuditError": "errors",
    "Axes": "input_spec",
    "BlackBox": "model",
    "Check": "suite",
    "DataError": "errors",
    "Dataset": "data",
    "FaceInput": "input_spec",
    "Gate": "suite",
    "InputSpec": "input_spec",
    "MethodError": "errors",
    "Model": "model",
    "ModelError": "errors",
    "Problem": "data",
    "Record": "record",
    "Region": "data",
    "Sample": "data",
    "SpeechInput": "input_spec",
    "Suite": "suite",
    "SuiteError": "errors",
    "TorchModel": "model",
    "UntrustedError": "errors",
    "UsageError": "errors",
    "Verdict": "verdict",
    "read_suite": "suite",
    "run": "runner",
}
__all__ = [
    "Attribution",
    "Audit",
    "AuditError",
    "Axes",
    "BlackBox",
    "Check",
    "DataError",
    "Dataset",
    "FaceInput",
    "Gate",
    "InputSpec",
    "MethodError",
    "Model",
    "ModelError",
    "Problem",
    "Record",
    "Region",
    "Sample",
    "SpeechInput",
    "Suite",
    "SuiteError",
    "TorchModel",
    "UntrustedError",
    "UsageError",
    "Verdict",
    "read_suite",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'audit' has no attribute {name!r}")
    return getattr(importlib.import_module(f"audit.{_HOME[name]}"), name)
