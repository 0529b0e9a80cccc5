"""Whether a document is an audit of schema 1, told with the place that is not."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.errors import AuditError

SCHEMA_FILE = Path(__file__).parent / "audit.schema.json"
LONGEST = 200


def check(document: Mapping[str, Any], path: Path) -> None:
    """Raise AuditError, naming the first place that differs, where `document` (read from `path`) breaks the schema."""
    error = min(_validator().iter_errors(document), key=lambda found: found.json_path, default=None)
    if error is not None:
        told = error.message if len(error.message) <= LONGEST else f"{error.message[:LONGEST]}…"
        raise AuditError(
            f"{path}: {error.json_path}: {told} (docs/audit-json.md says what is due; run the audit again)"
        )


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
