"""Which clips are drawn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from audit.data import Recording, Sample
from audit.errors import DataError
from audit.probing.clips import in_turn, read_clips

SAMPLES = [Sample(f"{emotion}-{i}", Path(f"{emotion}-{i}"), emotion) for emotion in "abc" for i in range(10)]


def read(sample: Sample) -> tuple[Recording, int]:
    if sample.id in ("a-3", "b-4"):
        raise DataError(f"{sample.path}: broken")
    return np.zeros(4, np.float32), 8


def test_every_beginning_is_shared_out_evenly() -> None:
    drawn = list(in_turn(SAMPLES))
    assert sorted(drawn, key=lambda s: s.id) == sorted(SAMPLES, key=lambda s: s.id)
    for count in range(1, 31):
        shares = Counter(sample.emotion for sample in drawn[:count])
        assert max(shares.values()) - min(shares[e] for e in "abc") <= 1
    assert list(in_turn(SAMPLES[::-1])) == drawn


def test_what_cannot_be_read_is_a_problem_and_anothers_turn() -> None:
    clips = read_clips(SAMPLES, 28, read)
    assert len(clips) == 28
    assert {problem.path: problem.reason for problem in clips.problems} == {"a-3": "broken", "b-4": "broken"}
    with pytest.raises(DataError, match="none of 1 clips can be used; the first: a-3: broken"):
        read_clips([SAMPLES[3]], 5, read)
