"""Plain data as one line of YAML."""

from __future__ import annotations

import io
from typing import Any

from ruamel.yaml import YAML


def flow(value: Any) -> str:
    """Return a value as YAML on one line; a mapping without its braces: `scaling: {low: -1, high: 1}`."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.width = 10_000_000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.allow_unicode = True
    buffer = io.StringIO()
    yaml.dump(value, buffer)
    text = buffer.getvalue().removesuffix("\n").removesuffix("...").rstrip("\n")
    return text[1:-1] if isinstance(value, dict) else text
