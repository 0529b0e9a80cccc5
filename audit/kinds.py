"""Finds a method by its name, or by `file.py:name`; a mark on a function is all the registration there is.

The folders are read as text, so a suite is checked against every method's signature without
importing torch or the method itself; `Method.load` imports it when it is needed.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from audit.errors import UsageError, did_you_mean

FOLDERS: Mapping[str, str] = {
    "loader": "loaders",
    "layout": "layouts",
    "representation": "representations",
    "corruption": "corruptions",
    "attack": "attacks",
    "saliency": "saliency",
    "faithfulness": "faithfulness",
    "sanity": "sanity",
    "screen": "screens",
}
PACKAGE = Path(__file__).parent
F = TypeVar("F", bound=Callable[..., Any])


def _mark(family: str, **facts: Any) -> Callable[[F], F]:
    def marked(function: F) -> F:
        function.__audit__ = {"family": family, **facts}  # type: ignore[attr-defined]
        return function

    return marked


def loader(*, extensions: tuple[str, ...] = (), inspect: Any = None, gradients: bool = True) -> Callable[[F], F]:
    """Mark `load(manifest) -> Model`; `extensions` are the weight files it takes, no `gradients` that it never has any.

    `inspect(path, *, trust, key) -> Inspection | None` says what such a file, or its entry `key`, tells of itself,
    running nothing of it unless `trust`; None where the file is none of this loader's.
    """
    return _mark("loader", extensions=extensions, inspect=inspect, gradients=gradients)


def layout(*, modality: str = "speech", read: Any = None, truth: Any = None) -> Callable[[F], F]:
    """Mark `layout(root, **keys) -> Iterator[Sample | Problem]`.

    `read(sample) -> (waveform, sampling_rate)` replaces reading `sample.path` as an audio file;
    `truth(sample) -> tuple[Region, ...]` gives the time-frequency regions that carry the emotion.
    """
    return _mark("layout", modality=modality, read=read, truth=truth)


def representation(
    *, bounds: Any, axes: Any = None, modality: str = "speech", gradients: bool = True
) -> Callable[[F], F]:
    """Mark `represent(waveforms, sampling_rate, **keys) -> inputs`, or `represent(pictures, **keys)` of faces.

    `bounds(**keys) -> (low, high)` and, for speech, `axes(samples, sampling_rate, **keys) -> Axes` take the same keys;
    `modality` is speech, face, video or any; no `gradients` that none pass through it to the recording.
    """
    return _mark("representation", bounds=bounds, axes=axes, modality=modality, gradients=gradients)


def corruption(*, modality: str = "speech", space: str = "input") -> Callable[[F], F]:
    """Mark `corrupt(inputs, spec, rng, *, severity) -> inputs`; `space` is what it takes: input or waveform."""
    return _mark("corruption", modality=modality, space=space)


def attack(*, norm: str, gradients: bool = True) -> Callable[[F], F]:
    """Mark `attack(model, inputs, targets, rng, *, epsilon) -> Iterator[inputs]`, one batch per epsilon."""
    return _mark("attack", norm=norm, gradients=gradients)


def saliency(*, gradients: bool = True) -> Callable[[F], F]:
    """Mark `explain(model, inputs, targets, rng, **keys) -> Attribution`."""
    return _mark("saliency", gradients=gradients)


def faithfulness(*, higher: bool = True, chance: bool = True) -> Callable[[F], F]:
    """Mark `score(explained, rng, **keys) -> Tensor (n,)`, one number per map.

    `higher` says whether more is better; without `chance`, the same maps put elsewhere say nothing of the score.
    """
    return _mark("faithfulness", higher=higher, chance=chance)


def sanity(*, alike: bool) -> Callable[[F], F]:
    """Mark `maps(explained, rng, **keys) -> Iterator[(severity, maps)]`: maps that ought to be `alike`, or ought not.

    The driver compares them with the method's own, and decides at the last severity: by the overlap of the masks, which
    must reach the key `least` (where alike), or by the rank correlation, which must stay below `most`.
    """
    return _mark("sanity", alike=alike)


def screen(*, modality: str | tuple[str, ...] = "any", reads: Any = None) -> Callable[[F], F]:
    """Mark `screen(items, **keys) -> Iterator[Finding]`: which samples are concerned, and why.

    `reads(recording, **keys)` returns what is kept of every recording, in memory for as long as the screens run; of the
    screen's keys it is given those that it names. Without it, no recording is read. `modality` is speech, face, video,
    audiovisual, several of them, or any.
    """
    return _mark("screen", modality=modality, reads=reads)


@dataclass(frozen=True)
class Parameter:
    """One keyword-only parameter of a method: a key a suite or manifest may set."""

    name: str
    annotation: str
    required: bool
    default: Any


@dataclass(frozen=True)
class Method:
    """A marked function, known from its source text; `load()` imports it."""

    family: str
    name: str
    path: Path
    summary: str
    parameters: Mapping[str, Parameter]

    def load(self) -> Callable[..., Any]:
        """Import the file and return the marked function."""
        module = _import(self.path)
        return getattr(module, self.name)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the mark says: space, norm, bounds and the like."""
        return self.load().__audit__  # type: ignore[attr-defined]


def find(family: str, name: str, *, relative_to: Path | None = None) -> Method:
    """Return the method called `name`, or the one in `file.py:name` (relative to `relative_to`).

    Raises UsageError naming the nearest known method, or the file that is missing.
    """
    if ".py:" in name:
        file, _, function = name.rpartition(":")
        path = (Path(relative_to or ".") / file).resolve()
        if not path.is_file():
            raise UsageError(
                f"no such file {path} for {family} {name!r} (paths are relative to the file that names them)"
            )
        own = {method.name: method for method in _own_methods(path) if method.family == family}
        if function not in own:
            raise UsageError(
                f"{path} has no function {function!r} marked @{family}"
                f"{did_you_mean(function, own)} (marked there: {', '.join(own) or 'none'})"
            )
        return own[function]
    known = known_methods(family)
    if name not in known:
        raise UsageError(f"unknown {family} {name!r}{did_you_mean(name, known)} (known: {', '.join(sorted(known))})")
    return known[name]


@functools.cache
def known_methods(family: str) -> Mapping[str, Method]:
    """Return every method of a family that this package carries, by name."""
    folder = PACKAGE / FOLDERS[family]
    files = sorted(path for path in folder.rglob("*.py"))
    return {m.name: m for path in files for m in _methods(path) if m.family == family}


def _own_methods(path: Path) -> list[Method]:
    """Return the marked functions of a user's file; raises UsageError where it cannot be read as Python."""
    try:
        return _methods(path)
    except (SyntaxError, ValueError, OSError) as error:
        raise UsageError(f"{path}: cannot be read as Python ({error})") from error


def _methods(path: Path) -> list[Method]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            family = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if family in FOLDERS:
                summary = (ast.get_docstring(node) or "").partition("\n")[0]
                found.append(Method(family, node.name, path, summary, _parameters(node)))
    return found


def _parameters(node: ast.FunctionDef) -> dict[str, Parameter]:
    found = {}
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        annotation = ast.unparse(argument.annotation) if argument.annotation else "Any"
        value = ast.literal_eval(default) if default is not None else None
        found[argument.arg] = Parameter(argument.arg, annotation, default is None, value)
    return found


def _import(path: Path) -> Any:
    if path.is_relative_to(PACKAGE):
        return importlib.import_module(".".join(("audit", *path.relative_to(PACKAGE).with_suffix("").parts)))
    return import_file(path)


def import_file(path: Path) -> Any:
    """Import a Python file outside the package under a name of its own, once per resolved path."""
    path = path.resolve()
    name = f"audit_user_{path.stem}_{abs(hash(str(path))):x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Registered before execution, so that dataclasses and pickles inside the file find their module.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
