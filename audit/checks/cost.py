"""What the model costs to run: its calls timed on the clips of the data, its parameters and files counted."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn

from audit.checks.session import Session
from audit.model import Model
from audit.passes import cost_passes
from audit.running_cost import RunningCost
from audit.suite import Check

NO_WEIGHTS = frozenset({".py", ".yaml", ".yml"})
"""Code and manifests tell one model from another, and are no weights."""


def total(check: Check) -> int:
    """Return how many recordings the model is given."""
    return cost_passes(check)


def timed(check: Check, session: Session) -> RunningCost:
    """Return what the model costs to run, on the device where it is; recordings are taken in turn, again if need be.

    A call is timed to the end of its work, on an accelerator too. Calls of one recording start from the recording as
    it was decoded, and the time of the model alone is a part of theirs.
    """
    model, progress = session.model, session.progress
    machine = machine_of(model.device)
    chosen = session.chosen(check, min(check.timed, check.samples or check.timed, len(session.samples)))
    calls, with_representation, batch_calls = [], [], []
    with torch.inference_mode():
        for number in range(check.warm + check.timed):
            recording = session.recordings[[chosen[number % len(chosen)]]]
            start = perf_counter()
            inputs = model.spec.represent(recording).to(model.device)
            _wait(model.device)
            ready = perf_counter()
            model.logits(inputs)
            _wait(model.device)
            end = perf_counter()
            if number >= check.warm:
                calls.append(1000 * (end - ready))
                with_representation.append(1000 * (end - start))
            progress.advance(1)
        for number in range(check.warm + check.batches):
            of_batch = [chosen[(number + place) % len(chosen)] for place in range(check.batch)]
            inputs = session.inputs[of_batch].to(model.device)
            _wait(model.device)
            start = perf_counter()
            model.logits(inputs)
            _wait(model.device)
            if number >= check.warm:
                batch_calls.append(1000 * (perf_counter() - start))
            progress.advance(check.batch)
    files = weight_files(model)
    counted = parameters(model)
    uncounted = {} if isinstance(counted, int) else {"parameters": counted}
    if not files:
        uncounted["size"] = f"model {model.name!r} has no file of weights (loader {model.loader})"
    return RunningCost(
        check=check.id,
        machine=machine,
        calls=calls,
        calls_with_representation=with_representation,
        batch=check.batch,
        batch_calls=batch_calls,
        parameters=counted if isinstance(counted, int) else None,
        size=sum(file.stat().st_size for file in files) if files else None,
        files=len(files),
        uncounted=uncounted,
    )


def parameters(model: Model) -> int | str:
    """Return how many numbers a network learns, shared ones once, or why they cannot be counted."""
    if model.module is None:
        return (
            f"model {model.name!r} shows no parameters: of loader {model.loader} the answers are seen, and no network"
        )
    if any("PackedParams" in name for name in _parts(model.module)):
        return f"model {model.name!r} holds quantised layers, whose packed parameters cannot be counted"
    found = sum(parameter.numel() for parameter in model.module.parameters())
    return found or f"model {model.name!r} shows no parameters: they are constants of its graph, or it has none"


def weight_files(model: Model) -> Sequence[Path]:
    """Return the files of a model's weights, each once."""
    return [file for file in dict.fromkeys(map(Path.resolve, model.weights)) if file.suffix.lower() not in NO_WEIGHTS]


def machine_of(device: torch.device) -> dict[str, Any]:
    """Return what the calls run on, and how many processes wanted to run there in the minute before."""
    return {
        "device": str(device),
        "processor": processor(device),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def processor(device: torch.device) -> str:
    """Return the name of what computes: of the accelerator where there is one, else of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8", errors="replace").splitlines() if told.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _parts(module: nn.Module) -> Iterator[str]:
    """Yield the class of every layer, also of a script that a loader keeps beside its module."""
    for layer in module.modules():
        beside = (part for part in vars(layer).values() if isinstance(part, torch.jit.ScriptModule))
        for part in chain((layer,), *(script.modules() for script in beside)):
            yield str(getattr(part, "original_name", type(part).__name__))


def _wait(device: torch.device) -> None:
    """Wait until an accelerator has done what it was given."""
    if device.type in ("cuda", "mps", "xpu"):
        torch.accelerator.synchronize(device)
