"""`audit probe`: sound manifests pass, and each usual mistake is named with the line that mends it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audit.cli import main

COMMAND = [sys.executable, "-c", "from audit.cli import main; raise SystemExit(main())"]
Write = Callable[..., Path]
Told = pytest.CaptureFixture[str]


@pytest.fixture
def quickstart(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the manifest of the bundled model, changed, into an empty current directory."""
    monkeypatch.chdir(tmp_path)
    text = (repository / "models" / "quickstart.model.yaml").read_text()
    for name in ("small_cnn.py", "weights/", "quickstart.md"):
        text = text.replace(name, f"{repository / 'models'}/{name}")

    def write(old: str = "", new: str = "") -> Path:
        assert old in text
        path = tmp_path / "my.model.yaml"
        path.write_text(text.replace(old, new, 1) if old else text)
        return path

    return write


def test_a_sound_manifest_lists_every_probability_and_exits_0(quickstart: Write, spoken: Path, capsys: Told) -> None:
    assert main(["probe", str(quickstart()), "--data", str(spoken)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Model quickstart (torch)   Data {spoken} as folder, 96 clips"
    head = next(i for i, line in enumerate(lines) if line.startswith("file"))
    assert lines[head].split() == ["file", "true", *sorted(os.listdir(spoken))]
    rows = [line.split() for line in lines[head + 1 : head + 9]]
    # Two more than emotions: the first two come twice.
    assert [row[1] for row in rows].count("anger") == 2
    for row in rows:
        assert (spoken / row[0]).is_file()
        assert sum(float(cell.rstrip("*!")) for cell in row[2:]) == pytest.approx(1, abs=0.04)
        assert sum(cell[-1] in "*!" for cell in row[2:]) == 1
    assert any(line.startswith("accuracy 0.9") and "on 96 of 96 clips; guessing gets 0.17" in line for line in lines)
    assert lines[-1] == "no warning"


def test_the_same_clips_are_drawn_every_time(quickstart: Write, spoken: Path, capsys: Told) -> None:
    words = ["probe", str(quickstart()), "--data", str(spoken), "--clips", "3", "--limit", "12"]
    main(words)
    first = capsys.readouterr().out
    main(words)
    assert capsys.readouterr().out == first
    assert "on 12 of 96 clips" in first


@pytest.mark.parametrize(
    "order",
    ["[fear, anger, happiness, neutral, sadness, surprise]", "[surprise, sadness, neutral, anger, happiness, fear]"],
)
def test_a_wrong_order_of_labels_is_named_with_the_right_one(
    quickstart: Write, spoken: Path, capsys: Told, order: str
) -> None:
    right = "[anger, fear, happiness, neutral, sadness, surprise]"
    assert main(["probe", str(quickstart(right, order)), "--data", str(spoken)]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "WARNING" in told
    assert f"label order the answers would fit `emotions: {right}` at 0.9" in told


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (
            "ref: 100.0, top_db: 80.0}}",
            "ref: 100.0, top_db: 80.0}}\n  scaling: {low: -1, high: 1}",
            "input scale  without `scaling` 0.9",
        ),
        ("sampling_rate: 16000", "sampling_rate: 8000", "sampling rate  with `sampling_rate: 16000` 0.9"),
        ("sampling_rate: 16000", "sampling_rate: 44100", "sampling rate  with `sampling_rate: 16000` 0.9"),
        ("hop_length: 512", "hop_length: 160", "spectrogram  with `representation: {melspectrogram: {n_fft: 1024, hop"),
        ("top_db: 80.0}}", "top_db: 80.0}}\n  order: nctf", "axis order  without `order` 0.9"),
    ],
)
def test_a_wrong_input_is_named_with_the_line_that_mends_it(
    quickstart: Write, spoken: Path, capsys: Told, old: str, new: str, cause: str
) -> None:
    code = main(["probe", str(quickstart(old, new)), "--data", str(spoken), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert code == 1
    first = found["warnings"][0]["causes"][0]
    assert f"{first['cause']}  {first['finding']}".startswith(cause)
    assert first["accuracy"] > 0.9 > found["accuracy"] + 0.1


def test_one_emotion_for_all_clips_is_a_warning(tmp_path: Path, spoken: Path, capsys: Told) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n\n\ndef always(waveforms):\n    return np.eye(2)[[1] * len(waveforms)] * 3 + 0.1\n"
    )
    path = tmp_path / "my.model.yaml"
    path.write_text(
        "version: 1\nmodel: always\nloader: python\nsource: mine.py:always\nemotions: [anger, fear]\n"
        "input: {sampling_rate: 16000, seconds: 1, representation: waveform}\n"
    )
    assert main(["probe", str(path), "--data", str(spoken)]) == 1
    told = capsys.readouterr().out
    assert "WARNING accuracy 0.50 is not clearly above guessing, 0.50" in told
    assert "WARNING 32 of 32 clips are called fear" in told
    for cause in ("label order", "input scale", "sampling rate", "axis order", "softmax", "another language"):
        assert cause.split()[-1] in told
    assert "clips of emotions that the model does not know are left out: 16 happiness" in told


def test_values_that_no_network_takes_as_they_are_ask_for_the_fitted_scaler(
    here: Path, spoken: Path, capsys: Told
) -> None:
    (here / "mine.py").write_text(
        "import numpy as np\n\n\ndef weigh(features):\n    return np.tanh(features.reshape(len(features), -1)[:, :6])\n"
    )
    (here / "my.model.yaml").write_text(
        "version: 1\nmodel: mfcc\nloader: python\nsource: mine.py:weigh\nactivation: none\n"
        "emotions: [anger, fear, happiness, neutral, sadness, surprise]\n"
        "input: {sampling_rate: 16000, seconds: 2, representation: {mfcc: {n_mfcc: 40, mean: true}}}\n"
    )
    assert main(["probe", "my.model.yaml", "--data", str(spoken)]) == 1
    told = capsys.readouterr().out
    assert "mostly trained behind a scaler that was fitted on the training clips: `scaling: {file: scaler.npz}`" in told


def test_softmax_that_came_twice_is_named(tmp_path: Path, repository: Path, spoken: Path, capsys: Told) -> None:
    (tmp_path / "mine.py").write_text(
        "import safetensors.torch\nimport torch\n\nfrom audit.kinds import import_file\nfrom pathlib import Path\n\n"
        f"MODELS = Path({str(repository / 'models')!r})\n\n\n"
        "def twice(inputs):\n    network = import_file(MODELS / 'small_cnn.py').build(emotions=6).eval()\n"
        "    network.load_state_dict(safetensors.torch.load_file(MODELS / 'weights/quickstart.safetensors'))\n"
        # Less than a softmax in its sum, so that nothing else can tell.
        "    with torch.no_grad():\n        return 0.9 * network.float()(torch.from_numpy(inputs)).softmax(1).numpy()\n"
    )
    path = tmp_path / "my.model.yaml"
    text = (repository / "models" / "quickstart.model.yaml").read_text()
    lines = [line for line in text.splitlines() if line.split(":")[0] not in ("arguments", "weights", "card", "source")]
    path.write_text(
        "\n".join(lines).replace("loader: torch", "loader: python\nsource: mine.py:twice\nactivation: none")
    )
    assert main(["probe", str(path), "--data", str(spoken)]) == 1
    assert "softmax seems to come twice" in capsys.readouterr().out


def test_json_holds_what_is_printed(quickstart: Write, spoken: Path, capsys: Told) -> None:
    assert main(["probe", str(quickstart()), "--data", str(spoken), "--clips", "6", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {clip["emotion"] for clip in found["clips"]} == set(os.listdir(spoken))
    assert all(sum(clip["probabilities"].values()) == pytest.approx(1) for clip in found["clips"])
    assert all(
        clip["probabilities"][clip["predicted"]] == max(clip["probabilities"].values()) for clip in found["clips"]
    )
    assert (found["n"], found["warnings"]) == (96, [])
    assert found["interval"][0] < found["accuracy"] < found["interval"][1]
    assert sum(found["answers"].values()) == 96
    assert found["inputs"]["shape"] == [1, 64, 63]


def test_emotions_by_another_name_are_matched_and_those_unknown_left_out(
    quickstart: Write, spoken: Path, tmp_path: Path, capsys: Told
) -> None:
    root = tmp_path / "data"
    for emotion, name in (("anger", "Angry"), ("fear", "fear"), ("surprise", "surprised"), ("sadness", "bored")):
        (root / name).mkdir(parents=True)
        for file in sorted((spoken / emotion).iterdir())[:12]:
            (root / name / file.name).symlink_to(file)
    assert main(["probe", str(quickstart()), "--data", str(root)]) == 0
    told = capsys.readouterr().out
    assert "by other names: Angry as anger, surprised as surprise" in told
    assert "left out: 12 bored" in told
    assert "emotions of the model that no clip shows: happiness, neutral, sadness" in told


def test_a_clip_that_cannot_be_used_is_told_and_another_takes_its_turn(
    quickstart: Write, spoken: Path, tmp_path: Path, capsys: Told
) -> None:
    root = tmp_path / "data"
    for emotion in ("anger", "fear"):
        (root / emotion).mkdir(parents=True)
        for file in sorted((spoken / emotion).iterdir()):
            (root / emotion / file.name).symlink_to(file)
    soundfile.write(root / "fear" / "silent.wav", np.zeros(16000), 16000)
    (root / "fear" / "broken.wav").write_bytes(b"RIFF")
    assert main(["probe", str(quickstart()), "--data", str(root)]) == 0
    told = capsys.readouterr().out
    assert "on 32 of 34 clips" in told
    assert "silent.wav: silent from 0.0 s to 2.0 s" in told
    assert "broken.wav: cannot be read as audio" in told


def test_too_few_clips_are_said_to_be_so(quickstart: Write, spoken: Path, capsys: Told) -> None:
    assert main(["probe", str(quickstart()), "--data", str(spoken), "--clips", "1", "--limit", "1"]) == 1
    assert "WARNING all clips show" in capsys.readouterr().out
    assert main(["probe", str(quickstart()), "--data", str(spoken), "--clips", "2", "--limit", "2"]) == 1
    assert "WARNING 2 clips are too few" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["no.model.yaml", "--data", "."], 2, "no.model.yaml: no such file"),
        (["my.model.yaml"], 2, "name the recordings' folder or table with --data"),
        (["my.model.yaml", "--data", "nowhere"], 2, "nowhere: no such file or folder (--data)"),
        (["my.model.yaml", "--data", ".", "--layout", "fodler"], 2, "unknown layout 'fodler'; did you mean 'folder'?"),
        (["my.model.yaml", "--data", ".", "--clips", "0"], 2, "argument --clips: '0' is not a whole number"),
        (["my.model.yaml", "--data", "."], 3, "no layout finds recordings there"),
        (["my.model.yaml", "--data", "DATA", "--split", "fold=2"], 3, "the clips have no column 'fold'"),
    ],
)
def test_a_mistake_says_what_to_do(
    quickstart: Write, spoken: Path, capsys: Told, words: list[str], code: int, told: str
) -> None:
    quickstart()
    assert main(["probe", *(str(spoken) if word == "DATA" else word for word in words)]) == code
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("columns", [30, 60, 80])
def test_no_line_is_wider_than_the_terminal(quickstart: Write, spoken: Path, columns: int) -> None:
    path = quickstart("[anger, fear, happiness", "[fear, anger, happiness")
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "NO_COLOR": "1"}
    words = ["probe", path.name, "--data", os.path.relpath(spoken), "--clips", "2", "--limit", "60"]
    running = subprocess.Popen([*COMMAND, *words], stdout=slave, stderr=subprocess.DEVNULL, env=environment)
    os.close(slave)
    told = b""
    try:
        while part := os.read(master, 4096):
            told += part
    except OSError:
        # Linux ends a terminal that nobody holds any more so.
        pass
    assert running.wait() == 1
    lines = told.decode().replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[2m", "").splitlines()
    assert "WARNING" in told.decode()
    # A path or a line of YAML without a blank in it stays whole.
    assert all(len(line) <= columns or len(line.split()) == 1 for line in lines)


@pytest.mark.data
def test_the_released_model_is_sound_on_real_recordings(repository: Path, audit_data: Path, capsys: Told) -> None:
    path = repository / "models" / "nemo-resnet18.model.yaml"
    assert main(["probe", str(path), "--data", str(audit_data / "nemo"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["data"]["layout"], found["n"], found["warnings"]) == ("nemo", 200, [])
    assert found["accuracy"] > 0.9


@pytest.mark.data
def test_strangers_voices_are_no_mistake_in_the_manifest(repository: Path, audit_data: Path, capsys: Told) -> None:
    path = repository / "models" / "nemo-resnet18.model.yaml"
    assert main(["probe", str(path), "--data", str(audit_data / "ravdess"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["data"]["layout"] == "ravdess"
    assert found["data"]["left_out"] == {"calm": 96, "disgust": 96}
    assert found["chance"] < found["accuracy"] < 0.5
