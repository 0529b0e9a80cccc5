"""Video files, decoded by PyAV: frames spread evenly over a recording, and its sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import DataError
from audit.extras import needed

Grey = NDArray[np.uint8]
"""One grey frame, (height, width)."""


def read_frames(path: Path, count: int) -> list[Grey]:
    """Return `count` grey frames, evenly over the recording's duration and upright, each as large as it was recorded.

    They are the frames shown in the middle of `count` equal spans of time; a recording of fewer repeats some. What a
    file holds and does not show, as one trimmed without decoding does, is left out.
    Raises DataError where the file is no video or shows nothing, ModelError where PyAV is not installed.
    """
    times: list[int] = []
    with _opened(path) as container:
        if not container.streams.video:
            told = "only sound; a model of `modality: speech` takes it" if container.streams.audio else "and no sound"
            raise DataError(f"{path}: has no picture, {told}")
        for packet in container.demux(container.streams.video[0]):
            time = packet.dts if packet.pts is None else packet.pts
            if packet.size and time is not None and not packet.is_discard:
                times.append(int(time))
    wanted = _evenly(np.sort(np.array(times, dtype=np.float64)), count)
    kept: list[Grey] = []
    shown: Any = None
    with _opened(path) as container:
        for frame in container.decode(container.streams.video[0]):
            time = frame.dts if frame.pts is None else frame.pts
            while shown is not None and len(kept) < count and time is not None and wanted[len(kept)] < time:
                kept.append(_upright(shown))
            shown = frame
            if len(kept) == count:
                break
        if shown is None:
            raise DataError(f"{path}: no frame of it can be decoded")
        # A file cut short has fewer frames than it lists: the last one stays on.
        kept += [_upright(shown)] * (count - len(kept))
    return kept


def read_sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return (mono waveform in [-1, 1], sampling rate in Hz) of a video's sound.

    Raises DataError where the file is no video or has no sound, ModelError where PyAV is not installed.
    """
    av = needed("av", extra="video")
    with _opened(path) as container:
        if not container.streams.audio:
            raise DataError(f"{path}: has no sound, only a picture; a model of `modality: video` takes it")
        stream = container.streams.audio[0]
        planar = av.AudioResampler(format="fltp")
        parts = [
            part.to_ndarray().mean(axis=0)
            for frame in (*container.decode(stream), None)
            for part in planar.resample(frame)
        ]
        rate = int(stream.rate)
    if not parts:
        raise DataError(f"{path}: no sound of it can be decoded")
    return np.concatenate(parts).clip(-1.0, 1.0).astype(np.float32), rate


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    av = needed("av", extra="video")
    try:
        # Opened here, because FFmpeg takes no name that is not UTF-8.
        with path.open("rb") as file, av.open(file) as container:
            yield container
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a video ({error})") from error


def _evenly(times: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the middles of `count` equal spans of the time in which frames are shown, rising."""
    if len(times) < 2:
        return np.full(count, times[0] if len(times) else 0.0)
    step = float(np.median(np.diff(times)))
    return times[0] + (np.arange(count) + 0.5) / count * (times[-1] + step - times[0])


def _upright(frame: Any) -> Grey:
    grey = frame.reformat(format="gray").to_ndarray()
    return np.ascontiguousarray(np.rot90(grey, round(frame.rotation / 90)))
