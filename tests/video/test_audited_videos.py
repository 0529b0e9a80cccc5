"""From video files to a verdict and a page: a model of the picture, and its ensemble with one of the sound."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import soundfile
from PIL import Image

from audit import Audit, read_suite, run
from audit.errors import DataError
from audit.kinds import import_file
from audit.probing.found_data import find_data
from audit.probing.probe import probe
from audit.report import html, markdown
from audit.report.valid import check as valid

BOTH_MISSING = '''
from audit.corruptions.missing_picture import missing_picture
from audit.corruptions.missing_sound import missing_sound
from audit.kinds import corruption

@corruption(modality="audiovisual")
def both_missing(inputs, spec, rng, *, share: float):
    """Take sound and picture away."""
    return missing_picture(missing_sound(inputs, spec, rng, share=share), spec, rng, share=share)
'''
CHECKS = """
  - check: clean
    gates: [{metric: accuracy, min: 0.5}]
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.02, 0.2]}
  - check: attack
    method: fgsm
    sweep: {epsilon: [0.002, 0.05]}
    gates: [{metric: critical_epsilon, min: 0.0001}]
  - check: saliency
    method: [{smoothgrad: {samples: 2}}, gradcam]
    samples: 4
    random_masks: 1
    sanity: []
  - check: data
"""
DROPS = """
  - {check: corruption, id: deaf, method: missing_sound, sweep: {share: [0.5, 1.0]}}
  - {check: corruption, id: blind, method: missing_picture, sweep: {share: [0.5, 1.0]}}
  - {check: corruption, id: nothing, method: both.py:both_missing, sweep: {share: [1.0]}}
"""


def audited(repository: Path, learned: Path, videos: Path, model: str, checks: str, out: Path) -> Audit:
    maker = import_file(repository / "tests/video/learned.py")
    (learned / "both.py").write_text(BOTH_MISSING)
    suite = read_suite(maker.suite(learned, videos, model, checks))
    audit = run(suite, media=out / "media", command=["audit", "run", suite.path.name])
    audit.save(out)
    html.write(out)
    markdown.write(out)
    return audit


@pytest.fixture(scope="module")
def finished(
    repository: Path, learned: Path, videos: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Audit, Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("report")
    audit = audited(repository, learned, videos, "together", CHECKS + DROPS, folder)
    return audit, folder, json.loads((folder / "audit.json").read_text(encoding="utf-8"))


def test_the_ensemble_knows_emotions_until_sound_and_picture_are_missing(finished: Any) -> None:
    audit, _, _ = finished
    records = audit.records
    right = {
        (check, severity): float((rows["predicted"] == rows["emotion"]).mean())
        for (check, severity), rows in records[records["measure"] == ""].groupby(["check", "severity"], dropna=False)
    }
    clean = next(value for (check, _), value in right.items() if check == "clean")
    assert clean >= 0.75
    assert right["nothing", 1.0] <= clean - 0.2
    # The sound alone tells these two apart, and the picture alone is less sure.
    assert right["blind", 1.0] >= 0.7
    assert {check for check, _ in right} >= {"clean", "gaussian_noise", "fgsm", "deaf", "blind", "nothing"}


def test_the_audit_ends_with_a_verdict_and_says_what_it_was_given(finished: Any) -> None:
    audit, folder, document = finished
    assert {row["outcome"] for row in document["verdicts"]} <= {"PASS", "FAIL", "UNSURE"}
    assert audit.exit_code in (0, 1)
    given = document["model"]["input"]
    assert (given["modality"], given["frames"], given["seconds"]) == ("audiovisual", 8, 1.0)
    assert "1 s at 16000 Hz and 8 frames of 24 × 24 pixels, grey" in (folder / "index.html").read_text("utf-8")
    assert "near_copies is for clips or pictures, and these are videos with sound" in json.dumps(document["screens"])


def test_gradcam_says_why_it_gives_no_map_and_what_does(finished: Any) -> None:
    _, _, document = finished
    assert "gradcam finds no place for a layer's maps in an input of sound and picture" in json.dumps(document)


def test_the_page_shows_all_frames_and_plays_the_sound(finished: Any) -> None:
    _, folder, document = finished
    valid(document, folder / "audit.json")
    exhibits = document["exhibits"]
    assert exhibits
    for row in exhibits:
        with Image.open(folder / row["spectrogram"]) as sheet:
            assert sheet.size == (4 * 24, 2 * 24)
        assert soundfile.info(folder / row["audio"]["original"]).frames == 16000
    page = (folder / "emotion" / "sad.html").read_text(encoding="utf-8")
    assert "frames, row by row" in page
    assert "The frames as it was" in page or "The frames as they were" in page
    assert "what it says of the sound is not" in page


def test_a_model_of_the_picture_alone_is_audited_too(
    repository: Path, learned: Path, videos: Path, tmp_path: Path
) -> None:
    audited(repository, learned, videos, "video", CHECKS, tmp_path)
    document = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert document["model"]["input"]["shape"] == [8, 24, 24]
    assert "as one that looks at each frame of a video by itself" in json.dumps(document)
    assert not list((tmp_path / "media").glob("*.flac"))
    page = (tmp_path / "emotion" / "sad.html").read_text(encoding="utf-8")
    assert "Look at them" in page
    assert "<audio" not in page


@pytest.mark.parametrize("model", ["together", "video", "sound"])
def test_a_probe_lists_the_probabilities_of_every_recording(learned: Path, videos: Path, model: str) -> None:
    data = find_data(videos, "ravdess")
    assert data.source.layout.parameters == {"recordings": "audiovisual"}
    found = probe(learned / f"{model}.model.yaml", data, shown=3, counted=8)
    assert len(found.clips) == 3
    for clip in found.clips:
        assert clip.clip.endswith(".mp4")
        assert sum(clip.probabilities.values()) == pytest.approx(1.0)
    assert found.accuracy >= 0.5


def test_a_model_of_both_wants_a_file_with_both(learned: Path, made: ModuleType, tmp_path: Path) -> None:
    for emotion in ("sad", "surprised"):
        made.write(tmp_path / "clips" / emotion / "silent.mp4", made.moving(8, 0, "sad"))
    with pytest.raises(DataError, match=r"silent\.mp4: has no sound, only a picture"):
        probe(learned / "together.model.yaml", find_data(tmp_path / "clips"))
