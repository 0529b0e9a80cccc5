"""Methods by name, one's own among them, and the pictures they explain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audit.checks.session import Session
from audit.suite import Use

from ..toys import picture_model, pictures, session
from .trials import FEW, OWN


@pytest.fixture
def use(tmp_path: Path) -> Callable[[str], Use]:
    (tmp_path / "own.py").write_text(OWN)

    def found(name: str) -> Use:
        if name in ("noise", "gradient"):
            return Use("saliency", f"own.py:{name}", {}, tmp_path)
        return Use("saliency", name, FEW.get(name, {}))

    return found


@pytest.fixture
def toys() -> Session:
    return session(picture_model(), *pictures(24, seed=11))
