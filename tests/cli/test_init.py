"""`audit init`: from a model's file and recordings to a manifest and a suite that run, whatever wrote the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from ruamel.yaml import YAML
from torch import nn

from audit.cli import main

Told = pytest.CaptureFixture[str]
Runs = Callable[[str], list[str]]
EMOTIONS = ["anger", "fear", "happiness", "neutral", "sadness", "surprise"]


def read(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text())


def test_weights_alone_need_the_code_of_their_network(here: Path, repository: Path, spoken: Path, capsys: Told) -> None:
    weights = repository / "models" / "weights" / "quickstart.safetensors"
    assert main(["init", "--model", str(weights), "--data", str(spoken)]) == 2
    told = capsys.readouterr().err
    assert f"{weights}: PyTorch weights alone (safetensors, 26 tensors), 6 outputs; without its code" in told
    assert "--source network.py:build" in told
    assert list(here.iterdir()) == []


def test_weights_and_their_code_become_a_manifest_and_a_suite_that_run(
    here: Path, repository: Path, spoken: Path, capsys: Told, runs: Runs
) -> None:
    models = repository / "models"
    words = ["init", "--model", str(models / "weights" / "quickstart.safetensors"), "--data", str(spoken)]
    assert main([*words, "--source", f"{models / 'small_cnn.py'}:build"]) == 0
    told = capsys.readouterr().out
    assert (
        "wrote   quickstart.model.yaml\nwrote   quickstart.audit.yaml\nnext    audit run quickstart.audit.yaml" in told
    )
    manifest = read(here / "quickstart.model.yaml")
    assert (manifest["loader"], manifest["arguments"], manifest["emotions"]) == ("torch", {"emotions": 6}, EMOTIONS)
    text = (here / "quickstart.model.yaml").read_text()
    assert "sampling_rate: 16000  # guessed: the clips have 16000 Hz" in text
    assert "surprise]  # guessed: alphabetical order" in text
    suite = read(here / "quickstart.audit.yaml")
    assert suite["decide"]["cluster"] == "speaker"
    assert [check.get("method", check["check"]) for check in suite["checks"]] == [
        "clean",
        "gaussian_noise",
        "fgsm",
        ["lime", "gradcam", "lrp", "occlusion", "smoothgrad"],
    ]
    assert any(" speakers" in line for line in runs("quickstart.audit.yaml"))
    before = (here / "quickstart.audit.yaml").read_bytes()
    assert main([*words, "--source", f"{models / 'small_cnn.py'}:build"]) == 2
    assert "is there already; name another folder with --out, or overwrite it with --force" in capsys.readouterr().err
    assert (here / "quickstart.audit.yaml").read_bytes() == before


def test_a_model_that_was_never_trained_is_said_to_know_nothing(
    here: Path, repository: Path, spoken: Path, capsys: Told, runs: Runs
) -> None:
    (here / "net.py").write_text(
        "from torch import nn\n\n\ndef build(num_classes=9):\n"
        "    ahead = (nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
        "    return nn.Sequential(*ahead, nn.Linear(4, num_classes))\n"
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 6))
    torch.save({"epoch": 3, "state": network.state_dict()}, here / "never.pth")
    words = ["init", "--model", "never.pth", "--data", str(spoken), "--source", "net.py:build", "--out", "new"]
    assert main(words) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "NOT FOUND OUT: nothing that was tried is above guessing" in told
    assert "`scaling: {file: scaler.npz}`" in told
    assert "--preprocess file.py:function" in told
    assert "next audit run" not in told
    assert f"next correct new/never.model.yaml, then audit probe new/never.model.yaml --data {spoken}" in told
    text = (here / "new" / "never.model.yaml").read_text()
    assert "# NOT FOUND OUT" in text
    assert "with these lines; of" in text
    assert "ways tried none is surely better" in " ".join(text.replace("\n#", "").split())
    manifest = read(here / "new" / "never.model.yaml")
    assert (manifest["source"], manifest["weights"], manifest["key"]) == ("../net.py:build", "../never.pth", "state")
    assert manifest["arguments"] == {"num_classes": 6}
    runs("new/never.audit.yaml")


def test_an_input_that_nothing_makes_asks_for_the_function_that_does(here: Path, spoken: Path, capsys: Told) -> None:
    skops = pytest.importorskip("skops.io")
    from sklearn.linear_model import LogisticRegression

    files = sorted(spoken.glob("*/*.wav"))
    rows = np.stack([soundfile.read(file)[0][:300] for file in files])
    skops.dump(LogisticRegression().fit(rows, [file.parent.name for file in files]), here / "odd.skops")
    words = ["init", "--model", "odd.skops", "--data", str(spoken)]
    assert main(words) == 3
    assert "--preprocess file.py:function" in capsys.readouterr().err
    (here / "mine.py").write_text("def first(waveform, sampling_rate):\n    return waveform[:300]\n")
    assert main([*words, "--preprocess", "mine.py:first"]) in (0, 1)
    assert read(here / "odd.model.yaml")["input"]["preprocess"] == "mine.py:first"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--model", "nowhere.pt", "--data", "DATA"], 2, "nowhere.pt: no such file or folder (--model)"),
        (["--model", "notes.txt", "--data", "DATA"], 3, "neither its name nor its content is that of a model"),
        (["--model", "empty.onnx", "--data", "DATA"], 3, "empty.onnx: the file is empty"),
        (["--model", "notes.txt", "--data", "DATA", "--loader", "kreas"], 2, "did you mean 'keras'?"),
        (["--model", "notes.txt", "--data", "DATA", "--source", "x.py"], 2, "is not of the form file.py:function"),
        (["--model", "code.py", "--data", "DATA"], 2, "name a function in it that is the model, or builds it"),
        (["--data", "DATA"], 2, "the following arguments are required: --model"),
    ],
)
def test_a_mistake_says_what_to_do_and_writes_nothing(
    here: Path, spoken: Path, capsys: Told, words: list[str], code: int, told: str
) -> None:
    (here / "notes.txt").write_text("no model\n")
    (here / "empty.onnx").touch()
    (here / "code.py").write_text("def answer(inputs):\n    return inputs\n")
    before = sorted(here.iterdir())
    assert main(["init", *(str(spoken) if word == "DATA" else word for word in words)]) == code
    assert told in capsys.readouterr().err
    assert sorted(here.iterdir()) == before


def test_weights_that_do_not_fit_their_code_are_said_to_be_so_and_no_input_is_asked_for(
    here: Path, repository: Path, spoken: Path, capsys: Told
) -> None:
    (here / "net.py").write_text("from torch import nn\n\n\ndef build():\n    return nn.Linear(3, 6)\n")
    weights = repository / "models" / "weights" / "quickstart.safetensors"
    assert main(["init", "--model", str(weights), "--data", str(spoken), "--source", "net.py:build"]) == 3
    told = capsys.readouterr().err.splitlines()[-1]
    assert told.startswith(f"error: {weights}: ")
    assert "--preprocess" not in told
    assert "none of the inputs" not in told
