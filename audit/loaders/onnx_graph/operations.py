"""All operations of ONNX that are written down in torch."""

from __future__ import annotations

from audit.loaders.onnx_graph import activations, arithmetic, layers, pooling, recurrent, reductions, shapes
from audit.loaders.onnx_graph.table import Table

TABLES = (arithmetic, activations, layers, pooling, recurrent, reductions, shapes)
OPERATIONS = Table({kind: found for table in TABLES for kind, found in table.operations.items()})
