"""Speakers in the names of files."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.probing.found_data import find_data
from audit.starter.speakers import with_speakers


def named(root: Path, pattern: str) -> dict[str, str]:
    for speaker in ("1001", "1002", "1003"):
        for emotion in ("anger", "fear"):
            for number in range(3):
                path = root / emotion / pattern.format(speaker=speaker, emotion=emotion, number=number)
                path.parent.mkdir(exist_ok=True)
                path.touch()
    found = with_speakers(find_data(root))
    return {sample.path.name: sample.groups.get("speaker", "") for sample in found.samples if sample.path}


@pytest.mark.parametrize("pattern", ["{speaker}_{emotion}_{number}.wav", "{emotion}-{speaker}-{number}.wav"])
def test_a_name_that_comes_back_with_every_emotion_is_a_speaker(tmp_path: Path, pattern: str) -> None:
    found = named(tmp_path, pattern)
    assert set(found.values()) == {"1001", "1002", "1003"}
    assert all(speaker in name for name, speaker in found.items())


@pytest.mark.parametrize(
    "pattern",
    ["{emotion}_{speaker}{number}.wav", "{number}{speaker}_{emotion}.wav", "x_{number}_{speaker}{emotion}.wav"],
)
def test_counters_and_words_that_never_change_are_no_speakers(tmp_path: Path, pattern: str) -> None:
    assert set(named(tmp_path, pattern).values()) == {""}


def test_the_layout_finds_the_same_speakers_by_the_expression(tmp_path: Path) -> None:
    named(tmp_path, "{speaker}_{emotion}_{number}.wav")
    found = with_speakers(find_data(tmp_path))
    layout = found.source.layout
    again = find_data(tmp_path)
    assert layout.parameters.keys() == {"speaker"}
    assert again.source.layout.parameters == {}
    from audit.layouts.folder import folder

    assert list(folder(tmp_path, **layout.parameters)) == list(found.samples)
