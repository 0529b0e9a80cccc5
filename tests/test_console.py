"""What a terminal shows: bars or lines while it runs, then blocks that nothing in the data can disturb."""

from __future__ import annotations

import io
import json
import math
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from audit.console import Bars, Lines, block, show, watcher
from audit.report import markdown
from audit.rerun import rerun
from audit.wording import finding, plain, scope, sentence, title

FAIL, UNSURE = 1, 3
HOSTILE = "[red]x[/red]\x1b[31m\x1b]8;;http://evil\x07\u202e\r\n`| <b>"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def document(repository: Path) -> dict[str, Any]:
    """An audit that failed: rows pass, fail, pass beyond what was tested, and are unsure."""
    found: dict[str, Any] = json.loads((repository / "tests/report/failed.audit.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def shown(document: dict[str, Any], stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    show(document, Path("reports/s/m"), stream)
    return stream.getvalue()


def test_the_end_of_an_audit_reads_as_specified(document: dict[str, Any]) -> None:
    assert shown(document).splitlines() == [
        "FAIL recall at sigma 0.05, sadness",
        "  0.56 (95% CI 0.48-0.64, n=86), limit at least 0.70",
        '  61 of 82 new errors are "neutral"',
        "  add gaussian_noise at this severity to the training, and audit again",
        "  listen  reports/s/m/emotion/sadness.html#gaussian_noise",
        "  rerun   audit run suites/nemo-release-gate.audit.yaml --only gaussian_noise/sadness",
        "  limit   suites/nemo-release-gate.audit.yaml:33",
        "UNSURE faithfulness of lime, fear   0.052 (95% CI 0.031-0.073, n=41), limit at least 0.05",
        "  about 4x more clips would halve this interval",
        "report  reports/s/m/index.html",
        "GATE FAILED  1 fail, 1 unsure, 2 pass    exit 1",
    ]


def test_lines_stay_whole_on_a_narrow_terminal(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert "  listen  reports/s/m/emotion/sadness.html#gaussian_noise\n" in shown(document)


def test_colours_are_for_terminals_that_want_them(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in shown(document)
    assert "\x1b[1;31mFAIL\x1b[0m recall" in shown(document, Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in shown(document, Terminal())
    assert ";31m" not in shown(document, Terminal())


def test_a_hostile_emotion_cannot_steer_the_terminal_or_break_a_line(document: dict[str, Any]) -> None:
    before = len(shown(document).splitlines())
    row = document["verdicts"][FAIL]
    row["emotion"] = row["reason"] = row["next_step"] = HOSTILE
    row["place"] = HOSTILE + ":3"
    text = shown(document)
    assert len(text.splitlines()) == before
    assert not [c for c in text if c != "\n" and not c.isprintable()]
    assert "FAIL recall at sigma 0.05, [red]x[/red]\\x1b[31m" in text


def test_errors_come_before_failures_and_carry_no_value(document: dict[str, Any]) -> None:
    row = document["verdicts"][UNSURE]
    row.update(outcome="ERROR", value=None, interval=None, reason="lime gave no map", next_step="mend it")
    document["exit_code"] = 3
    lines = shown(document).splitlines()
    assert lines[:3] == ["ERROR faithfulness of lime, fear", "  lime gave no map", "  mend it"]
    assert lines[-1] == "GATE NOT JUDGED  1 error, 1 fail, 0 unsure, 2 pass    exit 3"


def test_clips_that_could_not_be_used_are_told(document: dict[str, Any]) -> None:
    document["data"]["problems"] = [{"path": "a.wav", "reason": "silent"}, {"path": "b.wav", "reason": "NaN"}]
    assert shown(document).startswith("2 problems with the data, the first: a.wav: silent\n")


def test_emotions_that_are_not_judged_are_told_wherever_the_decision_is(document: dict[str, Any]) -> None:
    document["data"]["left_out"] = {"calm": 96, "dis|gust": 1}
    document["suite"]["resolved"] = {"data": {"emotions": ["anger", "sadness"]}}
    document["model"]["emotions"] = ["anger", "fear", "sadness"]
    clips, emotions = scope(document)
    assert clips == "97 clips of emotions the suite does not judge left out: 96 calm, 1 dis|gust"
    assert emotions == "emotions of the model that the suite does not judge: fear"
    assert f"{clips}\n{emotions}\n" in shown(document)
    page = markdown.page(document)
    assert f"{clips}.\n" in unescape(page)
    assert "dis|gust" not in page
    assert f"{emotions[1:]}.\n" in page


def test_a_method_that_has_not_earned_its_place_is_told_in_a_line(document: dict[str, Any]) -> None:
    trials = [
        {
            "name": "chance",
            "outcome": "PASS",
            "reason": "probability drop 0.200 better than that of the same maps elsewhere",
        },
        {
            "name": "parameter_randomisation",
            "outcome": "FAIL",
            "reason": f"fails parameter randomisation: its maps hardly change {HOSTILE} (rank correlation 0.97)",
        },
    ]
    reason = trials[1]["reason"]
    failed = {"check": "saliency", "method": "smoothgrad", "outcome": "FAIL", "reason": reason, "trials": trials}
    earned = {"check": "saliency", "method": "lrp", "outcome": "PASS", "reason": "", "trials": trials[:1]}
    before = len(shown(document).splitlines())
    document["standings"] = [failed, earned]
    text = shown(document)
    told = "smoothgrad has not earned its place: fails parameter randomisation: its maps hardly change [red]x"
    assert told in text
    assert "0.97" not in text
    assert "lrp" not in text
    assert len(text.splitlines()) == before + 1
    assert unescape(markdown.page(document)).count(told) == 1


def test_a_shortcut_is_told_on_a_line_of_its_own(document: dict[str, Any]) -> None:
    shortcut = {"finding": "shortcut", "check": "saliency", "method": "lrp", "region": "tone<b>", "share": 0.634}
    shortcut["emotion"] = None
    document["findings"] = [{**shortcut, "chance": 0.05, "interval": [0.5, 0.6], "clips": 60, "told": "at length"}]
    told = "lrp finds a shortcut: 63% of its relevance lies in region 'tone<b>', by chance 5%"
    assert shown(document).startswith(f"{told}\n")
    page = markdown.page(document)
    assert f"**{told}.**" in unescape(page)
    assert "<b>" not in page
    document["findings"][0]["emotion"] = "sadness"
    assert "63% of its relevance of sadness lies in region" in shown(document)


def test_unsure_for_want_of_standing_carries_the_reason(document: dict[str, Any]) -> None:
    row = document["verdicts"][UNSURE]
    reason = "not shown to beat chance (probability drop 0.010 (-0.010 to 0.030) better)"
    document["standings"] = [
        {"check": "saliency", "method": "lime", "outcome": "UNSURE", "reason": reason, "trials": []}
    ]
    row["reason"] = f"lime: {reason}"
    assert f"  lime: {reason}\n" in shown(document)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"metric": "faithfulness_over_random", "of": "lrp", "by": "deletion"},
            "faithfulness over random of lrp by deletion",
        ),
        ({"metric": "localisation", "of": "lrp", "region": "low_tone"}, "localisation of lrp in region low_tone"),
        ({"metric": "overlap", "of": "lime", "after": "seed_stability"}, "overlap of lime after seed stability"),
        ({"metric": "conservation", "of": "lrp", "by": None, "region": None, "after": None}, "conservation of lrp"),
    ],
)
def test_titles_say_what_is_asked_of_maps(document: dict[str, Any], asked: dict[str, Any], told: str) -> None:
    row = {**document["verdicts"][UNSURE], "emotion": None, **asked}
    assert title(row, document) == told


def test_an_audit_of_a_part_says_so(document: dict[str, Any]) -> None:
    document["provenance"]["command"] = "audit run s.audit.yaml --only=fgsm --limit 5 --out x --model 'my m.yaml'"
    assert "judged in part: only fgsm, limit 5\n" in shown(document)
    assert rerun(document["verdicts"][0], document) == "audit run s.audit.yaml --model 'my m.yaml' --only clean"


def test_unsure_that_does_not_block_says_so(document: dict[str, Any]) -> None:
    document["verdicts"][UNSURE]["blocks"] = False
    assert block(document["verdicts"][UNSURE], document, None)[-1] == (
        "  does not block: the suite says when_unsure: pass"
    )


def test_very_many_failures_shrink_to_a_line_each(document: dict[str, Any]) -> None:
    document["verdicts"] = [{**document["verdicts"][FAIL], "id": f"clean::recall::{n}"} for n in range(40)]
    lines = shown(document).splitlines()
    assert sum(line.startswith("  rerun") for line in lines) == 12
    assert sum(line.startswith("FAIL ") for line in lines) == 40


@pytest.mark.parametrize(
    ("value", "interval", "limit", "told"),
    [
        (0.698, [0.6, 0.6996], (0.7, None), "0.6980 (95% CI 0.6000-0.6996, n=86), limit at least 0.70"),
        (0.1, [0.05, 0.2], (None, 0.3), "0.10 (95% CI 0.05-0.20, n=86), limit at most 0.30"),
        (0.0, [-0.02, 0.01], (None, 0.1), "0.000 (95% CI -0.020 to 0.010, n=86), limit at most 0.10"),
        (
            None,
            [0.01, None],
            (0.002, None),
            "beyond what was tested (95% CI from 0.010 to beyond what was tested, n=86)",
        ),
        (None, [None, None], (0.002, None), "beyond what was tested (95% CI beyond what was tested, n=86)"),
        (0.5, None, (0.1, 0.9), "0.50 (no interval, n=86), limit 0.10 to 0.90"),
        (None, None, (5, None), "not judged, limit at least 5"),
        (0.9, [0.6, 1.0], (0.65, None), "0.90 (95% CI 0.60-1.00, n=86), limit at least 0.65"),
        (12.34, [11.0, 14.0], (10, None), "12.3 (95% CI 11.0-14.0, n=86), limit at least 10"),
    ],
)
def test_numbers_show_two_figures_and_never_fall_onto_their_limit(
    document: dict[str, Any], value: float | None, interval: Any, limit: tuple[Any, Any], told: str
) -> None:
    row = document["verdicts"][FAIL] | {"value": value, "interval": interval}
    row["limit"] = {"min": limit[0], "max": limit[1]}
    assert finding(row, document).startswith(told)


def test_clusters_are_counted(document: dict[str, Any]) -> None:
    row = document["verdicts"][FAIL] | {"clusters": 9}
    document["decide"]["cluster"] = "speaker"
    assert "n=86 of 9 speakers)" in finding(row, document)
    assert "n=86 of 1 speaker)" in finding(row | {"clusters": 1}, document)


def test_titles_name_the_check_where_two_sweep_the_same(document: dict[str, Any]) -> None:
    row = document["verdicts"][FAIL]
    assert title(row, document) == "recall at sigma 0.05, sadness"
    document["suite"]["resolved"]["checks"].append({"id": "more", "sweep": {"sigma": [1]}})
    assert title(row, document) == "recall at sigma 0.05 of gaussian_noise, sadness"


def test_one_sentence_gives_the_decision_and_the_worst(document: dict[str, Any]) -> None:
    assert sentence(document) == "FAIL: 1 of 4 gates: recall at sigma 0.05, sadness"
    other = document["verdicts"][FAIL] | {"value": 0.2, "emotion": "fear"}
    document["verdicts"].append(other)
    assert sentence(document) == "FAIL: 2 of 5 gates; worst: recall at sigma 0.05, fear"
    document["verdicts"] = document["verdicts"][:1]
    assert sentence(document) == "PASS: 1 of 1 gates"
    document["verdicts"] = []
    assert sentence(document).startswith("NOT JUDGED")


def test_without_a_terminal_each_check_is_one_line() -> None:
    stream = io.StringIO()
    watching = watcher(["clean"], stream)
    assert isinstance(watching, Lines)
    with watching:
        watching.begin("a\x1b[1m", 10)
        watching.advance(4)
        watching.advance(6)
        watching.end()
    assert stream.getvalue() == "a\\x1b[1m  10/10  0:00\n"


@pytest.mark.parametrize("columns", ["30", "45", "80", "200"])
def test_a_terminal_has_a_bar_per_check(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stream = Terminal()
    watching = watcher(["clean", "[bold]noise"], stream)
    assert isinstance(watching, Bars)
    with watching:
        watching.announce("Model m")
        watching.begin("[bold]noise", 2505)
        watching.advance(1503)
        watching.end()
    text = stream.getvalue()
    assert "Model m" in text
    assert "[bol" in text
    assert "1503/2505" in text
    assert ("━" in text) == (int(columns) >= 60)


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(watcher([], Terminal()), Lines)


def test_bars_stop_when_the_audit_breaks() -> None:
    stream = Terminal()
    watching = watcher(["c"], stream)
    with pytest.raises(ZeroDivisionError), watching:
        math.floor(1 / 0)
    assert stream.getvalue().endswith("\x1b[?25h")


def test_plain_leaves_letters_of_all_alphabets() -> None:
    assert plain("Überraschung радость 😀") == "Überraschung радость 😀"
    assert plain("a\ud800b\x00\u2028") == "a\\ud800b\\x00\\u2028"
