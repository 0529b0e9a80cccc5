"""`models/train.py` from pictures to weights: what it leaves out, what it writes, and that an audit finds the same."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from audit import read_suite, run
from audit.data import Sample
from audit.kinds import import_file
from audit.suite import DataSource, Use

MANIFEST = """\
version: 1
model: bars
loader: torch
source: "{source}:build"
arguments: {{emotions: 2, width: 8, hidden: 16, side: 16}}
weights: weights/bars.safetensors
input: {{modality: face, height: 16, width: 16, colour: grey}}
emotions: [high, low]
"""
SUITE = """\
version: 1
suite: bars
model: bars.model.yaml
data: {layout: folder, root: pictures/test}
checks:
  - check: clean
    gates: [{metric: accuracy, min: 0.5}]
"""


@pytest.fixture
def train(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, its models in `tmp_path`, with one recipe: is the bar in the upper half or in the lower."""
    monkeypatch.syspath_prepend(repository / "models")
    code = import_file(repository / "models/train.py")
    recipes, faces = import_file(repository / "models/recipes.py"), import_file(repository / "models/augmentation.py")
    (tmp_path / "bars.model.yaml").write_text(MANIFEST.format(source=repository / "models/cnn_lstm.py"))

    def one(root: Path | None) -> dict[str, object]:
        parts = [DataSource(Use("layout", "folder"), root / part if root else None) for part in ("train", "test")]
        recipe = recipes.Recipe(
            parts[0], epochs=30, augmentation=faces.Faces(shift=0.05), unseen=parts[1], learning_rate=5e-3, batch=16
        )
        return {"bars": recipe}

    monkeypatch.setattr(code, "MODELS", tmp_path)
    monkeypatch.setattr(code, "recipes", one)
    return code


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """64 pictures to train on, 4 of them copies of the 20 of the test; one more of either part is blank."""
    rng = np.random.default_rng(0)
    root = tmp_path / "pictures"
    for part, count in (("test", 10), ("train", 30)):
        for emotion, low, high in (("high", 1, 6), ("low", 9, 14)):
            folder = root / part / emotion
            folder.mkdir(parents=True)
            for index in range(count):
                cells = rng.integers(0, 120, (16, 16), dtype=np.uint8)
                row = rng.integers(low, high)
                cells[row : row + 2] = 250
                Image.fromarray(cells).save(folder / f"{index}.png")
        Image.new("L", (16, 16)).save(root / part / "high" / "blank.png")
    for emotion in ("high", "low"):
        for index in range(2):
            copy = (root / "test" / emotion / f"{index}.png").read_bytes()
            (root / "train" / emotion / f"copy-{index}.png").write_bytes(copy)
    return root


def test_what_is_trained_is_what_is_saved_and_judged(
    train: ModuleType, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main(["bars", "--data", str(pictures)]) == 0
    told = capsys.readouterr().err
    assert "left out: 4 copies of what is judged" in told
    assert told.count("blank, every pixel is 0.00") == 2
    figures = json.loads((tmp_path / "bars.figures.json").read_text())["held-out"]
    assert figures["n"] == 20
    assert figures["accuracy"] > 0.8
    assert figures["f1"] == pytest.approx(figures["accuracy"], abs=0.05)
    (tmp_path / "bars.audit.yaml").write_text(SUITE)
    audit = run(read_suite(tmp_path / "bars.audit.yaml"))
    assert audit.data["n"] == 20
    assert audit.answers.value("accuracy") == pytest.approx(figures["accuracy"], abs=1e-6)
    assert audit.answers.value("macro_f1") == pytest.approx(figures["f1"], abs=1e-6)


def test_the_same_seed_gives_the_same_weights(train: ModuleType, pictures: Path, tmp_path: Path) -> None:
    weights = []
    for seed in ("0", "0", "1"):
        train.main(["bars", "--data", str(pictures), "--seed", seed])
        weights.append((tmp_path / "weights" / "bars.safetensors").read_bytes())
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_an_interrupted_training_goes_on_to_the_same_weights(
    train: ModuleType, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, checkpoint = tmp_path / "weights" / "bars.safetensors", tmp_path / "checkpoints" / "bars-0.pt"
    train.main(["bars", "--data", str(pictures)])
    undisturbed = weights.read_bytes()
    assert not checkpoint.exists()
    judged = []

    def killed(*given: object) -> dict[str, float]:
        judged.append(given)
        if len(judged) == 12:
            raise KeyboardInterrupt
        return {"accuracy": 0.0, "f1": 0.0}

    with monkeypatch.context() as patch:
        patch.setattr(train, "scores", killed)
        with pytest.raises(KeyboardInterrupt):
            train.main(["bars", "--data", str(pictures)])
    assert checkpoint.exists()
    train.main(["bars", "--data", str(pictures)])
    assert weights.read_bytes() == undisturbed
    curve = json.loads((tmp_path / "bars.figures.json").read_text())["held-out"]["curve"]
    assert len(curve) == 30
    assert [row["accuracy"] for row in curve[:11]] == [0.0] * 11
    assert curve[-1]["accuracy"] > 0.8 > curve[-1]["loss"]
    assert not checkpoint.exists()


def test_a_copy_of_what_is_held_out_is_not_trained_on(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(repository / "models")
    corpus_of = import_file(repository / "models/corpus.py").Corpus
    source = DataSource(Use("layout", "folder"), None, seed=7)
    samples = tuple(Sample(str(n), None, "high") for n in range(40))
    inputs, truths = torch.arange(40.0).reshape(40, 1), torch.zeros(40, dtype=torch.long)
    kept, held_out = corpus_of(samples, inputs, truths).parted(source)
    assert bool((kept ^ held_out).all())
    first, judged = int(kept.nonzero()[0]), int(held_out.nonzero()[0])
    inputs[first] = inputs[judged]
    kept, again = corpus_of(samples, inputs, truths).parted(source)
    assert torch.equal(again, held_out)
    assert not kept[first]
    assert int(kept.sum()) == 40 - int(held_out.sum()) - 1
