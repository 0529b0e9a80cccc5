"""Data sources opened: names, ids, splits and problems."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from audit.data import Sample
from audit.dataset import count_clips, open_dataset, split
from audit.errors import DataError
from audit.suite import DataSource, Use

EMOTIONS = ("anger", "fear", "happiness", "neutral", "sadness", "surprised")
OWN = """
from audit.data import Sample, Region
from audit.kinds import layout

def silence(sample):
    return [0.0] * 100, 100

def everywhere(sample):
    return (Region(0, 1, 0, 50),)

@layout(read=silence, truth=everywhere)
def drawn(root, *, clips: int = 2):
    for index in range(clips):
        yield Sample("same", None, "anger", {"speaker": str(index)})
"""


@pytest.fixture
def clips(tmp_path: Path) -> DataSource:
    rows = ["path,emotion,speaker,split"]
    for index in range(20):
        (tmp_path / f"{index:02d}.wav").touch()
        rows.append(f"{index:02d}.wav,{EMOTIONS[index % 2]},s{index // 4},{'test' if index % 5 == 0 else 'train'}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    return DataSource(Use("layout", "table"), tmp_path / "t.csv")


def ids(source: DataSource, emotions: tuple[str, ...] = EMOTIONS[:2]) -> list[str]:
    return [sample.id for sample in open_dataset(source, emotions).samples]


def test_without_a_split_all_clips_are_judged_in_their_order(clips: DataSource) -> None:
    assert ids(clips) == [f"{index:02d}" for index in range(20)]


def test_a_random_split_follows_from_its_seed_alone(clips: DataSource) -> None:
    quarter = replace(clips, split={"random": 0.25}, seed=3)
    assert len(ids(quarter)) == 5
    assert ids(quarter) == ids(quarter)
    assert ids(quarter) != ids(replace(quarter, seed=4))


def test_a_split_does_not_depend_on_the_order_of_the_files(clips: DataSource) -> None:
    samples = open_dataset(clips, EMOTIONS).samples
    for how in ({"random": 0.25}, {"by": "speaker", "share": 0.4}):
        forward, backward = split(samples, how, 5), split(samples[::-1], how, 5)
        assert forward == backward[::-1]


def test_a_split_by_speaker_keeps_speakers_whole(clips: DataSource) -> None:
    chosen = open_dataset(replace(clips, split={"by": "speaker", "share": 0.4}), EMOTIONS).samples
    assert Counter(sample.groups["speaker"] for sample in chosen).keys() <= {"s0", "s1", "s2", "s3", "s4"}
    assert set(Counter(sample.groups["speaker"] for sample in chosen).values()) == {4}
    assert len(chosen) == 8


def test_a_split_by_column_takes_its_values(clips: DataSource) -> None:
    assert ids(replace(clips, split={"column": "split", "values": ("test",)})) == ["00", "05", "10", "15"]


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"column": "fold", "values": ("test",)}, r"no column 'fold' \(there are: speaker, split\)"),
        ({"by": "speakr", "share": 0.5}, "did you mean 'speaker'"),
        ({"column": "split", "values": ("tset",)}, "did you mean 'test'"),
        ({"random": 0.01}, "is empty"),
    ],
)
def test_a_split_that_cannot_be_drawn_is_an_error(clips: DataSource, how: dict[str, object], told: str) -> None:
    with pytest.raises(DataError, match=told):
        open_dataset(replace(clips, split=how), EMOTIONS)


def test_a_split_by_a_column_some_clips_lack_is_an_error() -> None:
    samples = (Sample("a", Path("a.wav"), "anger", {"speaker": "s"}), Sample("b", Path("b.wav"), "anger"))
    with pytest.raises(DataError, match=r"1 of 2 clips say nothing in column 'speaker', the first b\.wav"):
        split(samples, {"by": "speaker", "share": 0.5}, 0)


def test_an_emotion_the_model_does_not_know_is_a_problem_with_path_and_name(clips: DataSource) -> None:
    dataset = open_dataset(clips, ("anger", "fears"))
    assert len(dataset.samples) == 10
    unknown = [problem for problem in dataset.problems if problem.path.endswith(".wav")]
    assert len(unknown) == 10
    assert unknown[0].reason == "emotion 'fear' is none of the model's; did you mean 'fears'? (it knows: anger, fears)"
    assert "no clip of 'fears'" in dataset.problems[-1].reason


def test_emotions_are_renamed_before_they_are_looked_up(clips: DataSource) -> None:
    renamed = open_dataset(replace(clips, rename={"fear": "angst"}), ("anger", "angst"))
    assert Counter(sample.emotion for sample in renamed.samples) == {"anger": 10, "angst": 10}
    assert renamed.problems == ()


def test_a_rename_of_what_no_clip_has_is_a_problem(clips: DataSource) -> None:
    (problem,) = open_dataset(replace(clips, rename={"fera": "fear"}), EMOTIONS[:2]).problems
    assert problem.reason == "data.rename names 'fera', which no clip has; did you mean 'fear'?"


def test_data_without_any_of_the_models_emotions_is_an_error(clips: DataSource) -> None:
    with pytest.raises(DataError, match=r"no clip of joy, awe found; the first of 20 problems: .*00\.wav"):
        open_dataset(clips, ("joy", "awe"))


@pytest.mark.parametrize("root", [None, Path("/nowhere/at/all")])
def test_data_that_is_not_there_says_where_it_was_looked_for(clips: DataSource, root: Path | None) -> None:
    with pytest.raises(DataError, match="--data"):
        open_dataset(replace(clips, root=root), EMOTIONS)


def test_clips_that_share_an_id_are_told_apart_by_their_paths(tmp_path: Path) -> None:
    for name in ("anger/1.wav", "anger/1.flac", "fear/1.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    source = DataSource(Use("layout", "folder"), tmp_path)
    assert ids(source) == ["1.flac", "1.wav", "fear/1"]


def test_a_layout_of_ones_own_brings_its_own_reading_and_truth(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    source = DataSource(Use("layout", "own.py:drawn", {"clips": 3}, tmp_path), tmp_path)
    dataset = open_dataset(source, ("anger", "fear"))
    assert [sample.id for sample in dataset.samples] == ["same", "same#2", "same#3"]
    assert dataset.read(dataset.samples[0])[1] == 100
    assert dataset.truth is not None
    assert dataset.truth(dataset.samples[0])[0].high == 50


def test_clips_are_counted_as_they_would_be_opened(clips: DataSource) -> None:
    listing = count_clips(replace(clips, split={"by": "speaker", "share": 0.4}), EMOTIONS[:3])
    assert sum(listing.emotions.values()) == 8
    assert (listing.emotions["happiness"], listing.columns) == (0, ("speaker", "split"))
    assert count_clips(clips).emotions == {"anger": 10, "fear": 10}


@pytest.mark.data
def test_a_fifth_of_nemo_at_random_is_501_clips(audit_data: Path) -> None:
    nemo = DataSource(Use("layout", "nemo"), audit_data / "nemo")
    assert len(open_dataset(nemo, EMOTIONS).samples) == 2503
    fifth = open_dataset(replace(nemo, split={"random": 0.2}, seed=7), EMOTIONS)
    assert (len(fifth.samples), fifth.problems) == (501, ())
    assert {sample.emotion for sample in fifth.samples} == set(EMOTIONS)


@pytest.mark.data
def test_no_speaker_of_nemo_is_on_both_sides_of_a_split_by_speaker(audit_data: Path) -> None:
    nemo = DataSource(Use("layout", "nemo"), audit_data / "nemo")
    everything = open_dataset(nemo, EMOTIONS).samples
    test = open_dataset(replace(nemo, split={"by": "speaker", "share": 0.2}), EMOTIONS).samples
    chosen = {sample.id for sample in test}
    inside = {sample.groups["speaker"] for sample in test}
    outside = {sample.groups["speaker"] for sample in everything if sample.id not in chosen}
    assert inside
    assert outside
    assert not inside & outside


def test_only_the_declared_emotions_are_judged_and_awaited(clips: DataSource) -> None:
    dataset = open_dataset(replace(clips, emotions=("anger",)), EMOTIONS)
    assert {sample.emotion for sample in dataset.samples} == {"anger"}
    # Without the declaration, the five other emotions of the model would be missed.
    assert (dataset.left_out, dataset.problems) == ({"fear": 10}, ())
    assert len(open_dataset(clips, EMOTIONS).problems) == 4


def test_where_the_data_names_all_that_is_judged_otherwise_its_own_names_are_told(clips: DataSource) -> None:
    with pytest.raises(DataError, match=r"no clip of joy found; left out are clips of anger, fear: give .*`rename:`"):
        open_dataset(replace(clips, emotions=("joy",)), EMOTIONS)
