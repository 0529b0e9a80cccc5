"""What a suite is going to do, before anything is run: checks, verdicts, passes, and what already stands in its way."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audit.dataset import count_clips
from audit.errors import DataError, did_you_mean
from audit.gate_id import due
from audit.grammar.document import read_document
from audit.grammar.manifest_keys import MANIFEST
from audit.grammar.suite_reader import check_emotions
from audit.kinds import Method, find
from audit.manifest import check_manifest
from audit.suite import Check, Suite, Use, measures_of

SHOWN = 10
OCCLUDED = 1 + 15 * 15
"""Occlusion's passes a clip by default: the clip, and windows of an eighth of each axis, half over each other."""


@dataclass(frozen=True)
class Planned:
    """One check: how many clips it judges, how many verdicts its gates give, and the passes that takes.

    `clips`, `forward` and `backward` are None where the data cannot be listed.
    """

    id: str
    kind: str
    methods: tuple[str, ...]
    clips: int | None
    verdicts: int
    forward: int | None
    backward: int | None


@dataclass(frozen=True)
class Preflight:
    """A suite before its run: `emotions` counts the clips to judge, `problems` would keep part of it from judging."""

    suite: str
    checks: tuple[Planned, ...]
    emotions: Mapping[str, int]
    problems: tuple[str, ...]

    @property
    def verdicts(self) -> int:
        """Verdicts in all."""
        return sum(check.verdicts for check in self.checks)

    def __str__(self) -> str:
        """Return it as `audit check` prints it."""
        width = max(len(check.id) for check in self.checks)
        lines = [f"{self.suite}: {_count(len(self.checks), 'check')}, {_count(self.verdicts, 'verdict')}"]
        for check in self.checks:
            line = f"  {check.id:<{width}}  {_count(check.verdicts, 'verdict'):>12}"
            if check.forward is not None and check.clips is not None:
                line += f"  {_count(check.clips, 'clip'):>11}  {check.forward:>11,} forward"
                line += f"  {check.backward:>9,} backward" if check.backward else ""
            lines.append(line)
        if self.emotions:
            clips = ", ".join(f"{emotion} {count:,}" for emotion, count in self.emotions.items())
            lines.append(f"  {_count(sum(self.emotions.values()), 'clip')} to judge: {clips}")
        lines += [f"  problem: {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"  and {len(self.problems) - SHOWN:,} more")
        return "\n".join(lines)


def describe(suite: Suite) -> Preflight:
    """Return what `suite` is going to do; reads its manifest and lists its data, but opens no model and no recording.

    Forward and backward passes are counted in samples, of a search all it may ask. For methods this package does not
    know they are a guess: one pass a clip, or as many as a parameter `samples`, `steps` or `queries` says.
    What needs gradients that the manifest's loader never gives is a problem, and is not counted.
    Raises SuiteError where the manifest is wrong or groups name emotions it does not have.
    """
    problems: list[str] = []
    known: tuple[str, ...] = ()
    if suite.model is None:
        problems.append("the suite names no model; give one with --model")
    else:
        known = check_manifest(suite.model)
        check_emotions(suite, known)
    emotions = _emotions(suite, known, problems)
    clips = sum(emotions.values()) if emotions else None
    verdicts = due(suite, known or tuple(emotions) or ("every emotion",))
    if not verdicts:
        problems.append("no check has a gate: nothing would be decided")
    black_box = _black_box(suite)
    checks = []
    for check in suite.checks:
        lacking = _needing_gradients(check) if black_box else []
        own = [each for each in verdicts if each.check.id == check.id]
        left = [each for each in own if each.method in lacking]
        if lacking:
            problems.append(_without_gradients(check, lacking, black_box, len(left)))
        leaves_out = check.without_gradients == "leave_out"
        checks.append(_planned(check, clips, len(own) - (len(left) if leaves_out else 0), lacking))
    return Preflight(suite.name, tuple(checks), emotions, tuple(problems))


def _black_box(suite: Suite) -> str:
    """Return the name of the manifest's loader where its mark says that it gives no gradients, else nothing."""
    if suite.model is None:
        return ""
    _, name, _ = MANIFEST.read(read_document(suite.model))["loader"]
    return "" if _mark(find("loader", name, relative_to=suite.model.parent)).get("gradients", True) else name


def _needing_gradients(check: Check) -> list[str]:
    if check.kind not in ("attack", "saliency"):
        return []
    return [use.name for use in check.uses if _mark(_method(use)).get("gradients", True)]


def _without_gradients(check: Check, lacking: Sequence[str], loader: str, gates: int) -> str:
    what = f"{', '.join(lacking)}: needs gradients, and loader {loader} gives none"
    if check.without_gradients == "leave_out":
        return f"check {check.id}: {what}; left out, as the suite says, with {_count(gates, 'gate')}"
    return f"check {check.id}: {what}; {_count(gates, 'gate')} will be ERROR, or `without_gradients: leave_out`"


def _emotions(suite: Suite, known: tuple[str, ...], problems: list[str]) -> dict[str, int]:
    if suite.data is None:
        problems.append("the suite names no data; give its root with --data")
        return {}
    try:
        listing = count_clips(suite.data, known or None)
    except DataError as error:
        problems.append(str(error))
        return {}
    problems += [f"{problem.path}: {problem.reason}" for problem in listing.problems]
    cluster = suite.decide.cluster
    if cluster is not None and cluster not in listing.columns:
        there = f"{did_you_mean(cluster, listing.columns)} (all have: {', '.join(listing.columns) or 'none'})"
        problems.append(f"decide.cluster: not every clip has a column {cluster!r}{there}")
    return dict(listing.emotions)


def _planned(check: Check, clips: int | None, verdicts: int, lacking: Sequence[str]) -> Planned:
    methods = tuple(use.name for use in check.uses)
    if clips is None:
        return Planned(check.id, check.kind, methods, None, verdicts, None, None)
    n = min(clips, check.samples or clips)
    uses = [use for use in check.uses if use.name not in lacking]
    if check.kind == "data":
        return Planned(check.id, check.kind, methods, n, verdicts, 0, 0)
    if check.kind == "saliency":
        return Planned(check.id, check.kind, methods, n, verdicts, *_saliency_passes(check, uses, n))
    forward, backward = _passes(check, uses)
    return Planned(check.id, check.kind, methods, n, verdicts, n * forward, n * backward)


def _passes(check: Check, uses: Sequence[Use]) -> tuple[int, int]:
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


def _saliency_passes(check: Check, uses: Sequence[Use], clips: int) -> tuple[int, int]:
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
    return times, times if _mark(_method(use)).get("gradients", True) else 0


def _method(use: Use) -> Method:
    return find(use.family, use.method, relative_to=use.relative_to)


def _mark(method: Method) -> dict[str, Any]:
    """Return what a method's mark says, read from its text: importing it would import torch."""
    for node in ast.parse(method.path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == method.name:
            calls = [decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
            words = [word for call in calls for word in call.keywords]
            return {str(word.arg): word.value.value for word in words if isinstance(word.value, ast.Constant)}
    return {}


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
