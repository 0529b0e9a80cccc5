"""How recordings lie, found out."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.errors import DataError, UsageError
from audit.probing.found_data import find_data


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_named_after_emotions_are_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "anger/a.wav", "fear/b.wav", "fear/c.wav")
    found = find_data(tmp_path)
    assert (found.source.layout.method, found.emotions) == ("folder", {"anger": 1, "fear": 2})
    assert found.modality == "speech"


def test_names_that_say_everything_go_before_folders(tmp_path: Path) -> None:
    touch(tmp_path, "Actor_01/03-01-05-01-01-01-01.wav", "Actor_02/03-01-06-01-01-01-02.wav")
    assert find_data(tmp_path).source.layout.method == "ravdess"
    table = tmp_path / "nemo" / "data.tsv"
    touch(tmp_path, "nemo/samples/a.wav")
    table.write_text(
        "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\na.wav\tfear\tx\tx\ts\tf\t3\n"
    )
    assert find_data(tmp_path / "nemo").source.layout.method == "nemo"


def test_crema_d_is_known_by_its_folder(tmp_path: Path) -> None:
    touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioWAV/1002_DFA_HAP_XX.wav", "VideoFlash/1001_DFA_ANG_XX.flv")
    found = find_data(tmp_path)
    assert (found.source.layout.method, found.emotions) == ("crema_d", {"anger": 1, "happy": 1})


def test_of_a_data_set_with_parts_of_its_own_the_one_held_out_is_guessed(tmp_path: Path) -> None:
    for part, emotion in (("crowd_train", "sad"), ("crowd_test", "angry")):
        touch(tmp_path, f"{part}/wavs/{part}.wav")
        row = f"{part}\twavs/{part}.wav\t{emotion}\t\ts\n"
        header = "hash_id\taudio_path\tannotator_emo\tgolden_emo\tsource_id\n"
        (tmp_path / part / f"raw_{part}.tsv").write_text(header + row)
    found = find_data(tmp_path)
    assert (found.source.layout.method, found.emotions) == ("dusha", {"angry": 1})
    assert found.source.split == {"column": "split", "values": ["test"]}
    assert "holds out" in found.guessed["split"]
    assert find_data(tmp_path, split="train").emotions == {"sad": 1}


def test_the_table_of_fer2013_holds_faces(tmp_path: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    rows = "".join(f"{emotion},{usage},{pixels}\n" for emotion, usage in ((3, "Training"), (4, "PublicTest")))
    (tmp_path / "icml_face_data.csv").write_text("emotion, Usage, pixels\n" + rows)
    for root in (tmp_path, tmp_path / "icml_face_data.csv"):
        found = find_data(root)
        assert (found.source.layout.method, found.modality, found.emotions) == ("fer2013", "face", {"sad": 1})
        assert found.reader("face")(found.samples[0])[0].shape == (48, 48, 3)


@pytest.mark.parametrize("given", ["", "clips.csv"])
def test_a_table_tells_its_columns_by_their_names(tmp_path: Path, given: str) -> None:
    touch(tmp_path, "x/1.png", "x/2.png")
    (tmp_path / "clips.csv").write_text("Filename,label,speaker\nx/1.png,happy,a\nx/2.png,sad,b\n")
    found = find_data(tmp_path / given)
    assert found.source.root == tmp_path / "clips.csv"
    assert found.source.layout.parameters == {"path_column": "Filename", "emotion_column": "label"}
    assert found.emotions == {"happy": 1, "sad": 1}
    assert (found.modality, found.samples[0].groups) == ("face", {"speaker": "a"})


def test_a_folder_of_parts_is_looked_into_for_the_one_held_out(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{part}/{emotion}/1.png" for part in ("train", "test") for emotion in ("sad", "happy")))
    found = find_data(tmp_path)
    assert found.source.root == tmp_path / "test"
    assert "itself holds no emotions" in found.guessed["root"]


def test_a_split_is_the_clips_whose_column_has_that_value(tmp_path: Path) -> None:
    touch(tmp_path, "1.wav", "2.wav")
    (tmp_path / "clips.csv").write_text("path,emotion,split,fold\n1.wav,sad,train,1\n2.wav,sad,test,2\n")
    assert [s.id for s in find_data(tmp_path / "clips.csv", split="test").samples] == ["2"]
    found = find_data(tmp_path / "clips.csv", split="fold=1")
    assert [s.id for s in found.samples] == ["1"]
    assert found.source.split == {"column": "fold", "values": ["1"]}


def test_what_is_none_of_these_is_said_to_be_so_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no layout finds recordings there \(.*nemo: .*data.tsv: no such file"):
        find_data(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        find_data(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="with --data"):
        find_data(None)
    with pytest.raises(UsageError, match="layout nemo needs --data"):
        find_data(None, "nemo")
    assert len(find_data(None, "synthetic").samples) == 480
