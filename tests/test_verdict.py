"""What an unsure verdict advises."""

import math
import re

import pytest

from audit.estimate import Estimate
from audit.reasons import more_clips
from audit.suite import Gate


def advised(
    value: float, low: float, high: float, *, minimum: float | None = None, maximum: float | None = None
) -> str:
    return more_clips(Gate("accuracy", minimum, maximum), Estimate(value, (low, high), 100, None))


@pytest.mark.parametrize(
    ("value", "low", "high", "minimum", "maximum"),
    [
        (0.8, 0.6, 0.9, 0.7, None),
        (0.6, 0.5, 0.9, 0.7, None),
        (0.1, 0.0, 0.4, None, 0.2),
        (0.3, 0.1, 0.4, None, 0.2),
        # The upper end of a critical epsilon may lie beyond what was tested: it is not what stands in the way.
        (0.004, 0.0, math.inf, 0.0005, None),
    ],
)
def test_so_many_clips_bring_the_side_that_reaches_over_to_the_limit(
    value: float, low: float, high: float, minimum: float | None, maximum: float | None
) -> None:
    (factor,) = map(
        float, re.findall(r"about ([\d.]+)x as many", advised(value, low, high, minimum=minimum, maximum=maximum))
    )
    limit = minimum if minimum is not None else maximum
    assert limit is not None
    half = value - low if value > limit else high - value
    assert half / math.sqrt(factor) == pytest.approx(abs(value - limit), rel=0.05)


def test_a_value_at_the_limit_may_stay_undecided() -> None:
    assert "may still not decide" in advised(0.701, 0.6, 0.8, minimum=0.7)


def test_a_side_that_lies_beyond_what_was_tested_asks_for_more_severities() -> None:
    assert advised(math.inf, 0.0004, math.inf, minimum=0.0005) == "add clips, and test severities beyond the limit"
