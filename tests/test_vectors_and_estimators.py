"""`models/train.py` for what is no network of spectrograms: classifiers of scikit-learn, vectors, and Keras files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from audit import read_suite, run
from audit.kinds import import_file
from audit.manifest import load_model
from audit.suite import DataSource, Use

# Keras saves tensors by a numpy protocol of old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EMOTIONS = ("angry", "calm", "sad")
MANIFEST = """\
version: 1
model: {name}
{loader}
weights: weights/{name}{ending}
input: {{sampling_rate: 8000, seconds: 0.25, representation: {{spectral_vector: {{n_bands: 3}}}}{more}}}
emotions: [{emotions}]
"""
SUITE = """\
version: 1
suite: {name}
model: {name}.model.yaml
data: {{layout: "tunes.py:tunes", split: {{random: 0.2}}}}
checks:
  - check: clean
    gates: [{{metric: accuracy, min: 0.5}}]
"""
TUNES = '''\
"""Tones whose pitch tells the emotion, in noise."""

from pathlib import Path

import numpy as np

from audit.data import Sample
from audit.kinds import layout


def play(sample):
    hertz, seed = float(sample.groups["hertz"]), int(sample.groups["number"])
    noise = 0.1 * np.random.default_rng(seed).standard_normal(2000)
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(2000) / 8000) + noise).astype(np.float32), 8000


@layout(read=play)
def tunes(root: Path | None = None):
    for place, emotion in enumerate(("angry", "calm", "sad")):
        for number in range(32):
            groups = {"hertz": str(300 + 900 * place + 10 * number), "number": str(32 * place + number)}
            yield Sample(f"{emotion}-{number}", None, emotion, groups)
'''
SCALED = ", scaling: {file: weights/s.json}"


@pytest.fixture
def train(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, its models in `tmp_path`, with rows that are fitted to four fifths of 96 tones."""
    monkeypatch.syspath_prepend(repository / "models")
    code = import_file(repository / "models/train.py")
    from augmentation import NoisyCopies, Unvaried
    from conv1d_vector_keras import KerasRecipe
    from estimators import EstimatorRecipe, forest, linear, nearest, tree
    from recipe import Recipe

    (tmp_path / "tunes.py").write_text(TUNES)
    clips = DataSource(Use("layout", "tunes.py:tunes", relative_to=tmp_path), None)
    settings: dict[str, Any] = {"augmentation": Unvaried(), "learning_rate": 2e-3, "batch": 16, "scaling": "s.json"}
    rows = {
        **{f.__name__: EstimatorRecipe(clips, f) for f in (forest, linear, nearest, tree)},
        "plain": Recipe(clips, epochs=12, **settings),
        "noisy": Recipe(clips, epochs=3, noise=NoisyCopies(3), **settings),
        "twin": KerasRecipe(clips, "plain"),
    }
    source = f'source: "{repository}/models/conv1d_vector.py:build"\narguments: {{emotions: 3, features: 49}}'
    forms = {
        EstimatorRecipe: ("loader: sklearn\ntrust: true", ".skops", ""),
        Recipe: (f"loader: torch\n{source}", ".safetensors", SCALED),
        KerasRecipe: ("loader: keras", ".keras", SCALED + ", order: nft"),
    }
    for name, recipe in rows.items():
        loader, ending, more = forms[type(recipe)]
        written = MANIFEST.format(name=name, loader=loader, ending=ending, more=more, emotions=", ".join(EMOTIONS))
        (tmp_path / f"{name}.model.yaml").write_text(written)
        (tmp_path / f"{name}.audit.yaml").write_text(SUITE.format(name=name))
    monkeypatch.setattr(code, "MODELS", tmp_path)
    monkeypatch.setattr(code, "recipes", lambda root: rows)
    return code


def figures(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.figures.json").read_text())["held-out"]


def judged(folder: Path, name: str) -> float | None:
    return run(read_suite(folder / f"{name}.audit.yaml")).answers.value("accuracy")


@pytest.mark.parametrize("name", ["nearest", "linear", "tree", "forest"])
def test_a_classifier_is_fitted_saved_and_judged_as_an_audit_judges_it(
    train: ModuleType, tmp_path: Path, name: str
) -> None:
    assert train.main([name]) == 0
    found = figures(tmp_path, name)
    assert found["n"] == 19
    assert found["accuracy"] > 0.8
    assert judged(tmp_path, name) == pytest.approx(found["accuracy"], abs=1e-6)


def test_neighbours_and_linear_models_need_no_trust(train: ModuleType, tmp_path: Path) -> None:
    for name in ("nearest", "linear"):
        path = tmp_path / f"{name}.model.yaml"
        path.write_text(path.read_text().replace("trust: true\n", ""))
        train.main([name])
        assert load_model(path).emotions == EMOTIONS


def test_vectors_are_scaled_by_what_is_trained_on_and_the_keras_file_is_the_same_network(
    train: ModuleType, tmp_path: Path
) -> None:
    assert train.main(["plain"]) == 0
    scaling = json.loads((tmp_path / "weights" / "s.json").read_text())
    recipe = train.recipes(None)["plain"]
    _, corpus = train.prepared(tmp_path / "plain.model.yaml", recipe, 0)
    kept, held_out = corpus.parted(recipe.source)
    assert json.loads((tmp_path / "weights" / "s.json").read_text()) == scaling
    assert len(scaling["mean"]) == 49
    vectors = corpus.inputs[kept].flatten(1)
    torch.testing.assert_close(vectors.mean(0), torch.zeros(49), rtol=0, atol=1e-3)
    torch.testing.assert_close(vectors.std(0, correction=0), torch.ones(49), rtol=0, atol=1e-3)
    assert train.main(["twin"]) == 0
    assert figures(tmp_path, "twin")["accuracy"] == figures(tmp_path, "plain")["accuracy"]
    first, twin = (load_model(tmp_path / f"{name}.model.yaml") for name in ("plain", "twin"))
    with torch.inference_mode():
        one, other = (model.logits(corpus.inputs).softmax(1) for model in (first, twin))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-5)
    assert float(one[held_out].std()) > 0.01


def test_noisy_copies_are_trained_on_and_never_judged(
    train: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Watched:
        def varied(self, batch: Tensor, generator: torch.Generator) -> Tensor:
            seen.append(len(batch))
            return batch

    recipe = replace(train.recipes(None)["noisy"], augmentation=Watched(), epochs=1)
    monkeypatch.setattr(train, "recipes", lambda root: {"noisy": recipe})
    assert train.main(["noisy"]) == 0
    assert figures(tmp_path, "noisy")["n"] == 19
    # 77 clips and three copies of each, in whole batches of 16.
    assert sum(seen) == 4 * 77 // 16 * 16
    path = tmp_path / "noisy.model.yaml"
    (_, corpus), (_, clean) = (train.prepared(path, r, 0) for r in (recipe, replace(recipe, noise=None)))
    assert torch.equal(corpus.inputs, clean.inputs)
    assert clean.copies == ()
    assert not torch.equal(corpus.copies[0], corpus.copies[1])
    assert all(not torch.equal(copy, clean.inputs) for copy in corpus.copies)


def test_noise_has_the_power_that_its_ratio_says(train: ModuleType) -> None:
    from augmentation import NoisyCopies

    waveforms = torch.randn(40, 8000, generator=torch.Generator().manual_seed(1)) * 0.1
    for least, most in ((10.0, 10.0), (0.0, 30.0)):
        noisy = NoisyCopies(1, least, most).noisy(waveforms, torch.Generator().manual_seed(2))
        power = waveforms.square().mean(1) / (noisy - waveforms).square().mean(1)
        snr_db = 10 * power.log10()
        assert least - 0.3 < float(snr_db.min()) <= float(snr_db.max()) < most + 0.3
        assert float(snr_db.max() - snr_db.min()) > 0.7 * (most - least)


def test_undersampling_takes_from_what_is_trained_on_alone(train: ModuleType) -> None:
    from corpus import Corpus

    from audit.data import Sample

    samples = tuple(Sample(f"{e}{i}", None, e, {}) for e, count in (("anger", 60), ("joy", 20)) for i in range(count))
    corpus = Corpus(samples, torch.arange(80.0)[:, None], torch.zeros(80))
    source = DataSource(Use("layout", "synthetic"), None, seed=7, undersample="smallest")
    kept, held_out = corpus.parted(source)
    assert int(held_out.sum()) == 16
    assert not bool((kept & held_out).any())
    counts = [
        sum(sample.emotion == e for sample, row in zip(samples, kept, strict=True) if row) for e in ("anger", "joy")
    ]
    assert counts[0] == counts[1] > 0
