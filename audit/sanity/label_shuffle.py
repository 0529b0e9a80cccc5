"""Label shuffle: a map of a network trained on labels drawn at random ought to be another map."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from audit.errors import MethodError
from audit.explained import Explained
from audit.kinds import sanity
from audit.randomness import SampleRng
from audit.sanity.parameters import as_it_was, layers, shuffle
from audit.seeds import stream_seed

LEARNED = 0.9


@sanity(alike=False)
def label_shuffle(
    explained: Explained,
    rng: SampleRng,
    *,
    epochs: int = 60,
    learning_rate: float = 1e-3,
    batch: int = 16,
    most: float = 0.5,
) -> Iterator[tuple[float, Tensor]]:
    """Yield 1 and the method's maps of the same network, trained from scratch on these recordings with shuffled labels.

    Trained with Adam until it has nine in ten of the shuffled labels by heart, in `epochs` at most. `most` is the
    largest mean similarity to the method's own maps that passes. Takes as long as `epochs` trainings on the judged
    recordings. Adebayo et al. (2018), Sanity checks for saliency maps (its data randomisation test).
    Raises MethodError for a model without parameters or gradients of them, and where it does not learn the labels.
    """
    del rng
    model = explained.model
    inputs = explained.inputs.to(model.device)
    if not model.differentiable:
        raise MethodError(f"label_shuffle trains the network, and model {model.name!r} gives no gradients")
    generator = torch.Generator().manual_seed(explained.seed)
    labels = explained.targets[torch.randperm(len(inputs), generator=generator)].to(model.device)
    with as_it_was(model) as module, torch.random.fork_rng():
        torch.manual_seed(stream_seed(explained.seed, "label_shuffle"))
        for parameters in layers(module, model, inputs[:1]):
            shuffle(parameters, explained.seed)
        learnt = [p for p in module.parameters() if p.is_floating_point()]
        for parameter in learnt:
            parameter.requires_grad_(True)
        optimiser = torch.optim.Adam(learnt, learning_rate)
        right = 0.0
        for _ in range(epochs):
            # Batch norm follows the recordings; a batch of one would leave it nothing to follow.
            module.train()
            for chosen in torch.randperm(len(inputs), generator=generator).split(batch):
                if len(chosen) > 1 or len(inputs) == 1:
                    loss = functional.cross_entropy(model.logits(inputs[chosen]), labels[chosen])
                    if not loss.requires_grad:
                        raise MethodError(
                            f"label_shuffle trains the network, and no gradient reaches the parameters of model "
                            f"{model.name!r}"
                        )
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
            module.eval()
            with torch.no_grad():
                parts = [model.logits(part).argmax(1) for part in inputs.split(batch)]
            right = float((torch.cat(parts) == labels).double().mean())
            if right >= LEARNED:
                break
        if right < LEARNED:
            raise MethodError(
                f"label_shuffle: after {epochs} epochs the network has {right:.0%} of the shuffled labels by heart, "
                f"and {LEARNED:.0%} are due; give it more `epochs` or another `learning_rate`"
            )
        yield 1.0, explained.explain(model, explained.inputs, 0)
