"""How often a check will ask a model, counted from its suite before anything is run."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from audit.kinds import Method, find
from audit.outward import telling
from audit.suite import Check, Use, measures_of

OCCLUDED = 1 + 15 * 15
"""Occlusion's passes a clip by default: the clip, and windows of an eighth of each axis, half over each other."""
LOOKED_AT, COMPARED = (3 + 3 * 12 + 1, 1 + 3 * 10), (1 + 13 + 10 + 102, 10)
"""Passes a clip, forward and backward: of its outputs, its gradient and three balls that hold every input; and, at each
severity that is tested, of one step, many, noise and answers alone."""


def passes(check: Check, uses: Sequence[Use]) -> tuple[int, int]:
    """Return forward and backward passes a clip, with those of the check's methods that can be applied."""
    if check.kind == "clean":
        return 1, 0
    if not uses:
        return 0, 0
    assert check.sweep is not None
    values = len(check.sweep[1])
    if check.kind == "corruption":
        return values, 0
    forward, backward = 0, 0
    for use in uses:
        ahead, back = _own_passes(use)
        # With steps or queries, every epsilon takes its own; without, one gradient serves the whole curve.
        times = values if {"steps", "queries", "draws"} & use.parameters.keys() else 1
        forward, backward = forward + values + times * ahead, backward + times * back
    return forward, backward


def soundness_passes(check: Check, clips: int) -> tuple[int, int]:
    """Return the passes of an attack check's tests of itself, of its searches all they may ask."""
    tested, times = min(check.soundness_samples, clips), len(telling(check))
    forward, backward = (tested * (once + times * each) for once, each in zip(LOOKED_AT, COMPARED, strict=True))
    return forward, backward


def cost_passes(check: Check) -> int:
    """Return the forward passes of a cost check, which are the same for any number of clips."""
    return check.warm + check.timed + (check.warm + check.batches) * check.batch


def saliency_passes(check: Check, uses: Sequence[Use], clips: int) -> tuple[int, int]:
    """Return the passes of all maps, their scores, the baselines, the sanity tests and the confined attack."""
    if not uses:
        return 0, 0
    tested = min(check.sanity_samples, clips)
    again = {each.name: int(each.parameters.get("stages", 1)) for each in check.sanity}
    scores, sensitivities = 0, 0
    for each in check.faithfulness:
        if each.name == "max_sensitivity":
            sensitivities += int(each.parameters["samples"])
        else:
            scores += len(measures_of(each)) * _scored(each)
    maps = clips * (1 + sensitivities) + tested * sum(again.values())
    # Every method and the energy baseline are scored beside themselves elsewhere; random masks stand alone.
    masks = clips * ((len(uses) + 1) * (1 + check.random_masks) + check.random_masks)
    learnt = tested * len(uses) * again.get("parameter_randomisation", 0)
    own = [_own_passes(use) for use in uses]
    confined = clips * 2 * len(uses) if check.confined is not None else 0
    return (
        maps * sum(forward for forward, _ in own)
        + scores * masks
        + _scored(check.faithfulness[0]) * learnt
        + 2 * confined,
        maps * sum(backward for _, backward in own) + confined,
    )


def _scored(use: Use) -> int:
    """Return the passes it takes to score a map once, as its parameters say."""
    masked = use.parameters.get("masked")
    if isinstance(masked, tuple | list):
        return 2 * len(masked)
    return next((int(use.parameters[name]) for name in ("steps", "samples") if name in use.parameters), 1)


def _own_passes(use: Use) -> tuple[int, int]:
    counted = (use.parameters.get(name) for name in ("samples", "steps", "queries", "draws"))
    times = next((int(count) for count in counted if isinstance(count, int)), 1)
    if use.method == "occlusion" and use.parameters.get("window") is None:
        times = OCCLUDED
    return times, times if mark(method_of(use)).get("gradients", True) else 0


def method_of(use: Use) -> Method:
    """Return the method of a use."""
    return find(use.family, use.method, relative_to=use.relative_to)


def mark(method: Method) -> dict[str, Any]:
    """Return what a method's mark says, read from its text: importing it would import torch."""
    for node in ast.parse(method.path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == method.name:
            calls = [decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
            words = [word for call in calls for word in call.keywords]
            return {str(word.arg): word.value.value for word in words if isinstance(word.value, ast.Constant)}
    return {}
