"""Recordings as the model takes them, and what is said of those that cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audit.data import Dataset, Problem, Sample, read_audio, recording_of, split_at_random, split_by_group
from audit.errors import DataError
from audit.input_spec import InputSpec, SpeechInput

SPEC = SpeechInput(16000, 1.0, "waveform", offset=0.25)


def sample_of(path: Path, waveform: np.ndarray, rate: int = 16000, subtype: str | None = None) -> Sample:
    soundfile.write(path, waveform, rate, subtype=subtype)
    return Sample(path.stem, path, "anger")


def read(sample: Sample, spec: InputSpec = SPEC) -> np.ndarray:
    return recording_of(sample, Dataset((sample,), (), read_audio), spec)


def tone(seconds: float, rate: int = 16000) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def test_a_clip_is_cut_from_the_offset(tmp_path: Path) -> None:
    whole = tone(2.0)
    found = read(sample_of(tmp_path / "a.wav", whole, subtype="FLOAT"))
    np.testing.assert_allclose(found, whole[4000:20000], atol=1e-6)


@pytest.mark.parametrize(
    ("pad", "left"), [("end", 0), ("start", 12000), ("center", 6000)], ids=["end", "start", "center"]
)
def test_a_short_clip_is_padded_with_silence(tmp_path: Path, pad: str, left: int) -> None:
    spec = SpeechInput(16000, 1.0, "waveform", pad=pad)
    found = read(sample_of(tmp_path / "a.wav", tone(0.25), subtype="FLOAT"), spec)
    assert found.shape == (16000,)
    np.testing.assert_allclose(found[left : left + 4000], tone(0.25), atol=1e-6)
    assert np.abs(np.delete(found, np.s_[left : left + 4000])).max() == 0


def test_a_short_clip_is_repeated_where_the_manifest_says_so(tmp_path: Path) -> None:
    spec = SpeechInput(16000, 1.0, "waveform", pad="repeat")
    found = read(sample_of(tmp_path / "a.wav", tone(0.25), subtype="FLOAT"), spec)
    np.testing.assert_allclose(found, np.tile(tone(0.25), 4), atol=1e-6)


def test_another_sampling_rate_is_resampled_and_stereo_is_mixed(tmp_path: Path) -> None:
    stereo = np.column_stack([tone(2.0, 44100), tone(2.0, 44100)])
    found = read(sample_of(tmp_path / "a.wav", stereo, 44100, "FLOAT"))
    assert np.argmax(np.abs(np.fft.rfft(found))) == 440
    np.testing.assert_allclose(np.abs(found[1000:-1000]).max(), 0.5, atol=0.01)


@pytest.mark.parametrize(
    ("waveform", "told"),
    [
        (np.zeros(32000), "silent from 0.25 s to 1.25 s"),
        (np.where(np.arange(32000) == 7, np.nan, 0.1), "1 samples are NaN or infinite"),
        (tone(0.05), "0.050 s long; at least 0.1 s is needed"),
        (np.r_[tone(0.2), np.zeros(32000)], "silent from 0.25 s"),
    ],
    ids=["silent", "nan", "short", "silent-after-the-offset"],
)
def test_a_clip_that_cannot_be_judged_is_named_with_its_path(tmp_path: Path, waveform: np.ndarray, told: str) -> None:
    sample = sample_of(tmp_path / "clip.wav", waveform, subtype="FLOAT")
    with pytest.raises(DataError, match=told) as raised:
        read(sample)
    assert str(sample.path) in str(raised.value)


def test_a_file_that_is_no_audio_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").write_text("not audio")
    with pytest.raises(DataError, match=r"clip\.wav: cannot be read as audio"):
        read(Sample("clip", tmp_path / "clip.wav", "anger"))


def test_a_name_that_is_not_utf8_is_read_and_written_out(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff<b>.wav")
    with path.open("wb") as file:
        soundfile.write(file, tone(1.5), 16000, format="WAV")
    sample = Sample(path.stem, path, "anger", {"speaker": path.stem})
    assert len(read(sample)) == 16000
    assert (sample.id, sample.groups["speaker"]) == (r"\udcff<b>", r"\udcff<b>")
    assert Problem(str(path), "silent").path.endswith(r"\udcff<b>.wav")


def many() -> list[Sample]:
    return [Sample(f"clip-{i:03d}", None, "anger", {"speaker": f"s{i % 10}"}) for i in range(200)]


def test_a_random_split_does_not_depend_on_order_and_hardly_on_what_is_missing() -> None:
    samples = many()
    chosen = {sample.id for sample in split_at_random(samples, 0.2, 7)}
    assert len(chosen) == 40
    assert {sample.id for sample in split_at_random(samples[::-1], 0.2, 7)} == chosen
    assert chosen != {sample.id for sample in split_at_random(samples, 0.2, 8)}
    for missing in samples[::20]:
        rest = [sample for sample in samples if sample is not missing]
        assert len({sample.id for sample in split_at_random(rest, 0.2, 7)} - chosen) <= 1


def test_a_split_by_speaker_shares_no_speaker() -> None:
    samples = many()
    chosen = split_by_group(samples, "speaker", 0.2, 7)
    speakers = {sample.groups["speaker"] for sample in chosen}
    assert len(speakers) == 2
    assert not speakers & {sample.groups["speaker"] for sample in samples if sample not in chosen}


def test_a_column_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(DataError, match="no column 'actor' \\(there are: speaker\\)"):
        split_by_group(many(), "actor", 0.2, 7)
