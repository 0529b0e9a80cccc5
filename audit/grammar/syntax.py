"""YAML that is refused before it is read: broken, boundless, or with tags and directives."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.tokens import (
    AnchorToken,
    BlockEndToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    DirectiveToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    StreamEndToken,
    TagToken,
)

from audit.errors import SuiteError
from audit.grammar.mark import marked

MOST_DEPTH = 30
_OPENING = (BlockMappingStartToken, BlockSequenceStartToken, FlowMappingStartToken, FlowSequenceStartToken)
_CLOSING = (BlockEndToken, FlowMappingEndToken, FlowSequenceEndToken)


def refuse_tokens(text: str, path: Path, lines: list[str]) -> None:
    """Raise SuiteError at the first tag or directive, at nesting without measure, and at brackets that do not match."""
    depth, brackets = 0, []
    anchors: set[str] = set()
    for token in YAML(typ="rt", pure=True).scan(text):
        start = token.start_mark
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > MOST_DEPTH:
            raise marked(path, lines, start.line, start.column, 1).error(f"nested more than {MOST_DEPTH} deep")
        if isinstance(token, FlowMappingStartToken | FlowSequenceStartToken):
            brackets.append(start)
        elif isinstance(token, FlowMappingEndToken | FlowSequenceEndToken) and brackets:
            opened = brackets.pop()
            if text[opened.index] + text[start.index] not in ("{}", "[]"):
                raise marked(path, lines, start.line, start.column, 1).error(
                    f"this closes a {text[opened.index]!r} (line {opened.line + 1}, column {opened.column + 1})"
                )
        elif isinstance(token, TagToken):
            width = token.end_mark.column - start.column
            raise marked(path, lines, start.line, start.column, width).error(
                "YAML tags (!...) are not used here; write the plain value"
            )
        elif isinstance(token, AnchorToken):
            if token.value in anchors:
                place = marked(path, lines, start.line, start.column, len(token.value) + 1)
                raise place.error(f"a second anchor &{token.value}; give it another name")
            anchors.add(token.value)
        elif isinstance(token, DirectiveToken):
            raise marked(path, lines, start.line, start.column, len(lines[start.line])).error(
                "YAML directives (%...) are not used here; remove the line: files are read as YAML 1.2"
            )
        elif isinstance(token, StreamEndToken) and brackets:
            last = brackets[-1]
            raise marked(path, lines, last.line, last.column, 1).error("this bracket is never closed")


def syntax_error(error: MarkedYAMLError, path: Path, lines: list[str]) -> SuiteError:
    """Return what the parser found wrong in words a suite's author can use, at its place."""
    mark = error.problem_mark or error.context_mark
    problem = (error.problem or error.context or "this is not YAML").strip()
    if mark is None:
        return SuiteError(problem, path=path)
    if "end of stream" in problem and error.context_mark:
        began = error.context_mark
        return marked(path, lines, began.line, began.column, 1).error("what is quoted from here on is never closed")
    place = marked(path, lines, mark.line, mark.column, 1)
    if "'\\t'" in problem:
        problem = "a tab cannot indent YAML; use spaces"
    elif "single document" in problem or "expected a single" in (error.context or ""):
        problem = "a second document (---) begins here; a file holds one"
    elif "${" in place.source:
        problem += "; put quotes around a value that holds ${...}"
    elif problem == "mapping values are not allowed here":
        problem = "a colon makes a key, and none can stand here; check the indentation, or put quotes around the value"
    elif error.context:
        begun = f", begun at line {error.context_mark.line + 1}" if error.context_mark else ""
        problem = f"{problem} ({error.context}{begun})"
    return place.error(problem)


def character_error(error: ReaderError, text: str, path: Path, lines: list[str]) -> SuiteError:
    """Return the error for a character that YAML does not allow, at its place."""
    line = text.count("\n", 0, error.position)
    column = error.position - text.rfind("\n", 0, error.position) - 1
    character = error.character if isinstance(error.character, int) else ord(str(error.character)[0])
    place = marked(path, lines, line, column, 1)
    return place.error(f"the character U+{character:04X} is not allowed in YAML; remove it")
