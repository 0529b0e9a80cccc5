"""Gates on what a model costs to run, as pytest items."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CHECKS = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.3}
  - check: cost
    warm: 0
    timed: 8
    batch: 2
    batches: 8
    gates:
      - {metric: latency, max: 60000}
      - {metric: latency_with_representation, max: 0}
      - {metric: size, max: 10}
"""


def test_each_is_an_item_that_passes_fails_or_errs(pytester: pytest.Pytester, write_suite: Callable[..., Path]) -> None:
    write_suite(checks=CHECKS)
    result = pytester.runpytest("-v", "-k", "cost", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines_random(
        [
            "tones.audit.yaml::cost::latency PASSED*",
            "tones.audit.yaml::cost::latency-with-representation FAILED*",
            "tones.audit.yaml::cost::size ERROR*",
            "FAIL latency with representation in ms",
        ]
    )
    result.assert_outcomes(passed=1, failed=1, errors=1, deselected=1)
