"""The saliency driver: what it records of every map, whom it refuses, and that batches change nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from audit.checks.places import cells_inside
from audit.checks.saliency import SaliencyRun
from audit.checks.session import Session
from audit.data import Region
from audit.progress import Unwatched
from audit.record import Record, table
from audit.suite import Check, Use

SALIENCY = Check(
    "saliency",
    "saliency",
    (Use("saliency", "gradcam"), Use("saliency", "smoothgrad", {"samples": 2})),
    samples=12,
    faithfulness=(
        Use("faithfulness", "probability_drop", {"masked": 0.2, "fill": ["mean", "floor"]}),
        Use("faithfulness", "max_sensitivity", {"samples": 1}),
    ),
    random_masks=3,
)


def test_a_saliency_score_is_the_drop_of_the_predicted_emotions_probability(session: Session) -> None:
    run = SaliencyRun(SALIENCY, session, None)
    records = {(r.method, r.measure, r.sample.id): r.score for r in run.records()}
    for method, maps in run.maps.items():
        indices = sorted(maps)
        shown, hidden, after, drop = run.first_mask(method, indices)
        assert all(torch.equal(row, maps[index]) for row, index in zip(shown, indices, strict=True))
        assert hidden.flatten(1).sum(1).unique().tolist() == [round(0.2 * 128 * 94)]
        inputs = session.inputs[indices]
        masked = torch.where(hidden, inputs.mean((1, 2, 3), keepdim=True), inputs)
        torch.testing.assert_close(after, session.predict(masked), rtol=0, atol=1e-6)
        for row, index in enumerate(indices):
            predicted = int(session.clean[index].argmax())
            expected = float(session.clean[index, predicted] - after[row, predicted])
            assert float(drop[row]) == pytest.approx(expected)
            assert records[method, "probability_drop/mean", session.samples[index].id] == pytest.approx(expected)


def test_every_map_is_scored_for_every_fill_beside_chance_and_the_baselines(session: Session) -> None:
    counts = table(SaliencyRun(SALIENCY, session, None).records()).groupby(["method", "measure"]).size()
    assert (counts == 12).all()
    drops = ("probability_drop/mean", "probability_drop/floor")
    for method in ("gradcam", "smoothgrad", "energy"):
        due = {*drops, *(f"chance/{drop}" for drop in drops), "max_sensitivity"}
        assert set(counts[method].index) == due
    assert set(counts["random"].index) == set(drops)
    assert set(counts.index.get_level_values("method")) == {"gradcam", "smoothgrad", "energy", "random"}


def test_records_of_scores_say_nothing_of_a_prediction(session: Session) -> None:
    for record in SaliencyRun(SALIENCY, session, None).records():
        assert (record.predicted, list(record.probabilities)) == ("", [])


def own(folder: Path, body: str, name: str = "own") -> Use:
    """Return a saliency method of one's own, of this body."""
    (folder / f"{name}.py").write_text(
        "import torch\nfrom audit.attribution import Attribution\nfrom audit.errors import MethodError\n"
        f"from audit.kinds import saliency\n\n\n@saliency()\ndef {name}(model, inputs, targets, rng):\n"
        f'    """Is one\'s own."""\n    {body}\n'
    )
    return Use("saliency", f"{name}.py:{name}", {}, folder)


def judged(check: Check, session: Session) -> tuple[SaliencyRun, list[Record]]:
    run = SaliencyRun(check, session, None)
    return run, list(run.records())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return Attribution(inputs * float('nan'))", "NaN"),
        ("return Attribution(inputs[:, :, :-1])", "shape"),
        ("return inputs", "an Attribution"),
        ("return Attribution(inputs, {'r2': inputs.new_zeros(len(inputs) + 1)})", "r2"),
        ("raise MethodError('own cannot do this')", "cannot do this"),
    ],
)
def test_a_method_that_is_refused_leaves_the_others_judged(
    session: Session, tmp_path: Path, body: str, words: str
) -> None:
    check = replace(SALIENCY, uses=(own(tmp_path, body), *SALIENCY.uses))
    run, records = judged(check, session)
    assert {record.method for record in records} == {"gradcam", "smoothgrad", "energy", "random"}
    assert list(run.refused) == ["own"]
    assert words in run.refused["own"]


def test_a_method_that_is_refused_on_a_moved_input_leaves_the_others_judged(session: Session, tmp_path: Path) -> None:
    body = (
        "known = model.__dict__.setdefault('asked', [])\n    known.append(1)\n"
        "    if len(known) > 1: raise MethodError('own cannot do this')\n    return Attribution(inputs)"
    )
    check = replace(SALIENCY, uses=(own(tmp_path, body, "tired"), *SALIENCY.uses))
    run, records = judged(check, session)
    assert "cannot do this" in run.refused["tired"]
    due = {(r.method, r.measure, r.sample.id) for r in judged(SALIENCY, session)[1]}
    assert due <= {(r.method, r.measure, r.sample.id) for r in records}


def test_a_method_that_is_refused_beforehand_is_not_tried(session: Session) -> None:
    run = SaliencyRun(SALIENCY, session, None, {"gradcam": "no gradients"})
    assert {record.method for record in run.records()} == {"smoothgrad", "energy", "random"}
    assert run.refused == {"gradcam": "no gradients"}


def test_where_every_method_is_refused_nothing_is_asked(session: Session) -> None:
    before = session.model.ledger.total.forward_samples
    run = SaliencyRun(SALIENCY, session, None, {"gradcam": "no", "smoothgrad": "no"})
    assert list(run.records()) == []
    assert session.model.ledger.total.forward_samples == before


class Counted(Unwatched):
    def __init__(self) -> None:
        self.steps = 0

    def advance(self, n: int) -> None:
        self.steps += n


@pytest.mark.parametrize("refused", [{}, {"gradcam": "no"}, {"gradcam": "no", "smoothgrad": "no"}])
def test_the_steps_that_are_announced_are_the_steps_that_are_made(session: Session, refused: dict[str, str]) -> None:
    watched = Counted()
    check = replace(SALIENCY, sanity=(Use("sanity", "seed_stability"),), sanity_samples=6)
    run = SaliencyRun(check, replace(session, progress=watched), None, refused)
    list(run.records())
    assert watched.steps == run.total()


def test_sanity_tests_take_the_first_of_the_clips_that_are_explained(session: Session) -> None:
    check = replace(SALIENCY, sanity=(Use("sanity", "seed_stability"),), sanity_samples=6)
    frame = table(SaliencyRun(check, session, None).records())
    tested = frame[frame["measure"] == "overlap/seed_stability"]
    assert set(tested["method"]) == {"gradcam", "smoothgrad"}
    assert set(tested["sample"]) <= set(frame[frame["measure"] == "probability_drop/mean"]["sample"])
    assert len(tested) == 12
    assert set(tested["emotion"]) == set(session.model.emotions)


def test_scores_and_sanity_tests_are_the_same_in_batches_of_one_and_of_thirty_two(session: Session) -> None:
    everything = replace(
        SALIENCY,
        uses=(Use("saliency", "gradcam"), Use("saliency", "smoothgrad", {"samples": 2})),
        samples=6,
        faithfulness=(
            Use("faithfulness", "probability_drop", {"fill": ["mean", "floor", "noise", "blur"]}),
            Use("faithfulness", "deletion", {"steps": 3}),
            Use("faithfulness", "insertion", {"steps": 3}),
            Use("faithfulness", "infidelity", {"samples": 4}),
            Use("faithfulness", "max_sensitivity", {"samples": 1}),
        ),
        random_masks=1,
        sanity=tuple(Use("sanity", name) for name in ("parameter_randomisation", "seed_stability", "input_shift")),
        sanity_samples=6,
    )
    keys = ["method", "measure", "severity", "sample"]
    frames = []
    for size in (1, 32):
        run = SaliencyRun(everything, replace(session, batch_size=size), None)
        frames.append(table(run.records()).set_index(keys)["score"].sort_index())
        assert run.refused == {}
        assert run.untested == {}
    alone, together = frames
    assert alone.index.equals(together.index)
    for measure in {key[1] for key in alone.index}:
        one, other = (frame.xs(measure, level="measure") for frame in frames)
        # A cell at the edge of the mask may fall to the other side where two batches differ in the last bit.
        assert float((one - other).abs().max()) < (2e-3 if "overlap" in measure or "similarity" in measure else 1e-4)


def test_localisation_is_the_share_of_relevance_inside_the_truth(session: Session) -> None:
    region = Region(1.0, 2.0, 500.0, 4000.0)
    run = SaliencyRun(SALIENCY, session, lambda _: (region,))
    frame = table(run.records()).set_index(["method", "measure", "sample"])["score"]
    inside = cells_inside((region,), session.model.spec.axes, session.inputs.shape[1:])
    for method, maps in run.maps.items():
        for index, values in maps.items():
            positive = values.clamp_min(0).double()
            expected = float(positive[inside].sum() / positive.sum())
            assert frame[method, "localisation", session.samples[index].id] == pytest.approx(expected)
            k = int(inside.sum())
            first = values.flatten().argsort(descending=True)[:k]
            expected = float(inside.flatten()[first].double().mean())
            tied = int((values.flatten() == values.flatten()[first[-1]]).sum())
            found = frame[method, "top_k_intersection", session.samples[index].id]
            assert found == pytest.approx(expected, abs=tied / k if tied > 1 else 1e-9)
    by_chance = frame.xs("chance/localisation", level="measure")
    assert set(by_chance.index.get_level_values("method")) == {"gradcam", "smoothgrad", "energy"}
    assert float(by_chance.mean()) == pytest.approx(float(inside.double().mean()), abs=0.1)
