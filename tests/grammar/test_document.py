"""Located YAML: what is read, what is refused, and where the mark stands."""

import itertools
import time
from pathlib import Path

import pytest

from audit.errors import SuiteError, UsageError
from audit.grammar.document import read_document
from audit.grammar.syntax import MOST_DEPTH


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "x.audit.yaml"


def refusal(path: Path, text: str | bytes) -> SuiteError:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SuiteError) as caught:
        read_document(path)
    return caught.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("no", "no"),
        ("on", "on"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        (".5", 0.5),
        ("true", True),
        ("~", None),
        ("1:30", "1:30"),
        ("2020-01-01", "2020-01-01"),
        ("'3'", "3"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_scalars_are_read_as_yaml_1_2_says(written: Path, text: str, value: object) -> None:
    written.write_text(f"a: {text}\n")
    assert read_document(written).data() == {"a": value}


def test_every_value_knows_its_line_column_and_width(written: Path) -> None:
    written.write_text("a: 1\nb:\n  - {deep: value}\n")
    node = read_document(written).entries["b"].items[0].entries["deep"]
    assert (node.mark.line, node.mark.column, node.mark.width) == (3, 12, 5)
    assert node.key is not None
    assert (node.key.line, node.key.column, node.key.width) == (3, 6, 4)


def test_an_error_prints_place_line_and_a_mark_of_the_words_width(written: Path) -> None:
    written.write_text("checks:\n  - {metric: accuracy, mim: 0.85}\n")
    node = read_document(written).entries["checks"].items[0].entries["mim"]
    assert str(node.key_error("unknown key 'mim'")) == (
        f"{written}:2:24: error: unknown key 'mim'\n    - {{metric: accuracy, mim: 0.85}}\n                         ^^^"
    )


@pytest.mark.parametrize(
    ("text", "line", "column", "told"),
    [
        ("a: 1\na: 2\n", 2, 1, "written twice (first at line 1)"),
        ("a: !!python/object:os.system x\n", 1, 4, "tags"),
        ("a: !include x\n", 1, 4, "tags"),
        ("a:\n\t- b\n", 2, 1, "tab"),
        ("- 1\n", 1, 1, "mapping"),
        ("just words\n", 1, 1, "mapping"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("%YAML 1.1\n---\na: no\n", 1, 1, "directives"),
        ("a: {<<: {b: 1}}\n", 1, 5, "merge keys"),
        ("a: &x [*x]\n", 1, 4, "inside what it names"),
        ("a: &x 1\nb: &x 2\n", 2, 4, "a second anchor &x"),
        ("a: *nowhere\n", 1, 4, "undefined alias"),
        ("? [a]\n: 1\n", 1, 3, "must be a word"),
        ("a: b: c\n", 1, 5, "quotes"),
        ("a: 0b11\n", 1, 4, "cannot be read as a number"),
        ("a: 9" + "9" * 400 + "\n", 1, 4, "too large"),
        ("a: {b: ${X}}\n", 1, 9, "quotes"),
        ("ä: 1\nb: \x07\n", 2, 4, "U+0007"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_at_its_place(
    written: Path, text: str, line: int, column: int, told: str
) -> None:
    error = refusal(written, text)
    assert (error.line, error.column) == (line, column)
    assert told in error.message


def test_a_byte_that_is_not_utf_8_is_placed(written: Path) -> None:
    error = refusal(written, b"a: 1\nb: caf\xe9\n")
    assert (error.line, error.column) == (2, 7)
    assert "0xe9 is not UTF-8" in error.message


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_says_how_to_begin(written: Path, text: str) -> None:
    assert "version: 1" in refusal(written, text).message


@pytest.mark.parametrize(
    ("text", "column"), [("a: [1,\n", 4), ("a: 'open\n", 4), ("a: {b\n", 4), ("a: {b: [1, 2}\n", 13)]
)
def test_what_is_never_closed_is_marked_where_it_begins(written: Path, text: str, column: int) -> None:
    error = refusal(written, text)
    assert (error.line, error.column) == (1, column)


def test_a_file_that_multiplies_by_aliases_is_refused_at_once(written: Path) -> None:
    names = "abcdefghij"
    rows = [f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]" for before, after in itertools.pairwise(names)]
    start = time.perf_counter()
    error = refusal(written, "\n".join(["a: &a [x, x, x, x, x, x, x, x, x]", *rows]))
    assert "aliases" in error.message
    assert time.perf_counter() - start < 5


def test_brackets_without_end_are_refused_without_recursing(written: Path) -> None:
    assert f"more than {MOST_DEPTH} deep" in refusal(written, "a: " + "[" * 50_000).message


def test_an_alias_repeats_what_its_anchor_names(written: Path) -> None:
    written.write_text("a: &levels [1, 2]\nb: *levels\n")
    assert read_document(written).data() == {"a": [1, 2], "b": [1, 2]}


def test_a_missing_file_names_the_nearest(written: Path) -> None:
    written.write_text("a: 1\n")
    with pytest.raises(UsageError, match=r"no such file; did you mean 'x\.audit\.yaml'"):
        read_document(written.with_name("y.audit.yaml"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_document(tmp_path)


def test_a_file_beyond_all_measure_is_not_parsed(written: Path) -> None:
    written.write_text("a: " + "x" * 1_000_001)
    with pytest.raises(UsageError, match="at most"):
        read_document(written)


def test_a_long_line_is_cut_in_the_message(written: Path) -> None:
    error = refusal(written, "a: !tag " + "x" * 5000 + "\n")
    assert len(str(error)) < 500


def test_what_steers_a_terminal_is_not_printed(written: Path) -> None:
    error = refusal(written, "a: \x1b[2J\n")
    assert "\x1b" not in str(error)
    assert "U+001B" in str(error)
