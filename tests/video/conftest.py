"""Videos, and models that learned from them, made once."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from audit.kinds import import_file

pytest.importorskip("av", reason='no PyAV; pip install "emotion-audit[video]"')
pytest.importorskip("cv2", reason='no OpenCV; pip install "emotion-audit[video]"')

TRAINED_ON = ("01", "02", "03", "04", "05")


@pytest.fixture(scope="session")
def made(repository: Path) -> ModuleType:
    """The module that makes videos."""
    return import_file(repository / "tests/video/made.py")


@pytest.fixture(scope="session")
def videos(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of each of eight actors and two emotions, with sound, named as those of RAVDESS are."""
    root: Path = made.recordings(tmp_path_factory.mktemp("ravdess"), 8, 2)
    return root


@pytest.fixture(scope="session")
def learned(repository: Path, videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of the picture, one of the sound and their ensemble, which never saw actors 06 to 08."""
    folder = tmp_path_factory.mktemp("learned")
    import_file(repository / "tests/video/learned.py").learn(folder, videos, repository / "models", TRAINED_ON)
    return folder
