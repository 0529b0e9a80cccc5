"""The sklearn loader: classifiers as they answer themselves, and what is refused."""

import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import skops.io
import torch
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from audit.errors import ModelError, UntrustedError
from audit.manifest import load_model
from audit.model import Model

FEATURES = 20
LABELS = ("anger", "joy", "neutral")
MANIFEST = """version: 1
model: shallow
loader: sklearn
weights: {weights}
trust: {trust}
input: {{sampling_rate: 1000, seconds: 0.02, representation: waveform}}
emotions: [{labels}]
"""


def clips(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, FEATURES, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def fitted(estimator: Any, classes: tuple[object, ...] = LABELS, *, named: bool = False) -> Any:
    rng = np.random.default_rng(0)
    truth = np.arange(90) % len(classes)
    inputs = rng.uniform(-1, 1, (90, FEATURES))
    inputs[np.arange(90), truth] += 1.0
    table = pd.DataFrame(inputs, columns=[f"mfcc{i}" for i in range(FEATURES)]) if named else inputs
    return estimator.fit(table, np.array(classes)[truth])


def manifest(folder: Path, weights: str, *, trust: bool = False, labels: Any = LABELS, extra: str = "") -> Path:
    path = folder / "m.model.yaml"
    path.write_text(MANIFEST.format(weights=weights, trust=str(trust).lower(), labels=", ".join(labels)) + extra)
    return path


def kept(estimator: Any, folder: Path, **keys: Any) -> Model:
    skops.io.dump(estimator, folder / "m.skops")
    return load_model(manifest(folder, "m.skops", **keys))


PROBABLE = [
    KNeighborsClassifier(3),
    KNeighborsClassifier(3, algorithm="brute", n_jobs=2),
    LogisticRegression(),
    RandomForestClassifier(7, random_state=0, n_jobs=2, verbose=1),
    make_pipeline(StandardScaler(), KNeighborsClassifier(3, algorithm="brute")),
    GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=2),
]
TWO = MultiOutputClassifier(LogisticRegression()).fit(np.eye(4), [[0, 1], [1, 0], [0, 0], [1, 1]])
SCALED = make_pipeline(StandardScaler(), LinearSVC())
DECIDING = [LinearSVC(), RidgeClassifier(), SVC(), OneVsOneClassifier(LinearSVC()), SCALED]


@pytest.mark.parametrize("estimator", PROBABLE, ids=lambda own: type(own).__name__)
@pytest.mark.parametrize("count", [1, 32])
def test_probabilities_are_the_classifiers_own(tmp_path: Path, estimator: Any, count: int) -> None:
    own = fitted(estimator)
    model = kept(own, tmp_path, trust=True)
    found = model.logits(clips(count)).softmax(1)
    np.testing.assert_allclose(found, own.predict_proba(clips(count).double().numpy()), atol=1e-5)
    assert (model.activation, model.differentiable, model.module) == ("softmax", False, None)
    assert torch.equal(model.logits(clips(count)).softmax(1), found)
    assert f"black box: {type(own).__name__}.predict_proba" in model.note


@pytest.mark.parametrize("estimator", DECIDING, ids=lambda own: type(own).__name__)
@pytest.mark.parametrize("count", [1, 32])
def test_without_probabilities_the_decisions_are_the_logits(tmp_path: Path, estimator: Any, count: int) -> None:
    own = fitted(estimator)
    model = kept(own, tmp_path)
    found = model.logits(clips(count))
    np.testing.assert_allclose(found, own.decision_function(clips(count).double().numpy()), atol=1e-5)
    assert model.activation == "none"


@pytest.mark.parametrize("suffix", ["pkl", "pickle", "joblib", "sav", "joblib.gz"])
def test_a_trusted_pickle_answers_as_the_skops_file_does(tmp_path: Path, suffix: str) -> None:
    own = fitted(LogisticRegression())
    if suffix.startswith("p") or suffix == "sav":
        (tmp_path / f"m.{suffix}").write_bytes(pickle.dumps(own))
    else:
        joblib.dump(own, tmp_path / f"m.{suffix}")
    content = (tmp_path / f"m.{suffix}").read_bytes()
    found = load_model(manifest(tmp_path, f"m.{suffix}", trust=True)).logits(clips(4))
    assert torch.equal(found, kept(own, tmp_path).logits(clips(4)))
    assert (tmp_path / f"m.{suffix}").read_bytes() == content


@pytest.mark.parametrize("write", [pickle.dump, lambda what, file: joblib.dump(what, file, compress=3)])
def test_a_pickle_is_refused_without_trust_and_has_run_nothing(tmp_path: Path, write: Any) -> None:
    with (tmp_path / "m.pkl").open("wb") as file:
        write(_Toucher(tmp_path / "touched"), file)
    with pytest.raises(UntrustedError, match=r"m\.pkl: a pickle, which can run any code when opened.*skops\.io\.dump"):
        load_model(manifest(tmp_path, "m.pkl"))
    assert not (tmp_path / "touched").exists()


def test_types_that_skops_does_not_know_are_named(tmp_path: Path) -> None:
    with pytest.raises(UntrustedError, match=r"does not know to be safe: sklearn\.tree\._tree\.Tree\. .*`trust: true`"):
        kept(fitted(RandomForestClassifier(3)), tmp_path)


def test_classes_in_another_order_than_the_labels_are_both_named(tmp_path: Path) -> None:
    own = fitted(LogisticRegression())
    for labels in (("joy", "anger", "neutral"), ("anger", "joy", "calm"), ("anger", "joy")):
        with pytest.raises(
            ModelError, match=r"\[anger, joy, neutral\], in this order; the manifest names \["
        ) as caught:
            kept(own, tmp_path, labels=labels)
        assert f"[{', '.join(labels)}]" in str(caught.value)


@pytest.mark.parametrize("classes", [(0, 1, 2), (1, 3, 8)])
def test_classes_that_are_numbers_are_read_in_rising_order_and_noted(tmp_path: Path, classes: Any) -> None:
    own = fitted(LogisticRegression(), classes)
    model = kept(own, tmp_path)
    first, second, third = classes
    assert f"classes are read as {first} anger, {second} joy, {third} neutral" in model.note
    assert model.emotions == LABELS
    np.testing.assert_allclose(model.logits(clips(4)).softmax(1), own.predict_proba(clips(4).numpy()), atol=1e-5)


def test_a_forest_works_on_one_thread_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = fitted(make_pipeline(StandardScaler(), RandomForestClassifier(3, n_jobs=2, verbose=1)))
    capfd.readouterr()
    kept(own, tmp_path, trust=True).logits(clips(4))
    assert capfd.readouterr() == ("", "")
    own.predict_proba(clips(4).numpy())
    assert "Parallel(n_jobs=2)" in capfd.readouterr().err


def test_the_decision_between_two_classes_is_the_second_ones_logit(tmp_path: Path) -> None:
    own = fitted(LinearSVC(), ("calm", "upset"))
    found = kept(own, tmp_path, labels=("calm", "upset")).logits(clips(4))
    decision = own.decision_function(clips(4).double().numpy())
    np.testing.assert_allclose(found, np.stack([np.zeros(4), decision], 1), atol=1e-5)
    assert np.array_equal(np.array(["calm", "upset"])[found.argmax(1)], own.predict(clips(4).numpy()))


def test_decisions_of_one_class_versus_one_are_refused(tmp_path: Path) -> None:
    own = fitted(make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")))
    with pytest.raises(ModelError, match=r"one versus one.*set_params\(svc__decision_function_shape='ovr'\)"):
        kept(own, tmp_path)


def test_columns_that_had_names_are_given_them(tmp_path: Path) -> None:
    own = fitted(make_pipeline(StandardScaler(), LogisticRegression()), named=True)
    found = kept(own, tmp_path).logits(clips(4)).softmax(1)
    table = pd.DataFrame(clips(4).double().numpy(), columns=[f"mfcc{i}" for i in range(FEATURES)])
    np.testing.assert_allclose(found, own.predict_proba(table), atol=1e-5)


def test_inputs_of_several_axes_are_flattened(tmp_path: Path) -> None:
    own = fitted(LogisticRegression())
    plain = kept(own, tmp_path).logits(clips(4))
    path = tmp_path / "m.model.yaml"
    path.write_text(path.read_text().replace("waveform", "{waveform: {shape: channel}}"))
    assert torch.equal(load_model(path).logits(clips(4).view(4, 1, FEATURES)), plain)


def test_a_wrong_number_of_features_names_both(tmp_path: Path) -> None:
    kept(fitted(LogisticRegression()), tmp_path)
    path = tmp_path / "m.model.yaml"
    path.write_text(path.read_text().replace("0.02", "0.03"))
    with pytest.raises(ModelError, match=r"fitted on 20 features, and one input \(30,\) has 30"):
        load_model(path)


@pytest.mark.parametrize(
    ("stored", "told"),
    [
        (fitted(VotingClassifier([("a", LinearSVC())])), "VotingClassifier gives neither probabilities nor decisions"),
        (LogisticRegression(), "LogisticRegression that has no `classes_`; a fitted classifier is due"),
        (Ridge().fit(np.eye(3), np.arange(3)), "Ridge that has no `classes_`"),
        ([1, 2], "a list that has no `classes_`"),
        (TWO, "MultiOutputClassifier with 2 outputs"),
        ({"scaler": 1, "model": 2}, r"a mapping with scaler, model; name the classifier: `key: \.\.\.`"),
    ],
    ids=["hard voting", "not fitted", "regressor", "list", "two outputs", "mapping"],
)
def test_what_is_no_fitted_classifier_says_what_it_is(tmp_path: Path, stored: object, told: str) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(stored))
    with pytest.raises(ModelError, match=told):
        load_model(manifest(tmp_path, "m.pkl", trust=True))


def test_a_classifier_inside_a_mapping_is_found_by_its_key(tmp_path: Path) -> None:
    own = fitted(LogisticRegression())
    skops.io.dump({"model": own, "note": "x"}, tmp_path / "m.skops")
    found = load_model(manifest(tmp_path, "m.skops", extra="key: model\n")).logits(clips(2))
    assert torch.equal(found, kept(own, tmp_path).logits(clips(2)))
    skops.io.dump({"model": own}, tmp_path / "m.skops")
    with pytest.raises(ModelError, match=r"no entry 'nodel' \(there is: a mapping with model\)"):
        load_model(manifest(tmp_path, "m.skops", extra="key: nodel\n"))


@pytest.mark.parametrize(("name", "trust"), [("m.skops", False), ("m.pkl", True)])
def test_a_truncated_empty_or_foreign_file_says_so(tmp_path: Path, name: str, trust: bool) -> None:
    own = fitted(LogisticRegression())
    skops.io.dump(own, tmp_path / "m.skops")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(own))
    whole = (tmp_path / name).read_bytes()
    torch.save({"w": torch.zeros(2)}, tmp_path / "net.pt")
    for damage in (whole[: len(whole) // 2], b"", b"<html>404</html>" * 9, (tmp_path / "net.pt").read_bytes()):
        (tmp_path / name).write_bytes(damage)
        with pytest.raises(ModelError, match=f"{name}: ") as caught:
            load_model(manifest(tmp_path, name, trust=trust))
        assert not isinstance(caught.value, UntrustedError)
        assert any(word in str(caught.value) for word in ("empty", "not a whole skops file", "cannot be opened"))


def test_a_file_that_is_neither_skops_nor_pickle_is_not_called_untrusted(tmp_path: Path) -> None:
    (tmp_path / "m.joblib").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match="neither a skops file nor a pickle") as caught:
        load_model(manifest(tmp_path, "m.joblib"))
    assert not isinstance(caught.value, UntrustedError)


def test_another_version_of_scikit_learn_is_a_note(tmp_path: Path) -> None:
    state = pickle.dumps(fitted(make_pipeline(StandardScaler(), LogisticRegression())))
    own = sklearn.__version__.encode()
    (tmp_path / "m.pkl").write_bytes(state.replace(own, b"0" * len(own)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        note = load_model(manifest(tmp_path, "m.pkl", trust=True)).note
    assert note.count(f"saved by scikit-learn {'0' * len(own)}, opened by {own.decode()}") == 1


def test_code_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "gone_steps.py").write_text("from sklearn.base import BaseEstimator\nclass Gone(BaseEstimator): pass\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import gone_steps

        (tmp_path / "m.pkl").write_bytes(pickle.dumps(gone_steps.Gone()))
        skops.io.dump(gone_steps.Gone(), tmp_path / "m.skops")
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("gone_steps", None)
    for name in ("m.pkl", "m.skops"):
        with pytest.raises(ModelError, match=r"cannot be imported \(ModuleNotFoundError: .*gone_steps"):
            load_model(manifest(tmp_path, name, trust=True))


class Columns:
    classes_ = np.array(LABELS)
    columns = 2

    def predict(self, inputs: Any) -> Any:
        return self.classes_[self.predict_proba(inputs).argmax(1)]

    def predict_proba(self, inputs: Any) -> Any:
        if self.columns == 0:
            raise ValueError("no columns\nat all")
        return np.full((len(inputs), self.columns), 1 / self.columns)


def test_a_classifier_of_ones_own_that_answers_badly_is_an_error(tmp_path: Path) -> None:
    own = Columns()
    for own.columns, told in (
        (2, r"shape \(4, 2\)"),
        (0, r"m\.pkl: fails on inputs \(4, 20\) with ValueError: no columns$"),
    ):
        (tmp_path / "m.pkl").write_bytes(pickle.dumps(own))
        with pytest.raises(ModelError, match=told):
            load_model(manifest(tmp_path, "m.pkl", trust=True))


class _Toucher:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))
