"""`audit compare A B`: two models judged by one suite, set beside each other without model or data."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audit.cli import main

CHECKS = """\
  - check: clean
    gates:
      - {metric: accuracy, min: 0.3}
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.001, 0.3]}
    gates:
      - {metric: accuracy, at: 0.001, min: 0.25}
"""
LOADERS = """\
import torch
from audit.kinds import loader
from audit.model import TorchModel

class Pitch(torch.nn.Module):
    def __init__(self, limit):
        super().__init__()
        self.limit = torch.nn.Parameter(torch.tensor(limit))

    def forward(self, waveforms):
        slope = (waveforms[:, 1:] - waveforms[:, :-1]).square().mean(1)
        height = torch.log(slope / waveforms.square().mean(1) / self.limit)
        return torch.stack([-height, height, torch.full_like(height, -20.0)], dim=1)

@loader()
def good(manifest):
    return TorchModel(Pitch(0.2).eval(), manifest.spec, manifest.emotions, name=manifest.name)

@loader()
def bad(manifest):
    return TorchModel(Pitch(50.0).eval(), manifest.spec, manifest.emotions, name=manifest.name)
"""


@pytest.fixture(scope="module")
def judged(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with audits of a good and of a bad model by one suite, in folders `good` and `bad`."""
    folder, tones = tmp_path_factory.mktemp("judged"), repository / "tests" / "tones"
    (folder / "models.py").write_text(LOADERS)
    (folder / "tones.audit.yaml").write_text(
        f'version: 1\nsuite: tones\ndata: {{layout: "{tones / "clips.py"}:tone_clips"}}\n'
        f"decide: {{seed: 1, bootstrap: 200}}\nchecks:\n{CHECKS}"
    )
    for name in ("good", "bad"):
        (folder / f"{name}.model.yaml").write_text(
            f"version: 1\nmodel: {name}\nloader: models.py:{name}\nemotions: [calm, angry, sad]\n"
            "input: {sampling_rate: 8000, seconds: 0.25, representation: waveform}\n"
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            main(["run", "tones.audit.yaml", "--no-media", "--model", f"{name}.model.yaml", "--out", name])
    return folder


@pytest.fixture
def audits(judged: Path, here: Path) -> Path:
    """The suite of the two audits, all of them copied into the current directory."""
    shutil.copytree(judged, here, dirs_exist_ok=True)
    return here / "tones.audit.yaml"


def test_a_worse_model_is_told_in_the_first_sentence_and_exits_0(
    audits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "good", "bad"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("A  good sha256:")
    assert told[1].startswith("B  bad sha256:")
    assert told[2].startswith("B is right on 33.3 points fewer of 36 shared clips (95% CI −")
    assert [
        line for line in told if line.startswith("newly failing  clean accuracy  PASS 0.667 -> UNSURE 0.33 (95% CI 0.2")
    ]
    assert "compare  bad/compare.html" in told
    assert told[-1].endswith("no decision (audit gate B --baseline A decides)")
    assert (Path("bad") / "compare.html").is_file()


def test_the_other_way_round_it_is_better(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "bad", "good", "--out", "there"]) == 0
    assert "B is right on 33.3 points more of 36 shared clips" in capsys.readouterr().out
    assert {path.name for path in Path("there").iterdir()} == {"compare.html", "style.css", "app.js", "plotly.min.js"}
    assert not (Path("good") / "compare.html").exists()
    # It may be drawn again, but never among what is not ours.
    assert main(["compare", "bad", "good", "--out", "there"]) == 0
    Path("mine").mkdir()
    (Path("mine") / "style.css").write_text("mine")
    assert main(["compare", "bad", "good", "--out", "mine"]) == 2
    assert "holds files but no audit" in capsys.readouterr().err
    assert (Path("mine") / "style.css").read_text() == "mine"


def test_a_run_with_a_baseline_draws_it_too(audits: Path) -> None:
    run = ["run", audits.name, "--no-media", "--model", "bad.model.yaml", "--baseline", "good", "--out", "again"]
    assert main(run) in (0, 1)
    assert "33.3 points fewer" in (Path("again") / "compare.html").read_text()
    assert 'href="compare.html"' in (Path("again") / "index.html").read_text()
    assert 'href="index.html"' in (Path("again") / "compare.html").read_text()
    assert ".unfinished" not in (Path("again") / "compare.html").read_text()


def test_it_needs_no_torch(audits: Path) -> None:
    probe = (
        "import sys; from audit.cli import main; code = main(['compare', 'good', 'bad']); "
        "sys.exit(code or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False, capture_output=True).returncode == 0


def test_a_sweep_with_other_settings_is_named_and_the_rest_compared(
    audits: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audits.write_text(audits.read_text().replace("0.3]", "0.4]"))
    main(["run", audits.name, "--no-media", "--model", "bad.model.yaml", "--out", "other"])
    capsys.readouterr()
    assert main(["compare", "good", "other"]) == 0
    told = capsys.readouterr().out
    assert "not comparable  gaussian_noise: other settings, " in told
    assert "33.3 points fewer of 36" in told


def test_nothing_comparable_exits_3_and_says_why(audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = Path("bad.model.yaml")
    manifest.write_text(manifest.read_text().replace("seconds: 0.25", "seconds: 0.2"))
    main(["run", audits.name, "--no-media", "--model", manifest.name, "--out", "shorter"])
    capsys.readouterr()
    assert main(["compare", "good", "shorter"]) == 3
    told = capsys.readouterr().out
    assert "Nothing is comparable" in told
    assert "not comparable  clean: the 36 clips of the same name are other recordings, sha256 " in told
    assert "Nothing is comparable" in (Path("shorter") / "compare.html").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["good", "nowhere"], "nowhere: no audit here (no audit.json)"),
        (["good", "bad/../good"], "good and bad/../good are the same folder"),
        (["good", "faces"], "good judges a model of speech and faces one of face; only audits of one modality"),
        (["good", "bad", "--out", "models.py"], "models.py: is a file; name a folder with --out"),
        (["good"], "the following arguments are required: B"),
    ],
)
def test_usage_errors_exit_2(words: list[str], told: str, audits: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("bad", "faces")
    path = Path("faces") / "audit.json"
    document = json.loads(path.read_text())
    document["model"]["input"] = {
        **{"modality": "face", "height": 8, "width": 8, "colour": "grey", "representation": "pixels"},
        **{"parameters": {}, "shape": [1, 8, 8], "bounds": [0.0, 1.0], "scaling": None},
    }
    path.write_text(json.dumps(document))
    assert main(["compare", *words]) == 2
    assert told in capsys.readouterr().err


def test_help_says_that_it_is_no_gate(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "It is no gate: audit gate B --baseline A decides" in told
