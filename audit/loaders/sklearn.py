"""Loads a scikit-learn classifier or pipeline from a skops file, or from a pickle that is declared trusted."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import ModelError, UntrustedError, told
from audit.extras import needed
from audit.kinds import loader
from audit.loaders.inspection import Inspection
from audit.model import BlackBox, Model

if TYPE_CHECKING:
    from audit.manifest import Manifest

# Pickle protocol 2 and later, joblib's own, and pickles compressed by gzip, zlib, bzip2, xz and lzma.
PICKLES = (b"\x80", b"ZF", b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda", b"BZh", b"\xfd7zXZ", b"]\x00\x00")


def _inspect(path: Path, *, trust: bool, key: str | None = None) -> Inspection | None:
    """Return the classes and the number of features; raises ModelError, UntrustedError for what could run code."""
    if path.is_dir():
        return None
    with path.open("rb") as file:
        start = file.read(8)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "schema.json" not in archive.namelist():
                return None
    elif not start.startswith(PICKLES):
        return None
    needed("sklearn", extra="sklearn")
    stored, _ = _opened(path, trust=trust)
    key = key or _only_classifier(stored, path)
    estimator = _estimator(stored, path, key)
    classes = np.asarray(estimator.classes_).tolist()
    numbers = all(isinstance(name, int | float) for name in classes)
    features = getattr(estimator, "n_features_in_", None)
    return Inspection(
        f"a scikit-learn {_kind(estimator)} that answers by {_method(estimator, path)}",
        len(classes),
        () if numbers else tuple(map(str, classes)),
        None if features is None else (int(features),),
        lines={} if key is None else {"key": key},
    )


@loader(extensions=(".skops", ".pkl", ".pickle", ".joblib", ".sav"), inspect=_inspect, gradients=False)
def sklearn(manifest: Manifest) -> Model:
    """Return a fitted classifier, or a pipeline that ends in one, as a black box.

    `manifest.weights` is a file written by skops, whose types skops must know unless `trust: true`; or a pickle, which
    joblib wrote too, only with `trust: true`. `manifest.key` names the entry where it holds a mapping.
    Inputs (n, ...) are flattened to (n, features). Outputs (n, labels) are predict_proba's, else decision_function's
    (of two classes: 0 and the decision). They come in the order of `classes_`: classes that are names must be the
    manifest's labels in that order, numbers are taken in rising order.
    Raises ModelError for a broken file, what is no fitted classifier, other classes, or a wrong number of features;
    UntrustedError for a file that could run code without declared trust.
    """
    path = manifest.due_weights("a .skops, .pkl or .joblib file")
    needed("sklearn", extra="sklearn")
    stored, notes = _opened(path, trust=manifest.trust)
    estimator = _estimator(stored, path, manifest.key)
    notes += _refuse_other_classes(estimator, path, manifest.labels)
    method = _method(estimator, path)
    _calm(estimator)
    model = BlackBox(
        _Answer(estimator, method, path, len(manifest.labels)), manifest.spec, manifest.labels, name=manifest.name
    )
    model.activation = "softmax" if method == "predict_proba" else "none"
    model.note = "; ".join([f"black box: {type(estimator).__name__}.{method} gives no gradients", *notes])
    return model


class _Answer:
    """Inputs (n, ...) to (n, classes), in double precision: what scikit-learn computes in unless told otherwise."""

    def __init__(self, estimator: Any, method: str, path: Path, classes: int) -> None:
        self.call, self.path, self.classes = getattr(estimator, method), path, classes
        names = getattr(estimator, "feature_names_in_", None)
        self.names = None if names is None else list(names)
        self.features: int | None = getattr(estimator, "n_features_in_", None)

    def __call__(self, inputs: NDArray[np.float32]) -> NDArray[Any]:
        rows = inputs.reshape(len(inputs), -1).astype(np.float64)
        if self.features is not None and rows.shape[1] != self.features:
            raise ModelError(
                f"{self.path}: was fitted on {self.features} features, and one input {inputs.shape[1:]} has "
                f"{rows.shape[1]}; make `input:` what it was fitted on"
            )
        try:
            found = np.asarray(self.call(self._table(rows)))
        except Exception as error:
            raise ModelError(
                f"{self.path}: fails on inputs ({len(rows)}, {rows.shape[1]}) with {told(error)}"
            ) from error
        if found.ndim == 1 and self.classes == 2:
            # One number per clip is how far it lies on the second class's side.
            return np.stack([np.zeros_like(found), found], axis=1)
        return found

    def _table(self, rows: NDArray[np.float64]) -> Any:
        """Return the rows under the names of the columns they were fitted with, where they had names."""
        if self.names is None:
            return rows
        import pandas

        return pandas.DataFrame(rows, columns=self.names)


def _opened(path: Path, *, trust: bool) -> tuple[Any, list[str]]:
    """Return what the file holds, and what scikit-learn says of versions."""
    from sklearn.exceptions import InconsistentVersionWarning

    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the file is empty; save or download it again")
    skops = path.suffix == ".skops" or zipfile.is_zipfile(path)
    if not skops:
        _refuse_pickle(path, trust=trust)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        stored = _read_skops(path, trust=trust) if skops else _read_pickle(path)
    versions = []
    for warning in caught:
        told = warning.message
        if isinstance(told, InconsistentVersionWarning):
            versions.append((told.original_sklearn_version, told.current_sklearn_version))
        else:
            warnings.warn_explicit(told, warning.category, warning.filename, warning.lineno)
    return stored, [
        f"saved by scikit-learn {old}, opened by {new}: its answers may differ" for old, new in dict.fromkeys(versions)
    ]


def _read_skops(path: Path, *, trust: bool) -> Any:
    skops = needed("skops.io", extra="sklearn")
    try:
        untrusted = skops.get_untrusted_types(file=path)
    except Exception as error:
        raise ModelError(f"{path}: not a whole skops file ({told(error)}); save or download it again") from error
    if untrusted and not trust:
        raise UntrustedError(
            f"{path}: holds types that skops does not know to be safe: {', '.join(untrusted)}. "
            "Declare `trust: true` in the manifest if you know where the file comes from"
        )
    try:
        return skops.load(path, trusted=untrusted)
    except (ImportError, AttributeError) as error:
        raise _code_is_gone(path, error) from error
    except Exception as error:
        raise ModelError(f"{path}: not a whole skops file ({told(error)}); save or download it again") from error


def _refuse_pickle(path: Path, *, trust: bool) -> None:
    if trust:
        return
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith(PICKLES):
        raise ModelError(f"{path}: neither a skops file nor a pickle; save the classifier again: skops.io.dump")
    raise UntrustedError(
        f"{path}: a pickle, which can run any code when opened. Save it as skops.io.dump(model, 'model.skops'); "
        "or declare `trust: true` in the manifest if you know where the file comes from"
    )


def _read_pickle(path: Path) -> Any:
    joblib = needed("joblib", extra="sklearn")
    try:
        return joblib.load(path)
    except (ImportError, AttributeError) as error:
        raise _code_is_gone(path, error) from error
    except Exception as error:
        raise ModelError(
            f"{path}: cannot be opened ({told(error)}); save it again, with the scikit-learn that is installed here"
        ) from error


def _code_is_gone(path: Path, error: Exception) -> ModelError:
    return ModelError(
        f"{path}: the code of something in it cannot be imported ({told(error)}); install what it was made with, "
        "or save it again with the scikit-learn that is installed here"
    )


def _only_classifier(stored: Any, path: Path) -> str | None:
    """Return the name of the one fitted classifier in a mapping, None where there is no mapping; raises ModelError."""
    if not isinstance(stored, Mapping):
        return None
    fitted = [str(name) for name, value in stored.items() if hasattr(value, "classes_") and hasattr(value, "predict")]
    if len(fitted) != 1:
        which = f"{len(fitted)} fitted classifiers, {', '.join(fitted)}" if fitted else "no fitted classifier"
        raise ModelError(
            f"{path}: holds {', '.join(map(str, stored))}: {which}; name the one that is meant with --key NAME"
        )
    return fitted[0]


def _estimator(stored: Any, path: Path, key: str | None) -> Any:
    there = f"a mapping with {', '.join(map(str, stored))}" if isinstance(stored, Mapping) else f"a {_kind(stored)}"
    if key is not None:
        if not isinstance(stored, Mapping) or key not in stored:
            raise ModelError(f"{path}: no entry {key!r} (there is: {there})")
        stored = stored[key]
    if isinstance(stored, Mapping):
        raise ModelError(
            f"{path}: holds {there}; name the classifier: `key: ...`. Save a scaler beside it as one Pipeline with it"
        )
    classes = getattr(stored, "classes_", None)
    if isinstance(classes, list | tuple) and any(np.ndim(column) for column in classes):
        raise ModelError(f"{path}: a {_kind(stored)} with {len(classes)} outputs; a classifier of one output is due")
    if classes is None or not callable(getattr(stored, "predict", None)):
        raise ModelError(f"{path}: a {_kind(stored)} that has no `classes_`; a fitted classifier is due")
    return stored


def _refuse_other_classes(estimator: Any, path: Path, labels: Sequence[str]) -> list[str]:
    """Return a note where classes are numbers; raises ModelError where they are not the labels."""
    classes = np.asarray(estimator.classes_).tolist()
    numbers = all(isinstance(name, int | float) for name in classes)
    if len(classes) != len(labels) or (not numbers and [str(name) for name in classes] != list(labels)):
        raise ModelError(
            f"{path}: its outputs are [{', '.join(map(str, classes))}], in this order; the manifest names "
            f"[{', '.join(labels)}]. Write its own order, and `rename:` for names of yours"
        )
    if not numbers:
        return []
    return [
        "classes are read as " + ", ".join(f"{name:g} {label}" for name, label in zip(classes, labels, strict=True))
    ]


def _method(estimator: Any, path: Path) -> str:
    if hasattr(estimator, "predict_proba"):
        return "predict_proba"
    if not hasattr(estimator, "decision_function"):
        raise ModelError(
            f"{path}: a {_kind(estimator)} gives neither probabilities nor decisions; fit one that has predict_proba "
            "(voting='soft', or inside a CalibratedClassifierCV)"
        )
    pairs = [name for name, value in _parameters(estimator).items() if name.endswith("decision_function_shape")]
    if len(estimator.classes_) > 2 and any(_parameters(estimator)[name] == "ovo" for name in pairs):
        raise ModelError(
            f"{path}: its decisions are one versus one, a column for each pair of classes; "
            f"set_params({pairs[0]}='ovr') and save it again (that needs no new training)"
        )
    return "decision_function"


def _calm(estimator: Any) -> None:
    """Let it work on one thread, without a word: a forest adds up its trees in the order in which threads end."""
    for part in (estimator, *_parameters(estimator).values()):
        # Others' estimators may refuse to be changed once fitted.
        if type(part).__module__.startswith("sklearn."):
            for name, value in (("n_jobs", None), ("verbose", 0)):
                if hasattr(part, name):
                    setattr(part, name, value)


def _parameters(estimator: Any) -> Mapping[str, Any]:
    return estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}


def _kind(stored: Any) -> str:
    return type(stored).__name__
