"""Tries what a manifest may say, and keeps what the model is most often right with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audit.errors import AuditError, DataError, ModelError, SuiteError, UntrustedError
from audit.input_spec import InputSpec
from audit.intervals import wilson
from audit.kinds import find
from audit.manifest import load_model, read_manifest
from audit.model import Model
from audit.probing.clips import Clips, logits_of
from audit.probing.label_order import sign_test
from audit.probing.lines import flow
from audit.probing.readings import AXES, Reading, other_readings, scaled, scalings
from audit.starter.inputs import Draft
from audit.starter.labels import UNKNOWN, Labels, fitted_labels, known_labels

ENOUGH = 0.9
"""An accuracy with which no other shape is tried."""
ROUNDS = 4
SURPRISING = 0.05
Write = Callable[[Mapping[str, Any], Sequence[str]], Path]


@dataclass(frozen=True)
class Attempt:
    """A draft of `input:`, the specification it describes, and the labels that its answers fit."""

    draft: Draft
    spec: InputSpec
    labels: Labels


@dataclass(frozen=True)
class Searched:
    """The best attempt on `clips` clips, and the accuracy of all that were made, by their lines of `input:`."""

    best: Attempt
    tried: Mapping[str, float]
    clips: int
    chance: float

    @property
    def holds(self) -> bool:
        """Whether the best attempt is surely better than guessing."""
        return wilson(self.best.labels.accuracy, self.clips, 0.95)[0] > self.chance


def search(
    drafts: Iterable[Draft],
    write: Write,
    clips: Clips,
    emotions: Sequence[str],
    outputs: int | None,
    labels: Sequence[str],
    certain: Collection[str],
) -> Searched:
    """Return the lines of `input:` and the labels that the model is most often right with on `clips`.

    `write(input, labels)` writes a manifest to be tried. `emotions` are the data's in their order, `outputs` how many
    the model has as far as is known, `labels` their names in the file; the keys `certain` are not varied.
    Raises ModelError with what the model said where it takes none of the drafts, at once where its file cannot be
    opened whatever its input is.
    """
    judge = Judge(clips, emotions, labels, certain)
    refused = Refused()
    best: tuple[Attempt, Model] | None = None
    for draft in drafts:
        model = _opened(draft, write, labels, outputs, len(emotions), refused)
        found = judge.first(model, draft) if model is not None else None
        if model is None or found is None:
            continue
        outputs = len(model.emotions)
        # The likelier come first, and chance alone must not put another in their place.
        if best is None or surely(found, best[0]):
            best = found, model
        if best[0].labels.accuracy >= ENOUGH:
            break
    if best is None:
        if refused.file is not None:
            raise refused.file
        told = f"; the first said: {refused.told[0]}" if refused.told else ""
        raise ModelError(
            f"the model takes none of the inputs that were tried{told}\nsay how its input is made: --preprocess "
            "file.py:function; it is given (waveform, sampling_rate), or a picture (channels, height, width), and "
            "returns one input as an array"
        )
    return Searched(judge.improved(best[1], best[0]), judge.tried, len(clips), judge.chance)


@dataclass
class Refused:
    """What was said of drafts that were refused, and by the loader of the file itself, while it has never opened it."""

    told: list[str] = field(default_factory=list)
    file: ModelError | None = None
    opens: bool = False


def _opened(
    draft: Draft, write: Write, labels: Sequence[str], outputs: int | None, emotions: int, refused: Refused
) -> Model | None:
    """Return the model of a draft, None where it takes no such input; raises ModelError where its file is refused."""
    for count in dict.fromkeys((outputs or emotions, emotions)):
        names = list(labels) or [f"{UNKNOWN}-{i + 1}" for i in range(count)]
        path = write(draft.lines, names)
        try:
            model = load_model(path)
        except (SuiteError, UntrustedError):
            raise
        except AuditError as error:
            refused.told.append(_said(error, path))
            continue
        refused.opens, refused.file = True, None
        return model
    if not refused.opens:
        _ask_loader(path, refused)
    return None


def _ask_loader(path: Path, refused: Refused) -> None:
    """Find out whether the file opens at all; raises ModelError where two drafts are refused in the same words."""
    manifest = read_manifest(path)
    try:
        find("loader", manifest.loader, relative_to=path.parent).load()(manifest, **manifest.keys)
    except AuditError as error:
        again = ModelError(_said(error, path))
        if str(again) == str(refused.file):
            raise again from error
        refused.file = again
    else:
        refused.opens, refused.file = True, None


def _said(error: AuditError, path: Path) -> str:
    """Return what an error says, without the manifest it stood in, which is gone."""
    return str(error).removeprefix(f"{path}: ")


class Judge:
    """Clips that answers are compared with; `tried` fills with what was."""

    def __init__(self, clips: Clips, emotions: Sequence[str], labels: Sequence[str], certain: Collection[str]) -> None:
        self.clips, self.emotions, self.labels, self.certain = clips, tuple(emotions), tuple(labels), certain
        self.truths = np.array([emotions.index(sample.emotion) for sample in clips.samples], dtype=np.int64)
        self.chance = float(np.bincount(self.truths).max() / len(clips))
        self.tried: dict[str, float] = {}

    def attempt(self, model: Model, draft: Draft, spec: InputSpec) -> Attempt | None:
        """Return what the answers are where inputs are made by `spec`, None where the model takes none such."""
        try:
            answers = logits_of(model, self.clips.inputs(spec)).argmax(1).numpy()
        except (ModelError, DataError, RuntimeError, ValueError):
            # A network says in its framework's own words that a shape does not fit.
            return None
        labels = known_labels(self.labels, self.emotions, self.truths, answers) if self.labels else None
        labels = labels or fitted_labels(len(model.emotions), self.emotions, self.truths, answers)
        self.tried[flow(dict(draft.lines))] = labels.accuracy
        return Attempt(draft, spec, labels)

    def first(self, model: Model, draft: Draft) -> Attempt | None:
        """Return the first of the usual scalings of a draft that no other surely beats."""
        if "scaling" in self.certain:
            return self.attempt(model, draft, model.spec)
        best: Attempt | None = None
        for scaling in scalings(model.spec):
            lines = _filled({**draft.lines, "scaling": scaling and dict(scaling)})
            found = self.attempt(model, Draft(lines, draft.why), scaled(model.spec, scaling))
            if found is not None and (best is None or surely(found, best)):
                best = found
        return best

    def improved(self, model: Model, best: Attempt) -> Attempt:
        """Return an attempt that another sampling rate, spectrum or hop makes surely better, or the same."""
        for _ in range(ROUNDS):
            found = []
            readings = list(self._others(best))
            for reading in readings:
                lines = _filled({**best.draft.lines, **reading.lines})
                why = {key: why for key, why in best.draft.why.items() if lines.get(key) == best.draft.lines.get(key)}
                attempt = self.attempt(model, Draft(lines, why), reading.spec)
                if attempt is not None and surely(attempt, best, among=len(readings)):
                    found.append(attempt)
            if not found:
                break
            best = max(found, key=lambda each: each.labels.accuracy)
        return best

    def _others(self, best: Attempt) -> Iterator[Reading]:
        for reading in other_readings(best.spec):
            changed = {key for key, value in reading.lines.items() if best.draft.lines.get(key) != value}
            if reading.cause != AXES and not changed & set(self.certain):
                yield reading


def _filled(lines: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lines that say something."""
    return {key: value for key, value in lines.items() if value is not None}


def surely(attempt: Attempt, best: Attempt, *, among: int = 1) -> bool:
    """Return whether one attempt of `among` is right more often than the best so far, and not by chance."""
    gained = int((attempt.labels.right & ~best.labels.right).sum())
    lost = int((best.labels.right & ~attempt.labels.right).sum())
    return gained > lost and sign_test(gained, lost) < SURPRISING / among
