"""Projected gradient ascent on the loss, at a signal-to-noise ratio of the waveform."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor

from audit.attacks.ascent import Ascent, lengths, projected
from audit.errors import MethodError
from audit.input_spec import SpeechInput
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng


@attack(norm="snr_db")
def pgd_snr(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    snr_db: Sequence[float],
    steps: int = 20,
    restarts: int = 1,
    step: float | None = None,
    loss: Literal["ce", "margin"] = "ce",
) -> Iterator[Tensor]:
    """Yield, per signal-to-noise ratio in decibels, the worst of each waveform that noise no louder can make of it.

    As `pgd_l2`, each clip in a ball of its own: its l2 norm times 10^(-snr_db / 20). The noise may lie anywhere in the
    clip, its pauses too; the ratio is over the clip as the model hears it, padding included, which adds to neither.
    Through a model's own front end with `space: waveform`.
    Madry et al. (2018); distortion in decibels as in Carlini and Wagner (2018), Audio adversarial examples.
    Raises MethodError where the inputs are no waveforms, and for fewer steps or restarts than 1, or a step not above 0.
    """
    spec = model.spec
    if not isinstance(spec, SpeechInput) or spec.representation != "waveform" or spec.scaling is not None:
        raise MethodError(
            f"pgd_snr changes waveforms, and model {model.name!r} takes {spec.representation}"
            f"{' that is scaled' if spec.scaling is not None else ''}; "
            f"{'set space: waveform' if isinstance(spec, SpeechInput) else 'use pgd_l2'}"
        )
    ascent = Ascent(model, inputs, targets, norm="l2", loss=loss)
    loudness = lengths(inputs)
    radii = [loudness * 10.0 ** (-ratio / 20.0) for ratio in snr_db]
    return projected(ascent, radii, rng, steps=steps, restarts=restarts, step=step)
