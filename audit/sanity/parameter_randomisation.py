"""Parameter randomisation: a map of a network that has forgotten what it learned ought to be another map."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from audit.errors import MethodError
from audit.explained import Explained
from audit.kinds import sanity
from audit.randomness import SampleRng
from audit.sanity.parameters import as_it_was, layers, shuffle


@sanity(alike=False)
def parameter_randomisation(
    explained: Explained, rng: SampleRng, *, stages: int = 3, most: float = 0.5
) -> Iterator[tuple[float, Tensor]]:
    """Yield the share of the layers randomised, and the method's maps then, from the last layer down to all of them.

    The numbers of every parameter are put in a random order, which keeps their scale and loses what they knew; the
    same in every batch. A network of fewer layers than `stages` has as many stages as layers. `most` is the largest
    mean similarity to the method's own maps that passes.
    Adebayo et al. (2018), Sanity checks for saliency maps (its cascading randomisation).
    Raises MethodError for a model without parameters, or fewer than one stage.
    """
    del rng
    if stages < 1:
        raise MethodError(f"parameter_randomisation: stages is {stages}; at least 1 is due")
    model = explained.model
    with as_it_was(model) as module:
        found = layers(module, model, explained.inputs[:1].to(model.device))[::-1]
        done = 0
        for stage in range(1, stages + 1):
            upto = round(len(found) * stage / stages)
            if upto == done:
                continue
            for parameters in found[done:upto]:
                shuffle(parameters, explained.seed)
            done = upto
            yield upto / len(found), explained.explain(model, explained.inputs, 0)
