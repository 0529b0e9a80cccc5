"""From a model's file and some recordings to a manifest and a suite that run, and what had to be guessed on the way."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audit.errors import DataError, UsageError
from audit.gate_id import slug
from audit.input_spec import FaceInput, InputSpec, SpeechInput
from audit.loaders.inspection import Inspection
from audit.manifest import load_model
from audit.probing.clips import Clips, read_clips
from audit.probing.found_data import FoundData
from audit.probing.probe import COUNTED, Probe, probe
from audit.source import function_in
from audit.starter.data_facts import DataFacts, facts_of, groups_of
from audit.starter.inputs import drafts
from audit.starter.labels import merged
from audit.starter.manifest_text import Opened, manifest_text, renames
from audit.starter.model_file import inspected
from audit.starter.search import Searched, search
from audit.starter.speakers import with_speakers
from audit.starter.suite_text import possible, suite_text

SEARCHED, FEW = 96, 8
# What is silent, blank, broken or too short by these is so by any other.
ANY: Mapping[str, InputSpec] = {"speech": SpeechInput(16000, 30.0, "waveform"), "face": FaceInput(48, 48)}
TRIED = ("scaling", "representation", "sampling_rate", "seconds")
MOST_OFTEN = "the model is right most often with it"
NOT_BEATEN = "nothing else that was tried is surely better"
NOT_FOUND = "NOT FOUND OUT: nothing that was tried is above guessing"
COUNTS = re.compile(r"(num|n)?_?(emotions?|class(es)?|labels?|outputs?|categories)(_?(num|count))?", re.IGNORECASE)


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for; see `audit init --help`."""

    model: Path
    out: Path
    loader: str | None = None
    source: str | None = None
    preprocess: str | None = None
    key: str | None = None
    trust: bool = False
    force: bool = False


@dataclass(frozen=True)
class Started:
    """What was written, what was seen of the model and the data, and what a probe of the result says."""

    manifest: Path
    suite: Path
    loader: str
    seen: Inspection
    data: FoundData
    facts: DataFacts
    groups: Mapping[str, int]
    searched: Searched
    guessed: Mapping[str, str]
    probe: Probe

    @property
    def holds(self) -> bool:
        """Whether the model is right with what was guessed, as far as a probe can tell."""
        return self.searched.holds and not self.probe.warnings


def start(wanted: Wanted, data: FoundData, say: Callable[[str], None] = lambda _: None) -> Started:
    """Write `NAME.model.yaml` and `NAME.audit.yaml` for a model and `data`, as guessed best, and probe the result.

    What the file and the recordings do not tell is tried, on clips that the probe's figure is not about where there
    are enough. Raises UsageError where something must be named first, or files would be overwritten; ModelError,
    UntrustedError or DataError where the model or the data cannot be read.
    """
    name = slug(wanted.model.resolve().stem if wanted.model.is_file() else wanted.model.resolve().name)
    manifest, suite = wanted.out / f"{name}.model.yaml", wanted.out / f"{name}.audit.yaml"
    _may_write((manifest, suite), force=wanted.force)
    loader, seen = inspected(wanted.model, wanted.loader, trust=wanted.trust, key=wanted.key)
    if seen.source is not None and wanted.source is None:
        raise UsageError(_source_is_due(wanted.model, seen))
    say(f"{wanted.model}: {seen.what}, opened by loader {loader}")
    data = with_speakers(data)
    emotions = list(data.emotions)
    if len(emotions) < 2:
        raise DataError(f"{data.source.root}: all clips show {', '.join(emotions)}; two emotions at least are due")
    modality = seen.modality or data.modality
    clips = read_clips(data.samples, SEARCHED + COUNTED, data.reader(modality), ANY[modality])
    facts = facts_of(clips, modality)
    say(f"{data.source.root or ''} as {data.source.layout.method}: {len(data.samples):,} clips, {facts}".lstrip())
    opened = Opened(name, wanted.model, loader, seen, wanted.source, _arguments(wanted.source, seen, len(emotions)))
    few = clips.first(min(SEARCHED, (len(clips) + 1) // 2))
    say(f"trying what the file does not say on {len(few)} clips")
    searched = _searched(opened, seen, facts, few, emotions, wanted.preprocess)
    wanted.out.mkdir(parents=True, exist_ok=True)
    guessed = _write(manifest, suite, opened, data, clips, searched)
    tried = {sample.where for sample in few.samples}
    found = probe(manifest, data, without=tried, say=say)
    return Started(manifest, suite, loader, seen, data, facts, groups_of(data), searched, guessed, found)


def _may_write(paths: Sequence[Path], *, force: bool) -> None:
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]}: is there already; name another folder with --out, or overwrite it with --force")


def _source_is_due(path: Path, seen: Inspection) -> str:
    if path.suffix == ".py":
        return f"{path}: {seen.what}; name a function in it that {seen.source}: --source {path}:FUNCTION"
    outputs = f", {seen.outputs} outputs" if seen.outputs else ""
    return (
        f"{path}: {seen.what}{outputs}; without its code that is no model. Name a function that {seen.source}: "
        "--source network.py:build\nsuch as, in network.py:\n"
        "  def build():\n"
        f"      return MyNetwork({seen.outputs or ''})  # as it was built for training\n"
        "or save the model whole, as ONNX or by torch.export"
    )


def _arguments(source: str | None, seen: Inspection, emotions: int) -> dict[str, Any]:
    """Return what a function that builds the network is given: how many outputs, where it asks for that."""
    if source is None:
        return {}
    file, _, name = source.rpartition(":")
    function = function_in(Path(file), name)
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
    given: dict[str, Any] = {}
    for parameter in parameters.values():
        if COUNTS.fullmatch(parameter.name):
            given[parameter.name] = seen.outputs or emotions
    return given


def _searched(
    opened: Opened, seen: Inspection, facts: DataFacts, clips: Clips, emotions: Sequence[str], preprocess: str | None
) -> Searched:
    with TemporaryDirectory() as folder:

        def write(lines: Mapping[str, Any], labels: Sequence[str]) -> Path:
            path = Path(folder) / "tried.model.yaml"
            path.write_text(manifest_text(opened, None, lines, labels), encoding="utf-8")
            return path

        return search(
            drafts(seen, facts, preprocess), write, clips, emotions, seen.outputs, seen.labels, set(seen.input)
        )


def _write(
    manifest: Path, suite: Path, opened: Opened, data: FoundData, clips: Clips, searched: Searched
) -> dict[str, str]:
    """Write both files and return the keys that were guessed, with the reasons."""
    labels, best, emotions = searched.best.labels, searched.best.draft, list(data.emotions)
    names = opened.seen.labels or labels.names
    together = merged(names, emotions) if labels.certain else {}
    why = {key: reason for key, reason in best.why.items() if key in best.lines}
    for key in TRIED:
        if key in best.lines and key not in opened.seen.input:
            why.setdefault(key, MOST_OFTEN if labels.accuracy >= max(searched.tried.values()) else NOT_BEATEN)
    why = why if searched.holds else dict.fromkeys(why, "not found out")
    if not labels.certain:
        why["rename" if opened.seen.labels else "emotions"] = labels.why
    if opened.arguments:
        why["arguments"] = "the function asks for it"
    notes = [
        f"On {searched.clips} clips it is right in {labels.accuracy:.2f} with these lines; of {len(searched.tried)} "
        f"ways tried none is surely better. Guessing gets {searched.chance:.2f}."
    ]
    notes += [] if searched.holds else [f"{NOT_FOUND}. Correct the lines below."]
    rename = renames(opened.seen, labels, together)
    text = manifest_text(opened, manifest.parent, best.lines, names, why=why, rename=rename, notes=notes)
    manifest.write_text(text, encoding="utf-8")
    model = load_model(manifest)
    can = possible(model, clips.first(FEW).inputs(model.spec))
    suite.write_text(suite_text(opened.name, suite.parent, data, model, can), encoding="utf-8")
    return why
