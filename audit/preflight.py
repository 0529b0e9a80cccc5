"""What a suite is going to do, before anything is run: checks, verdicts, passes, and what already stands in its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit.dataset import Listing, count_clips
from audit.decidable import Reach, reaches
from audit.errors import DataError, did_you_mean
from audit.gate_id import due
from audit.grammar.document import read_document
from audit.grammar.manifest_keys import MANIFEST
from audit.grammar.suite_reader import check_emotions
from audit.kinds import find
from audit.manifest import check_manifest
from audit.passes import cost_passes, mark, method_of, passes, saliency_passes, soundness_passes
from audit.running_cost import TIMED, fewest_calls
from audit.suite import Check, Gate, Suite
from audit.wording import placed

SHOWN = 10


@dataclass(frozen=True)
class Planned:
    """One check: how many clips it judges, how many verdicts its gates give, and the passes that takes.

    `clips`, `forward` and `backward` are None where the data cannot be listed. An attack check's tests of itself are
    counted apart.
    """

    id: str
    kind: str
    methods: tuple[str, ...]
    clips: int | None
    verdicts: int
    forward: int | None
    backward: int | None
    tests_forward: int = 0
    tests_backward: int = 0


@dataclass(frozen=True)
class Preflight:
    """A suite before its run: `emotions` counts the clips to judge, `problems` would keep part of it from judging.

    `reaches` say what it takes for gates on shares to pass with so many clips.
    """

    suite: str
    checks: tuple[Planned, ...]
    emotions: Mapping[str, int]
    problems: tuple[str, ...]
    reaches: tuple[Reach, ...] = ()

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
                tests = check.tests_forward + check.tests_backward
                line += f"  and {tests:,} to test it" if tests else ""
            lines.append(line)
        if self.emotions:
            clips = ", ".join(f"{emotion} {count:,}" for emotion, count in self.emotions.items())
            lines.append(f"  {_count(sum(self.emotions.values()), 'clip')} to judge: {clips}")
        lines += self._decidable()
        lines += [f"  problem: {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"  and {len(self.problems) - SHOWN:,} more")
        return "\n".join(lines)

    def _decidable(self) -> list[str]:
        closed = [reach for reach in self.reaches if reach.room is None]
        lines = [f"  too few clips: {reach}" for reach in closed[:SHOWN]]
        if len(closed) > SHOWN:
            lines.append(f"  and {len(closed) - SHOWN:,} more gates with too few clips")
        open_ = [reach for reach in self.reaches if reach.room is not None]
        if open_:
            narrowest = min(open_, key=lambda reach: (reach.room or 0) / reach.clips)
            noun = _count(len(open_), "gate") + (" on a share" if len(open_) == 1 else " on shares")
            lines.append(f"  {noun} can be decided; the narrowest: {narrowest}")
        return lines


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
    listing = _listing(suite, known, problems)
    emotions = dict(listing.emotions) if listing else {}
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
        problems += _too_few_calls(check, suite.decide.confidence)
        leaves_out = check.without_gradients == "leave_out"
        checks.append(_planned(check, clips, len(own) - (len(left) if leaves_out else 0), lacking))
    found = reaches(suite, verdicts, listing.samples) if listing else ()
    return Preflight(suite.name, tuple(checks), emotions, tuple(problems), found)


def _black_box(suite: Suite) -> str:
    """Return the name of the manifest's loader where its mark says that it gives no gradients, else nothing."""
    if suite.model is None:
        return ""
    _, name, _ = MANIFEST.read(read_document(suite.model))["loader"]
    return "" if mark(find("loader", name, relative_to=suite.model.parent)).get("gradients", True) else name


def _needing_gradients(check: Check) -> list[str]:
    if check.kind not in ("attack", "saliency"):
        return []
    return [use.name for use in check.uses if mark(method_of(use)).get("gradients", True)]


def _without_gradients(check: Check, lacking: Sequence[str], loader: str, gates: int) -> str:
    what = f"{', '.join(lacking)}: needs gradients, and loader {loader} gives none"
    if check.without_gradients == "leave_out":
        return f"check {check.id}: {what}; left out, as the suite says, with {_count(gates, 'gate')}"
    return f"check {check.id}: {what}; {_count(gates, 'gate')} will be ERROR, or `without_gradients: leave_out`"


def _too_few_calls(check: Check, confidence: float) -> Iterator[str]:
    for metric in dict.fromkeys(gate.metric for gate in check.gates if gate.metric in TIMED):
        key = "batches" if metric == "throughput" else "timed"
        given, least = getattr(check, key), fewest_calls(metric, confidence)
        if given < least:
            yield f"check {check.id}: {metric} has no whole interval with `{key}: {given}`; {least} give one"


def _listing(suite: Suite, known: tuple[str, ...], problems: list[str]) -> Listing | None:
    if suite.data is None:
        problems.append("the suite names no data; give its root with --data")
        return None
    try:
        listing = count_clips(suite.data, known or None)
    except DataError as error:
        problems.append(str(error))
        return None
    problems += [f"{problem.path}: {problem.reason}" for problem in listing.problems]
    asked = [("decide.cluster", suite.decide.cluster)]
    asked += [(_place(check, gate), gate.across) for check in suite.checks for gate in check.gates]
    for where, column in asked:
        if column is not None and column not in listing.columns:
            there = f"{did_you_mean(column, listing.columns)} (all have: {', '.join(listing.columns) or 'none'})"
            problems.append(f"{where}: not every clip has a column {column!r}{there}")
    return listing


def _place(check: Check, gate: Gate) -> str:
    asked = f"{check.id}: {gate.metric} across"
    return f"{placed(gate.written)}: {asked}" if gate.place else asked


def _planned(check: Check, clips: int | None, verdicts: int, lacking: Sequence[str]) -> Planned:
    methods = tuple(use.name for use in check.uses)
    if clips is None:
        return Planned(check.id, check.kind, methods, None, verdicts, None, None)
    n = min(clips, check.samples or clips)
    uses = [use for use in check.uses if use.name not in lacking]
    if check.kind == "data":
        return Planned(check.id, check.kind, methods, n, verdicts, 0, 0)
    if check.kind == "cost":
        return Planned(check.id, check.kind, methods, n, verdicts, cost_passes(check), 0)
    if check.kind == "saliency":
        return Planned(check.id, check.kind, methods, n, verdicts, *saliency_passes(check, uses, n))
    forward, backward = passes(check, uses)
    tests = soundness_passes(check, n) if check.kind == "attack" and uses else (0, 0)
    return Planned(check.id, check.kind, methods, n, verdicts, n * forward, n * backward, *tests)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
