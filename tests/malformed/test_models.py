"""Models that fail, or answer with anything but their own logits: one clear message or a named finding, no verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.cli import main

TORCH = "loader: torch\nweights: w.safetensors\nsource: net.py:"
PYTHON = "loader: python\nsource: net.py:"
FRONT = "input: {sampling_rate: 8000, seconds: 0.25, preprocess: 'net.py:"
REFUSED = {
    "another number of emotions": (
        TORCH + "Net\nemotions: [calm, angry, sad, bored]\n",
        ("shape (4, 3) for 4 inputs", "names 4 emotions"),
    ),
    "a function that is not there": (TORCH + "Nett\n", ("net.py has no function 'Nett'; did you mean 'Net'?",)),
    "a builder that raises": (TORCH + "fails\n", ("net.py:fails() raised FileNotFoundError: vocabulary.txt",)),
    "a builder of something else": (TORCH + "dictionary\n", ("returned a dict; a torch.nn.Module is due",)),
    "NaN for everything": (TORCH + "Divides\n", ("model 'own' returned NaN or infinite logits", "check its weights")),
    "inputs changed in place": (TORCH + "Careless\n", ("changes its inputs in place", "x = x.clone()")),
    "logits of another shape": (TORCH + "Cube\n", ("returned logits of shape (4, 3, 1)", "(4, 3) is due")),
    "an exception": (
        TORCH + "Strict\n",
        ("fails on inputs of shape (4, 2000), as its manifest describes them", "waveforms must be stereo"),
    ),
    "an exception for loud clips": (
        TORCH + "Picky\n",
        ("model 'own' fails on a batch of 32 clips (AssertionError: too loud for me)", "clip it fails on is calm-0"),
    ),
    "an exception for some clips": (
        PYTHON + "some_break\n",
        ("ZeroDivisionError: division by zero", "the first clip it fails on is angry-0"),
    ),
    "NaN for some clips": (
        PYTHON + "some_nan\n",
        ("returned NaN or infinite logits", "the first clip it fails on is angry-0"),
    ),
    "words": (PYTHON + "text\n", ("returned text, ", "an array of (4, 3) numbers")),
    "nothing": (PYTHON + "nothing\n", ("net.py:nothing returned NoneType", "is due")),
    "one answer for all": (PYTHON + "one_row\n", ("returned (1, 3) for 4 inputs", "one row per input")),
    "softmax declared where there is none": (
        PYTHON + "scores\nactivation: softmax\n",
        ("activation: softmax, but the answers sum to", "not to 1"),
    ),
    "logits declared where there is softmax": (
        PYTHON + "sure\nactivation: none\n",
        ("write `activation: softmax`", "softmax would be taken twice"),
    ),
    "axes in an order that does not fit": (
        TORCH + "Net\ninput: {sampling_rate: 8000, seconds: 0.25, representation: waveform, order: nchw}\n",
        ("order 'nchw'", "every letter of it once"),
    ),
    "an input of another length": (
        TORCH + "Net\ninput: {sampling_rate: 8000, seconds: 0.5, representation: waveform}\n",
        ("fails on inputs of shape (4, 4000), as its manifest describes them",),
    ),
    "a front end that gives NaN": (f"{TORCH}Net\n{FRONT}silence'}}\n", ("NaN or infinite values",)),
    "a front end that gives NaN for some clips": (
        f"{TORCH}Net\n{FRONT}loud'}}\n",
        ("preprocess makes NaN or infinite values of calm-0", "log 0"),
    ),
    "a front end of many shapes": (f"{TORCH}Net\n{FRONT}ragged'}}\n", ("returned arrays of several shapes",)),
    "a server that is not there": (
        "loader: {http: {url: 'http://127.0.0.1:9/predict', retries: 0, timeout: 2}}\n",
        ("127.0.0.1:9",),
    ),
}
FINDINGS = {
    "random": "answers change from call to call",
    "first_is_angry": "answers depend on the other clips in the batch",
    "against_the_mean": "answers depend on the other clips in the batch",
    "in_order": "answers depend on the other clips in the batch",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_model_is_refused_in_one_message(
    name: str, write: Callable[[str], None], weights: Callable[..., Path], refused: Callable[..., None]
) -> None:
    manifest, told = REFUSED[name]
    write(manifest)
    weights()
    refused(*told)


@pytest.mark.parametrize("function", FINDINGS)
def test_answers_that_are_not_the_clips_own_are_a_finding(
    function: str, write: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write(f"{PYTHON}{function}\nactivation: none\n")
    assert main(["run", "own.audit.yaml", "--out", "out"]) == 3
    out, err = capsys.readouterr()
    assert out.startswith(FINDINGS[function])
    assert "GATE NOT JUDGED  2 error, 0 fail, 0 unsure, 0 pass" in out
    assert "Traceback" not in err
    document = json.loads(Path("out/audit.json").read_text())
    assert [row["outcome"] for row in document["verdicts"]] == ["ERROR", "ERROR"]
    assert document["findings"][0]["finding"] == FINDINGS[function]
