"""Speakers, or whatever a group column holds, that are in both the train and the judged set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from audit.kinds import screen
from audit.modality import words_of
from audit.screening import Finding, Items


@screen()
def shared_groups(items: Items, *, column: str = "speaker") -> Iterator[Finding]:
    """Find every judged item whose value of `column` a train item has too.

    Raises MethodError where no train set is declared, or an item has no such column.
    """
    items.trained_on()
    values = list(items.group(column))
    trained = Counter(value for item, value in values if item.in_train)
    for item, value in values:
        if not item.in_train and value in trained:
            often = f"in {trained[value]:,} {words_of(items.modality).noun}{'' if trained[value] == 1 else 's'}"
            yield Finding(item, f"{column} {value} is in the train set too, {often}", group=value)
