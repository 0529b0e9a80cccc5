"""Frames and sound out of video files."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from audit.data import Sample, read_audio
from audit.errors import DataError, ModelError
from audit.video import read_frames, read_sound

from .made import FPS, RATE, moving, voice, write


@pytest.fixture
def steps() -> np.ndarray:
    """Twelve frames, each of one grey that tells its number."""
    return np.stack([np.full((32, 48), 20 * number, np.uint8) for number in range(12)])


@pytest.mark.parametrize(("count", "due"), [(3, [2, 6, 10]), (12, list(range(12))), (24, [i // 2 for i in range(24)])])
def test_frames_are_those_in_the_middle_of_equal_spans(
    tmp_path: Path, steps: np.ndarray, count: int, due: list[int]
) -> None:
    found = read_frames(write(tmp_path / "steps.mp4", steps), count)
    assert {frame.shape for frame in found} == {(32, 48)}
    assert [round(float(frame.mean()) / 20) for frame in found] == due


def test_frames_are_spread_over_time_and_not_over_their_number(tmp_path: Path, steps: np.ndarray) -> None:
    """The second half of the frames is shown three times as long as the first."""
    path = tmp_path / "uneven.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "gray"
        stream.codec_context.time_base = Fraction(1, FPS)
        at = 0
        for number, picture in enumerate(steps):
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            frame.pts, frame.time_base = at, Fraction(1, FPS)
            at += 1 if number < 6 else 3
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    shown = [round(float(frame.mean()) / 20) for frame in read_frames(path, 4)]
    # The middles of 22 ticks in four: 2.75, 8.25, 13.75, 19.25.
    assert shown == [2, 6, 8, 10]


def test_the_sound_of_a_video_is_that_of_its_file(tmp_path: Path) -> None:
    sound = voice(1, 0, "surprise")
    heard, rate = read_sound(write(tmp_path / "both.mp4", moving(1, 0, "surprise"), sound))
    assert rate == RATE
    assert abs(len(heard) - len(sound)) <= 2048
    # AAC is lossy, and may begin with up to two frames of nothing.
    likeness = [np.corrcoef(heard[lag : lag + 12000], sound[:12000])[0, 1] for lag in range(0, 2112, 64)]
    assert max(likeness) > 0.95


def test_a_model_of_speech_hears_the_sound_of_a_video(tmp_path: Path) -> None:
    path = write(tmp_path / "both.mp4", moving(1, 0, "sad"), voice(1, 0, "sad"))
    waveform, rate = read_audio(Sample("both", path, "sad"))
    assert np.array_equal(waveform, read_sound(path)[0])
    assert rate == RATE


def test_what_a_file_lacks_is_said(tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.mp4", moving(1, 0, "sad"))
    blind = write(tmp_path / "blind.mp4", None, voice(1, 0, "sad"))
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all" * 99)
    with pytest.raises(DataError, match=r"silent\.mp4: has no sound, only a picture; a model of `modality: video`"):
        read_sound(silent)
    with pytest.raises(DataError, match=r"blind\.mp4: has no picture, only sound; a model of `modality: speech`"):
        read_frames(blind, 4)
    for read in (lambda path: read_frames(path, 4), read_sound):
        with pytest.raises(DataError, match=r"broken\.mp4: cannot be read as a video"):
            read(broken)


def test_a_file_cut_short_shows_what_is_left(tmp_path: Path, steps: np.ndarray) -> None:
    noise = np.random.default_rng(0).integers(0, 20, (12, 32, 48))
    whole = write(tmp_path / "whole.mkv", (steps + noise).astype(np.uint8))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: int(0.6 * whole.stat().st_size)])
    found = read_frames(cut, 4)
    assert len(found) == 4
    assert 60 < found[-1].mean() - found[0].mean() < 140


def test_without_pyav_the_line_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ModelError, match=r'pip install "emotion-audit\[video\]"'):
        read_frames(tmp_path / "any.mp4", 4)


def test_what_a_trimmed_file_holds_and_does_not_show_is_not_seen(tmp_path: Path) -> None:
    """Trimmed as phones do: the packets before the cut stay in the file, marked as not to be shown."""
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.mp4"
    with av.open(str(whole), "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.height, stream.width, stream.pix_fmt, stream.bit_rate = 64, 64, "yuv420p", 2_000_000
        stream.codec_context.gop_size = 24
        for number in range(24):
            picture = np.full((64, 64), 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode())
    with av.open(str(whole)) as before, av.open(str(cut), "w", options={"avoid_negative_ts": "disabled"}) as after:
        stream = before.streams.video[0]
        copy = after.add_stream_from_template(stream)
        tick = round(1 / FPS / stream.time_base)
        for packet in before.demux(stream):
            if packet.dts is not None:
                packet.pts, packet.dts, packet.stream = packet.pts - 8 * tick, packet.dts - 8 * tick, copy
                after.mux(packet)
    shown = [round(float(frame.mean()) / 10) for frame in read_frames(cut, 4)]
    # Of frames 8 to 23, the middles of four equal spans.
    assert shown == [10, 14, 18, 22]
