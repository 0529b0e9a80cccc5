"""Pictures of every kind as a model of faces takes them, and what is said of those that are none."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from audit.data import Dataset, Sample, read_picture, recording_of
from audit.errors import DataError
from audit.input_spec import FaceInput

GREY, RGB = FaceInput(20, 30), FaceInput(20, 30, "rgb")
RAMP: NDArray[np.uint8] = np.tile(np.linspace(10, 240, 30).round().astype(np.uint8), (20, 1))


def sample_of(path: Path) -> Sample:
    return Sample(path.stem, path, "anger")


def recording(path: Path, spec: FaceInput = GREY) -> NDArray[np.float32]:
    sample = sample_of(path)
    return recording_of(sample, Dataset((sample,), ()), spec)


def coloured() -> NDArray[np.uint8]:
    return np.stack([RAMP, RAMP[:, ::-1], np.full_like(RAMP, 90)], axis=-1)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.PNG"])
def test_a_grey_picture_is_read_to_the_last_bit(tmp_path: Path, name: str) -> None:
    Image.fromarray(RAMP).save(tmp_path / name)
    found = recording(tmp_path / name)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, RAMP[None] / np.float32(255))


def test_a_picture_in_colour_is_read_to_the_last_bit(tmp_path: Path) -> None:
    Image.fromarray(coloured()).save(tmp_path / "a.png")
    np.testing.assert_array_equal(recording(tmp_path / "a.png", RGB), coloured().transpose(2, 0, 1) / np.float32(255))


def test_colours_are_made_grey_by_how_bright_they_look(tmp_path: Path) -> None:
    Image.fromarray(coloured()).save(tmp_path / "a.png")
    brightness = coloured() @ np.array([0.299, 0.587, 0.114])
    assert np.abs(255 * recording(tmp_path / "a.png")[0] - brightness).max() <= 1.0


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_a_lossy_picture_is_read_as_nearly_as_it_was_kept(tmp_path: Path, name: str) -> None:
    Image.fromarray(RAMP).convert("RGB").save(tmp_path / name, quality=95)
    assert np.abs(recording(tmp_path / name) - RAMP / 255).max() < 0.03


def test_a_picture_with_transparency_keeps_its_colours(tmp_path: Path) -> None:
    half = np.concatenate([coloured(), np.where(RAMP > 120, 255, 0).astype(np.uint8)[..., None]], axis=-1)
    Image.fromarray(half).save(tmp_path / "a.png")
    np.testing.assert_array_equal(recording(tmp_path / "a.png", RGB), coloured().transpose(2, 0, 1) / np.float32(255))


def test_a_picture_of_a_palette_is_read_in_its_colours(tmp_path: Path) -> None:
    Image.fromarray(RAMP).convert("P").save(tmp_path / "a.png")
    np.testing.assert_array_equal(recording(tmp_path / "a.png"), RAMP[None] / np.float32(255))


def test_a_picture_for_print_is_read_in_the_colours_of_a_screen(tmp_path: Path) -> None:
    Image.fromarray(coloured()).convert("CMYK").save(tmp_path / "a.jpg", quality=100, subsampling=0)
    assert np.abs(recording(tmp_path / "a.jpg", RGB) - coloured().transpose(2, 0, 1) / 255).max() < 0.05


def test_a_picture_of_black_and_white_is_read_as_these(tmp_path: Path) -> None:
    Image.fromarray(RAMP > 120).save(tmp_path / "a.png")
    np.testing.assert_array_equal(recording(tmp_path / "a.png")[0], RAMP > 120)


def test_a_picture_is_turned_upright_as_its_camera_says(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # the top row is the right-hand side
    Image.fromarray(np.ascontiguousarray(np.rot90(RAMP))).save(tmp_path / "a.jpg", exif=turned, quality=95)
    found = recording(tmp_path / "a.jpg")
    assert found.shape == (1, 20, 30)
    assert np.abs(found[0] - RAMP / 255).max() < 0.03


def test_a_picture_of_another_size_is_resized_as_the_manifest_says(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    found = recording(tmp_path / "a.png", FaceInput(10, 15, resize="box"))
    expected = RAMP.reshape(10, 2, 15, 2).mean(axis=(1, 3)) / 255
    assert np.abs(found[0] - expected).max() <= 1.0 / 255


def bomb(rows: int, columns: int) -> bytes:
    """Return a PNG of few bytes that claims to be of very many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("name", ["truncated.png", "truncated.jpg", "empty.png", "text.png", "bomb.png", "none.png"])
def test_a_picture_that_cannot_be_read_is_named_with_its_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.startswith("truncated"):
        whole = tmp_path / f"whole{path.suffix}"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)).save(whole)
        path.write_bytes(whole.read_bytes()[:-200])
    elif name != "none.png":
        content = {"empty.png": b"", "text.png": b"a face\n", "bomb.png": bomb(60_000, 60_000)}[name]
        path.write_bytes(content)
    with pytest.raises(DataError) as error:
        recording(path)
    assert str(error.value).startswith(f"{path}: cannot be read as a picture (")
    assert "\n" not in str(error.value)


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match="cannot be read as a picture"):
        read_picture(sample_of(tmp_path / "a.png"))


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_is_named_with_its_shade(tmp_path: Path, shade: int) -> None:
    Image.new("RGB", (50, 40), (shade, shade, shade)).save(tmp_path / "a.png")
    for spec in (GREY, RGB):
        with pytest.raises(DataError, match=rf"a\.png: blank, every pixel is {shade / 255:.2f}"):
            recording(tmp_path / "a.png", spec)


def test_colours_that_look_equally_bright_are_blank_to_a_model_of_grey(tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :15], pixels[:, 15:] = (100, 0, 0), (0, 51, 0)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert recording(tmp_path / "a.png", RGB).max() > 0
    with pytest.raises(DataError, match="blank"):
        recording(tmp_path / "a.png")


def test_values_that_are_no_numbers_are_told() -> None:
    raw = np.full((20, 30, 3), 0.5, np.float32)
    raw[3, 4, 0] = np.nan
    with pytest.raises(DataError, match="face: 1 values are NaN or infinite"):
        GREY.recording(raw, 0, "face")
