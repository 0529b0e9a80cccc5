"""Kinds of value: what a method's annotations ask of a suite."""

from pathlib import Path

import pytest

from audit.errors import SuiteError
from audit.grammar.document import read_document
from audit.grammar.keys import annotated


def read(folder: Path, annotation: str, text: str) -> object:
    file = folder / "x.yaml"
    file.write_text(f"key: {text}\n")
    return annotated(annotation).read(read_document(file).entries["key"])


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("float", "3", 3.0),
        ("int", "3", 3),
        ("str", "three", "three"),
        ("bool", "true", True),
        ("float | None", "null", None),
        ("float | None", "1e-3", 0.001),
        ("Optional[int]", "4", 4),
        ("Sequence[float]", "[1, 2.5]", (1.0, 2.5)),
        ("tuple[int, ...]", "[]", ()),
        ("tuple[float, float]", "[0, 1]", (0.0, 1.0)),
        ("list[str] | str", "a", "a"),
        ("Literal['mean', 'floor']", "floor", "floor"),
        ("Literal[1, 2]", "2", 2),
        ("float | Literal['max']", "max", "max"),
        ("Mapping[str, int]", "{a: 1}", {"a": 1}),
        ("'int'", "3", 3),
        ("collections.abc.Sequence[int]", "[3]", (3,)),
        ("Callable[..., Any]", "[{anything: goes}]", [{"anything": "goes"}]),
        ("", "3", 3),
    ],
)
def test_a_value_is_read_as_the_annotation_says(tmp_path: Path, annotation: str, text: str, value: object) -> None:
    found = read(tmp_path, annotation, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "told"),
    [
        ("float", "a", "key must be a number, not the text 'a'"),
        ("float", "true", "not true"),
        ("float", "", "not empty"),
        ("float", ".inf", "a number, not inf"),
        ("int", "3.5", "a whole number, not the number 3.5"),
        ("int", "3.0", "a whole number"),
        ("str", "3", "a text, not the number 3"),
        ("str", "' '", "not an empty one"),
        ("bool", "'true'", "true or false"),
        ("float | None", "a", "a number, or null"),
        ("Sequence[float]", "3", "must be a list"),
        ("Sequence[float]", "[a]", "an item must be a number"),
        ("tuple[float, float]", "[1]", "at least 2 items, not 1"),
        ("tuple[float, float]", "[1, 2, 3]", "at most 2 items, not 3"),
        ("Literal['mean', 'floor']", "flor", "did you mean 'floor'"),
        ("Literal[1]", "true", "must be 1"),
        ("Mapping[str, int]", "[1]", "must be a mapping"),
    ],
)
def test_another_value_is_refused(tmp_path: Path, annotation: str, text: str, told: str) -> None:
    with pytest.raises(SuiteError) as caught:
        read(tmp_path, annotation, text)
    assert told in caught.value.message
