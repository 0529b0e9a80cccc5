"""Near copies of pictures: what is found in another form, and what is not."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from audit.checks.data import DataRun
from audit.layouts.synthetic_faces import render, synthetic_faces
from audit.screening import Decoded
from audit.screens.near.pictures import Pair, alike, small

from .made import Floats, found_by, texture

SHOWN = 40
OTHERS = 300
Form = Callable[[Image.Image], Image.Image]


def jpeg(image: Image.Image) -> Image.Image:
    held = io.BytesIO()
    image.save(held, "JPEG", quality=30)
    return Image.open(held).convert("L")


def cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    box = (left * width, top * height, right * width, bottom * height)
    return image.resize(image.size, Image.Resampling.BICUBIC, box=box)


def noisy(image: Image.Image) -> Image.Image:
    rng = np.random.default_rng(0)
    return Image.fromarray(np.clip(np.asarray(image) + rng.normal(0, 8, image.size[::-1]), 0, 255).astype(np.uint8))


FORMS: dict[str, Form] = {
    "twice as large": lambda image: image.resize((96, 96), Image.Resampling.BICUBIC),
    "smaller and stretched": lambda image: image.resize((40, 36), Image.Resampling.BILINEAR),
    "re-encoded": jpeg,
    "half as bright": lambda image: image.point(lambda value: value // 2),
    "of another gamma": lambda image: image.point(lambda value: int(255 * (value / 255) ** 0.6)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "noisier": noisy,
    "cropped on all sides": lambda image: cropped(image, 0.05, 0.05, 0.95, 0.95),
    "cropped at a corner": lambda image: cropped(image, 0.1, 0.1, 1.0, 1.0),
    "mirrored and cropped": lambda image: cropped(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 0, 0.08, 0.92, 1),
}


def kept(picture: Floats | Image.Image) -> np.ndarray:
    grey = np.asarray(picture, np.float32) / (255 if isinstance(picture, Image.Image) else 1)
    return small(Decoded(np.repeat(grey[..., None], 3, axis=2), 0))


def image_of(seed: int) -> Image.Image:
    return Image.fromarray(np.rint(texture(seed) * 255).astype(np.uint8))


def near(pairs: list[Pair]) -> dict[int, int]:
    return {pair.one: pair.other for pair in pairs if pair.correlation >= 0.9 and pair.misfit <= 0.25}


@pytest.fixture(scope="module")
def others() -> np.ndarray:
    return np.stack([kept(texture(seed)) for seed in range(OTHERS)])


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_is_found_in_another_form(form: str, others: np.ndarray) -> None:
    questioned = np.stack([kept(FORMS[form](image_of(seed))) for seed in range(SHOWN)])
    found = near(list(alike(questioned, others)))
    assert all(found.get(seed, seed) == seed for seed in range(SHOWN))
    assert len(found) >= 0.95 * SHOWN


def test_pictures_of_other_things_are_not_found(others: np.ndarray) -> None:
    questioned = np.stack([kept(texture(seed)) for seed in range(OTHERS, OTHERS + 200)])
    assert near(list(alike(questioned, others))) == {}


def test_faces_of_other_people_drawn_alike_are_hardly_ever_found() -> None:
    drawn = list(synthetic_faces(None, people=20, pictures=2))
    pictures = np.stack([small(Decoded(render(sample)[0], 0)) for sample in drawn])
    judged = np.array([int(sample.groups["person"][1:]) < 6 for sample in drawn])
    found = near(list(alike(pictures[judged], pictures[~judged])))
    assert len(found) <= 0.02 * judged.sum()


def test_a_blank_picture_is_like_no_other(others: np.ndarray) -> None:
    blank = np.zeros_like(others[:2])
    assert near(list(alike(blank, np.concatenate([others, blank])))) == {}
    assert list(alike(others[:2], others[:0])) == []


def test_what_is_found_does_not_depend_on_the_pictures_beside_it(others: np.ndarray) -> None:
    questioned = np.stack([kept(FORMS["cropped at a corner"](image_of(seed))) for seed in range(300)])
    together = near(list(alike(questioned, others)))
    alone = {seed: near(list(alike(questioned[seed : seed + 1], others))).get(0) for seed in (0, 130, 299)}
    assert {seed: together.get(seed) for seed in alone} == alone


def test_a_near_copy_is_told_with_its_partner_and_needs_a_train_set(screened: Callable[..., DataRun]) -> None:
    mirrored = np.ascontiguousarray(texture(1)[:, ::-1])
    judged = {"anger/a": mirrored, "fear/b": texture(2)}
    run = screened(judged, {"fear/x": texture(1), "anger/y": texture(3)}, "near_copies")
    assert found_by(run) == {"near_copies": {"anger/a": 1.0, "fear/b": 0.0}}
    told = (
        "the same picture as train/fear/x.png in the train set, labelled fear there (their detail correlates by 1.00)"
    )
    assert run.found["near_copies"] == {"anger/a": told}
    alone = screened(judged, None, "near_copies")
    assert found_by(alone) == {}
    assert "needs the train set" in alone.refused["near_copies"]
