"""The command that made an audit, and the one that judges a part of it again; drawn from `audit.json` alone."""

from __future__ import annotations

import shlex

from audit.wording import Document, Row, plain

NOT_PART_OF_A_RERUN = ("--only", "--limit", "--out")


def rerun(row: Row, document: Document) -> str:
    """Return the command that judges this check, and emotion, again."""
    kept, _ = _command(document)
    only = row["check"] if row["emotion"] is None else f"{row['check']}/{row['emotion']}"
    return plain(shlex.join([*kept, "--only", only]))


def part(document: Document) -> str:
    """Return `only fgsm/fear, limit 50` where the audit was asked for a part of its suite, else nothing."""
    _, left_out = _command(document)
    return plain(", ".join(f"{name.removeprefix('--')} {value}" for name, value in left_out.items() if name != "--out"))


def _command(document: Document) -> tuple[list[str], dict[str, str]]:
    """Return the words of the command that made the audit, and the options that no other audit should repeat."""
    try:
        words = shlex.split(str(document["provenance"]["command"]))
    except ValueError:
        # Not a command line: an audit.json may come from anyone.
        words = []
    if words[:2] != ["audit", "run"]:
        return ["audit", "run", str(document["suite"]["path"])], {}
    kept: list[str] = []
    left_out: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in NOT_PART_OF_A_RERUN:
            left_out[name] = value if equals else next(rest, "")
        else:
            kept.append(word)
    return kept, left_out
