"""A face's case: the picture as the model takes it, whatever was done to its values, and nothing to hear."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from audit.data import Sample
from audit.input_spec import FaceInput
from audit.rendering import face
from audit.rendering.case import Case, Moved, Perturbation
from audit.rendering.exhibit import draw
from audit.rendering.picture import OPPOSES, SUPPORTS
from audit.rendering.portrait import MOST_EXACT, png
from audit.scaling import Affine, PerClip, Scaling, onto

GREY, RGB = FaceInput(24, 20), FaceInput(24, 20, "rgb")
ARRAY = torch.linspace(0.2, 0.8, 24 * 20).reshape(1, 24, 20)
SCALINGS: Mapping[str, Scaling | None] = {
    "none": None,
    "onto [-1, 1]": onto(-1.0, 1.0, (0.0, 1.0)),
    "onto [0, 255]": onto(0.0, 255.0, (0.0, 1.0)),
    "numbers": Affine(0.5, 0.25),
    "an array": Affine(ARRAY, 0.1 + ARRAY),
    "per picture, standard": PerClip("standard"),
    "per picture, unit": PerClip("unit"),
}


def recorded(spec: FaceInput, seed: int = 0) -> NDArray[np.float32]:
    channels = 1 if spec.colour == "grey" else 3
    levels = np.random.default_rng(seed).integers(20, 230, size=(channels, spec.height, spec.width))
    return (levels / 255.0).astype(np.float32)


def case_of(spec: FaceInput, *, step: float = 0.01) -> Case:
    picture = recorded(spec)
    inputs = spec.represent(torch.from_numpy(picture)[None])[0].numpy()
    sign = np.where(np.random.default_rng(1).random(inputs.shape) < 0.5, -1, 1)
    map_ = np.zeros(inputs.shape)
    map_[:, :3, :5], map_[:, -1, -1] = 1.0, -1.0
    return Case(
        sample=Sample("face-1", Path("faces/one.png"), "anger"),
        why="flips to sadness",
        recording=picture,
        inputs=inputs,
        probabilities={"clean": [0.9, 0.1], "perturbed": [0.2, 0.8], "masked": [0.4, 0.6]},
        perturbation=Perturbation("fgsm", "fgsm", step, False, (inputs + step * sign).astype(np.float32)),
        maps={"lime": map_},
        hidden=map_ > 0.5,
        masked_by="lime",
        drops={"lime": 0.5},
    )


def opened(content: bytes | None) -> Image.Image:
    assert content is not None
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def values(content: bytes | None) -> NDArray[np.float64]:
    image = opened(content)
    return np.asarray(image, dtype=np.float64) / (65535.0 if image.mode == "I;16" else 255.0)


def as_read(recording: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the picture as `values` gives it: 8 bits, in double precision."""
    return np.rint(recording * 255).astype(np.float64) / 255.0


@pytest.mark.parametrize("scaling", SCALINGS.values(), ids=SCALINGS.keys())
def test_a_grey_face_is_the_recorded_one_to_the_last_bit_whatever_scaled_it(scaling: Scaling | None) -> None:
    case = case_of(replace(GREY, scaling=scaling))
    media = face.media_of(case, replace(GREY, scaling=scaling))
    assert opened(media.clean).mode == "L"
    assert np.array_equal(values(media.clean), as_read(case.recording[0]))


@pytest.mark.parametrize(
    "scaling", [None, Affine([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), PerClip("standard")], ids=str
)
def test_a_face_in_colour_is_the_recorded_one_to_the_last_bit(scaling: Scaling | None) -> None:
    spec = replace(RGB, scaling=scaling)
    case = case_of(spec)
    media = face.media_of(case, spec)
    assert opened(media.clean).mode == "RGB"
    assert np.array_equal(values(media.clean), as_read(case.recording.transpose(1, 2, 0)))


@pytest.mark.parametrize("name", [name for name in SCALINGS if name != "an array"])
def test_a_perturbation_smaller_than_a_step_of_eight_bits_is_kept(name: str) -> None:
    spec = replace(GREY, scaling=SCALINGS[name])
    case = case_of(spec)
    third = 1.0 / 765.0
    step = third * float(np.ptp(case.inputs) / np.ptp(case.recording))
    change = Perturbation("fgsm", "fgsm", step, False, (case.inputs + step).astype(np.float32))
    media = face.media_of(replace(case, perturbation=change), spec)
    assert media.exact
    assert values(media.perturbed) - values(media.clean) == pytest.approx(third, abs=2 / 65535)


def test_a_face_in_colour_keeps_sixteen_bits_of_every_channel() -> None:
    picture = np.random.default_rng(3).random((3, 9, 7))
    content = png(picture)
    assert content[24:26] == bytes([16, 2])
    # Pillow opens 16 bits of colour as 8: what it reads are the upper bytes.
    upper = np.rint(picture.transpose(1, 2, 0) * 65535).astype(np.uint16) >> 8
    assert np.array_equal(np.asarray(opened(content)), upper)


def test_a_large_face_is_rounded_to_eight_bits_and_says_so() -> None:
    spec = FaceInput(160, 160, "rgb")
    assert MOST_EXACT < 3 * 160 * 160
    case = case_of(spec, step=0.001)
    media = face.media_of(case, spec)
    assert not media.exact
    assert opened(media.perturbed).mode == "RGB"
    assert case.perturbation is not None
    shown, meant = values(media.perturbed), case.perturbation.values.transpose(1, 2, 0)
    assert np.abs(shown - meant).max() <= 0.5001 / 255


def test_values_beyond_black_and_white_are_drawn_as_these() -> None:
    spec = replace(GREY, scaling=PerClip("standard"))
    case = case_of(spec, step=50.0)
    assert set(np.unique(values(face.media_of(case, spec).perturbed))) == {0.0, 1.0}


def test_hidden_pixels_are_transparent_and_the_rest_is_untouched() -> None:
    case = case_of(GREY)
    media = face.media_of(case, GREY)
    assert case.hidden is not None
    cut = values(media.masked)
    assert np.array_equal(cut[..., 1] == 0, case.hidden[0])
    assert np.array_equal(cut[..., 0][~case.hidden[0]], values(media.clean)[~case.hidden[0]])


@pytest.mark.parametrize("spec", [GREY, RGB], ids=["grey", "rgb"])
def test_what_was_hidden_and_what_was_not_make_the_whole_face(spec: FaceInput) -> None:
    case = case_of(spec)
    media = face.media_of(case, spec)
    masked, only = values(media.masked), values(media.only)
    assert np.array_equal(masked[..., -1] + only[..., -1], np.ones((24, 20)))
    assert np.array_equal(masked[..., :-1], only[..., :-1])
    assert only[0, 0, -1] == 1.0
    assert only[10, 10, -1] == 0.0


def test_what_became_of_a_map_of_a_face_lies_the_same_way_up() -> None:
    case = case_of(GREY)
    after = np.zeros(case.inputs.shape)
    after[:, :3, :5] = 1.0
    moved = face.media_of(replace(case, moved=Moved(after, 0.8, 0.2)), GREY).moved
    found = {name: np.asarray(opened(content).convert("RGBA")) for name, content in moved.items()}
    assert set(found) == {"clean", "perturbed", "difference"}
    assert tuple(found["perturbed"][0, 0, :3]) == tuple(found["clean"][0, 0, :3]) == SUPPORTS
    assert not found["difference"][0, 0, 3]
    # What spoke against the emotion no longer does.
    assert tuple(found["difference"][-1, -1, :3]) == SUPPORTS


def test_a_pixel_of_which_one_colour_was_hidden_is_a_third_transparent() -> None:
    case = case_of(RGB)
    hidden = np.zeros((3, 24, 20), bool)
    hidden[0, 5, 6], hidden[:, 7, 8] = True, True
    opacity = values(face.media_of(replace(case, hidden=hidden), RGB).masked)[..., 3]
    assert opacity[5, 6] == pytest.approx(2 / 3, abs=1 / 255)
    assert opacity[7, 8] == 0.0
    assert (opacity == 1.0).sum() == 24 * 20 - 2


def test_a_map_lies_over_the_face_the_same_way_up() -> None:
    overlay = np.asarray(opened(face.media_of(case_of(GREY), GREY).maps["lime"]).convert("RGBA"))
    assert overlay.shape == (24, 20, 4)
    assert tuple(overlay[0, 0, :3]) == SUPPORTS
    assert tuple(overlay[-1, -1, :3]) == OPPOSES
    assert not overlay[10, 10, 3]


def test_the_row_of_a_face_has_pixels_and_nothing_to_hear(tmp_path: Path) -> None:
    row = draw(case_of(GREY), GREY, ("anger", "sadness"), tmp_path)
    assert set(row["audio"].values()) == {None}
    assert row["axes"] == {"seconds": [], "hertz": [], "pixels": [24, 20], "scale": [-1.0, 1.0]}
    assert {path.suffix for path in tmp_path.iterdir()} == {".png"}
    assert len(list(tmp_path.iterdir())) == 5


def own(tmp_path: Path, body: str) -> dict[str, Any]:
    (tmp_path / "mine.py").write_text(f"import numpy as np\n\n\ndef mine(picture):\n    return {body}\n")
    return {"representation": "preprocess", "parameters": {"function": str(tmp_path / "mine.py:mine")}}


def test_a_picture_of_the_users_own_making_is_drawn_from_its_darkest_to_its_brightest(tmp_path: Path) -> None:
    spec = replace(GREY, **own(tmp_path, "np.repeat((picture - 0.5) * 7, 3, axis=0)"))
    shown = values(face.media_of(case_of(spec), spec).clean)
    recording = recorded(GREY)[0]
    expected = (recording - recording.min()) / np.ptp(recording)
    assert np.abs(shown - expected[..., None]).max() <= 1 / 255


def test_of_features_the_face_alone_is_shown(tmp_path: Path) -> None:
    spec = replace(GREY, **own(tmp_path, "picture.mean(axis=(0, 1))"))
    case = case_of_features(spec)
    media = face.media_of(case, spec)
    assert np.array_equal(values(media.clean), as_read(case.recording[0]))
    assert media.perturbed is media.masked is media.only is None
    assert media.moved == {}
    assert media.maps == {"lime": None}
    row = draw(case, spec, ("anger", "sadness"), tmp_path)
    assert row["maps"] == {"lime": None}
    assert row["perturbation"]["approximate"]


def case_of_features(spec: FaceInput) -> Case:
    picture = recorded(GREY)
    inputs = spec.represent(torch.from_numpy(picture)[None])[0].numpy()
    assert inputs.shape == (20,)
    return replace(
        case_of(GREY),
        inputs=inputs,
        perturbation=Perturbation("fgsm", "fgsm", 0.1, False, inputs + 0.1),
        maps={"lime": inputs},
        hidden=inputs > 0.5,
    )


def test_equal_faces_make_equal_files_and_nothing_given_is_changed() -> None:
    case, untouched = case_of(RGB), case_of(RGB)
    assert face.media_of(case, RGB) == face.media_of(untouched, RGB)
    assert np.array_equal(case.inputs, untouched.inputs)
    assert np.array_equal(case.recording, untouched.recording)
