"""A model of the picture, one of the sound and their ensemble, learned from videos, and a suite that audits them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from audit.audiovisual_input import AudiovisualInput
from audit.data import Dataset, recording_of
from audit.errors import DataError
from audit.input_spec import InputSpec
from audit.kinds import import_file
from audit.layouts.ravdess import ravdess
from audit.manifest import Manifest, read_manifest

SOUND = "sampling_rate: 16000, seconds: 1.0"
PICTURE = "frames: 8, height: 24, width: 24"
MELS = "representation: {melspectrogram: {n_mels: 64, n_fft: 512, hop_length: 256}}"
MEMBERS = {
    "video": ("video_gru", "width: 6, hidden: 12, dropout: 0.1", f"modality: video, {PICTURE}"),
    "sound": ("crnn", "width: 6, hidden: 12, dropout: 0.1", f"{SOUND}, {MELS}"),
}
MANIFEST = """version: 1
model: {name}
loader: torch
source: {source}.py:build
arguments: {{emotions: 2, {arguments}}}
weights: {name}.safetensors
input: {{{given}}}
emotions: [sad, surprised]
"""
TOGETHER = f"""version: 1
model: together
loader: {{ensemble: {{members: [video.model.yaml, sound.model.yaml]}}}}
input: {{modality: audiovisual, sound: {{{SOUND}}}, picture: {{{PICTURE}}}}}
emotions: [sad, surprised]
"""


def learn(folder: Path, root: Path, models: Path, train: tuple[str, ...], epochs: int = 12) -> None:
    """Write both members' and the ensemble's manifests into `folder`, trained on the actors `train` of `root`."""
    samples = [each for each in ravdess(root, recordings="audiovisual") if each.groups["speaker"] in train]  # type: ignore[union-attr]
    for name, (source, arguments, given) in MEMBERS.items():
        (folder / f"{source}.py").write_bytes((models / f"{source}.py").read_bytes())
        (folder / f"{name}.safetensors").touch()
        path = folder / f"{name}.model.yaml"
        path.write_text(MANIFEST.format(name=name, source=source, arguments=arguments, given=given))
    together = folder / "together.model.yaml"
    together.write_text(TOGETHER)
    spec = read_manifest(together).spec
    assert isinstance(spec, AudiovisualInput)
    recordings, emotions = _read(samples, spec)
    sound, picture = (recordings[:, cells] for cells in spec.parts)
    for name, own in (("video", picture.unflatten(1, spec.picture.shape)), ("sound", sound)):
        weights = _trained(read_manifest(folder / f"{name}.model.yaml"), own, emotions, epochs)
        save_file(weights, str(folder / f"{name}.safetensors"))


def _read(samples: list[Any], spec: InputSpec) -> tuple[Tensor, list[str]]:
    recordings, emotions = [], []
    for sample in samples:
        try:
            recordings.append(torch.from_numpy(recording_of(sample, Dataset((), ()), spec)))
        except DataError:
            # No face is found in some of the drawn ones.
            continue
        emotions.append(sample.emotion)
    return torch.stack(recordings), emotions


def _trained(manifest: Manifest, recordings: Tensor, emotions: list[str], epochs: int) -> dict[str, Tensor]:
    assert manifest.source is not None
    inputs = manifest.spec.represent(recordings)
    due = torch.tensor([manifest.emotions.index(emotion) for emotion in emotions])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: nn.Module = import_file(manifest.source.path).build(**manifest.arguments)
        optimizer = torch.optim.Adam(network.parameters(), 1e-2)
        for _ in range(epochs):
            for batch in torch.randperm(len(due)).split(9):
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(inputs[batch]), due[batch]).backward()
                optimizer.step()
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def suite(folder: Path, root: Path, model: str, checks: str, recordings: str = "audiovisual") -> Path:
    """Write a suite of the actors that were not trained on, and return its file."""
    path = folder / f"{model}.audit.yaml"
    path.write_text(
        f"version: 1\nsuite: {model}-videos\nmodel: {model}.model.yaml\n"
        f"data: {{layout: ravdess, recordings: {recordings}, root: {root}, emotions: [sad, surprised],\n"
        "  split: {column: speaker, values: ['06', '07', '08']}}\n"
        f"decide: {{seed: 3, bootstrap: 200}}\nchecks:{checks}"
    )
    return path
