"""A suite written out: merged, every default filled in, as plain data that reads back as the same suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from audit.grammar.gates import gate_entry
from audit.grammar.keys import defaults
from audit.grammar.suite_keys import COST
from audit.kinds import find
from audit.suite import Check, DataSource, NamedRegion, Suite, Use


def resolve(suite: Suite) -> dict[str, Any]:
    """Return the suite as a document: `model` and `data.root` as they stand in `suite`, relative to its folder."""
    return {
        "version": 1,
        "suite": suite.name,
        **({"model": suite.model.as_posix()} if suite.model else {}),
        **({"data": _data(suite.data)} if suite.data else {}),
        "decide": asdict(suite.decide),
        **({"groups": {name: list(members) for name, members in suite.groups.items()}} if suite.groups else {}),
        "checks": [_check(check) for check in suite.checks],
    }


def _data(data: DataSource) -> dict[str, Any]:
    return {
        "layout": data.layout.method,
        **({"root": data.root.as_posix()} if data.root else {}),
        "split": _plain(data.split),
        "rename": dict(data.rename),
        **({"emotions": list(data.emotions)} if data.emotions else {}),
        **({"undersample": data.undersample} if data.undersample else {}),
        "seed": data.seed,
        **_parameters(data.layout),
        **({"train": data.train if isinstance(data.train, str) else _data(data.train)} if data.train else {}),
    }


def _check(check: Check) -> dict[str, Any]:
    entry: dict[str, Any] = {"check": check.kind, "id": check.id}
    if check.kind == "saliency":
        entry["method"] = [{use.method: _parameters(use)} for use in check.uses]
        entry["faithfulness"] = [{use.method: _parameters(use)} for use in check.faithfulness]
        entry["random_masks"] = check.random_masks
        entry["sanity"] = [{use.method: _parameters(use)} for use in check.sanity]
        entry["sanity_samples"] = check.sanity_samples
        if check.regions:
            entry["regions"] = {region.name: _ends(region) for region in check.regions}
        if check.confined is not None:
            entry["confined"] = {check.confined.method: _parameters(check.confined)}
    elif check.kind == "data":
        if check.uses:
            entry["method"] = [{use.method: _parameters(use)} for use in check.uses]
    elif check.kind == "cost":
        entry.update({key.name: getattr(check, key.name) for key in COST})
    elif check.sweep is not None:
        name, values = check.sweep
        own = [{key: value for key, value in _parameters(use).items() if key != name} for use in check.uses]
        several = len(check.uses) > 1
        methods = [{use.method: keys} for use, keys in zip(check.uses, own, strict=True)]
        entry["method"] = methods if several else check.uses[0].method
        entry["sweep"] = {name: list(values)}
        if check.kind == "attack":
            entry["space"] = check.space
            entry["soundness_samples"] = check.soundness_samples
        entry.update({} if several else own[0])
    if check.kind in ("attack", "saliency"):
        entry["without_gradients"] = check.without_gradients
    if check.samples is not None:
        entry["samples"] = check.samples
    entry["gates"] = [gate_entry(gate) for gate in check.gates]
    return entry


def _ends(region: NamedRegion) -> dict[str, list[float]]:
    ends = {name: getattr(region, name) for name in ("hertz", "seconds", "rows", "columns")}
    return {name: list(pair) for name, pair in ends.items() if pair is not None}


def _parameters(use: Use) -> dict[str, Any]:
    method = find(use.family, use.method, relative_to=use.relative_to)
    return {name: _plain(value) for name, value in {**defaults(method), **use.parameters}.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
