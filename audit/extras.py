"""Frameworks that come as extras: imported when a loader needs them, with the install line where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from audit.errors import ModelError


def needed(module: str, *, extra: str) -> ModuleType:
    """Return the imported module; raises ModelError naming `pip install` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        missing = (error.name or module).partition(".")[0]
        raise ModelError(
            f'{missing} is not installed; install it with: pip install "emotion-audit[{extra}]"'
        ) from error
