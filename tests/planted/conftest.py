"""The planting code as its command imports it, and a sound model with a few generated speakers to plant into."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import Tensor

from audit.kinds import import_file

from .grounds import heard, prepared


@pytest.fixture(scope="module")
def planting(repository: Path) -> Any:
    """The modules that plant, imported as the command imports them."""
    sys.path.append(str(repository / "benchmarks"))
    try:
        command = import_file(repository / "benchmarks/planted.py")
        import planting.case
        import planting.judging
        import planting.recordings
    finally:
        # What lies beside the command must not be taken for what is installed.
        sys.path.remove(str(repository / "benchmarks"))
    return SimpleNamespace(
        case=planting.case,
        cases={case.name: case for case in command.CASES},
        judging=planting.judging,
        recordings=planting.recordings,
        command=command,
    )


@pytest.fixture(scope="module")
def ground(planting: Any, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A few generated speakers, and the quickstart model, which was trained on others, as the sound one."""
    size = planting.recordings.Size(train_speakers=12, train_clips=2, test_speakers=6, test_clips=1, known=2)
    return prepared(planting, repository, tmp_path_factory.mktemp("planted"), size)


@pytest.fixture(scope="module")
def inputs(ground: Any) -> Tensor:
    """The spectrograms (36, 1, 64, 63) of the clips to judge."""
    return heard(ground, [clip for clip in ground.clips if clip.split == "test"])
