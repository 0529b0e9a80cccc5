"""Which clips are taken where not all are: the same share of every emotion, or at most so many of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from audit.data import Sample
from audit.seeds import stream_seed


def undersampled(
    samples: Sequence[Sample], most: int | str | None, seed: int
) -> tuple[tuple[Sample, ...], Mapping[str, int]]:
    """Return at most `most` samples of each emotion, in their order, and how many of each are left out.

    `most` is a number, `smallest` for as many as there are of the rarest emotion, or None for all. Each clip's own hash
    decides, so that one clip more or less exchanges at most one other of each emotion.
    """
    counts = Counter(sample.emotion for sample in samples)
    if most is None or not counts:
        return tuple(samples), {}
    limit = min(counts.values()) if isinstance(most, str) else most
    # A stream of its own: drawn by the same hash as a split, what is left of a large emotion would all be at one end.
    order = sorted(range(len(samples)), key=lambda index: stream_seed(seed, "undersample", samples[index].id))
    taken: Counter[str] = Counter()
    kept = set()
    for index in order:
        if taken[samples[index].emotion] < limit:
            taken[samples[index].emotion] += 1
            kept.add(index)
    left_out = {emotion: count - limit for emotion, count in sorted(counts.items()) if count > limit}
    return tuple(sample for index, sample in enumerate(samples) if index in kept), left_out


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
