"""The worst cases of a whole session: what is heard and seen is what was judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from audit.checks import attack, change, clean, corruption
from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.data import Sample
from audit.errors import MethodError
from audit.estimator import Estimator
from audit.exhibits import show
from audit.model import TorchModel
from audit.progress import Unwatched
from audit.record import Record, table
from audit.suite import Check, Decide, Use

COUNT = 18
FGSM = Check("fgsm", "attack", (Use("attack", "fgsm"),), ("epsilon", (0.0, 0.01, 0.05)))
HISS = Check(
    "hiss", "corruption", (Use("corruption", "white_noise"),), ("snr_db", (0.0, 30.0)), space="waveform", samples=9
)
SALIENCY = Check(
    "saliency",
    "saliency",
    (Use("saliency", "gradcam"), Use("saliency", "smoothgrad", {"samples": 2})),
    samples=12,
    faithfulness=(Use("faithfulness", "probability_drop", {"masked": 0.2, "fill": ["floor", "mean"]}),),
    random_masks=1,
)


@pytest.fixture
def session(resnet: TorchModel) -> Session:
    generator = torch.Generator().manual_seed(4)
    waveforms = 0.1 * torch.randn(COUNT, 48000, generator=generator) * torch.linspace(0, 1, 48000)
    with torch.inference_mode():
        inputs = resnet.spec.represent(waveforms).clone()
    empty = Session(resnet, (), waveforms, inputs, torch.empty(0), torch.empty(0), 7, 8, Unwatched())
    said = empty.predict(inputs)
    # The truths are what the untrained model says of most clips, so that there is something to flip.
    truths = said.argmax(1)
    truths[::6] = (truths[::6] + 1) % 6
    samples = tuple(Sample(f"clip-{i:02d}", None, resnet.emotions[int(t)]) for i, t in enumerate(truths))
    return replace(empty, samples=samples, truths=truths, clean=said)


def records_of(session: Session, explained: SaliencyRun | None) -> list[Record]:
    judged = [
        *clean.run(Check("clean", "clean"), session),
        *change.judged(FGSM, session, attack.changes),
        *change.judged(HISS, session, corruption.changes),
    ]
    return [*judged, *(explained.records() if explained else ())]


def shown(session: Session, folder: Path, *, best: str | None = "gradcam") -> tuple[list[dict[str, Any]], list[Record]]:
    explained = SaliencyRun(SALIENCY, session, None)
    records = records_of(session, explained)
    estimator = Estimator(table(records), session.model.emotions, {}, Decide(bootstrap=10))
    checks = [Check("clean", "clean"), FGSM, HISS, SALIENCY]
    return show(checks, session, estimator, {"saliency": explained}, best, folder), records


def heard(folder: Path, path: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    return soundfile.read(folder.parent / path, dtype="float32")[0]


def test_every_row_says_of_a_clip_what_the_records_say(session: Session, tmp_path: Path) -> None:
    rows, records = shown(session, tmp_path / "media")
    assert rows
    said = {(r.check, r.severity, r.sample.id): r for r in records if r.measure == "" and not math.isnan(r.severity)}
    for row in rows:
        done = row["perturbation"]
        record = said[done["check"], done["at"], row["sample"]]
        assert row["probabilities"]["perturbed"] == record.probabilities
        assert row["predicted"]["perturbed"] == record.predicted
    assert {row["perturbation"]["check"] for row in rows} == {"fgsm", "hiss"}
    assert len({row["sample"] for row in rows}) == len(rows)


def test_drops_and_masked_probabilities_are_those_of_the_first_fill(session: Session, tmp_path: Path) -> None:
    rows, records = shown(session, tmp_path / "media")
    scored = {(r.method, r.sample.id): r for r in records if r.measure == "probability_drop/floor"}
    with_maps = [row for row in rows if row["maps"]]
    assert with_maps
    for row in with_maps:
        assert set(row["maps"]) == set(row["drops"]) == {"gradcam", "smoothgrad"}
        assert row["masked_by"] == "gradcam"
        for name, drop in row["drops"].items():
            assert drop == pytest.approx(scored[name, row["sample"]].score, abs=1e-5)
        clean, masked = (row["probabilities"][state] for state in ("clean", "masked"))
        said = int(np.argmax(clean))
        assert clean[said] - masked[said] == pytest.approx(row["drops"]["gradcam"], abs=1e-5)
        assert sum(masked) == pytest.approx(1.0, abs=1e-5)


def test_what_is_heard_is_what_was_judged(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "media"
    rows, _ = shown(session, folder)
    places = {sample.id: index for index, sample in enumerate(session.samples)}
    noisy = [row for row in rows if row["perturbation"]["check"] == "hiss"]
    assert noisy
    for row in noisy:
        index, at = places[row["sample"]], row["perturbation"]["at"]
        original, perturbed = heard(folder, row["audio"]["original"]), heard(folder, row["audio"]["perturbed"])
        assert np.abs(original - session.recordings[index].numpy()).max() <= 1 / 32768
        ratio = 10 * np.log10(np.square(original).sum() / np.square(perturbed - original).sum())
        assert ratio == pytest.approx(at, abs=0.1)
        with torch.inference_mode():
            again = session.predict(session.model.spec.represent(torch.from_numpy(perturbed)[None]))[0]
        assert session.model.emotions[int(again.argmax())] == row["predicted"]["perturbed"]


def test_what_became_of_a_map_is_the_methods_own_map_of_the_perturbed_clip(session: Session, tmp_path: Path) -> None:
    explained = SaliencyRun(SALIENCY, session, None)
    estimator = Estimator(table(records_of(session, explained)), session.model.emotions, {}, Decide(bootstrap=10))
    with pytest.MonkeyPatch.context() as patch:
        asked: list[tuple[int, torch.Tensor, torch.Tensor]] = []
        again = explained.explained_again

        def noted(name: str, indices: list[int], inputs: torch.Tensor) -> torch.Tensor:
            maps = again(name, indices, inputs)
            asked.extend(zip(indices, inputs, maps, strict=True))
            return maps

        patch.setattr(explained, "explained_again", noted)
        rows = show([FGSM, HISS, SALIENCY], session, estimator, {"saliency": explained}, "gradcam", tmp_path / "media")
    places = {sample.id: index for index, sample in enumerate(session.samples)}
    moved = {places[row["sample"]]: row for row in rows if row["moved"]}
    assert moved.keys() == {places[row["sample"]] for row in rows if row["masked_by"]} == {index for index, *_ in asked}
    assert {row["perturbation"]["space"] for row in moved.values()} == {"input", "waveform"}
    for index, inputs, maps in asked:
        row = moved[index]
        # Of a clip changed as a waveform the map is that of what the model then takes, and it is judged the same.
        said = session.predict(inputs[None])[0]
        assert said.tolist() == pytest.approx(row["probabilities"]["perturbed"], abs=1e-5)
        top = [
            set(map_.flatten().topk(round(0.2 * map_.numel())).indices.tolist())
            for map_ in (explained.maps["gradcam"][index], maps)
        ]
        assert row["moved"]["stays"] == pytest.approx(len(top[0] & top[1]) / len(top[0]), abs=0.05)
        assert row["moved"]["by_chance"] == 0.2
        assert all((tmp_path / row["moved"][name]).is_file() for name in ("clean", "perturbed", "difference"))


def test_a_method_that_gives_no_map_of_a_perturbed_clip_leaves_its_reason(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*given: object) -> torch.Tensor:
        raise MethodError("gradcam returned NaN or infinite relevance")

    monkeypatch.setattr(SaliencyRun, "explained_again", refuses)
    rows, _ = shown(session, tmp_path / "media")
    moved = [row["moved"] for row in rows if row["moved"]]
    assert moved
    for found in moved:
        assert found["stays"] is found["clean"] is found["difference"] is None
        assert found["reason"] == "gradcam returned NaN or infinite relevance"


def test_where_no_method_is_best_the_clip_is_masked_by_the_largest_drop(session: Session, tmp_path: Path) -> None:
    rows, _ = shown(session, tmp_path / "media", best=None)
    for row in rows:
        assert row["masked_by"] == max(row["drops"], key=row["drops"].get, default=None)


def test_two_showings_are_equal_to_the_byte(session: Session, tmp_path: Path) -> None:
    found: list[tuple[list[dict[str, Any]], Mapping[str, bytes]]] = []
    for turn in ("one", "two"):
        folder = tmp_path / turn / "media"
        rows, _ = shown(session, folder)
        found.append((rows, {path.name: path.read_bytes() for path in folder.iterdir()}))
    assert found[0] == found[1]


def test_a_suite_without_perturbations_or_saliency_still_shows_clips(session: Session, tmp_path: Path) -> None:
    records = list(clean.run(Check("clean", "clean"), session))
    estimator = Estimator(table(records), session.model.emotions, {}, Decide(bootstrap=10))
    rows = show([Check("clean", "clean")], session, estimator, {}, None, tmp_path / "media")
    assert rows
    for row in rows:
        assert row["perturbation"] is row["audio"]["perturbed"] is row["audio"]["masked"] is row["masked_by"] is None
        assert (tmp_path / row["audio"]["original"]).is_file()
