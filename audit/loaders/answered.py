"""Probabilities in the JSON that a server answers with, however it arranges them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import ModelError, did_you_mean

USUAL = "probabilities"
SHOWN = 80
LARGEST = 1e30
DEEPEST = 8


def probabilities_in(body: bytes, where: str | None, labels: Sequence[str], count: int) -> NDArray[np.float64]:
    """Return (count, labels) from the body of an answer.

    `where` leads to them through mappings and lists, its steps divided by dots: `result.probabilities`, `0.scores`; a
    name met at a list goes into each of its items. None: the answer itself, or what it calls `probabilities`.
    Those of one clip are a list in the order of labels, a mapping from label to probability, or a list of
    `{"label": ..., "score": ...}`; those of several a list of such, and of one as well.
    Raises ModelError where that is not what there is.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        start = body[:SHOWN].decode("utf-8", "replace")
        raise ModelError(f"the answer is no JSON but {start!r}; answer with the probabilities as JSON") from error
    if where is not None:
        found = _inside(answer, where.split("."), where)
    else:
        found = answer[USUAL] if isinstance(answer, Mapping) and USUAL in answer else answer
    rows = [found] if _is_row(found) else found
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise ModelError(
            f"the answer holds {_shown(found)} where probabilities are due, a list or a mapping from label to number; "
            + _advice(found, answer, labels)
        )
    if len(rows) != count:
        raise ModelError(f"{len(rows)} answers came back for {count} clips; one for each is due, in the same order")
    return np.array([_row(row, labels) for row in rows], dtype=np.float64)


def _inside(node: Any, steps: Sequence[str], where: str) -> Any:
    if not steps:
        return node
    step, rest = steps[0], steps[1:]
    if isinstance(node, Mapping) and step in node:
        return _inside(node[step], rest, where)
    if isinstance(node, list) and step.isdecimal() and int(step) < len(node):
        return _inside(node[int(step)], rest, where)
    if isinstance(node, list) and not step.isdecimal():
        return [_inside(item, steps, where) for item in node]
    near = did_you_mean(step, node) if isinstance(node, Mapping) else ""
    raise ModelError(f"the answer has no {step!r} on the way to `probabilities: {where}`{near} ({_shown(node)})")


def _is_row(found: Any) -> bool:
    if isinstance(found, Mapping):
        return bool(found) and all(map(_is_number, found.values()))
    if not isinstance(found, list) or not found:
        return False
    return all(map(_is_number, found)) or all(
        isinstance(item, Mapping) and {"label", "score"} <= set(item) for item in found
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _row(row: Any, labels: Sequence[str]) -> list[float]:
    if isinstance(row, list) and isinstance(row[0], Mapping):
        row = {str(item["label"]): item["score"] for item in row}
    if isinstance(row, Mapping):
        missing = [label for label in labels if label not in row]
        others = [label for label in row if label not in labels]
        if missing or others:
            raise ModelError(
                f"the answer names {', '.join(row)}; the manifest's emotions are {', '.join(labels)}. "
                "Name all that the server answers with, as it does; `rename:` gives them names of yours"
            )
        row = [row[label] for label in labels]
    if len(row) != len(labels):
        raise ModelError(f"the answer holds {len(row)} probabilities, and the manifest names {len(labels)} emotions")
    if not all(_is_number(value) and abs(value) <= LARGEST for value in row):
        raise ModelError(f"the answer holds {row}; finite numbers are due")
    return [float(value) for value in row]


def _advice(found: Any, answer: Any, labels: Sequence[str]) -> str:
    """Return what to do where no probabilities lie at the place that was named, or at none."""
    inside = next(_rows_below(answer, ()), None)
    if inside is not None:
        return f"say where in it they lie: `probabilities: {'.'.join(inside)}`"
    values = list(found.values()) if isinstance(found, Mapping) else found if isinstance(found, list) else [found]
    if any(isinstance(value, str) and value in labels for value in values):
        return "it names one emotion alone: answer with the probability of each"
    if values and all(isinstance(value, str) and _is_written(value) for value in values):
        return 'its numbers are written as text: answer with numbers, 0.25 in place of "0.25"'
    return "answer with the probability of each emotion"


def _rows_below(node: Any, steps: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the ways to what could be probabilities, through mappings and into each item of lists."""
    if isinstance(node, list) and node:
        node = node[0]
    if not isinstance(node, Mapping) or len(steps) > DEEPEST:
        return
    for name, inner in node.items():
        if _is_row(inner) or (isinstance(inner, list) and inner and all(map(_is_row, inner))):
            yield (*steps, str(name))
        yield from _rows_below(inner, (*steps, str(name)))


def _is_written(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shown(found: Any) -> str:
    if isinstance(found, Mapping):
        return f"a mapping with {', '.join(map(str, found)) or 'nothing'}"
    text = json.dumps(found)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
