"""What the tests of screens share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from audit.checks.data import DataRun
from audit.dataset import open_dataset, open_train
from audit.input_spec import InputSpec
from audit.suite import DataSource, Use

from .made import EMOTIONS, FACES, SPEECH, Files, check_of, session_of, write


@pytest.fixture
def screened(tmp_path: Path) -> Callable[..., DataRun]:
    """Write a judged and a train set, and return the data check on them, not yet run."""

    def run(
        judged: Files, train: Files | None = None, *screens: str | Use, spec: InputSpec | None = None, **keys: str
    ) -> DataRun:
        kind = SPEECH if next(iter(judged.values())).ndim == 1 else FACES
        layout = Use("layout", "folder", dict(keys))
        test = write(tmp_path / "test", judged)
        trained = DataSource(layout, write(tmp_path / "train", train)) if train is not None else None
        source = DataSource(layout, test, train=trained)
        dataset = open_dataset(source, EMOTIONS)
        session = session_of(dataset, spec or kind)
        return DataRun(check_of(*screens), session, dataset, open_train(source, EMOTIONS))

    return run
