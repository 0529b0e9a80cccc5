"""Every operation of ONNX that is written down in torch, over its attributes: onnxruntime's answers, or a refusal."""

from __future__ import annotations

import pytest

from audit.loaders.onnx_graph.operations import OPERATIONS

from . import onnx_cases_layers, onnx_cases_pointwise, onnx_cases_recurrent, onnx_cases_shapes
from .onnx_cases import Case, check

CASES = [
    case
    for group in (onnx_cases_pointwise, onnx_cases_layers, onnx_cases_recurrent, onnx_cases_shapes)
    for case in group.CASES
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_operation_is_what_onnxruntime_computes_or_is_refused(case: Case) -> None:
    check(case)


def test_no_operation_is_forgotten() -> None:
    answered = {kind for case in CASES if not case.refused for kind in case.kinds}
    assert set(OPERATIONS) <= answered
