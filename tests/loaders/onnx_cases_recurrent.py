"""Recurrent layers: (steps, n, features), in both directions, with every input that may be left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from .onnx_cases import Case, case

STEPS, COUNT, FEATURES, HIDDEN = 5, 3, 4, 2
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def recurrent(
    kind: str,
    attributes: str = "",
    *,
    direction: str = "forward",
    given: str = "x, w, r, b",
    outputs: str = "y",
    after: str = "",
    opset: int = 17,
    refused: str = "",
) -> Case:
    count, rows = DIRECTIONS[direction], GATES[kind] * HIDDEN
    values: dict[str, Any] = {
        "w": (count, rows, FEATURES),
        "r": (count, rows, HIDDEN),
        "b": (count, 2 * rows),
        "h": (count, COUNT, HIDDEN),
        "c": (count, COUNT, HIDDEN),
        "p": (count, 3 * HIDDEN),
        "whole": np.full(COUNT, STEPS, np.int32),
        "unlike": np.array([5, 2, 3], np.int32),
    }
    used = {name: values[name] for name in given.replace(" ", "").split(",") if name in values}
    head = f'hidden_size={HIDDEN}, direction="{direction}"{attributes and ", " + attributes}'
    text = f"{outputs} = {kind}<{head}>({given}){after and '; ' + after}"
    return case(text, opset, refused=refused, x=(STEPS, COUNT, FEATURES), **used)


CASES: list[Case] = [
    *(recurrent(kind, direction=way) for kind in GATES for way in DIRECTIONS),
    *(recurrent(kind, direction=way, given="x, w, r") for kind in GATES for way in DIRECTIONS),
    *(
        recurrent(kind, direction=way, given="x, w, r, b, whole, h", outputs="z, y", opset=opset)
        for kind in GATES
        for way in DIRECTIONS
        for opset in (11, 17)
    ),
    *(
        recurrent("LSTM", direction=way, given="x, w, r, b, , h, c, p", outputs="a, z, y", after="")
        for way in DIRECTIONS
    ),
    *(recurrent("LSTM", direction=way, given="x, w, r, b, , h, c", outputs=", y") for way in DIRECTIONS),
    *(recurrent("GRU", "linear_before_reset=1", direction=way) for way in DIRECTIONS),
    recurrent("GRU", "linear_before_reset=1", direction="bidirectional", given="x, w, r, , , h", outputs=", y"),
    recurrent("RNN", 'activations=["Relu"]'),
    recurrent("RNN", 'activations=["Relu", "Sigmoid"]', direction="bidirectional"),
    recurrent("GRU", 'activations=["Sigmoid", "Softsign"]', direction="reverse"),
    recurrent(
        "LSTM",
        'activations=["Sigmoid", "Relu", "Tanh", "Sigmoid", "Tanh", "Softsign"]',
        direction="bidirectional",
    ),
    recurrent("RNN", 'activations=["Affine"]', refused="RNN with activations Affine"),
    recurrent("GRU", 'activations=["Sigmoid", "LeakyRelu"], activation_alpha=[0.1]', refused="GRU with activations"),
    *(recurrent(kind, "clip=0.5", refused="clipped gates") for kind in GATES),
    *(recurrent(kind, given="x, w, r, b, unlike", refused="sequences of unlike length") for kind in GATES),
    *(recurrent(kind, "layout=1", refused="the batch as the first axis") for kind in GATES),
    recurrent("LSTM", "input_forget=1", refused="coupled gates"),
]
