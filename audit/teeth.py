"""Which gates of a suite a model that knows nothing would pass; found before anything is run."""

from __future__ import annotations

from dataclasses import dataclass

from audit.clock import now
from audit.dataset import open_dataset
from audit.errors import UsageError
from audit.gate_id import due, gate_of
from audit.grammar.gate_metrics import ANSWERED
from audit.grammar.suite_reader import check_emotions
from audit.manifest import check_manifest
from audit.remarks import STAND_INS
from audit.stand_ins import ANSWERS, judged
from audit.suite import Suite
from audit.wording import limit, placed


@dataclass(frozen=True)
class Bite:
    """One gate: the stand-ins that pass it, whether it is informational, its limit in words, and where it stands."""

    gate: str
    passed_by: tuple[str, ...]
    informational: bool
    limit: str
    place: str

    @property
    def toothless(self) -> bool:
        """Whether a stand-in passes a gate that is meant to decide something."""
        return bool(self.passed_by) and not self.informational


@dataclass(frozen=True)
class Teeth:
    """All gates of a suite that are about what the model answers, in its order.

    And how many are about the data alone, and about what the model costs to run.
    """

    suite: str
    gates: tuple[Bite, ...]
    of_data: int = 0
    of_cost: int = 0

    @property
    def toothless(self) -> tuple[Bite, ...]:
        """The gates that a stand-in passes."""
        return tuple(bite for bite in self.gates if bite.toothless)

    def __str__(self) -> str:
        """Return it as `audit check --teeth` prints it."""
        width = max((len(bite.gate) for bite in self.gates), default=0)
        told = {name: STAND_INS[name] for name in ANSWERS}
        lines = [f"{self.suite}: {len(self.gates) - len(self.toothless)} of {len(self.gates)} gates have teeth"]
        for name, says in told.items():
            passed = sum(name in bite.passed_by and not bite.informational for bite in self.gates)
            lines.append(f"  {says} passes {passed} of {len(self.gates)}")
        if self.of_data:
            lines.append(f"  about the data and no model: {self.of_data}")
        if self.of_cost:
            lines.append(f"  about what the model costs to run, whatever it answers: {self.of_cost}")
        for bite in self.gates:
            if not bite.passed_by:
                continue
            word = "toothless" if bite.toothless else "informational"
            lines.append(f"  {word:<13}  {bite.gate:<{width}}  {bite.limit}  passed by {', '.join(bite.passed_by)}")
            if bite.toothless:
                lines.append(f"                 {bite.place}")
        if self.toothless:
            lines.append(
                "  raise the limits of toothless gates, give them a `floor`, or mark them `informational: true`"
            )
        return "\n".join(lines)


def teeth_of(suite: Suite) -> Teeth:
    """Return which stand-ins pass each gate of a suite, on the clips that it judges; no model and no clip is opened.

    Raises UsageError where the suite names no model or no data, DataError where the data cannot be listed.
    """
    if suite.model is None or suite.data is None:
        lacking = "model" if suite.model is None else "data"
        raise UsageError(
            f"--teeth needs to know the emotions and the clips: give the suite's {lacking} with --{lacking}"
        )
    emotions = check_manifest(suite.model)
    check_emotions(suite, emotions)
    samples = open_dataset(suite.data, emotions).samples
    asked = due(suite, emotions)
    found = judged(suite, asked, samples, emotions, now().date())
    kinds = {gate_of(each.id): each.check.kind for each in asked}
    gates = {gate_of(each.id): each.gate for each in asked if each.check.kind in ANSWERED}
    return Teeth(
        suite.name,
        tuple(
            Bite(
                name,
                tuple(each.name for each in found if name in each.passed),
                gate.informational,
                limit({"limit": {"min": gate.minimum, "max": gate.maximum}}),
                placed(gate.written),
            )
            for name, gate in gates.items()
        ),
        *(list(kinds.values()).count(kind) for kind in ("data", "cost")),
    )
