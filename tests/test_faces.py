"""A model of faces from its pictures to its report: judged like a model of speech, told in the words of pictures."""

from __future__ import annotations

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from jsonschema import Draft202012Validator
from numpy.typing import NDArray
from PIL import Image

from audit import Audit, read_suite, run
from audit.console import show
from audit.kinds import import_file
from audit.manifest import load_model
from audit.report import html, markdown
from audit.report.valid import SCHEMA_FILE
from audit.wording import header

MOVED = ("clean", "perturbed", "difference")
METHODS = {"lime", "gradcam", "lrp", "smoothgrad"}
SOUND = re.compile(
    r"\b(clips?|hear|hears|heard|listen|sounds?|spectrograms?|Hz|dB|voices?|recordings?)\b", re.IGNORECASE
)


@pytest.fixture(scope="module")
def drawn(repository: Path) -> ModuleType:
    """The module that draws faces."""
    return import_file(repository / "tests/faces/drawn.py")


@pytest.fixture(scope="module")
def finished(drawn: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Audit, Path]:
    """An audit of drawn faces and the folder of its report."""
    folder = tmp_path_factory.mktemp("faces")
    audit = run(read_suite(drawn.suite(folder)), media=folder / "media", command=["audit", "run", "faces.audit.yaml"])
    audit.save(folder)
    html.write(folder)
    markdown.write(folder)
    return audit, folder


@pytest.fixture
def document(finished: tuple[Audit, Path]) -> dict[str, Any]:
    """What the audit saved."""
    found: dict[str, Any] = json.loads((finished[1] / "audit.json").read_text(encoding="utf-8"))
    return found


class Text(HTMLParser):
    """The words of a page, what its pictures say, and the addresses of these."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.pictures: list[str] = []
        self._inside = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        found = dict(attrs)
        self.words.append(found.get("aria-label") or "")
        if tag == "image":
            self.pictures.append(found["href"] or "")
        assert tag != "audio"

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "pre", "code"):
            self.words.append(data)


def pixels(folder: Path, path: str) -> NDArray[np.float64]:
    with Image.open(folder / path) as image:
        whole = 65535.0 if image.mode == "I;16" else 255.0
        return np.asarray(image, dtype=np.float64) / whole


def test_every_check_is_judged_on_faces(finished: tuple[Audit, Path]) -> None:
    audit, _ = finished
    assert {verdict.outcome for verdict in audit.verdicts} == {"PASS"}
    assert set(audit.records["check"]) == {"clean", "gaussian_noise", "fgsm", "saliency"}
    assert set(audit.records[audit.records["measure"] == "probability_drop/mean"]["method"]) == {
        *METHODS,
        "random",
        "energy",
    }


def test_what_is_saved_meets_the_schema_and_has_no_sound(document: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(document)] == []
    assert document["exhibits"]
    for row in document["exhibits"]:
        assert row["audio"] == dict.fromkeys(("original", "perturbed", "masked", "only"))
        assert row["axes"] == {"seconds": [], "hertz": [], "pixels": [32, 32], "scale": [-1.0, 1.0]}
        assert set(row["maps"]) == set(row["drops"]) == METHODS
        assert "of 8 pictures" in row["why"]


def test_every_picture_is_a_lossless_file_that_is_there(document: dict[str, Any], finished: tuple[Audit, Path]) -> None:
    _, folder = finished
    named = set()
    for row in document["exhibits"]:
        named |= {row["spectrogram"], row["perturbed_spectrogram"], row["masked_picture"], row["only_picture"]}
        named |= {*row["maps"].values(), *(row["moved"][name] for name in MOVED)}
    assert {folder / path for path in named} == set((folder / "media").iterdir())
    for path in named:
        with Image.open(folder / path) as image:
            assert (image.format, image.size) == ("PNG", (32, 32))


def test_what_is_seen_is_what_was_judged(document: dict[str, Any], finished: tuple[Audit, Path]) -> None:
    _, folder = finished
    model = load_model(folder / "faces.model.yaml")
    for row in document["exhibits"]:
        assert row["perturbation"]["approximate"] is False
        for path, state in ((row["spectrogram"], "clean"), (row["perturbed_spectrogram"], "perturbed")):
            inputs = torch.from_numpy(2.0 * pixels(folder, path) - 1.0).float()[None, None]
            with torch.inference_mode():
                said = model.logits(inputs).softmax(1)[0].tolist()
            assert said == pytest.approx(row["probabilities"][state], abs=2e-3)
        assert np.array_equal(pixels(folder, row["spectrogram"]), pixels(folder, row["path"]))


def test_a_masked_face_lacks_the_share_of_pixels_that_was_hidden(
    document: dict[str, Any], finished: tuple[Audit, Path]
) -> None:
    for row in document["exhibits"]:
        cut, clean = (pixels(finished[1], row[name]) for name in ("masked_picture", "spectrogram"))
        hidden = cut[..., 1] == 0
        assert hidden.sum() == round(0.2 * 32 * 32)
        assert np.array_equal(cut[..., 0][~hidden], clean[~hidden])
        assert set(cut[..., 1][~hidden].tolist()) == {1.0}


def test_a_page_shows_each_face_clean_perturbed_masked_and_under_every_map(
    document: dict[str, Any], finished: tuple[Audit, Path]
) -> None:
    for emotion in ("happy", "sad", "surprise"):
        page = Text(finished[1] / f"emotion/{emotion}.html")
        own = [row for row in document["exhibits"] if row["emotion"] == emotion]
        # A map lies over the face, which is a picture of its own.
        assert len(page.pictures) == len(own) * (4 + 2 * (len(METHODS) + len(MOVED)))
        assert all((finished[1] / "emotion" / address).resolve().is_file() for address in page.pictures)
        text = " ".join(page.words)
        assert f"The face as it was, taken for {own[0]['predicted']['clean']}" in text
        assert "px" in text


def test_no_page_speaks_of_sound(document: dict[str, Any], finished: tuple[Audit, Path]) -> None:
    _, folder = finished
    elsewhere = [*document["limits"], *(row["next_step"] for row in document["verdicts"])]
    pages = [folder / "index.html", *sorted((folder / "emotion").glob("*.html"))]
    texts = {page.name: " ".join(Text(page).words) for page in pages}
    texts["summary.md"] = (folder / "summary.md").read_text(encoding="utf-8")
    stream = io.StringIO()
    show(document, Path("reports/s/m"), stream)
    texts["console"] = stream.getvalue()
    for name, text in texts.items():
        for said in elsewhere:
            text = text.replace(said, "") if said else text
        assert SOUND.findall(text) == [], name
    assert "pictures of people’s faces" in texts["index.html"]
    assert "32 × 32 pixels, grey" in texts["index.html"]


def test_the_console_names_pictures_and_where_to_look(document: dict[str, Any]) -> None:
    assert header(document["model"], document["data"], None).endswith("Data 24 pictures, 3 emotions")
    document["verdicts"][0].update(outcome="FAIL", reason="", next_step="", blocks=True)
    stream = io.StringIO()
    show(document, Path("reports/s/m"), stream)
    assert "  look    reports/s/m/index.html\n" in stream.getvalue()


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (
            "{check: corruption, method: white_noise, sweep: {snr_db: [20]}, "
            "gates: [{metric: accuracy, at: 20, min: 0}]}",
            "corruption white_noise is for speech (its mark says modality='speech'), and model 'drawn-faces' is for "
            "face; for face there are: gaussian_noise",
        ),
        (
            "{check: attack, method: fgsm, space: waveform, sweep: {epsilon: [0.1]}, "
            "gates: [{metric: accuracy, at: 0.1, min: 0}]}",
            "takes pictures; there is no waveform to change",
        ),
    ],
    ids=["white_noise", "attack on the waveform"],
)
def test_what_changes_a_waveform_is_refused_and_the_rest_is_judged(
    drawn: ModuleType, tmp_path: Path, check: str, reason: str
) -> None:
    clean = "\n  - check: clean\n    gates: [{metric: accuracy, min: 0.5}]"
    audit = run(read_suite(drawn.suite(tmp_path, checks=f"{clean}\n  - {check}\n", count=2)))
    assert [verdict.outcome for verdict in audit.verdicts] == ["PASS", "ERROR"]
    assert reason in audit.verdicts[1].reason
    assert audit.exit_code == 3


def test_a_corruption_of_faces_is_refused_by_a_model_of_speech(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from audit.kinds import corruption\n\n\n@corruption(modality='face')\n"
        "def mirror(inputs, spec, rng, *, share: float):\n    return inputs.flip(-1)\n"
    )
    path = tmp_path / "own.audit.yaml"
    path.write_text(
        f"version: 1\nsuite: own\nmodel: {repository / 'models/quickstart.model.yaml'}\n"
        "data: {layout: synthetic, speakers: 2, clips: 1, seed: 9}\ndecide: {seed: 1, bootstrap: 100}\nchecks:\n"
        "  - {check: corruption, method: 'own.py:mirror', sweep: {share: [1]}, "
        "gates: [{metric: accuracy, at: 1, min: 0}]}\n"
    )
    (verdict,) = run(read_suite(path)).verdicts
    assert verdict.outcome == "ERROR"
    assert "for speech there are: gaussian_noise, tone, white_noise" in verdict.reason


def test_pictures_that_cannot_be_used_are_named(drawn: ModuleType, tmp_path: Path) -> None:
    checks = "\n  - check: clean\n    gates: [{metric: accuracy, min: 0.5}]\n"
    suite = drawn.suite(tmp_path, checks=checks, count=2)
    Image.new("L", (32, 32), 80).save(tmp_path / "faces/sad/blank.png")
    (tmp_path / "faces/sad/broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "faces/happy/talk.wav").write_bytes(b"RIFF")
    audit = run(read_suite(suite))
    told = {Path(problem["path"]).name: problem["reason"] for problem in audit.data["problems"]}
    assert told["blank.png"] == "blank, every pixel is 0.31"
    assert told["broken.jpg"].startswith("cannot be read as a picture")
    assert told["talk.wav"].startswith("cannot be read as a picture")
    assert audit.data["n"] == 6
