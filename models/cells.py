"""Cells and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audited import Figure


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table with its header, a line each."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown(value: float | Figure | None) -> str:
    """Return a share as `.920`, with its interval as `.920 (.894-.941)`; nothing where there is none."""
    if value is None:
        return ""
    if not isinstance(value, Figure):
        return _share(value)
    return _share(value.value) + (
        f" ({_share(value.interval[0])}-{_share(value.interval[1])})" if value.interval else ""
    )


def bare(value: Figure | None) -> str:
    """Return a figure without its interval."""
    return "" if value is None else _share(value.value)


def _share(value: float) -> str:
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
