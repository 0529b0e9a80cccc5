"""The time, in UTC: audits are dated and waivers end by one calendar, wherever they are run and decided again."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return this moment in UTC."""
    return datetime.now(UTC)
