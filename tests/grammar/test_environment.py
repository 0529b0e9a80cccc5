"""Environment variables in values."""

from pathlib import Path

import pytest

from audit.errors import SuiteError
from audit.grammar.document import read_document


def value(path: Path, text: str) -> object:
    path.write_text(f"a: {text}\n")
    return read_document(path).data()["a"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUDIT_ROOM", "/clips/room")
    monkeypatch.setenv("AUDIT_NOTHING", "")
    monkeypatch.setenv("AUDIT_SEVEN", "7")
    monkeypatch.delenv("AUDIT_UNSET", raising=False)
    return tmp_path / "x.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"${AUDIT_ROOM}/a"', "/clips/room/a"),
        ('"${AUDIT_UNSET:-here}"', "here"),
        ('"${AUDIT_UNSET:-}"', ""),
        ('"${AUDIT_NOTHING:-here}"', "here"),
        ('"${AUDIT_NOTHING}"', ""),
        ('"${AUDIT_SEVEN}"', "7"),
        ("${AUDIT_SEVEN}", 7),
        ("${AUDIT_UNSET:-0.5}", 0.5),
        ('"$AUDIT_ROOM"', "$AUDIT_ROOM"),
        ('"${AUDIT_ROOM} ${AUDIT_SEVEN}"', "/clips/room 7"),
    ],
)
def test_a_variable_is_replaced_in_a_value(file: Path, text: str, expected: object) -> None:
    assert value(file, text) == expected


def test_what_a_variable_holds_is_not_expanded_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_ROOM", "${AUDIT_SEVEN}")
    assert value(file, '"${AUDIT_ROOM}"') == "${AUDIT_SEVEN}"


def test_keys_are_left_as_they_are(file: Path) -> None:
    file.write_text('"${AUDIT_ROOM}": 1\n')
    assert read_document(file).data() == {"${AUDIT_ROOM}": 1}


def test_an_unset_variable_is_an_error_at_its_place(file: Path) -> None:
    with pytest.raises(SuiteError, match=r"AUDIT_UNSET is not set; set it, or write a default") as caught:
        value(file, '"${AUDIT_UNSET}"')
    assert (caught.value.line, caught.value.column) == (1, 4)


@pytest.mark.parametrize("text", ['"${AUDIT_ROOM"', '"${1A}"', '"${}"'])
def test_half_a_variable_is_an_error(file: Path, text: str) -> None:
    with pytest.raises(SuiteError, match="no variable"):
        value(file, text)
