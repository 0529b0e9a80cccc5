"""Every planted defect."""

from __future__ import annotations

from planting import behaving, declaring, masked, spoiling, teaching
from planting.case import Case

CASES: tuple[Case, ...] = (*masked.CASES, *behaving.CASES, *declaring.CASES, *spoiling.CASES, *teaching.CASES)
