"""An attack's severities by how far they let a clip go, and which of them are looked at most closely."""

from __future__ import annotations

from collections.abc import Iterable

from audit.suite import Check

SMALLER_WHEN_LARGER = frozenset({"snr_db"})


def outward(parameter: str, severities: Iterable[float]) -> list[float]:
    """Return severities from the smallest ball to the largest; a ratio in decibels is the quieter the larger it is."""
    return sorted(severities, reverse=parameter in SMALLER_WHEN_LARGER)


def telling(check: Check) -> tuple[float, ...]:
    """Return the severities at which an attack check is tested itself: the largest ball, and the largest gated one.

    A gate on a critical epsilon looks at the first severity that is no smaller than its limit. A ball of size 0 tells
    nothing, so that there may be one severity, or none.
    """
    assert check.sweep is not None
    parameter, severities = check.sweep
    balls = [each for each in outward(parameter, severities) if parameter in SMALLER_WHEN_LARGER or each > 0]
    gated = {gate.at for gate in check.gates}
    for gate in check.gates:
        if gate.metric == "critical_epsilon" and gate.minimum is not None:
            gated.add(next((each for each in balls if each >= gate.minimum), None))
    looked_at = [each for each in balls if each in gated]
    return tuple(dict.fromkeys([*looked_at[-1:], *balls[-1:]]))
