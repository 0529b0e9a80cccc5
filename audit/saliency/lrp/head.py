"""The end of a network in probabilities: which logits a target's probability is made of, and how much of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.fx import Node

from audit.saliency.lrp.node import Values, evaluate
from audit.saliency.lrp.routing import SHAPES

aten = torch.ops.aten

Kind = Literal["probability", "logarithm"]

_MOVES = SHAPES | {
    aten.slice.Tensor,
    aten.select.int,
    aten.cat.default,
    aten.flip.default,
    aten.index_select.default,
    aten.index.Tensor,
}
_FLOORS = (aten.clamp.default, aten.clamp_min.default)
_SUMS = (aten.sum.dim_IntList, aten.sum.default)
_MEANS = (aten.mean.dim, aten.mean.default)
_PLUS = (aten.add.Tensor, aten.add.Scalar)
_MINUS = (aten.sub.Tensor, aten.sub.Scalar)
_TIMES = (aten.mul.Tensor, aten.mul.Scalar)
_OVER = (aten.div.Tensor, aten.div.Scalar)
_OF_PROBABILITIES = {*_MOVES, *_FLOORS, *_SUMS, *_MEANS, *_PLUS, *_TIMES, *_OVER}
_OF_LOGARITHMS = {*_OF_PROBABILITIES, *_MINUS}


@dataclass(frozen=True)
class Head:
    """What lies between a network's logits, the `leaves`, and its output, probabilities or logarithms of them.

    A network that ends in anything else has no such part: its output is the one leaf.

    A softmax's normaliser, the same for all emotions, takes no relevance, as the denominator of a quotient takes none
    (Achtibat et al., 2024): a network that ends in a softmax is explained at its logits. Further up the logarithm
    of the target's probability is replaced by its tangent at the logits z (Montavon et al., 2017, deep Taylor
    decomposition), normalisers held: relevance begins at logit k as s_k z_k with the slope s_k = d log p / d z_k.

    - Merged labels: d logsumexp(z) / d z_k is softmax(z)_k, each label's share of the merged probability. As
      logsumexp(z) = sum_k s_k z_k + H(s) (Gibbs), what is left out is the entropy of the shares, no more than log n.
    - Averaged probabilities: of log sum_m w_m p_m the slopes are w_m p_m / sum, each member's part of the target's
      probability. Averaged log-probabilities: the slopes are the members' weights.

    The slopes of a target sum to one wherever probabilities do, so that what is explained is a mean of logits.
    """

    output: Node
    nodes: tuple[Node, ...]
    leaves: tuple[Node, ...]
    kinds: Mapping[Node, Kind]

    def logarithm(self, values: Mapping[Node, Any]) -> Tensor:
        """Return the output, or its logarithm where it is probabilities, with normalisers held."""
        said: Values = dict(values)
        for node in self.nodes:
            said[node] = self._said(node, said)
        return said[self.output]

    def begin(self, values: Mapping[Node, Any], target: Tensor) -> dict[Node, Tensor]:
        """Return the relevance at each leaf for the emotion `target`, a number without axes."""

        def output(*logits: Tensor) -> Tensor:
            return self.logarithm({**values, **dict(zip(self.leaves, logits, strict=True))})

        logits = tuple(values[leaf] for leaf in self.leaves)
        answer, back, *_ = torch.func.vjp(output, *logits)
        chosen = torch.nn.functional.one_hot(target, answer.numel()).view_as(answer).to(answer)
        slopes = back(chosen)
        return {leaf: slope * value for leaf, slope, value in zip(self.leaves, slopes, logits, strict=True)}

    def _said(self, node: Node, said: Values) -> Any:
        """Return a node's value, of probabilities the logarithm."""
        operand, target = node.args[0], node.target
        if target in (aten._softmax.default, aten._log_softmax.default):
            logits = self._plain(operand, said)
            return logits - logits.logsumexp(node.args[1], keepdim=True).detach()  # type: ignore[arg-type]
        if target is aten.sigmoid.default:
            logits = self._plain(operand, said)
            return logits - torch.nn.functional.softplus(logits).detach()
        if target is aten.logsumexp.default:
            return evaluate(node, {**said, operand: self._plain(operand, said)})  # type: ignore[dict-item]
        if target in (aten.log.default, aten.exp.default):
            return said[operand]  # type: ignore[index]
        if self.kinds[node] == "logarithm" or target in _MOVES:
            return evaluate(node, said)
        if target in _FLOORS:
            return said[operand]  # type: ignore[index]
        if target in (*_SUMS, *_MEANS):
            return self._summed(node, said)
        if target in _PLUS:
            return torch.logaddexp(self._log(node.args[0], said), self._log(node.args[1], said))
        sign = -1 if target in _OVER else 1
        return self._log(node.args[0], said) + sign * self._log(node.args[1], said)

    def _plain(self, operand: Any, said: Values) -> Tensor:
        return said[operand].exp() if self.kinds.get(operand) == "probability" else said[operand]

    def _log(self, operand: Any, said: Values) -> Tensor:
        if self.kinds.get(operand) == "probability":
            return said[operand]
        return torch.as_tensor(said[operand] if isinstance(operand, Node) else operand).log()

    def _summed(self, node: Node, said: Values) -> Tensor:
        terms = said[node.args[0]]  # type: ignore[index]
        axes: Any = node.args[1] if len(node.args) > 1 and node.args[1] else list(range(terms.ndim))
        total = terms.logsumexp(axes, keepdim=len(node.args) > 2 and bool(node.args[2]))
        return total - math.log(terms.numel() / total.numel()) if node.target in _MEANS else total


def head_of(output: Node, varying: tuple[Node, ...]) -> Head:
    """Return the part of the graph that `output` makes of logits by way of probabilities."""
    kinds = _kinds(varying)
    nodes, leaves = set(), []
    waiting = [output]
    seen = set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in kinds:
            nodes.add(node)
            waiting.extend(operand for operand in node.all_input_nodes if operand in set(varying))
        else:
            leaves.append(node)
    order = tuple(node for node in varying if node in nodes)
    return Head(output, order, tuple(leaves), {node: kinds[node] for node in order})


def _kinds(varying: tuple[Node, ...]) -> dict[Node, Kind]:
    """Return which nodes hold probabilities, or logarithms of them, wherever in the graph they are."""
    moving = set(varying)
    kinds: dict[Node, Kind] = {}
    for node in varying:
        operands = [operand for operand in node.all_input_nodes if operand in moving]
        known = {kinds.get(operand) for operand in operands}
        target = node.target
        if target in (aten._softmax.default, aten.sigmoid.default) or (
            target is aten.exp.default and known == {"logarithm"}
        ):
            kinds[node] = "probability"
        elif target in (aten._log_softmax.default, aten.logsumexp.default) or (
            target is aten.log.default and known == {"probability"}
        ):
            kinds[node] = "logarithm"
        elif target in (*_TIMES, *_OVER) and (len(operands) != 1 or operands[0] is not node.args[0]):
            continue
        elif known == {"probability"} and target in _OF_PROBABILITIES and not node.kwargs:
            kinds[node] = "probability"
        elif "logarithm" in known and "probability" not in known and target in _OF_LOGARITHMS:
            kinds[node] = "logarithm"
    return kinds
