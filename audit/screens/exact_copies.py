"""Judged recordings that equal one of the train set, or another judged one, pixel for pixel or sample for sample."""

from __future__ import annotations

from collections.abc import Iterator

from audit.kinds import screen
from audit.screening import Finding, Items, labelled
from audit.screens.digest import SAME, by_content, digest


@screen(reads=digest)
def exact_copies(items: Items) -> Iterator[Finding]:
    """Find every judged item that equals a train item, and of equal judged items all but the first.

    Equal is decided after decoding: another file format without loss is no difference, another sampling rate is.
    """
    for content, same in by_content(items.all).items():
        first = same[0]
        for item in same[1:]:
            if not item.in_train:
                told = f"{SAME[items.modality]} {first.place}, {labelled(item, first)}"
                # Names begin at one folder for both sets: equal ones are one file.
                itself = first.in_train and item.sample.path is not None and item.name == first.name
                yield Finding(item, "this very file is in the train set" if itself else told, first, content.hex())
