"""Environment variables in a suite's values: `${NAME}` and `${NAME:-default}`."""

from __future__ import annotations

import os
import re

from audit.errors import UsageError

_USE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand(text: str) -> str:
    """Return `text` with each `${NAME}` replaced by the environment variable, `${NAME:-x}` by x where it is not set.

    Raises UsageError for a variable that is not set, and for `${` that is no such use.
    """

    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        # As in a shell, `:-` also stands in for a variable that is set to nothing.
        found = os.environ.get(name, "") if default is not None else os.environ.get(name)
        if found is None:
            raise UsageError(
                f"the environment variable {name} is not set; set it, or write a default: ${{{name}:-value}}"
            )
        return found or default or ""

    if "${" in _USE.sub("", text):
        raise UsageError(f"{text!r} holds a ${{ that is no variable; write ${{NAME}} or ${{NAME:-value}}")
    return _USE.sub(value, text)
