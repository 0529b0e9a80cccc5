"""The driver of screens: what it reads, records, refuses and tells."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audit.checks.data import LISTED_AT_MOST, DataRun
from audit.data import Dataset, Problem, Sample
from audit.errors import DataError
from audit.record import table
from audit.suite import Use

from .made import FACES, RATE, SPEECH, Floats, check_of, found_by, sample, session_of, texture, voice, write

Screened = Callable[..., DataRun]
OWN = """
from audit.kinds import screen
from audit.screening import Finding

def middle(recording):
    return float(recording.values.mean())

@screen(modality="face", reads=middle)
def dark(items, *, below: float = 0.5):
    for item in items.judged:
        if item.kept < below:
            yield Finding(item, f"dark: {item.kept:.1f}")
            yield Finding(item, "said twice")

@screen()
def closer(items):
    for item in items.judged:
        if items.read(item).values.max() < 0.3:
            yield Finding(item, "looked at again")

@screen()
def careless(items):
    yield "anger/a"
"""


class Shelf:
    """Recordings in memory that count how often each is read; a text is the reason why one cannot be."""

    def __init__(self, **held: Floats | str) -> None:
        self.held, self.reads = held, Counter[str]()

    def read(self, one: Sample) -> tuple[Floats, int]:
        self.reads[one.id] += 1
        found = self.held[one.id]
        if isinstance(found, str):
            raise DataError(f"{one.id}: {found}")
        return found, RATE

    def dataset(self, *names: str, unusable: tuple[str, ...] = ()) -> Dataset:
        samples = tuple(sample(name, "anger" if name < "c" else "fear", speaker=name) for name in names)
        return Dataset(samples, (), self.read, unusable=tuple(sample(name) for name in unusable))


def picture(seed: int) -> Floats:
    return np.repeat(texture(seed)[..., None], 3, axis=2)


def test_every_recording_is_read_once_for_all_screens() -> None:
    shelf = Shelf(a=picture(1), b=picture(2), x=picture(1), y=picture(3))
    judged, train = shelf.dataset("a", "b"), shelf.dataset("x", "y")
    run = DataRun(check_of(), session_of(judged, FACES), judged, train)
    assert run.total() == 4
    scores = found_by(run)
    assert scores.keys() == {"blank", "clipped", "conflicting_labels", "exact_copies", "near_copies", "shared_groups"}
    assert set(shelf.reads.values()) == {1}


def test_nothing_is_read_for_a_screen_that_goes_by_what_is_known_of_the_samples() -> None:
    shelf = Shelf()
    judged, train = shelf.dataset("a", "b"), shelf.dataset("a", "y")
    run = DataRun(check_of("shared_groups"), session_of(judged, FACES), judged, train)
    assert found_by(run)["shared_groups"] == {"a": 1.0, "b": 0.0}
    assert not shelf.reads


def test_a_record_is_written_for_every_judged_sample(screened: Screened) -> None:
    run = screened({"anger/a": texture(1), "fear/b": texture(2)}, {"anger/x": texture(1)}, "exact_copies", "blank")
    rows = table(run.records())
    assert rows["check"].tolist() == ["data"] * 4
    assert rows["method"].tolist() == ["exact_copies", "exact_copies", "blank", "blank"]
    assert set(rows["measure"]) == {"found"}
    assert rows["severity"].isna().all()
    assert rows["score"].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert rows["predicted"].tolist() == [""] * 4


def test_results_depend_neither_on_the_order_nor_on_the_run() -> None:
    held = {f"{number:02d}": picture(number % 9) for number in range(24)}
    shelf = Shelf(**held)
    judged, train = shelf.dataset(*list(held)[:16]), shelf.dataset(*list(held)[16:])
    backwards = replace(judged, samples=judged.samples[::-1])
    runs = [
        DataRun(check_of("exact_copies", "near_copies", "conflicting_labels"), session_of(each, FACES), each, other)
        for each, other in (
            (judged, train),
            (judged, train),
            (backwards, replace(train, samples=train.samples[::-1])),
        )
    ]
    first, again, other = (found_by(run) for run in runs)
    assert first == again == other
    assert runs[0].summary == runs[1].summary == runs[2].summary
    assert runs[0].found == runs[2].found
    assert sum(first["exact_copies"].values()) == 15.0


@pytest.mark.parametrize(
    ("screen", "told"),
    [
        ("silent", "silent is for clips, and these are pictures"),
        ("shared_groups", "needs the train set: declare it as `train:` under `data:`"),
        ("near_copies", "needs the train set"),
    ],
)
def test_a_named_screen_that_cannot_be_applied_is_refused_with_the_reason(
    screened: Screened, screen: str, told: str
) -> None:
    run = screened({"anger/a": texture(1), "fear/b": texture(2)}, None, screen, "blank")
    assert found_by(run).keys() == {"blank"}
    assert run.refused.keys() == {screen}
    assert told in run.refused[screen]
    assert run.summary["refused"] == run.refused


def test_by_default_what_does_not_fit_is_left_out_and_listed_unless_a_gate_names_it(screened: Screened) -> None:
    run = screened({"anger/a": voice(1), "fear/b": voice(2)})
    assert found_by(run).keys() == {"clipped", "conflicting_labels", "exact_copies", "silent"}
    assert run.refused == {}
    assert run.summary["left_out"].keys() == {"blank", "near_copies", "shared_groups"}
    gated = DataRun(check_of(gated=("near_copies", "silent")), run.session, run.dataset, None)
    found_by(gated)
    assert gated.refused.keys() == {"near_copies"}
    assert gated.summary["left_out"].keys() == {"blank", "shared_groups"}


def test_what_cannot_be_judged_is_screened_and_told_but_has_no_record() -> None:
    shelf = Shelf(a=picture(1), b=np.zeros((48, 48, 3), np.float32), c="cannot be read", x=picture(2))
    judged, train = shelf.dataset("a", unusable=("b", "c")), shelf.dataset("x")
    run = DataRun(check_of("blank"), session_of(judged, FACES), judged, train)
    assert found_by(run) == {"blank": {"a": 0.0}}
    (row,) = run.summary["screens"]
    assert (row["found"], row["share"], row["not_judged"]) == (0, 0.0, 1)
    assert row["findings"][0]["set"] == "not judged"
    assert (run.summary["unread"], run.summary["problems"]) == (1, [{"path": "c", "reason": "cannot be read"}])
    some = replace(run.check, samples=1)
    assert DataRun(some, run.session, judged, None).total() == 1


def test_a_train_set_of_which_nothing_can_be_read_is_no_clean_bill() -> None:
    clip = np.zeros(100, np.float32)
    shelf = Shelf(a=picture(1), x="cannot be read", y=clip, z=np.full((4, 4, 3), np.nan, np.float32))
    judged, train = shelf.dataset("a"), shelf.dataset("x", "y", "z")
    run = DataRun(check_of("exact_copies"), session_of(judged, FACES), judged, train)
    assert found_by(run) == {}
    assert run.refused["exact_copies"] == (
        "none of the train set's recordings can be read; the first: x: cannot be read"
    )
    told = {each["path"]: each["reason"] for each in run.summary["problems"]}
    assert told == {
        "x": "cannot be read",
        "y": "is no picture (height, width, 3) but of shape (100,)",
        "z": "holds NaN or infinite values",
    }


def test_a_judged_recording_that_is_gone_is_an_error_not_a_clip_without_findings() -> None:
    shelf = Shelf(a=picture(1), b="is gone")
    judged = shelf.dataset("a", "b")
    with pytest.raises(DataError, match="b: was judged, and cannot be read again"):
        found_by(DataRun(check_of("blank"), session_of(judged, FACES), judged, None))


def test_the_summary_is_plain_and_lists_at_most_so_many(tmp_path: Path) -> None:
    names = [f"{number:03d}" for number in range(LISTED_AT_MOST + 20)]
    shelf = Shelf(**dict.fromkeys(names, picture(1)))
    judged = shelf.dataset(*names)
    run = DataRun(check_of("exact_copies"), session_of(judged, FACES), judged, None)
    found_by(run)
    (row,) = json.loads(json.dumps(run.summary))["screens"]
    assert (row["found"], row["groups"], len(row["findings"])) == (LISTED_AT_MOST + 19, 1, LISTED_AT_MOST)
    assert row["findings"][0] == {
        "sample": "001",
        "name": "001",
        "emotion": "anger",
        "set": "judged",
        "reason": "same pixels as 000 in the judged set, with the same label",
        "partner": "000",
        "partner_emotion": "anger",
        "group": row["findings"][1]["group"],
    }


def test_a_check_of_some_clips_screens_those(screened: Screened) -> None:
    run = screened({"anger/a": texture(1), "anger/b": texture(2), "fear/c": texture(3)}, None, "blank")
    some = DataRun(replace(run.check, samples=2), run.session, run.dataset, None)
    assert len(found_by(some)["blank"]) == 2
    assert some.summary["judged"] == 2


def test_a_screen_of_ones_own_is_asked_with_its_keys_and_counts_an_item_once(
    screened: Screened, tmp_path: Path
) -> None:
    (tmp_path / "own.py").write_text(OWN)

    def own(name: str, **keys: float) -> Use:
        return Use("screen", f"own.py:{name}", keys, tmp_path)

    judged = {"anger/a": 0.2 * texture(1), "fear/b": 0.5 + 0.5 * texture(2)}
    run = screened(judged, None, own("dark", below=0.4), own("closer"), own("careless"))
    scores = found_by(run)
    assert scores == {"dark": {"anger/a": 1.0, "fear/b": 0.0}, "closer": {"anger/a": 1.0, "fear/b": 0.0}}
    assert run.found["dark"]["anger/a"] == "dark: 0.1"
    assert len(run.summary["screens"][0]["findings"]) == 1
    assert run.refused["careless"].startswith("careless must yield a Finding on one of the items it was given")


def test_a_clip_of_a_speech_model_may_lie_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "one" / "deep", {"anger/a": voice(1)})
    write(tmp_path / "two", {"anger/b": voice(1)})
    monkeypatch.chdir(tmp_path)
    one, two = Path("one/deep/anger/a.wav"), tmp_path / "two" / "anger" / "b.wav"
    judged = Dataset((Sample("a", one, "anger"),), ())
    train = Dataset((Sample("b", two, "anger"),), (Problem("p", "r"),))
    run = DataRun(check_of("exact_copies"), session_of(judged, SPEECH), judged, train)
    assert found_by(run) == {"exact_copies": {"a": 1.0}}
    assert "two/anger/b.wav in the train set" in run.found["exact_copies"]["a"]
    assert math.isclose(run.summary["screens"][0]["share"], 1.0)


def test_the_screen_in_the_documents_runs(repository: Path, tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(# short\.py\n.*?)```", (repository / "docs" / "extending.md").read_text(), re.S)
    (tmp_path / "short.py").write_text(block)
    shelf = Shelf(a=voice(1), b=voice(2)[: RATE // 4])
    judged = shelf.dataset("a", "b")
    use = Use("screen", "short.py:short", {"least": 0.4}, tmp_path)
    run = DataRun(check_of(use), session_of(judged, SPEECH), judged, None)
    assert found_by(run) == {"short": {"a": 0.0, "b": 1.0}}
    assert run.found["short"]["b"] == "only 0.25 s long"
