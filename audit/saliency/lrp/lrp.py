"""Layer-wise relevance propagation, on the network's own graph of operations."""

from __future__ import annotations

from functools import partial
from typing import Literal

import torch
from torch import Tensor

from audit.attribution import Attribution
from audit.errors import MethodError, did_you_mean
from audit.kinds import saliency
from audit.model import Model
from audit.randomness import SampleRng
from audit.saliency.lrp import rules
from audit.saliency.lrp.export import graph_of
from audit.saliency.lrp.plan import composite, uniform
from audit.saliency.lrp.propagate import propagate
from audit.scaling import fitted


@saliency()
def lrp(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    rule: Literal["composite", "epsilon", "zplus", "gamma", "alphabeta"] = "composite",
    epsilon: float = 1e-6,
    gamma: float = 0.05,
    alpha: float = 2.0,
) -> Attribution:
    """Return how much of the target's logit each input cell accounts for, (n, ...): positive speaks for the target.

    The network is read as a graph of ATen operations (torch.export), and each operation hands the relevance of its
    output to its operands by its own rule, from the logit down. `rule` is what layers with weights and sums follow:

    - composite: gamma for convolutions, epsilon for dense layers, and for sums the side of their sign;
      contributions to the first layer are counted from silence;
    - epsilon, zplus, gamma, alphabeta: that rule throughout. zplus and alphabeta share a negative logit among what
      speaks for the target, so their maps then turn their sign.

    `epsilon` (above 0) keeps denominators off zero, in the units of each layer's outputs; `gamma` (0 or more) favours
    contributions of the output's sign; `alpha` (1 or more) weighs positive contributions, alpha - 1 negative ones.

    A network that ends in a softmax or its logarithm is explained at the logits before it; where several logits make
    one probability, merged labels or the members of an ensemble, relevance begins at each in proportion to its part
    of the target's probability (`head.Head`), and "the logit" below is the sum of what begins.

    Measures, per map, as shares of the logit without signs where several begin:

    - `conservation`: |relevance of all cells + what was absorbed - logit|, lost or made on the way: by `epsilon`,
      by rounding, and where a layer had nothing to share among. It is measured at the input, no rule assumes it.
    - `absorbed`: what ended elsewhere than in the input, below 0 or above 1 where that opposes or exceeds the logit:
      in biases, shifts of normalisations, embeddings, initial states and numbers of the network, in what silence alone
      would put out of the first layer, and
    - `absorbed_by_rules`, a part of it: in constants that belong to no parameter, the terms of a softmax's or
      log-sum-exp's tangent plane that no input multiplies, and activations' values at zero (a sigmoid's 1/2).

    Conservation says that the sums are right, not the map: a map of which constants absorb nearly all conserves too.

    Bach et al. (2015), On pixel-wise explanations for non-linear classifier decisions by layer-wise relevance
    propagation; Montavon et al. (2019), Layer-wise relevance propagation: an overview.
    Raises MethodError where there is no torch module, it cannot be exported, or an operation has no rule.
    """
    del rng
    if rule not in _RULES:
        raise MethodError(f"lrp: unknown rule {rule!r}{did_you_mean(rule, _RULES)} (known: {', '.join(_RULES)})")
    if not (epsilon > 0 and gamma >= 0 and alpha >= 1):
        raise MethodError(
            f"lrp: epsilon {epsilon}, gamma {gamma}, alpha {alpha}: above 0, 0 or more, 1 or more are due"
        )
    graph = graph_of(model, inputs)
    assert model.module is not None
    with model.ledger.passes(forward=len(inputs), backward=len(inputs)), torch.no_grad():
        fixed = graph.fixed_values(model.module)
        bounds = model.spec.bounds
        if rule == "composite":
            # Zero where nothing is known of silence: it must not depend on what else is in the batch.
            nothing = torch.zeros(()) if model.spec.nothing is None else model.spec.nothing
            silence = fitted(nothing, inputs).expand_as(inputs[:1]).contiguous()
            plan = composite(graph, fixed, silence, bounds, epsilon, gamma)
        else:
            numbers = {"gamma": {"factor": gamma}, "alphabeta": {"alpha": alpha}}.get(rule, {})
            plan = uniform(graph, partial(getattr(rules, rule), eps=epsilon, **numbers), bounds, epsilon)
        found = propagate(graph, fixed, inputs, targets, plan)
    arrived = found.relevance.flatten(1).sum(1, dtype=torch.float64)
    # Every map is proportional to its logit, so that a logit of zero leaves nothing to lose.
    whole = found.whole.clamp(min=torch.finfo(torch.float32).tiny)
    sign = torch.where(found.begun < 0, -1.0, 1.0)
    measures = {
        "conservation": (arrived + found.parameters + found.terms - found.begun).abs() / whole,
        "absorbed": sign * (found.parameters + found.terms) / whole,
        "absorbed_by_rules": sign * found.terms / whole,
    }
    return Attribution(found.relevance, {name: measure.to(inputs) for name, measure in measures.items()})


_RULES = ("composite", "epsilon", "zplus", "gamma", "alphabeta")
