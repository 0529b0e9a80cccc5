"""Loads several models as one: the weighted mean of their probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from audit.audiovisual_input import AudiovisualInput
from audit.errors import ModelError, did_you_mean
from audit.input_spec import InputSpec, SpeechInput
from audit.kinds import loader
from audit.model import BlackBox, Model, TorchModel
from audit.video_input import VideoInput

if TYPE_CHECKING:
    from audit.manifest import Manifest

_OPENING: ContextVar[tuple[Path, ...]] = ContextVar("_OPENING", default=())


@loader()
def ensemble(
    manifest: Manifest, *, members: Sequence[str], weights: Sequence[float] | None = None, temperature: float = 1.0
) -> Model:
    """Return the models of the manifests `members` as one: log sum_i w_i softmax(logits_i / temperature).

    Of one member alone, those are its logits / temperature.
    `weights` are at least 0 and brought to a sum of 1; left out, they are equal. The members' emotions, as each renames
    them, must be the ensemble's in any order; a member's further ones are left out, the others' probabilities being
    shares of what remains. A member whose `input` is the ensemble's takes it as it is. For any other the ensemble's is
    the waveform at the same sampling rate, of which the member hears its own `seconds` from its own `offset`, and
    makes its own representation. Where the ensemble's is `modality: audiovisual`, members of speech hear its sound, in
    the same way, and members of video see its picture, with a scaling and an order of their own.
    Differentiable where all members are.
    Raises ModelError for a member that does not load, is the ensemble itself, lacks an emotion, or hears anything else.
    """
    from audit.manifest import load_model

    if not members:
        raise ModelError(f"{manifest.path}: an ensemble needs members, their *.model.yaml")
    if manifest.order is not None or manifest.chunks is not None:
        raise ModelError(f"{manifest.path}: input.order and input.chunks belong into each member's own manifest")
    shares = _shares(weights, members, manifest.path)
    if not (math.isfinite(temperature) and temperature > 0):
        raise ModelError(f"{manifest.path}: temperature must be above 0, not {temperature:g}")
    with _opening(manifest.path):
        models = [load_model(manifest.beside(name)) for name in members]
    parts = [
        _Part(model, _columns(model, name, manifest), _taken(model.spec, name, manifest))
        for model, name in zip(models, members, strict=True)
    ]
    mean = _Mean(parts, shares, temperature).eval()
    model: Model
    if all(part.differentiable for part in parts):
        model = TorchModel(mean, manifest.spec, manifest.labels, name=manifest.name)
    else:
        model = BlackBox(mean.answer, manifest.spec, manifest.labels, name=manifest.name)
    model.activation = "log_softmax" if len(parts) > 1 else "none"
    # The weights and the temperature are in the manifest.
    model.weights = (manifest.path, *(path for member in models for path in member.weights))
    model.members = {part.model.name: part.logits for part in parts}
    model.note = _note(parts, shares, temperature, manifest)
    return model


@dataclass(frozen=True)
class _Part:
    """One member: the columns of its answer, and the cells it takes, or None where it takes the input as it is."""

    model: Model
    columns: list[int]
    taken: slice | None

    @property
    def differentiable(self) -> bool:
        """Whether gradients get from its answer to the ensemble's input."""
        through = self.taken is None or self.model.spec.differentiable
        return isinstance(self.model, TorchModel) and self.model.differentiable and through

    def logits(self, inputs: Tensor) -> Tensor:
        """Return (n, columns) for the ensemble's inputs (n, ...)."""
        if self.taken is not None:
            spec, cells = self.model.spec, inputs.flatten(1)[:, self.taken]
            inputs = spec.represent(cells.unflatten(1, spec.shape) if isinstance(spec, VideoInput) else cells)
        # Not `logits`: its checks and its bookkeeping are the ensemble's own, and no graph can be traced through them.
        logits = self.model._logits(inputs)
        return torch.stack([logits[:, column] for column in self.columns], dim=1)


class _Mean(nn.Module):
    """The members as one network; its submodules are theirs, so that all move and switch mode together."""

    log_shares: Tensor

    def __init__(self, parts: Sequence[_Part], shares: Sequence[float], temperature: float) -> None:
        super().__init__()
        self.parts, self.temperature = list(parts), temperature
        self.members = nn.ModuleList(part.model.module for part in parts if part.model.module is not None)
        self.register_buffer("log_shares", torch.tensor(shares).log().view(-1, 1, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        answers = [part.logits(inputs) / self.temperature for part in self.parts]
        if len(answers) == 1:
            # Its own logits say the same, and attributions of logits stay what they are for the member alone.
            return answers[0]
        return torch.logsumexp(torch.stack(answers).log_softmax(dim=2) + self.log_shares, dim=0)

    @torch.no_grad()
    def answer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (n, emotions) for arrays (n, ...)."""
        return self(torch.from_numpy(inputs)).numpy()


def _shares(weights: Sequence[float] | None, members: Sequence[str], path: Path) -> list[float]:
    given = [1.0] * len(members) if weights is None else list(weights)
    if len(given) != len(members) or not all(math.isfinite(w) and w >= 0 for w in given) or sum(given) <= 0:
        raise ModelError(
            f"{path}: weights [{', '.join(f'{w:g}' for w in given)}] for {len(members)} members; one each is due, "
            "at least 0, and not all 0"
        )
    return [weight / sum(given) for weight in given]


def _columns(model: Model, name: str, manifest: Manifest) -> list[int]:
    missing = [emotion for emotion in manifest.labels if emotion not in model.emotions]
    if missing:
        near = did_you_mean(missing[0], model.emotions)
        raise ModelError(
            f"{manifest.path}: member {name} has no emotion {', '.join(missing)}{near} (it has: "
            f"{', '.join(model.emotions)}); add `rename:` to its manifest, or leave them out of the ensemble's"
        )
    return [model.emotions.index(emotion) for emotion in manifest.labels]


def _taken(own: InputSpec, name: str, manifest: Manifest) -> slice | None:
    """Return the cells of the ensemble's input that a member takes, None where its input is the ensemble's."""
    whole, where = manifest.spec, f"{manifest.path}: member {name}"
    if own == whole:
        return None
    if isinstance(whole, AudiovisualInput) and isinstance(own, VideoInput):
        if replace(own, representation="frames", parameters={}, scaling=None) != whole.picture:
            raise ModelError(
                f"{where} sees {own.described} (face: {own.face}, equalise: {own.equalise}, smoothing: "
                f"{own.smoothing:g}), the ensemble {whole.picture.described} (face: {whole.face}, equalise: "
                f"{whole.equalise}, smoothing: {whole.smoothing:g}); write under `picture:` what the member has"
            )
        return whole.parts[1]
    # The sound comes first: its samples are numbered as in a clip of sound alone.
    return _heard(own, whole.sound if isinstance(whole, AudiovisualInput) else whole, where)


def _heard(own: InputSpec, whole: InputSpec, where: str) -> slice:
    """Return the samples of the ensemble's clip that a member hears."""
    if not isinstance(whole, SpeechInput) or not isinstance(own, SpeechInput):
        raise ModelError(f"{where} takes another input; members that see faces must share the ensemble's `input:`")
    if whole.representation != "waveform" or whole.scaling is not None:
        raise ModelError(
            f"{where} takes another input (a {own.representation}); members that differ need `representation: "
            "waveform` and no scaling in the ensemble, of which each makes its own"
        )
    if own.sampling_rate != whole.sampling_rate:
        raise ModelError(
            f"{where} hears {own.sampling_rate} Hz, the ensemble {whole.sampling_rate} Hz; all must hear the same"
        )
    start = round((own.offset - whole.offset) * whole.sampling_rate)
    if start < 0 or start + own.samples > whole.samples:
        raise ModelError(
            f"{where} hears {own.offset:g} to {own.offset + own.seconds:g} s, and the ensemble's clip is "
            f"{whole.offset:g} to {whole.offset + whole.seconds:g} s; lengthen the ensemble's"
        )
    alike = own.samples == whole.samples or own.pad == "end" or (own.pad == "repeat" and start == 0)
    if own.pad != whole.pad or not alike:
        raise ModelError(
            f"{where} fills up a short clip by pad: {own.pad} to {own.seconds:g} s, the ensemble by {whole.pad} to "
            f"{whole.seconds:g} s, so it would hear another clip; give both the same `pad:`, `seconds:` and `offset:`"
        )
    return slice(start, start + own.samples)


def _note(parts: Sequence[_Part], shares: Sequence[float], temperature: float, manifest: Manifest) -> str:
    told = [f"{part.model.name} ({share:.3g})" for part, share in zip(parts, shares, strict=True)]
    note = f"an ensemble of {', '.join(told)} at temperature {temperature:g}"
    for part in parts:
        further = [emotion for emotion in part.model.emotions if emotion not in manifest.labels]
        note += f"; of {part.model.name}, {', '.join(further)} is left out" if further else ""
        note += f"; {part.model.name}: {part.model.note}" if part.model.note else ""
    return note


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """Remember which ensembles are being opened; raises ModelError where one is a member of itself."""
    chain = (*_OPENING.get(), path.resolve())
    if chain[-1] in chain[:-1]:
        raise ModelError(f"{' -> '.join(str(step) for step in chain)}: an ensemble cannot be its own member")
    token = _OPENING.set(chain)
    try:
        yield
    finally:
        _OPENING.reset(token)
