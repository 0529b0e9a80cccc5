"""Scalings of a representation, with the bounds they leave."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audit.errors import ModelError
from audit.input_spec import FaceInput, SpeechInput
from audit.manifest import read_manifest
from audit.scaling import Affine, PerClip, from_file, onto

INPUTS = torch.rand(3, 2, 4, 5, generator=torch.Generator().manual_seed(0))


def test_a_range_is_reached_end_to_end() -> None:
    spec = FaceInput(4, 5, scaling=onto(-1.0, 1.0, (0.0, 1.0)))
    torch.testing.assert_close(spec.represent(INPUTS[:, :1]), 2 * INPUTS[:, :1] - 1)
    assert spec.bounds == (-1.0, 1.0)
    assert torch.equal(spec.clip(torch.tensor([[[[-3.0, 0.2, 5.0]]]])), torch.tensor([[[[-1.0, 0.2, 1.0]]]]))


def test_an_endless_representation_cannot_be_brought_onto_a_range() -> None:
    with pytest.raises(ModelError, match="finite bounds"):
        onto(-1.0, 1.0, (-float("inf"), 0.0))


def test_each_channel_has_its_own_bounds() -> None:
    spec = FaceInput(4, 5, colour="rgb", scaling=Affine([0.5, 0.4], [0.25, 0.1]))
    scaled = spec.represent(INPUTS)
    torch.testing.assert_close(scaled[:, 1], (INPUTS[:, 1] - 0.4) / 0.1)
    far = spec.clip(torch.full_like(INPUTS, 100.0))
    torch.testing.assert_close(far[0, :, 0, 0], torch.tensor([2.0, 6.0]))
    assert spec.bounds == pytest.approx((-4.0, 6.0))


@pytest.mark.parametrize("how", ["standard", "unit"])
def test_each_clip_by_its_own_values(how: str) -> None:
    found = PerClip(how).apply(INPUTS)  # type: ignore[arg-type]
    for got, clip in zip(found.numpy(), INPUTS.numpy(), strict=True):
        expected = (clip - clip.mean()) / clip.std() if how == "standard" else (clip - clip.min()) / np.ptp(clip)
        np.testing.assert_allclose(got, expected, atol=1e-5)
    assert torch.equal(PerClip(how).apply(torch.ones(1, 5)), torch.zeros(1, 5))  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["npz", "json"])
@pytest.mark.parametrize("shape", [(), (4,), (4, 5), (2, 4, 5)], ids=["number", "rows", "cells", "all"])
def test_a_file_holds_numbers_rows_or_cells(tmp_path: Path, ending: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    arrays = {"mean": rng.normal(size=shape), "std": rng.uniform(1, 2, size=shape)}
    path = tmp_path / f"scaler.{ending}"
    if ending == "npz":
        np.savez(path, **arrays)
    else:
        path.write_text(json.dumps({name: array.tolist() for name, array in arrays.items()}))
    inputs = INPUTS[:, :1] if shape == (4, 5) else INPUTS
    mean, std = (a[:, None] if a.ndim == 1 else a for a in arrays.values())
    np.testing.assert_allclose(from_file(path).apply(inputs).numpy(), (inputs.numpy() - mean) / std, atol=1e-5)


def test_a_smallest_and_largest_value_are_brought_to_the_unit_range(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", min=np.array(-80.0), max=np.array(0.0))
    spec = SpeechInput(16000, 1.0, "melspectrogram", {"scaling": "decibel"}, scaling=from_file(tmp_path / "s.npz"))
    assert spec.bounds == (0.0, 1.0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"mean": 0.0}, "needs mean and std, or min and max"),
        ({"mean": 0.0, "std": 0.0}, "std must be above 0"),
        ({"mean": [0.0, float("nan")], "std": [1.0, 1.0]}, "mean holds NaN or infinite values"),
        ({"min": 1.0, "max": 0.5}, "max must be above min"),
        ({"mean": "x", "std": 1.0}, "cannot be read as a scaling"),
    ],
)
def test_a_file_that_holds_no_scaling_is_refused(tmp_path: Path, content: dict, told: str) -> None:
    (tmp_path / "s.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=told):
        from_file(tmp_path / "s.json")


def test_a_file_with_pickled_arrays_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", mean=np.array([{}], dtype=object), std=np.ones(1))
    with pytest.raises(ModelError, match="cannot be read as a scaling"):
        from_file(tmp_path / "s.npz")


def test_arrays_of_another_shape_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", mean=np.zeros((3, 7)), std=np.ones((3, 7)))
    with pytest.raises(ModelError, match=r"holds \(3, 7\) values, and one input is \(2, 4, 5\)"):
        from_file(tmp_path / "s.npz").apply(INPUTS)


# Nothing tells a square's rows from its columns: with `order` they are the model's.
@pytest.mark.parametrize(
    ("written", "frames"),
    [
        ("in the model's axes", 9),
        ("in the model's axes", 16),
        ("flattened", 9),
        ("flattened", 16),
        ("with an axis of one", 9),
        ("in the audit's axes", 9),
    ],
)
def test_cells_are_those_of_the_models_own_axes(tmp_path: Path, written: str, frames: int) -> None:
    path = tmp_path / "m.model.yaml"
    path.write_text(
        "version: 1\nmodel: m\nloader: torch\n"
        f"input: {{sampling_rate: 8000, seconds: {(frames - 1) * 0.016}, order: ntf, scaling: {{file: s.npz}}, "
        "representation: {melspectrogram: {n_fft: 256, hop_length: 128, n_mels: 16}}}\nemotions: [anger, joy]\n"
    )
    rng = np.random.default_rng(0)
    cells = {"mean": rng.normal(size=(frames, 16)), "std": rng.uniform(1, 2, size=(frames, 16))}
    how = {
        "in the model's axes": lambda value: value,
        "flattened": np.ravel,
        "in the audit's axes": np.transpose,
        "with an axis of one": lambda value: value[None],
    }[written]
    np.savez(tmp_path / "s.npz", **{name: how(value) for name, value in cells.items()})
    spec = read_manifest(path).spec
    bare = replace(spec, scaling=None).represent(spec.example(2))
    assert bare.shape == (2, 1, 16, frames)
    theirs = (bare[:, 0].transpose(1, 2).numpy() - cells["mean"]) / cells["std"]
    np.testing.assert_allclose(spec.represent(spec.example(2))[:, 0].transpose(1, 2).numpy(), theirs, atol=1e-5)


def test_a_pickled_scaler_is_answered_with_how_to_write_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "scaler.pkl").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match=r"not '\.pkl'; of a scikit-learn .*mean=s\.mean_, std=s\.scale_"):
        from_file(tmp_path / "scaler.pkl")
