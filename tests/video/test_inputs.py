"""What a model is given of a video: the face found, cut out, equalised and smoothed; with its sound, one vector."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from audit.audiovisual_input import AudiovisualInput
from audit.data import Dataset, Sample, recording_of
from audit.errors import DataError, SuiteError
from audit.face_crop import cropped, largest_face
from audit.input_spec import SpeechInput
from audit.manifest import read_manifest
from audit.video import read_frames, read_sound
from audit.video_input import VideoInput

from .made import FACE, RATE, SIDE, face, moving, voice, write

NONE = Dataset((), ())
BOTH = AudiovisualInput(RATE, 0.5, 4, 24, 32, offset=0.25)


def sample(path: Path) -> Sample:
    return Sample(path.stem, path, "sad")


def placed(top: int, left: int) -> np.ndarray:
    frame = np.full((120, 160), 90, np.uint8)
    frame[top : top + FACE, left : left + FACE] = face(1, 0, "neutral")
    return frame


def test_the_face_is_cut_out_wherever_it_is() -> None:
    (first, second) = (largest_face(placed(*corner)) for corner in ((8, 8), (40, 80)))
    assert first is not None
    assert second is not None
    assert np.abs(np.subtract(second[:2], first[:2]) - (72, 32)).max() <= 4
    cuts = cropped([placed(8, 8), placed(40, 80)], "two")
    alike = [cv2.resize(cut, (32, 32)).ravel() for cut in cuts]
    assert np.corrcoef(alike)[0, 1] > 0.9


def test_a_frame_without_a_face_is_cut_where_the_nearest_with_one_was() -> None:
    nothing = np.full((120, 160), 90, np.uint8)
    frames = [placed(8, 8), nothing, nothing, nothing, placed(40, 80)]
    sizes = [cut.mean() for cut in cropped([*frames[:4], np.full((120, 160), 7, np.uint8)], "one")]
    left, top, width, height = largest_face(placed(40, 80)) or (0, 0, 0, 0)
    assert sizes[1:4] == [90.0] * 3
    marked = nothing.copy()
    marked[top : top + height, left : left + width] = 200
    assert cropped([*frames[:3], marked, frames[4]], "two")[3].min() == 200


def test_a_video_without_any_face_names_the_file_and_what_to_do(tmp_path: Path) -> None:
    path = write(
        tmp_path / "wall.mp4", np.full((6, 96, 96), 90, np.uint8) + np.arange(6, dtype=np.uint8)[:, None, None]
    )
    with pytest.raises(DataError, match=r"wall\.mp4: no face is found in any of its 4 frames .*write `face: whole`"):
        recording_of(sample(path), NONE, VideoInput(4, 24, 24))


def test_real_faces_are_found_in_larger_frames(audit_data: Path) -> None:
    """Pictures of FER2013 are cut close; with a margin around them most are found, near where they were put."""
    found = 0
    for path in sorted((audit_data / "fer2013/test/happy").glob("*"))[:30]:
        frame = np.full((240, 320), 110, np.uint8)
        frame[48:192, 120:264] = np.asarray(Image.open(path).convert("L").resize((144, 144)))
        box = largest_face(frame)
        if box is not None:
            middle = np.add(box[:2], np.divide(box[2:], 2))
            found += int(np.abs(middle - (192, 120)).max() < 40)
    assert found >= 15


def test_frames_are_equalised_then_smoothed(tmp_path: Path) -> None:
    path = write(tmp_path / "sad.mp4", moving(1, 0, "sad"))
    raw = np.stack(read_frames(path, 4))
    plain = recording_of(sample(path), NONE, VideoInput(4, SIDE, SIDE, "whole", equalise=False, smoothing=0.0))
    np.testing.assert_allclose(plain, raw / 255.0, atol=1e-6)
    spread = recording_of(sample(path), NONE, VideoInput(4, SIDE, SIDE, "whole", smoothing=0.0))
    # A level becomes the share of pixels that are no brighter, but for the darkest level there is.
    levels = raw[0].ravel()
    counts = np.bincount(levels, minlength=256)
    darkest = counts[levels.min()]
    due = np.round(255 * (counts.cumsum()[levels] - darkest) / (len(levels) - darkest)) / 255
    np.testing.assert_allclose(spread[0].ravel(), due, atol=1.01 / 255)
    smooth = recording_of(sample(path), NONE, VideoInput(4, SIDE, SIDE, "whole", smoothing=2.0))
    np.testing.assert_allclose(smooth[0], gaussian_filter(spread[0], 2.0, mode="mirror"), atol=5e-3)


@pytest.mark.parametrize("frames", [3, 12, 20])
def test_frames_given_by_a_layout_are_brought_to_the_same_shape(frames: int) -> None:
    spec = VideoInput(5, 24, 32)
    raw = moving(1, 0, "sad", frames).astype(np.float32) / 255.0
    found = spec.recording(raw, 0, "given")
    assert found.shape == (5, 24, 32)
    assert found.dtype == np.float32
    assert 0.0 <= found.min() < found.max() <= 1.0
    np.testing.assert_array_equal(spec.recording(np.repeat(raw[..., None], 3, axis=3), 0, "rgb"), found)


def test_what_is_no_video_to_see_is_refused() -> None:
    spec = VideoInput(5, 24, 32)
    with pytest.raises(DataError, match=r"dark: blank, every pixel of every frame is 0\.00"):
        spec.recording(np.zeros((5, 24, 32), np.float32), 0, "dark")
    with pytest.raises(DataError, match=r"frames \(number, rows, columns\) are due"):
        spec.recording(np.zeros(99, np.float32), 0, "sound")
    with pytest.raises(DataError, match="1 values are NaN"):
        spec.recording(np.where(np.arange(640).reshape(5, 8, 16) == 3, np.nan, 0.5).astype(np.float32), 0, "odd")


def test_sound_and_picture_stand_one_after_the_other(tmp_path: Path) -> None:
    path = write(tmp_path / "both.mp4", moving(1, 0, "sad"), voice(1, 0, "sad"))
    found = recording_of(sample(path), NONE, BOTH)
    heard, seen = BOTH.parts
    np.testing.assert_array_equal(
        found[heard], SpeechInput(RATE, 0.5, "waveform", offset=0.25).recording(*read_sound(path), "both")
    )
    np.testing.assert_array_equal(
        found[seen].reshape(4, 24, 32), recording_of(sample(path), NONE, VideoInput(4, 24, 32))
    )
    assert len(found) == 8000 + 4 * 24 * 32


def test_every_cell_has_the_bounds_of_its_part() -> None:
    inputs = torch.cat([torch.full((1, 8000), -9.0), torch.full((1, 3072), -9.0)], dim=1)
    low, high = BOTH.clip(inputs)[0], BOTH.clip(-inputs)[0]
    assert BOTH.bounds == (-1.0, 1.0)
    assert torch.equal(low, torch.cat([torch.full((8000,), -1.0), torch.zeros(3072)]))
    assert torch.equal(high, torch.ones(11072))
    assert torch.equal(BOTH.nothing, torch.cat([torch.zeros(8000), torch.full((3072,), 0.5)]))
    assert torch.equal(BOTH.clip(BOTH.example(3)), BOTH.example(3))


WRONG = [
    ("modality: video, frames: 8, height: 24", "needs the key 'width'"),
    ("modality: video, frames: 8, height: 24, width: 24, face: fnd", "find"),
    ("modality: audiovisual, picture: {frames: 8, height: 24, width: 24}", "needs the key 'sound'"),
    ("modality: audiovisual, sound: {sampling_rate: 16000, seconds: 1}, picture: {frames: 8, height: 24, width: 24}, "
     "order: ns", "unknown key 'order'"),
    ("modality: video, frames: 8, height: 24, width: 24, colour: rgb", "unknown key 'colour'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_a_wrong_input_is_told_at_its_place(tmp_path: Path, given: str, said: str) -> None:
    path = tmp_path / "wrong.model.yaml"
    path.write_text(f"version: 1\nmodel: wrong\nloader: python\ninput: {{{given}}}\nemotions: [a, b]\n")
    with pytest.raises(SuiteError, match=said):
        read_manifest(path)


def test_a_manifest_says_what_is_heard_and_seen(tmp_path: Path) -> None:
    path = tmp_path / "both.model.yaml"
    path.write_text(
        "version: 1\nmodel: both\nloader: python\ninput: {modality: audiovisual, sound: {sampling_rate: 16000, "
        "seconds: 0.5, offset: 0.25}, picture: {frames: 4, height: 24, width: 32}}\nemotions: [a, b]\n"
    )
    assert read_manifest(path).spec == BOTH
    path.write_text(
        "version: 1\nmodel: seen\nloader: python\ninput: {modality: video, frames: 4, height: 24, width: 32, "
        "face: whole, equalise: false, smoothing: 0, order: nt1hw}\nemotions: [a, b]\n"
    )
    manifest = read_manifest(path)
    assert manifest.spec == VideoInput(4, 24, 32, "whole", equalise=False, smoothing=0.0)
    assert manifest.order == "nt1hw"
