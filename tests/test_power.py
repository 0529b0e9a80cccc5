"""How many clips a gate needs: against trying every number."""

import math

import pytest

from audit.intervals import paired_difference, wilson
from audit.power import least_clips, least_pairs, passes_from, passes_up_to

LIMITS = (0.05, 0.5, 0.7, 0.9, 0.95)


@pytest.mark.parametrize("freedom", [math.inf, 8])
@pytest.mark.parametrize("limit", LIMITS)
def test_fewest_clips_are_the_first_with_which_a_perfect_model_passes(limit: float, freedom: float) -> None:
    tried = next(n for n in range(1, 2000) if wilson(1.0, n, 0.95, freedom=freedom)[0] >= limit)
    assert least_clips(limit, None, 0.95, freedom=freedom) == tried


@pytest.mark.parametrize("limit", LIMITS)
def test_a_share_that_must_be_small_is_best_at_nothing(limit: float) -> None:
    tried = next(n for n in range(1, 2000) if wilson(0.0, n, 0.9)[1] <= limit)
    assert least_clips(None, limit, 0.9, value=0.0) == tried


def test_a_gate_that_no_number_of_clips_decides_says_so() -> None:
    assert least_clips(1.0, None, 0.95) is None
    assert least_clips(None, 0.9, 0.95) is None
    assert least_pairs(0.0, 0.95) is None


def test_a_gate_without_limits_needs_one_clip() -> None:
    assert least_clips(None, None, 0.95) == 1


@pytest.mark.parametrize("n", [1, 7, 10, 60, 360])
def test_as_many_must_be_right_as_trying_every_number_says(n: int) -> None:
    for limit in LIMITS:
        passing = [right for right in range(n + 1) if wilson(right / n, n, 0.95)[0] >= limit]
        assert passes_from(n, limit, 0.95) == (passing[0] if passing else None)


@pytest.mark.parametrize("limit", [0.02, 0.1, 0.3])
def test_fewest_pairs_are_the_first_with_which_no_change_passes(limit: float) -> None:
    tried = next(n for n in range(1, 2000) if paired_difference(0.0, 0.0, n, 0.95)[1] <= limit)
    assert least_pairs(limit, 0.95) == tried


@pytest.mark.parametrize("n", [5, 40, 360])
def test_as_many_may_be_lost_as_trying_every_number_says(n: int) -> None:
    for limit in (0.02, 0.1, 0.3, 1.0):
        passing = [lost for lost in range(n + 1) if paired_difference(lost / n, 0.0, n, 0.95)[1] <= limit]
        assert passes_up_to(n, limit, 0.95) == (passing[-1] if passing else None)
