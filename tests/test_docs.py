"""What the documents say is what the product takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from audit.grammar.gate_metrics import METRICS
from audit.kinds import find, import_file, known_methods
from audit.suite import read_suite


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, flags=re.S | re.M)


def dedented(block: str) -> str:
    margin = min(len(line) - len(line.lstrip()) for line in block.splitlines() if line.strip())
    return "\n".join(line[margin:] for line in block.splitlines()) + "\n"


def test_every_metric_and_method_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "suites.md").read_text()
    names = set(METRICS)
    for family in ("corruption", "attack", "saliency", "layout", "faithfulness", "sanity"):
        names |= set(known_methods(family))
    assert {name for name in names if f"`{name}`" not in text and name not in text} == set()


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("wind", "corruption"),
        ("random_sign", "attack"),
        ("loudness", "saliency"),
        ("half_kept", "faithfulness"),
        ("twice", "sanity"),
    ],
)
def test_the_examples_of_own_methods_are_found(repository: Path, tmp_path: Path, name: str, family: str) -> None:
    for block in blocks((repository / "docs" / "extending.md").read_text(), "python"):
        file = tmp_path / block.splitlines()[0].removeprefix("# ")
        file.write_text(block)
    (home,) = [file for file in tmp_path.glob("*.py") if f"def {name}(" in file.read_text()]
    assert callable(find(family, f"{home.name}:{name}", relative_to=tmp_path).load())


def test_the_readmes_suite_and_manifest_are_read(repository: Path, tmp_path: Path) -> None:
    manifest, suite = (dedented(block) for block in blocks((repository / "README.md").read_text(), "yaml"))
    (tmp_path / "my.model.yaml").write_text(manifest)
    (tmp_path / "my.audit.yaml").write_text(suite)
    (tmp_path / "network.py").write_text("def build(*, emotions): ...\n")
    (tmp_path / "my-model.safetensors").write_bytes(b"")
    found = read_suite(tmp_path / "my.audit.yaml")
    assert found.model == tmp_path / "my.model.yaml"
    assert [check.kind for check in found.checks] == ["clean", "corruption", "corruption", "attack", "saliency"]


def test_every_suite_we_ship_is_read(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEMO", "nemo")
    found = {path.name.removesuffix(".audit.yaml"): path for path in (repository / "suites").glob("*.audit.yaml")}
    assert {"quickstart", "nemo-release-gate", "fer-cnn-lstm", "nemo-attention", "shortcut-tone"} <= found.keys()
    assert all(read_suite(path).name == name for name, path in found.items())


@pytest.mark.parametrize(
    "model",
    [
        *("quickstart", "quickstart-faces", "nemo-resnet18", "nemo-attention", "fer-cnn-lstm"),
        *("shortcut-tone", "shortcut-patch"),
    ],
)
def test_the_cards_quote_the_figures_that_training_wrote(repository: Path, model: str) -> None:
    figures = json.loads((repository / "models" / f"{model}.figures.json").read_text())
    text = (repository / "models" / "README.md").read_text()
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{model}`")]
    for measured in (each for each in figures.values() if "accuracy" in each):
        assert f"{measured['accuracy']:.3f}".removeprefix("0") in row


def test_the_tables_of_explanations_are_what_the_benchmarks_printed(repository: Path) -> None:
    text = (repository / "docs" / "explanations.md").read_text()
    figures = repository / "benchmarks" / "figures"
    faithfulness = import_file(repository / "benchmarks" / "faithfulness.py")
    for name, found in json.loads((figures / "faithfulness.json").read_text()).items():
        assert "\n".join(faithfulness.table(name, found)).strip() in text
    assert (figures / "localisation.txt").read_text().strip() in text


def test_the_tables_of_verdicts_are_what_the_benchmarks_wrote(repository: Path) -> None:
    pages = {name: (repository / "docs" / f"{name}.md").read_text() for name in ("verdicts", "suites")}
    tables = import_file(repository / "benchmarks" / "brief.py").tables()
    assert tables.keys() == {"coverage", "near_copies", "stand_ins", "planted"}
    for name, page in {
        "coverage": "verdicts",
        "stand_ins": "verdicts",
        "planted": "verdicts",
        "near_copies": "suites",
    }.items():
        assert tables[name] in pages[page], name
