"""The package as a whole: what it exports, what it imports, and which way data flows."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import audit

METHODS = (
    "corruptions",
    "attacks",
    "saliency",
    "faithfulness",
    "sanity",
    "representations",
    "layouts",
    "loaders",
    "screens",
)
OWN = {
    "attacks": {"manifest", "extras"},
    "loaders": {"manifest", "source", "extras", "adapter", "recognition"},
    "representations": {"source"},
    "corruptions": {"scaling"},
    "sanity": {"scaling"},
    "saliency": {"scaling"},
    "screens": {"screening", "modality"},
}
LIGHT = (
    *(
        "metrics",
        "intervals",
        "bounds",
        "bootstrap",
        "multiplicity",
        "power",
        "gaps",
        "estimate",
        "estimator",
        "tables",
    ),
    *("verdict", "judging", "soundness", "audit", "summary", "gate_id", "record", "suite"),
)


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_every_exported_name_is_there_and_listed_once() -> None:
    assert len(set(audit.__all__)) == len(audit.__all__)
    for name in audit.__all__:
        assert getattr(audit, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'rum'"):
        _ = audit.rum


def test_importing_the_package_imports_neither_torch_nor_pandas() -> None:
    probe = "import audit, sys; sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'plotly', 'librosa')))"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


@pytest.mark.parametrize("folder", METHODS)
def test_methods_know_nothing_of_suites_checks_or_reports(folder: str, repository: Path) -> None:
    allowed = {
        "model",
        "input_spec",
        "video_input",
        "audiovisual_input",
        "data",
        "kinds",
        "errors",
        "attribution",
        "randomness",
        "seeds",
        "masking",
        "explained",
        *METHODS,
    }
    for path in sorted((repository / "audit" / folder).rglob("*.py")):
        for name in imports(path):
            if name.startswith("audit."):
                assert name.split(".")[1] in allowed | OWN.get(folder, set()), (path, name)


@pytest.mark.parametrize("module", LIGHT)
def test_what_decides_and_reports_needs_no_torch(module: str) -> None:
    probe = f"import audit.{module}, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_only_the_command_and_the_plugin_import_the_run(repository: Path) -> None:
    for path in sorted((repository / "audit").rglob("*.py")):
        if path.stem not in ("cli", "pytest_plugin", "__init__"):
            assert not {name for name in imports(path) if name.startswith("audit.runner.")}, path


def test_no_file_grows_past_three_hundred_lines(repository: Path) -> None:
    for folder in ("audit", "models", "benchmarks", "tests"):
        for path in (repository / folder).rglob("*.py"):
            # What was downloaded is not ours.
            if "downloaded" not in path.parts:
                assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path
