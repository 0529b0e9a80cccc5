"""A suite as `audit init` writes it: every kind of check that the model allows, with limits it can be held to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audit.errors import AuditError
from audit.input_spec import SpeechInput
from audit.kinds import find
from audit.model import Model, as_found
from audit.probing.clips import SEED
from audit.probing.emotion_names import renamed
from audit.probing.found_data import FoundData
from audit.probing.lines import flow
from audit.randomness import SampleRng
from audit.starter.data_facts import cluster_of, groups_of
from audit.starter.written import comment, entries, from_folder, function_from

SHARES = (0.01, 0.03, 0.1)
STEP = 0.001
RATIOS = (30, 20, 10)
EXPLAINED = 24
LARGE = 20_000_000
SLOW = ("lrp",)
TRIED = ("lime", "gradcam", "lrp", "occlusion", "smoothgrad")
HEAD = "Written by `audit init`. Its limits are modest: any model fit for use keeps them. Write yours instead."
UNCLUSTERED = "not known: who is heard or seen; if a column tells, `cluster: speaker`"


@dataclass(frozen=True)
class Possible:
    """What a model allows: whether it gives gradients, which saliency methods work, and why others do not."""

    differentiable: bool
    saliency: tuple[str, ...]
    refused: Mapping[str, str]
    low: float
    high: float


def possible(model: Model, inputs: Tensor) -> Possible:
    """Return what `model` allows, the usual saliency methods tried on the first of `inputs` (n, ...)."""
    found, refused = [], {}
    size = sum(p.numel() for p in model.module.parameters()) if model.module is not None else 0
    for name in TRIED:
        method = find("saliency", name)
        if method.facts["gradients"] and not model.differentiable:
            refused[name] = "the model gives no gradients"
        elif name in SLOW and size > LARGE:
            refused[name] = f"takes long in a network of {size / 1e6:.0f} million weights"
        elif (reason := _refusal(name, model, inputs[:1].clone())) is not None:
            refused[name] = reason
        else:
            found.append(name)
    low, high = model.spec.bounds
    if not (abs(low) < float("inf") > abs(high)):
        low, high = (float(value) for value in torch.quantile(_some(inputs), torch.tensor([0.01, 0.99])))
    return Possible(model.differentiable, tuple(found), refused, low, high)


def _some(inputs: Tensor) -> Tensor:
    # torch.quantile takes no more than 16 million values.
    values = inputs.float().flatten()
    return values[:: max(1, len(values) // 1_000_000)]


def _refusal(name: str, model: Model, one: Tensor) -> str | None:
    with as_found(model, str(model.device)):
        try:
            with torch.inference_mode():
                target = model.logits(one).argmax(1)
            found = find("saliency", name).load()(model, one, target.clone(), SampleRng([SEED]))
        except (AuditError, RuntimeError, ValueError, IndexError) as error:
            return (str(error).strip() or type(error).__name__).splitlines()[0]
    return None if bool(torch.isfinite(found.values).all()) else "its maps are not finite"


def suite_text(name: str, folder: Path, found: FoundData, model: Model, can: Possible) -> str:
    """Return the suite that lies in `folder` beside the manifest, of the emotions that model and data share."""
    source, layout = found.source, found.source.layout.method
    rename = renamed(found.emotions, model.emotions)
    shown = {rename.get(emotion, emotion) for emotion in found.emotions}
    judged = [emotion for emotion in model.emotions if emotion in shown]
    cluster = cluster_of(groups_of(found))
    data: dict[str, Any] = {"layout": function_from(layout, folder) if ".py:" in layout else layout}
    data |= {"root": from_folder(source.root, folder)} if source.root is not None else {}
    data |= dict(source.layout.parameters)
    data |= {"split": dict(source.split)} if source.split is not None else {}
    data |= {"rename": dict(rename)} if rename else {}
    data |= {"emotions": judged} if shown != set(model.emotions) else {}
    decide = {"confidence": 0.95, **({"cluster": cluster} if cluster else {}), "when_unsure": "fail", "seed": SEED}
    why = {
        **found.guessed,
        "rename": "names of one emotion",
        "emotions": "those that both the model and the data know",
        "cluster": f"clips of one {cluster} are alike, so whole {cluster}s are drawn for the intervals",
    }
    lines = [
        *comment(
            "Written by `audit init`. Its limits are modest: any model fit for use keeps them. Write yours instead."
        ),
        *entries({"version": 1, "suite": name, "model": f"{name}.model.yaml"}, {}),
        "data:",
        *entries(data, why, 2),
        *_unknown_split(found),
        "decide:",
        *entries(decide, why, 2),
        *([] if cluster else comment(UNCLUSTERED, 2)),
        "checks:",
        *_checks(len(judged), model, can),
    ]
    return "\n".join(lines) + "\n"


def _unknown_split(found: FoundData) -> list[str]:
    if found.source.split is not None or "root" in found.guessed:
        return []
    return comment(
        "not known: which clips the model was trained on. It looks better on those than it is; judge others alone, by "
        "split: {by: speaker, share: 0.2}, {random: 0.2} or {column: split, values: [test]} as they were held out",
        2,
    )


def _checks(count: int, model: Model, can: Possible) -> Iterator[str]:
    guess = 1 / count
    yield "  - check: clean"
    yield "    gates:"
    yield from comment(f"twice as often right as a guess among {count} emotions", 6)
    yield f"      - {{metric: accuracy, min: {2 * guess:.2f}}}"
    yield from comment("no emotion is recognised less often than by a guess", 6)
    yield f"      - {{metric: recall, per: emotion, min: {guess:.2f}}}"
    yield from _noise(model, can)
    yield from _attack(model, can)
    yield from _saliency(can)


def _noise(model: Model, can: Possible) -> Iterator[str]:
    speech = isinstance(model.spec, SpeechInput)
    if (speech and not all(map(math.isfinite, model.spec.bounds))) or _is_waveform(model):
        # Of coefficients in units of their own, one sigma for all says little.
        yield from comment(
            "noise as loud as the voice less so many decibels: 30 is hardly heard, 10 is a busy street", 2
        )
        name, key, values = "white_noise", "snr_db", [float(ratio) for ratio in RATIOS]
    else:
        width = can.high - can.low
        yield from comment(
            f"sigma in units of the model's input, here from {can.low:.3g} to {can.high:.3g}: 1, 3 and 10 % of it",
            2,
        )
        name, key, values = "gaussian_noise", "sigma", [_rounded(share * width) for share in SHARES]
    yield "  - check: corruption"
    yield f"    method: {name}"
    yield f"    {flow({'sweep': {key: values}})}"
    yield "    gates:"
    yield from comment("the faintest takes at most 20 of 100 clips", 6)
    yield f"      - {{metric: drop, at: {flow(values[0])}, max: 0.2}}"


def _attack(model: Model, can: Possible) -> Iterator[str]:
    if not can.differentiable:
        yield from comment(
            "no fgsm: the model gives no gradients. An attack that needs none, with as many queries as you can await: "
            "{check: attack, method: square, queries: 200, samples: 30, "
            f"sweep: {{epsilon: [{10 * _least(model, can):g}]}}, gates: [...]}}",
            2,
        )
        return
    first = _least(model, can)
    values = [first, _rounded(3 * first), _rounded(10 * first)]
    unit = "of the waveform's full scale" if _is_waveform(model) else "in the same units"
    yield from comment(f"epsilon {unit}: nothing in the input changes by more", 2)
    yield "  - check: attack"
    yield "    method: fgsm"
    yield f"    {flow({'sweep': {'epsilon': values}})}"
    yield "    gates:"
    yield from comment("a change that nobody notices takes at most half of the clips", 6)
    yield f"      - {{metric: drop, at: {flow(first)}, max: 0.5}}"


def _least(model: Model, can: Possible) -> float:
    # An ear is finer than an eye: a thousandth of full scale is heard.
    return _rounded((can.high - can.low) * STEP * (0.05 if _is_waveform(model) else 1.0))


def _is_waveform(model: Model) -> bool:
    return isinstance(model.spec, SpeechInput) and model.spec.representation == "waveform"


def _saliency(can: Possible) -> Iterator[str]:
    for name, reason in can.refused.items():
        yield from comment(f"no {name}: {reason}", 2)
    if not can.saliency:
        return
    yield "  - check: saliency"
    yield f"    {flow({'method': list(can.saliency)})}"
    yield f"    samples: {EXPLAINED}"
    yield "    gates:"
    yield from comment("hiding what it calls relevant costs more than hiding as much elsewhere", 6)
    yield f"      - {{metric: faithfulness_over_random, of: {can.saliency[0]}, min: 0.0}}"


def _rounded(value: float) -> float:
    return float(f"{value:.1g}")
