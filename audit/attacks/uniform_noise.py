"""Random noise of the size an attack may have: what an attack must do better than."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor

from audit.attacks.worst import Worst, equal, per_clip, rising
from audit.errors import MethodError
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng


@attack(norm="linf", gradients=False)
def uniform_noise(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    epsilon: Sequence[float],
    draws: int = 10,
    among: Literal["corners", "ball"] = "corners",
) -> Iterator[Tensor]:
    """Yield, per epsilon, the worst of each clip under `draws` of random noise, in input units.

    The noise is drawn uniformly `among` the corners of the ball, each cell changed by epsilon up or down as by an
    attack, or from the whole of the `ball`. A clip that is misclassified is done, and stays so at every larger epsilon.
    The baseline of Carlini et al. (2019), On evaluating adversarial robustness.
    Raises MethodError for fewer draws than 1.
    """
    if draws < 1:
        raise MethodError(f"uniform_noise needs draws of at least 1, not {draws}")
    worst = Worst(model, inputs, targets)

    def search(radii: Tensor) -> None:
        for _ in range(draws):
            rows = worst.left()
            if not len(rows):
                return
            noise = 2.0 * rng.uniform(inputs) - 1.0
            if among == "corners":
                noise = noise.sign()
            worst.look(rows, model.spec.clip(inputs + per_clip(radii, noise) * noise)[rows])

    return rising(worst, equal(inputs, epsilon), search)
