"""Which clips are judged where not all are: the same share of every emotion."""

from __future__ import annotations

from collections.abc import Sequence

from audit.data import Sample
from audit.seeds import stream_seed


def shared_out(samples: Sequence[Sample], count: int | None, seed: int) -> list[int]:
    """Return the ascending indices of `count` samples, the same share of every emotion; all where it is None.

    Fewer are the first that would be chosen.
    """
    everything = range(len(samples))
    if count is None or count >= len(samples):
        return list(everything)
    queues: dict[str, list[int]] = {}
    for index in sorted(everything, key=lambda i: stream_seed(seed, "choose", samples[i].id)):
        queues.setdefault(samples[index].emotion, []).append(index)
    picked: list[int] = []
    while len(picked) < count:
        for emotion in sorted(queues):
            if queues[emotion] and len(picked) < count:
                picked.append(queues[emotion].pop(0))
    return sorted(picked)
