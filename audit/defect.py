"""What is said when the audit itself breaks: no verdict, and where the traceback lies."""

from __future__ import annotations

import os
import tempfile
import traceback
from pathlib import Path

from audit.wording import plain

PACKAGE = Path(__file__).parent


def explain(error: Exception) -> str:
    """Return one line for an exception nobody foresaw; its traceback goes to a file, or along with AUDIT_DEBUG=1.

    Where the innermost code of someone's own (a method or model named by the suite) raised it, the line names that.
    """
    trace = "".join(traceback.format_exception(error))
    told = f"error: {whose(error)} ({type(error).__name__}: {plain(error)}); no verdict was given"
    if os.environ.get("AUDIT_DEBUG") == "1":
        return f"{trace}\n{told}"
    try:
        handle, path = tempfile.mkstemp(prefix="audit-defect-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(trace)
    except OSError:
        return f"{told}. AUDIT_DEBUG=1 shows the traceback"
    return f"{told}. The traceback is in {path}"


def whose(error: Exception) -> str:
    """Return whose fault an exception is: the audit's, or that of code it was given, with its place."""
    frames = traceback.extract_tb(error.__traceback__)
    modules = []
    walk = error.__traceback__
    while walk is not None:
        modules.append(str(walk.tb_frame.f_globals.get("__name__", "")))
        walk = walk.tb_next
    for frame, module in reversed(list(zip(frames, modules, strict=True))):
        if module.startswith("audit_user_"):
            return f"{plain(frame.filename)}:{frame.lineno} broke; that is code the suite or manifest names"
        if Path(frame.filename).is_relative_to(PACKAGE):
            break
    return "this is a defect of the audit itself"
