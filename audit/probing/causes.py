"""What is probably wrong with a model's manifest, every usual cause tried on some clips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from audit.input_spec import SpeechInput
from audit.intervals import wilson
from audit.manifest import Manifest
from audit.model import Model
from audit.probing.label_order import MUCH
from audit.probing.normalisation import remembered
from audit.probing.readings import AXES, RATE, SCALE, other_readings
from audit.probing.remedies import FEW, LABELS, Cause, Tried, by_both, by_order, by_reading, said, unsure_order
from audit.probing.trial import Trial, tried_otherwise
from audit.stability import Instability

ALWAYS = 0.95
UNSURE = 0.2
LARGE = 10.0
"""Values that no network is given as they are: all the usual scalings stay below."""
UNSTABLE = "unstable"
SOFTMAX, STRANGERS = "softmax", "other recordings"


@dataclass(frozen=True)
class Warned:
    """Something that is probably wrong, in a sentence, and its causes, those that would mend it first."""

    kind: str
    message: str
    causes: tuple[Cause, ...] = ()


def warnings_of(
    manifest: Manifest,
    model: Model,
    trial: Trial,
    chance: float,
    unstable: Instability | None,
    say: Callable[[str], None],
) -> tuple[Warned, ...]:
    """Return what is probably wrong.

    Answers that are not the clips' own: while they are not, nothing that would mend an accuracy is looked for. An
    accuracy whose 95 % interval reaches down to `chance`; one emotion for nearly all clips; another order of the
    emotions, or another way to make the inputs, that is surely and largely better; a second softmax.
    """
    n = len(trial.clips)
    if unstable is not None:
        told = f"{unstable.seen}, so `audit run` would give no verdict; {unstable.remedy}, and probe again"
        return (Warned(UNSTABLE, told), *(Warned(*each) for each in _failing(trial, chance)))
    shown = {sample.emotion for sample in trial.clips.samples}
    if len(shown) < 2:
        return (
            Warned("one emotion", f"all clips show {shown.pop()}; whether it tells emotions apart is not to be seen"),
        )
    if wilson(1.0, n, 0.95)[0] <= chance:
        return (Warned("few clips", f"{n} clips are too few to tell right answers from guesses"),)
    # Where nearly all is right, no other way can be right much more often.
    readings = []
    if trial.accuracy < 1 - MUCH:
        chunked = manifest.chunks is not None
        readings = list(other_readings(manifest.spec, manifest.order, chunked=chunked))
    if readings:
        say(f"trying {len(readings)} other ways to make the inputs")
    seen = [(reading, tried_otherwise(model, trial.clips.first(FEW), reading)) for reading in readings]
    mended = [cause for cause in (by_order(manifest, trial), by_reading(model, trial, seen, chance)) if cause]
    failing = list(_failing(trial, chance))
    if failing:
        both = None if mended else by_both(manifest, trial, seen)
        causes = (*mended, *([both] if both else []), *_others(manifest, model, trial, seen, mended))
        return (Warned(*failing[0], causes), *(Warned(*each) for each in failing[1:]))
    found = [Warned(cause.cause, f"another {cause.cause} fits the answers much better", (cause,)) for cause in mended]
    if _flat(trial):
        top = float(trial.probabilities.amax(1).max())
        found.append(
            Warned(
                SOFTMAX,
                f"right in {trial.accuracy:.2f} of the clips, and never surer than {top:.2f}: softmax seems to come "
                f"twice. The outputs are taken as after `activation: {model.activation}`; say what the model applies",
            )
        )
    return tuple(found)


def _failing(trial: Trial, chance: float) -> Iterator[tuple[str, str]]:
    """Yield kind and message of what no working model does."""
    n = len(trial.clips)
    if wilson(trial.accuracy, n, 0.95)[0] <= chance:
        yield "chance", f"accuracy {trial.accuracy:.2f} is not clearly above guessing, {chance:.2f}"
    answer, count = Counter(trial.answers.tolist()).most_common(1)[0]
    if count >= ALWAYS * n and chance < ALWAYS:
        yield "one answer", f"{count} of {n} clips are called {trial.emotions[answer]}"


def _others(manifest: Manifest, model: Model, trial: Trial, seen: Tried, mended: list[Cause]) -> Iterator[Cause]:
    """Yield the usual causes that would not mend it, with what speaks against each."""
    known = {cause.cause for cause in mended}
    if LABELS not in known:
        yield Cause(LABELS, unsure_order(manifest, trial))
    for cause in dict.fromkeys(reading.cause for reading, _ in seen):
        if cause == SCALE:
            yield Cause(
                cause,
                "; ".join([_range(trial), *_memory(model, trial), *_fitted(trial), *_tried(cause, seen, known, trial)]),
            )
        elif cause == RATE:
            yield Cause(cause, "; ".join([_rates(manifest, trial), *_tried(cause, seen, known, trial)]))
        elif cause not in known:
            yield Cause(cause, "; ".join(_tried(cause, seen, known, trial)))
    if AXES not in {reading.cause for reading, _ in seen}:
        shape = " x ".join(map(str, trial.inputs.shape[1:]))
        yield Cause(AXES, f"an input of {shape} has no two axes to change places")
    top = float(trial.probabilities.amax(1).mean())
    twice = "; as if softmax came twice" if _flat(trial) else ""
    yield Cause(
        SOFTMAX,
        f"the outputs are taken as after `activation: {model.activation}`; the largest probability is {top:.2f} on "
        f"average{twice}",
    )
    speech = isinstance(manifest.spec, SpeechInput)
    unlike = "a language, speakers or microphones" if speech else "faces, cameras or crops"
    yield Cause(STRANGERS, f"the model may know {unlike} from its training that these are not: no line mends that")


def _tried(cause: str, seen: Tried, mended: set[str], now: Trial) -> list[str]:
    if cause in mended:
        return []
    found = [(trial.accuracy, reading) for reading, trial in seen if reading.cause == cause and trial is not None]
    if not found:
        return ["the model takes no other"]
    best, reading = max(found, key=lambda each: each[0])
    few = now.first(FEW)
    if best >= few.accuracy + MUCH:
        return [f"{said(reading)} {best:.2f} of {len(few.clips)} clips are right, too few to be sure of"]
    others = f"none of {len(found)} others is" if len(found) > 1 else "the other is not"
    return [f"{others} right much more often (at best {best:.2f})"]


def _range(trial: Trial) -> str:
    inputs = trial.inputs.double()
    return (
        f"the inputs lie from {float(inputs.min()):.3g} to {float(inputs.max()):.3g}, mean {float(inputs.mean()):.3g}, "
        f"deviation {float(inputs.std()):.3g}"
    )


def _fitted(trial: Trial) -> list[str]:
    if float(trial.inputs.abs().max()) <= LARGE:
        return []
    return [
        "networks for such values are mostly trained behind a scaler that was fitted on the training clips: "
        "`scaling: {file: scaler.npz}`"
    ]


def _rates(manifest: Manifest, trial: Trial) -> str:
    assert isinstance(manifest.spec, SpeechInput)
    rates = sorted({rate for _, rate in trial.clips.raw})
    clips = f"{rates[0]} Hz" if len(rates) == 1 else f"{rates[0]} to {rates[-1]} Hz"
    return f"clips of {clips}, which the model hears at {manifest.spec.sampling_rate} Hz"


def _memory(model: Model, trial: Trial) -> list[str]:
    kept = remembered(model, trial.inputs[:FEW])
    if kept is None:
        return []
    if not kept.strange:
        return ["the network's first batch normalisation knows such values from its training"]
    return [
        f"the network's first batch normalisation ({kept.layer}) was trained on others: the mean is {kept.shift:.1f} "
        f"deviations away, the deviation {kept.spread:.1f} times another"
    ]


def _flat(trial: Trial) -> bool:
    """Return whether no probability is larger than softmax makes of probabilities, though answers are often right."""
    k = len(trial.emotions)
    # The largest softmax of numbers in [0, 1].
    most = np.e / (np.e + k - 1)
    top = trial.probabilities.amax(1)
    return float(top.max()) <= most + 1e-6 and trial.accuracy - float(top.mean()) >= UNSURE
