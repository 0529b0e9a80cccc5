"""Which saliency methods find what a model goes by, where that is known: `python benchmarks/localisation.py`.

Generated clips and faces in which the region that carries the emotion is known, and models that fell for a planted
shortcut. Everything is measured by the audit itself; this file asks for every method there is, and prints.

Relevance inside is the share of positive relevance that lies in the region, top k inside the share of the k most
relevant cells, k being how many the region has; chance is what the same maps give when moved elsewhere, around the
edges. A method has found the region where its relevance inside is above chance and above that of the energy baseline,
with the whole interval of either difference.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from audit.audit import Audit
from audit.checks.places import cells_inside, cells_of
from audit.dataset import open_dataset
from audit.estimate import Estimate
from audit.estimator import Estimator
from audit.input_spec import InputSpec
from audit.kinds import known_methods
from audit.manifest import load_model
from audit.model import Model
from audit.runner import run
from audit.suite import Check, DataSource, Gate, Suite, Use, read_suite

SUITES = Path(__file__).parent.parent / "suites"
MEASURES = ("localisation", "top_k_intersection")
BASELINE = "energy"
COLUMNS = "{:<24}{:<25}{:<9}{:<25}{:<9}{}"


@dataclass(frozen=True)
class Question:
    """Whether relevance lies where it should, or in a shortcut's `region`, looked for in clips of its `emotion`."""

    suite: str
    about: str
    region: str | None = None
    emotion: str | None = None


QUESTIONS = (
    Question("quickstart", "the emotional phrase in the voice's band"),
    Question("quickstart-faces", "eyes with brows, and the mouth"),
    Question("shortcut-tone", "the planted tone", "tone", "sadness"),
    Question("shortcut-patch", "the planted patch", "corner", "happy"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one table per question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=60, help="clips or pictures per data set (60)")
    parser.add_argument("--only", choices=[question.suite for question in QUESTIONS], help="one data set alone")
    parser.add_argument("--methods", nargs="+", choices=sorted(known_methods("saliency")), help="these methods alone")
    options = parser.parse_args(arguments)
    # The baseline looks at no model: it says how much is to be had from the recording alone.
    methods = [BASELINE, *sorted({*(options.methods or known_methods("saliency"))} - {BASELINE})]
    for question in QUESTIONS:
        if options.only in (None, question.suite):
            for line in table(question, methods, options.clips):
                print(line, flush=True)
    return 0


def table(question: Question, methods: Sequence[str], clips: int) -> Iterator[str]:
    """Yield a heading, how well the model does, and a row for every method with its refusal where it gave no map."""
    suite = read_suite(SUITES / f"{question.suite}.audit.yaml")
    assert suite.model is not None
    assert suite.data is not None
    model, source = load_model(suite.model), suite.data
    if question.emotion:
        source = replace(source, emotions=(question.emotion,))
    check = asked(next(check for check in suite.checks if check.kind == "saliency"), methods, clips)
    audit = run(replace(suite, data=source, checks=(check,)), model=model)
    estimator = Estimator(audit.records, model.emotions, {}, suite.decide)
    share = share_of_input(audit, check, source, model, question.region)
    n = audit.records.loc[audit.records["check"] == check.id, "sample"].nunique()
    yield f"\n{question.suite}: {question.about}, {share:.1%} of the input ({n} samples)"
    if question.emotion:
        yield recalls(suite, source, model, question.emotion)
    yield COLUMNS.format("", "relevance inside", "chance", "top k inside", "chance", "found")
    suffix = f"/{question.region}" if question.region else ""
    for method in methods:
        yield row(estimator, check.id, method, suffix, refused(audit, method))
    yield f"{suite.decide.confidence:.0%} intervals, whole {suite.decide.cluster}s resampled"


def asked(check: Check, methods: Sequence[str], clips: int) -> Check:
    """Return the check with all methods, and with nothing that does not tell where relevance lies."""
    return replace(
        check,
        uses=tuple(Use("saliency", method) for method in methods),
        faithfulness=(Use("faithfulness", "probability_drop", {"fill": "mean"}),),
        sanity=(),
        confined=None,
        samples=clips,
        # Any gate will do: its verdict says why a method gave no maps.
        gates=tuple(Gate("localisation", 0.0, None, of=method) for method in methods),
    )


def row(estimator: Estimator, check: str, method: str, suffix: str, refusal: str) -> str:
    """Return a method's line."""
    cells: list[str] = []
    for measure in MEASURES:
        inside = estimator.mean_score(check, method, f"{measure}{suffix}")
        if inside.value is None:
            return f"{method:<24}refused: {refusal or inside.why}"
        chance = estimator.mean_score(check, method, f"chance/{measure}{suffix}")
        cells += [told(inside), f"{chance.value:.3f}"]
    name = f"{MEASURES[0]}{suffix}"
    rivals = [(method, f"chance/{name}"), *([(BASELINE, name)] if method != BASELINE else [])]
    gains = [estimator.mean_score(check, method, name, minus=rival) for rival in rivals]
    return COLUMNS.format(method, *cells, "baseline" if method == BASELINE else verdict(gains))


def told(estimate: Estimate) -> str:
    """Return a value with its interval."""
    if estimate.interval is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} ({estimate.interval[0]:.3f} to {estimate.interval[1]:.3f})"


def verdict(gains: Sequence[Estimate]) -> str:
    """Return whether all gains, over chance and over the baseline, lie wholly above zero."""
    ends = [gain.interval for gain in gains if gain.interval is not None]
    if any(high <= 0 for _, high in ends):
        return "no"
    return "yes" if len(ends) == len(gains) and all(low > 0 for low, _ in ends) else "unsure"


def refused(audit: Audit, method: str) -> str:
    """Return why a method gave no maps of this model; empty where it did."""
    return "; ".join(each.reason for each in audit.verdicts if each.method == method and each.outcome == "ERROR")


def recalls(suite: Suite, source: DataSource, model: Model, emotion: str) -> str:
    """Return the recall of the planted emotion with the shortcut and without it, in words."""
    layout = source.layout
    bare = {key: value for key, value in layout.parameters.items() if key != "shortcut"}
    shares = []
    for parameters in (layout.parameters, bare):
        data = replace(source, layout=replace(layout, parameters=parameters))
        audit = run(replace(suite, data=data, checks=(Check("clean", "clean"),)), model=model)
        shares.append((audit.records["predicted"] == emotion).mean())
    return f"recall of {emotion}: {shares[0]:.2f} with the shortcut, {shares[1]:.2f} in the same samples without it"


def share_of_input(audit: Audit, check: Check, source: DataSource, model: Model, region: str | None) -> float:
    """Return the mean share of an input's cells that the region holds."""
    shape = shape_of(model.spec)
    if region is not None:
        (named,) = (each for each in check.regions if each.name == region)
        return float(cells_of(named, model.spec.axes, shape).double().mean())
    dataset = open_dataset(source, model.emotions)
    assert dataset.truth is not None
    judged = set(audit.records.loc[audit.records["check"] == check.id, "sample"])
    masks = (cells_inside(dataset.truth(s), model.spec.axes, shape) for s in dataset.samples if s.id in judged)
    return float(np.mean([float(mask.double().mean()) for mask in masks]))


def shape_of(spec: InputSpec) -> torch.Size:
    """Return the shape of one input."""
    return spec.represent(spec.example(1)).shape[1:]


if __name__ == "__main__":
    sys.exit(main())
