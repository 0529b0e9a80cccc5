"""Screens of the data: every recording is read once, each screen is asked, and what it found is recorded."""

from __future__ import annotations

import inspect
import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from audit.checks.gathered import Gathered, Reader, Source, decode, gather, names_of
from audit.checks.session import Session
from audit.data import Dataset, printable
from audit.errors import DataError, MethodError
from audit.kinds import Method, known_methods
from audit.modality import words_of
from audit.record import FOUND, Record
from audit.screening import Finding, Items
from audit.suite import Check, known

LISTED_AT_MOST = 200


@dataclass(frozen=True)
class Screen:
    """One screen as the check asks for it; one that neither the check nor a gate names may be left out."""

    name: str
    method: Method
    parameters: Mapping[str, Any]
    named: bool

    @property
    def reader(self) -> tuple[Hashable, Reader | None]:
        """What is kept of a recording, under a key that screens share where they keep the same."""
        reads = self.method.facts["reads"]
        if reads is None:
            return None, None
        taken = inspect.signature(reads).parameters
        given = {**{name: each.default for name, each in self.method.parameters.items()}, **self.parameters}
        keys = {name: value for name, value in given.items() if name in taken}
        return (reads, repr(sorted(keys.items()))), partial(reads, **keys)


def screens_of(check: Check) -> list[Screen]:
    """Return the screens a check names, or all there are where it names none."""
    asked = {gate.of for gate in check.gates}
    if check.uses:
        return [Screen(use.name, known(use), use.parameters, True) for use in check.uses]
    return [Screen(name, each, {}, name in asked) for name, each in sorted(known_methods("screen").items())]


class DataRun:
    """One data check on one session; `found`, `refused` and `summary` fill up while `records` is read.

    `train` is what the model was trained on, None where the suite does not say. `found` holds by screen, and by the id
    of a judged sample, the reason. `refused` holds by screen why one could not be applied that the check or a gate
    names; why another was left out stands in the summary alone, whose values are plain: for the report.
    """

    def __init__(self, check: Check, session: Session, dataset: Dataset, train: Dataset | None) -> None:
        self.check, self.session, self.dataset, self.train = check, session, dataset, train
        self.judged = [session.samples[index] for index in session.chosen(check)]
        self.found: dict[str, dict[str, str]] = {}
        self.refused: dict[str, str] = {}
        self.summary: dict[str, Any] = {}
        # What cannot be judged is screened along, but of a check of some clips nobody asked for more.
        self._listed = [*self.judged, *(() if check.samples else dataset.unusable)]
        self._screens = screens_of(check)

    def total(self) -> int:
        """Return how many recordings are looked at."""
        return len(self._listed) + (len(self.train.samples) if self.train else 0)

    def records(self) -> Iterator[Record]:
        """Yield, per screen that can be applied, one record per judged sample; its score is 1 where it was found.

        Raises DataError where a judged recording cannot be read any more.
        """
        reasons = {each.name: reason for each in self._screens if (reason := self._unfit(each))}
        fitting = [each for each in self._screens if each.name not in reasons]
        judged, train = self._gathered(fitting)
        lost = {printable(sample.where) for sample in self.judged} & {problem.path for problem in judged.unread}
        if lost:
            raise DataError(f"{min(lost)}: was judged, and cannot be read again for the screens")
        names = names_of([*self._listed, *(self.train.samples if self.train else ())])
        rows = []
        for each in fitting:
            try:
                items = self._items(each, judged, train, names)
                findings = self._findings(each, items)
            except MethodError as error:
                reasons[each.name] = str(error)
                continue
            rows.append(self._row(each, findings))
            yield from self._records(each.name, findings)
        self.refused = {each.name: reasons[each.name] for each in self._screens if each.named and each.name in reasons}
        unread = [*judged.unread, *(train.unread if train else ())]
        self.summary = {
            "judged": len(self.judged),
            "train": len(self.train.samples) if self.train else None,
            "screens": rows,
            "refused": self.refused,
            "left_out": {name: reason for name, reason in reasons.items() if name not in self.refused},
            "unread": len(unread),
            "problems": [{"path": each.path, "reason": each.reason} for each in unread[:LISTED_AT_MOST]],
        }

    def _unfit(self, screen: Screen) -> str | None:
        fits, modality = screen.method.facts["modality"], self.session.model.spec.modality
        each = (fits,) if isinstance(fits, str) else fits
        if "any" in each or modality in each:
            return None
        kinds = " or ".join(words_of(one).kind for one in each)
        return f"{screen.name} is for {kinds}, and these are {words_of(modality).kind}"

    def _gathered(self, screens: Sequence[Screen]) -> tuple[Gathered, Gathered | None]:
        spec, progress = self.session.model.spec, self.session.progress
        readers = {key: reader for key, reader in (each.reader for each in screens) if reader}
        judged = gather(Source(self.dataset, self._listed, readers), spec, progress)
        if self.train is None:
            return judged, None
        return judged, gather(Source(self.train, self.train.samples, readers), spec, progress)

    def _items(self, screen: Screen, judged: Gathered, train: Gathered | None, names: Mapping[str, str]) -> Items:
        reader = screen.reader[0]
        if train and not train.kept:
            first = train.unread[0]
            raise MethodError(
                f"none of the train set's recordings can be read; the first: {first.path}: {first.reason}"
            )
        sources = {False: self.dataset, True: self.train}
        return Items(
            modality=self.session.model.spec.modality,
            judged=judged.items(reader, names, False),
            train=train.items(reader, names, True) if train else None,
            read=lambda item: decode(item.sample, sources[item.in_train] or self.dataset, self.session.model.spec),
        )

    def _findings(self, screen: Screen, items: Items) -> list[Finding]:
        """Return what a screen finds, an item once, judged ones first, each part by id."""
        given = {id(item) for item in items.all}
        findings: dict[tuple[bool, str], Finding] = {}
        try:
            for each in screen.method.load()(items, **screen.parameters):
                if not isinstance(each, Finding) or id(each.item) not in given:
                    raise MethodError(
                        f"{screen.name} must yield a Finding on one of the items it was given, not {each!r}"
                    )
                findings.setdefault((each.item.in_train, each.item.sample.id), each)
        except DataError as error:
            raise MethodError(f"{screen.name}: {error}") from error
        return [findings[place] for place in sorted(findings)]

    def _row(self, screen: Screen, findings: Sequence[Finding]) -> dict[str, Any]:
        judged = {sample.id for sample in self.judged}
        found = [each for each in findings if not each.item.in_train and each.item.sample.id in judged]
        beyond = [each for each in findings if not each.item.in_train and each.item.sample.id not in judged]
        return {
            "screen": screen.name,
            "about": screen.method.summary,
            "parameters": dict(screen.parameters),
            "found": len(found),
            "share": len(found) / len(judged),
            "in_train_too": sum(each.partner is not None and each.partner.in_train for each in found),
            "not_judged": len(beyond),
            "train": sum(each.item.in_train for each in findings),
            "groups": len({each.group for each in findings if each.group is not None}),
            "findings": [_plain(each, judged) for each in findings[:LISTED_AT_MOST]],
        }

    def _records(self, name: str, findings: Sequence[Finding]) -> Iterator[Record]:
        reasons = {each.item.sample.id: each.reason for each in findings if not each.item.in_train}
        self.found[name] = {sample.id: reasons[sample.id] for sample in self.judged if sample.id in reasons}
        for sample in self.judged:
            score = float(sample.id in reasons)
            yield Record(self.check.id, name, FOUND, math.nan, sample, "", [], score)


def _plain(finding: Finding, judged: set[str]) -> dict[str, Any]:
    item, partner = finding.item, finding.partner
    return {
        "sample": item.sample.id,
        "name": item.name,
        "emotion": item.sample.emotion,
        "set": "train" if item.in_train else "judged" if item.sample.id in judged else "not judged",
        "reason": finding.reason,
        "partner": partner.name if partner else None,
        "partner_emotion": partner.sample.emotion if partner else None,
        "group": finding.group,
    }
