"""A first look at a model: its answers for a few clips, how often they are right, and what may be wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from audit.dataset import open_dataset
from audit.intervals import wilson
from audit.manifest import Manifest, load_model, read_manifest
from audit.model import Model
from audit.probing.causes import Warned, warnings_of
from audit.probing.clips import BATCH, logits_of, read_clips
from audit.probing.emotion_names import renamed
from audit.probing.found_data import FoundData
from audit.probing.trial import Trial, tried
from audit.stability import Instability, asked_again

SHOWN, COUNTED = 8, 200
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Answered:
    """One clip: its path (or id, where it has none), true emotion, and the probability of every emotion."""

    clip: str
    emotion: str
    probabilities: Mapping[str, float]

    @property
    def predicted(self) -> str:
        """The likeliest emotion."""
        return max(self.probabilities, key=lambda emotion: self.probabilities[emotion])


@dataclass(frozen=True)
class Probe:
    """What a probe found: some answers, the accuracy over `n` clips, and the warnings.

    `chance` is the accuracy of guessing the most frequent true emotion; `interval` is Wilson's, of 95 %. `answers`
    counts the predictions by emotion, `inputs` describes the numbers the model was given.
    """

    model: str
    loader: str
    note: str
    activation: str
    data: Mapping[str, Any]
    clips: tuple[Answered, ...]
    n: int
    accuracy: float
    interval: tuple[float, float]
    chance: float
    answers: Mapping[str, int]
    inputs: Mapping[str, Any]
    warnings: tuple[Warned, ...]

    def document(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = asdict(self)
        for row, clip in zip(found["clips"], self.clips, strict=True):
            row["predicted"] = clip.predicted
        return found


def probe(
    path: Path,
    data: FoundData,
    *,
    shown: int = SHOWN,
    counted: int = COUNTED,
    without: Collection[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Probe:
    """Return what the model of the manifest at `path` makes of some clips of `data`.

    `shown` are listed, accuracy is over up to `counted` of them, shared out evenly over emotions and drawn by a fixed
    seed, `without` those of these paths (or ids). `say` is told what takes long. Emotions that the data names otherwise
    (surprised, surprise) are matched; clips of emotions that the model does not know are left out.
    Raises SuiteError, ModelError or DataError where nothing can be answered.
    """
    manifest = read_manifest(path)
    model = load_model(path)
    rename = renamed(data.emotions, model.emotions)
    known = {rename.get(name, name) for name in data.emotions} & set(model.emotions)
    judged = tuple(emotion for emotion in model.emotions if emotion in known)
    source = replace(data.source, rename=rename, emotions=judged)
    dataset = open_dataset(source, model.emotions)
    reader = data.read or model.spec.read
    others = [sample for sample in dataset.samples if sample.where not in without]
    clips = read_clips(others or dataset.samples, max(counted, shown), reader, model.spec)
    trial = tried(model, clips)
    right = int(trial.right.sum())
    truths = Counter(sample.emotion for sample in clips.samples)
    chance = max(truths.values()) / len(clips)
    interval = wilson(right / len(clips), len(clips), CONFIDENCE)
    problems = [*dataset.problems, *clips.problems]
    return Probe(
        model=model.name,
        loader=model.loader,
        note=model.note,
        activation=str(model.activation),
        data={
            "layout": source.layout.method,
            "root": None if source.root is None else str(source.root),
            "n": len(dataset.samples),
            "rename": dict(rename),
            "left_out": dict(dataset.left_out),
            "unseen": [emotion for emotion in model.emotions if emotion not in known],
            "problems": [{"path": problem.path, "reason": problem.reason} for problem in problems],
        },
        clips=_answers(trial, data.source.root, shown),
        n=len(clips),
        accuracy=right / len(clips),
        interval=interval,
        chance=chance,
        answers=dict(Counter(model.emotions[answer] for answer in trial.answers).most_common()),
        inputs=described(manifest, trial),
        warnings=warnings_of(manifest, model, trial, chance, _unstable(model, trial), say),
    )


def _unstable(model: Model, trial: Trial) -> Instability | None:
    """Return whether the answers are the clips' own; no remedy can be read from others."""

    def predict(inputs: Tensor, size: int) -> Tensor:
        return logits_of(model, inputs, batch=size, shuffled=False).softmax(1)

    return asked_again(model, predict, trial.inputs, trial.probabilities, BATCH)


def described(manifest: Manifest, trial: Trial) -> dict[str, Any]:
    """Return the shape, the range, the mean and the deviation of the inputs, and their sampling rates."""
    inputs, spec = trial.inputs.double(), manifest.spec
    rates = sorted({rate for _, rate in trial.clips.raw if rate})
    return {
        "shape": list(inputs.shape[1:]),
        "low": float(inputs.min()),
        "high": float(inputs.max()),
        "mean": float(inputs.mean()),
        "deviation": float(inputs.std()),
        "sampling_rate": getattr(spec, "sampling_rate", None),
        "clips_sampling_rates": rates,
    }


def _answers(trial: Trial, root: Path | None, shown: int) -> tuple[Answered, ...]:
    rows = []
    for sample, row in zip(trial.clips.samples[:shown], trial.probabilities[:shown].tolist(), strict=True):
        path = sample.path
        folder = root.parent if root is not None and root.is_file() else root
        if path is not None and folder is not None and path.is_relative_to(folder):
            path = path.relative_to(folder)
        rows.append(Answered(str(path or sample.id), sample.emotion, dict(zip(trial.emotions, row, strict=True))))
    # Clips of one emotion stand together.
    return tuple(sorted(rows, key=lambda row: trial.emotions.index(row.emotion)))
