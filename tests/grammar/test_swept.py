"""Checks of several attacks as a suite writes them, and what is refused with its place and a remedy."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from audit.errors import SuiteError
from audit.grammar.schema import suite_schema
from audit.suite import STRONGEST, Check, Suite, read_suite

SCHEMA = Draft202012Validator(suite_schema())
HEAD = "version: 1\nsuite: s\nchecks:\n"
OWN = '''
from audit.kinds import attack

@attack(norm="linf")
def swap(model, inputs, targets, rng, *, epsilon, times: int = 2):
    """Swaps cells."""
    for _ in epsilon:
        yield inputs

@attack(norm="linf")
def strongest(model, inputs, targets, rng, *, epsilon):
    """Is called what the worst of all is."""
    for _ in epsilon:
        yield inputs
'''
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "other.model.yaml").touch()

    def write(checks: str) -> Path:
        path = tmp_path / "x.audit.yaml"
        path.write_text(HEAD + checks)
        return path

    return write


def several(method: str, rest: str = "sweep: {epsilon: [0.1, 0.2]}") -> str:
    return f"  - {{check: attack, id: a, method: {method}, {rest}}}\n"


def plain(text: str) -> Any:
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


GOOD = {
    "names": several("[fgsm, pgd]"),
    "names and keys": several("[fgsm, {pgd: {steps: 10}}, {apgd: {loss: dlr}}, {square: {queries: 300}}]"),
    "one of a list": several("[{pgd: {steps: 3}}]"),
    "one with its keys": several("{pgd: {steps: 3}}"),
    "all keys": several(
        "[fgsm, pgd]",
        "sweep: {epsilon: [0.1, 0.2]}, space: waveform, without_gradients: leave_out, soundness_samples: 9",
    ),
    "gates": several(
        "[fgsm, pgd]",
        "sweep: {epsilon: [0.1]}, gates: [{metric: accuracy, at: 0.1, min: 0.5}, "
        "{metric: accuracy, of: fgsm, at: 0.1, min: 0.6}, {metric: critical_epsilon, min: 0.01}]",
    ),
    "in decibels": several("[pgd_snr]", "sweep: {snr_db: [-5, 30]}, space: waveform"),
    "one's own": several('[fgsm, "own.py:swap", {pgd: null}]'),
    "one's own with keys": several('[fgsm, {"own.py:swap": {times: 3}}]'),
    "a source": several("[fgsm, {transfer: {source: other.model.yaml}}]"),
}


def without_places(suite: Suite) -> tuple[Check, ...]:
    return tuple(
        replace(check, place=None, gates=tuple(replace(gate, place=None) for gate in check.gates))
        for check in suite.checks
    )


@pytest.mark.parametrize("checks", GOOD.values(), ids=GOOD.keys())
def test_a_check_of_several_attacks_reads_back_as_it_is_written_out(write: Write, checks: str) -> None:
    first = read_suite(write(checks))
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(first.resolved, text)
    again = write("").with_name("again.audit.yaml")
    again.write_text(text.getvalue())
    second = read_suite(again)
    assert without_places(second) == without_places(first)
    assert second.resolved == first.resolved
    assert SCHEMA.is_valid(plain(text.getvalue()))


@pytest.mark.parametrize("checks", GOOD.values(), ids=GOOD.keys())
def test_the_schema_takes_what_is_taken(checks: str) -> None:
    SCHEMA.validate(plain(HEAD + checks))


def test_each_has_its_own_keys_and_all_have_the_sweep(write: Write) -> None:
    (check,) = read_suite(write(GOOD["names and keys"])).checks
    assert [use.name for use in check.uses] == ["fgsm", "pgd", "apgd", "square"]
    assert [use.parameters.get("steps") for use in check.uses] == [None, 10, 20, None]
    assert check.uses[2].parameters["loss"] == "dlr"
    assert check.sweep == ("epsilon", (0.1, 0.2))
    assert check.method == STRONGEST
    assert read_suite(write(GOOD["one of a list"])).checks[0].method == "pgd"


def test_a_source_is_found_from_the_suite_that_names_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(GOOD["a source"])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (check,) = read_suite(Path("..") / path.name).checks
    assert Path(check.uses[1].parameters["source"]) == tmp_path / "other.model.yaml"
    single = "  - {check: attack, method: transfer, source: other.model.yaml, sweep: {epsilon: [0.1]}}\n"
    (check,) = read_suite(write(single)).checks
    assert Path(check.uses[0].parameters["source"]) == tmp_path / "other.model.yaml"


BAD = {
    "nothing": (several("[]"), 36, "a check of attacks needs at least one, such as `method: [fgsm, pgd]`"),
    "no sweep": (several("[fgsm, pgd]", "samples: 3"), 5, "needs the key 'sweep', such as `sweep: {epsilon: [...]}`"),
    "a sweep that one lacks": (
        several("[fgsm, pgd_snr]"),
        61,
        "attack pgd_snr has no parameter 'epsilon' (it has: snr_db, steps,",
    ),
    "a sweep of one value's key": (
        several("[pgd, apgd]", "sweep: {steps: [1, 2]}"),
        57,
        "attack pgd takes steps as one value for all sizes of the ball; sweep epsilon",
    ),
    "the swept key under a name": (
        several("[fgsm, {pgd: {epsilon: [0.1]}}]"),
        50,
        "epsilon is swept, for all attacks of the check; remove it here",
    ),
    "one twice": (several("[fgsm, pgd, fgsm]"), 48, "attack 'fgsm' stands twice in `method`; where its keys differ,"),
    "an unknown one": (several("[fgsm, pdg]"), 43, "unknown attack 'pdg'; did you mean 'pgd'?"),
    "an unknown key": (several("[fgsm, {pgd: {stepps: 3}}]"), 50, "unknown key 'stepps'; did you mean 'steps'?"),
    "a key beside the list": (
        several("[fgsm, pgd]", "sweep: {epsilon: [0.1]}, steps: 3"),
        74,
        "steps is a key of pgd; with a list it stands under the name: {pgd: {steps: 3}}",
    ),
    "other norms": (several("[fgsm, pgd_l2]"), 43, "pgd_l2 keeps to balls in l2 and fgsm in linf"),
    "a name that is taken": (several('["own.py:strongest", pgd]'), 37, "give this function another name"),
    "two in one item": (several("[fgsm, {pgd: {}, apgd: {}}]"), 43, "must be one attack with its parameters"),
    "no name": (several("[fgsm, 5]"), 43, "not the number 5"),
    "a number": (several("5"), 36, "not the number 5"),
    "no such source": (several("[fgsm, {transfer: {source: nope.yaml}}]"), 63, "no such file nope.yaml (paths are"),
    "no source": (several("[fgsm, transfer]"), 43, "attack transfer needs the key 'source'"),
    "a negative size": (several("[fgsm, pgd]", "sweep: {epsilon: [-0.1]}"), 67, "must be a number of at least 0"),
    "a size twice": (several("[fgsm, pgd]", "sweep: {epsilon: [0.1, 0.1]}"), 72, "0.1 stands twice in the sweep"),
    "a gate of another": (
        several("[fgsm, pgd]", "sweep: {epsilon: [0.1]}, gates: [{metric: accuracy, of: square, at: 0.1, min: 0.1}]"),
        105,
        "this check has no attack 'square' (it has: fgsm, pgd)",
    ),
    "too few to test on": (several("[fgsm]", "sweep: {epsilon: [0.1]}, soundness_samples: 1"), 88, "at least 2, not 1"),
    "a list of corruptions": (
        "  - {check: corruption, id: a, method: [gaussian_noise], sweep: {sigma: [0.1]}}\n",
        40,
        "must be the name of a corruption",
    ),
}


@pytest.mark.parametrize(("checks", "column", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_refused_at_its_place(write: Write, checks: str, column: int, message: str) -> None:
    with pytest.raises(SuiteError, match=re.escape(message)) as caught:
        read_suite(write(checks))
    assert re.search(r"x\.audit\.yaml:4:(\d+): ", str(caught.value)).group(1) == str(column)


@pytest.mark.parametrize(
    "name",
    [
        *("nothing", "the swept key under a name", "an unknown one", "an unknown key", "a key beside the list"),
        *("no name", "two in one item", "a number", "too few to test on", "a list of corruptions"),
    ],
)
def test_the_schema_refuses_what_it_can_tell(name: str) -> None:
    assert not SCHEMA.is_valid(plain(HEAD + BAD[name][0]))


def test_a_later_file_may_give_a_check_other_attacks(write: Write, tmp_path: Path) -> None:
    write(several("[fgsm, pgd]"))
    (tmp_path / "own.audit.yaml").write_text(
        "version: 1\nsuite: t\nextends: x.audit.yaml\nchecks: [{id: a, method: [fgsm, {square: {queries: 9}}]}]\n"
    )
    (check,) = read_suite(tmp_path / "own.audit.yaml").checks
    assert [use.name for use in check.uses] == ["fgsm", "square"]
    assert check.sweep == ("epsilon", (0.1, 0.2))
