"""The graph in fewer kinds of operations: one value written in several ways is written in one."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.fx import Graph, Node

from audit.saliency.lrp.elementwise import is_gate

aten = torch.ops.aten


def rename_convolutions(graph: Graph) -> None:
    """Give the convolutions of traced TorchScript the name, and the arguments, of all others."""
    for node in graph.nodes:
        if node.target is aten._convolution.default:
            node.target, node.args = aten.convolution.default, node.args[:9]


def recognise_log_softmax(graph: Graph) -> None:
    """Make x - logsumexp(x) the one operation that it is."""
    for node in graph.nodes:
        if node.target is not aten.sub.Tensor or node.kwargs:
            continue
        values, normaliser = node.args
        if isinstance(normaliser, Node) and normaliser.target is aten.logsumexp.default:
            axes: Any = normaliser.args[1]
            if normaliser.args[0] is values and len(axes) == 1 and normaliser.args[2:] == (True,):
                node.target, node.args = aten._log_softmax.default, (values, axes[0], False)


def rewrite_updates(graph: Graph) -> None:
    """Write (old - new) * gate + new, as GRU cells are decomposed, as gate * old + (1 - gate) * new.

    It is one value, but a sum whose terms are what was kept and what was added, rather than a difference of both.
    """
    for node in graph.nodes:
        if node.target is not aten.add.Tensor or node.kwargs or len(node.args) != 2:
            continue
        for scaled, new in (node.args, node.args[::-1]):
            factors = scaled.args if isinstance(scaled, Node) and scaled.target is aten.mul.Tensor else ()
            for moved, gate in (factors, factors[::-1]) if len(factors) == 2 else ():
                if not (isinstance(moved, Node) and moved.target is aten.sub.Tensor and not moved.kwargs):
                    continue
                if moved.args[1] is new and isinstance(gate, Node) and is_gate(gate):
                    with graph.inserting_before(node):
                        rest = _call(graph, node, aten.rsub.Scalar, gate, 1)
                        node.args = (
                            _call(graph, node, aten.mul.Tensor, moved.args[0], gate),
                            _call(graph, node, aten.mul.Tensor, new, rest),
                        )
                    break
            else:
                continue
            break


def dissolve_batch_norms(graph: Graph) -> None:
    """Rewrite every batch norm in evaluation mode, into the convolution or linear layer before it where it can be.

    That is where nothing else reads the layer; a batch norm elsewhere becomes a product and a sum.
    Scale and shift of a batch norm are no evidence of their own. Taken as a layer, it would hand out shares far beyond
    what arrived wherever its scaled input and its shift nearly cancel, and a negative scale would swap the positive and
    negative contributions that gamma, z-plus and alpha-beta tell apart. Folded, both happen on the layer's weights.
    """
    for norm in [node for node in graph.nodes if node.target is aten._native_batch_norm_legit_no_training.default]:
        for read in [user for user in norm.users if user.target is operator.getitem and user.args[1] == 0]:
            read.replace_all_uses_with(_Rewrite(graph, norm).result())


class _Rewrite:
    """New nodes for one batch norm, put in before it."""

    def __init__(self, graph: Graph, norm: Node) -> None:
        self.graph, self.norm = graph, norm

    def result(self) -> Node:
        layer: Any = self.norm.args[0]
        with self.graph.inserting_before(self.norm):
            if len(layer.users) == 1 and layer.target is aten.convolution.default:
                transposed, groups = layer.args[6], layer.args[8]
                if not transposed or groups == 1:
                    sides = [-1 if axis == int(transposed) else 1 for axis in range(len(layer.args[3]) + 2)]
                    return self._folded(layer, sides, weight=1, bias=2)
            if len(layer.users) == 1 and layer.target is aten.addmm.default and not layer.kwargs:
                return self._folded(layer, [1, -1], weight=2, bias=0)
            scale, shift = self._scale_and_shift(None)
            sides = [1, -1, *[1] * (self.norm.meta["val"][0].ndim - 2)]
            scaled = self._call(aten.mul.Tensor, layer, self._call(aten.view.default, scale, sides))
            return self._call(aten.add.Tensor, scaled, self._call(aten.view.default, shift, sides))

    def _folded(self, layer: Node, sides: list[int], *, weight: int, bias: int) -> Node:
        arguments = list(layer.args)
        scale, arguments[bias] = self._scale_and_shift(arguments[bias])
        arguments[weight] = self._call(aten.mul.Tensor, arguments[weight], self._call(aten.view.default, scale, sides))
        return self._call(layer.target, *arguments)

    def _scale_and_shift(self, bias: Any) -> tuple[Node, Node]:
        _, gain, shift, mean, variance, _, eps = self.norm.args
        scale = self._call(aten.rsqrt.default, self._call(aten.add.Scalar, variance, eps))
        if gain is not None:
            scale = self._call(aten.mul.Tensor, scale, gain)
        centre = self._call(aten.neg.default, mean) if bias is None else self._call(aten.sub.Tensor, bias, mean)
        moved = self._call(aten.mul.Tensor, centre, scale)
        return scale, moved if shift is None else self._call(aten.add.Tensor, moved, shift)

    def _call(self, target: Any, *arguments: Any) -> Node:
        return _call(self.graph, self.norm, target, *arguments)


def _call(graph: Graph, place: Node, target: Any, *arguments: Any) -> Node:
    node = graph.call_function(target, arguments)
    node.meta = {"nn_module_stack": place.meta.get("nn_module_stack", {})}
    return node
