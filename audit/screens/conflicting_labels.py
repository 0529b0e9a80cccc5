"""The same recording under different emotions."""

from __future__ import annotations

from collections.abc import Iterator

from audit.kinds import screen
from audit.screening import Finding, Items
from audit.screens.digest import SAME, by_content, digest


@screen(reads=digest)
def conflicting_labels(items: Items) -> Iterator[Finding]:
    """Find all items of every group of exact copies, over judged and train set, whose emotions differ."""
    for content, same in by_content(items.all).items():
        if len({item.sample.emotion for item in same}) == 1:
            continue
        for item in same:
            other = next(each for each in same if each.sample.emotion != item.sample.emotion)
            labels = f"labelled {item.sample.emotion} here and {other.sample.emotion} there"
            yield Finding(item, f"{SAME[items.modality]} {other.place}, {labels}", other, content.hex())
