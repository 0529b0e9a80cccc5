"""Judged recordings that are one of the train set in another form: re-encoded, cropped, mirrored, shifted, noisier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.kinds import screen
from audit.screening import Decoded, Finding, Item, Items, labelled
from audit.screens.near import pictures, sounds


def sketch(recording: Decoded) -> object:
    """Return what is kept of a recording: a small grey picture, or a clip's landmarks."""
    return pictures.small(recording) if recording.is_picture else sounds.landmarks(recording)


@screen(modality=("speech", "face"), reads=sketch)
def near_copies(
    items: Items, *, correlation: float = 0.9, misfit: float = 0.25, share: float = 0.06, landmarks: int = 12
) -> Iterator[Finding]:
    """Find every judged item that is a train item in another form; exact copies are found as well.

    A picture is found where its detail, laid over that of a train picture, correlates by at least `correlation`, and
    differs nowhere by more than `misfit` of the detail's energy: after resizing, re-encoding, another brightness,
    mirroring, a crop of a tenth or a shift. A clip is found where at least `landmarks` spectral landmarks, and `share`
    of all, are in step with those of a train clip: after another gain, re-encoding, noise, a shift or trimming.
    Raises MethodError where no train set is declared.
    """
    train = items.trained_on()
    if items.modality == "face":
        closest: dict[int, pictures.Pair] = {}
        for pair in pictures.alike(_stacked(items.judged), _stacked(train)):
            before = closest.get(pair.one)
            alike = pair.correlation >= correlation and pair.misfit <= misfit
            if alike and (before is None or pair.correlation > before.correlation):
                closest[pair.one] = pair
        for one, pair in closest.items():
            item, partner = items.judged[one], train[pair.other]
            told = f"the same picture as {partner.place}, {labelled(item, partner)}"
            yield Finding(item, f"{told} (their detail correlates by {pair.correlation:.2f})", partner)
        return
    for match in sounds.in_step([item.kept for item in items.judged], [item.kept for item in train]):
        if match.share >= share and match.shared >= landmarks:
            item, partner = items.judged[match.one], train[match.other]
            told = f"the same recording as {partner.place}, {labelled(item, partner)}"
            shift = (
                f", {abs(match.seconds):.2f} s {'later' if match.seconds > 0 else 'earlier'}" if match.seconds else ""
            )
            yield Finding(item, f"{told} ({match.share:.0%} of their landmarks in step{shift})", partner)


def _stacked(items: Sequence[Item]) -> NDArray[np.uint8]:
    return np.stack([item.kept for item in items])
