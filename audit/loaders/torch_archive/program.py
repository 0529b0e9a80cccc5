"""Whether an exported program does more than compute: opening one can run any code that it names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Set
from typing import Any

from torch.export.pt2_archive.constants import (
    AOTINDUCTOR_DIR,
    TENSOR_CONSTANT_FILENAME_PREFIX,
    WEIGHT_FILENAME_PREFIX,
)

from audit.loaders.torch_archive.archive import Archive

# What torch turns into names of its own generated code, or looks up attribute by attribute.
PLAIN = re.compile(r"[\w.-]*")
ATEN = r"torch\.ops\.(aten|prims|quantized_decomposed)\.(?!from_file\b)\w+(\.\w+)?"
HIGHER = r"torch\.ops\.higher_order\.(cond|map_impl|scan|while_loop|wrap_with_set_grad_enabled|wrap_with_autocast)"
NUMBERS = r"_operator\.(getitem|add|sub|mul|neg|pow|mod|floordiv|truediv|eq|ne|lt|le|gt|ge|and_|or_|not_|pos|abs)"
OPERATION = re.compile(rf"{ATEN}|{HIGHER}|{NUMBERS}|math\.\w+|torch\._?sym_\w+")
SYMBOL = re.compile(r"[a-z]+\d+|oo|int_oo|[\d.e+-]+")
FUNCTIONS = frozenset(
    [
        "FloorDiv",
        "ModularIndexing",
        "Where",
        "PythonMod",
        "Mod",
        "CleanDiv",
        "CeilToInt",
        "FloorToInt",
        "CeilDiv",
        "LShift",
        "RShift",
        "PowByNatural",
        "FloatPow",
        "FloatTrueDiv",
        "IntTrueDiv",
        "IsNonOverlappingAndDenseIndicator",
        "TruncToFloat",
        "TruncToInt",
        "RoundToInt",
        "RoundDecimal",
        "ToFloat",
        "Identity",
        "Symbol",
        "Integer",
        "Float",
        "Rational",
        "Add",
        "Mul",
        "Pow",
        "Max",
        "Min",
        "Abs",
        "Eq",
        "Ne",
        "Gt",
        "Ge",
        "Lt",
        "Le",
        "And",
        "Or",
        "Not",
        "Equality",
        "Unequality",
        "StrictGreaterThan",
        "GreaterThan",
        "StrictLessThan",
        "LessThan",
        "floor",
        "ceiling",
        "sqrt",
    ]
)
ARITHMETIC = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Load, ast.Constant, ast.keyword),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
FREE = frozenset({"metadata", "torch_version", "guards_code", "as_string", "as_strings"})
"""Text that torch shows, or hands on as it is; the loader makes no code of the guards."""


def reach(archive: Archive) -> str | None:
    """Return how the program reaches beyond computing, in words, or None where it does not.

    Its graph names any attribute of torch as an operation, sizes are evaluated as Python by sympy, names become part of
    generated code, a tree of outputs may import modules, and compiled code may lie beside it. Pickles are not looked
    into here: torch opens them as weights alone once it is told to.
    """
    for name in archive.names:
        if name.startswith(AOTINDUCTOR_DIR):
            return f"brings compiled code ({name})"
        if name.endswith(".json") and not name.startswith("extra/"):
            try:
                described = json.loads(archive.read(name))
            except (ValueError, RecursionError):
                return f"cannot be read ({name})"
            found = next(_reaches(described, ""), None)
            if found is not None:
                return f"{found} ({name})"
    return None


def _reaches(node: Any, key: str) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if not PLAIN.fullmatch(name):
                yield f"has the name {name!r}"
            if name not in FREE:
                yield from _reaches(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _reaches(value, key)
    elif isinstance(node, str):
        if key in ("target", "as_operator"):
            if not OPERATION.fullmatch(node):
                yield f"calls {node!r}"
        elif key == "expr_str":
            if not _is_arithmetic(node):
                yield f"has the size {node!r}"
        elif key in ("in_spec", "out_spec"):
            if "__enum__" in node or "defaultdict" in node or "\\u" in node:
                yield "imports modules for its outputs"
        elif key == "path_name":
            if not re.fullmatch(rf"({WEIGHT_FILENAME_PREFIX}|{TENSOR_CONSTANT_FILENAME_PREFIX})\d+", node):
                yield f"keeps an object, {node!r}"
        elif not PLAIN.fullmatch(node):
            yield f"has the name {node!r}"


def _is_arithmetic(text: str) -> bool:
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    called = {node.func for node in nodes if isinstance(node, ast.Call)}
    return all(_is_plain(node, called) for node in nodes)


def _is_plain(node: ast.AST, called: Set[ast.AST]) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name)
    if isinstance(node, ast.Name):
        return node.id in FUNCTIONS if node in called else SYMBOL.fullmatch(node.id) is not None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return SYMBOL.fullmatch(node.value) is not None
    return isinstance(node, ARITHMETIC)
