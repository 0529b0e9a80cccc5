"""How a probe reads, at any width."""

from __future__ import annotations

import pytest

from audit.probing.probe import Answered
from audit.probing.table import answers, folded, shortened

CLIPS = [
    Answered("a/very/long/path/of/a/clip.wav", "anger", {"anger": 0.7, "happiness": 0.2, "surprised": 0.1}),
    Answered("b.wav", "surprised", {"anger": 0.2, "happiness": 0.5, "surprised": 0.3}),
]


def rows(width: int | None) -> list[str]:
    return [line.plain for line in answers(CLIPS, width)]


def test_a_pipe_gets_whole_names_in_one_line_a_clip() -> None:
    assert rows(None) == [
        "file                            true       anger  happiness  surprised",
        "a/very/long/path/of/a/clip.wav  anger      0.70*  0.20       0.10",
        "b.wav                           surprised  0.20   0.50!      0.30",
    ]


def test_a_narrower_terminal_gets_shorter_names_then_paths_above_then_a_list() -> None:
    assert rows(60)[0].split() == ["file", "true", "ange", "happ", "surp"]
    assert rows(45)[:3] == [
        "  true       anger  happiness  surprised",
        "a/very/long/path/of/a/clip.wav",
        "  anger      0.70*  0.20       0.10",
    ]
    assert rows(35)[0].split() == ["true", "ange", "happ", "surp"]
    assert rows(24) == [
        "a/very/long/path/of/a/clip.wav",
        "  anger",
        "  anger 0.70*",
        "  happiness 0.20",
        "  surprised 0.10",
        "b.wav  surprised",
        "  anger 0.20",
        "  happiness 0.50!",
        "  surprised 0.30",
    ]


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["anger", "fear"], ["ange", "fear"]),
        (["male_anger", "male_fear"], ["male_a", "male_f"]),
        (["a", "b"], ["a", "b"]),
        (["neutral", "neutrals"], ["neutral", "neutrals"]),
    ],
)
def test_names_are_cut_to_what_tells_them_apart(names: list[str], short: list[str]) -> None:
    assert shortened(names) == short


def test_nothing_in_a_name_steers_the_terminal() -> None:
    clip = Answered("\x1b[31mred.wav", "an\nger", {"an\nger": 1.0, "b": 0.0})
    told = "\n".join(line.plain for line in answers([clip], None))
    assert "\x1b" not in told
    assert len(told.splitlines()) == 2
    assert folded("a\x07b", 40, "")[0].plain == "a\\x07b"
