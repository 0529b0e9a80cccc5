"""What a planted defect is, and the sound ground it is planted in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from audit.kinds import import_file
from planting.recordings import EMOTIONS, RATE, Clip, Size, of, recordings, write_table
from planting.training import EPOCHS, trained

HERE = Path(__file__).parent
SECONDS = 2.0
SOUND_SEED = 0


@dataclass(frozen=True)
class Sign:
    """What catches a defect: a blocking verdict whose id matches `where`, or a finding, or what the audit refused with.

    `where` is a pattern of verdict ids as of file names, or `finding` or `error`; `told` must stand in the reason.
    """

    where: str
    told: str = ""


@dataclass(frozen=True)
class Planted:
    """What is audited in place of the sound: a manifest, the clips listed, and further checks.

    With `since_release` it is compared with the audit of the sound model, as with that of the last release.
    """

    manifest: Mapping[str, Any]
    clips: Sequence[Clip]
    checks: Sequence[Mapping[str, Any]] = ()
    since_release: bool = False


@dataclass(frozen=True)
class Ground:
    """The sound clips and models, made on first use in `folder` and kept there."""

    folder: Path
    size: Size = field(default_factory=Size)
    epochs: int = EPOCHS

    @cached_property
    def clips(self) -> tuple[Clip, ...]:
        """All sound clips: of the parts train, spare and test."""
        return recordings(self.folder / "recordings" / self.size.name, self.size)

    @property
    def listed(self) -> list[Clip]:
        """The clips of a sound table: to train on and to judge."""
        return [*of("train", self.clips), *of("test", self.clips)]

    def weights(self, seed: int = SOUND_SEED) -> Path:
        """Return the weights of the sound model of one training seed."""
        return self.trained(self.listed, f"sound-{seed}", seed)

    def trained(self, clips: Sequence[Clip], name: str, seed: int = SOUND_SEED) -> Path:
        """Return the weights of the small network trained on the clips' part `train`."""
        folder = self.folder / "models" / f"{self.size.name}-{self.epochs}"
        weights = folder / f"{name}.safetensors"
        if not weights.exists():
            folder.mkdir(parents=True, exist_ok=True)
            table = write_table(folder / f"{name}.csv", clips)
            manifest = folder / f"{name}.model.yaml"
            # The manifest names the file that this is about to write; a half-written one must not be taken for whole.
            partial = folder / f".{name}-{os.getpid()}.safetensors"
            partial.touch()
            manifest.write_text(json.dumps(self.manifest(partial)))
            trained(manifest, table, partial, seed, self.epochs)
            partial.replace(weights)
        return weights

    def manifest(self, weights: Path, **changes: Any) -> dict[str, Any]:
        """Return the sound model's manifest, with these keys otherwise."""
        mel = {"n_fft": 1024, "hop_length": 512, "n_mels": 64, "ref": 100.0, "top_db": 80.0}
        return {
            "version": 1,
            "model": "sound",
            "loader": "torch",
            "source": f"{HERE.parents[1] / 'models' / 'small_cnn.py'}:build",
            "arguments": {"emotions": len(EMOTIONS)},
            "weights": str(weights),
            "input": {"sampling_rate": RATE, "seconds": SECONDS, "representation": {"melspectrogram": mel}},
            "activation": "none",
            "emotions": list(EMOTIONS),
            **changes,
        }

    def wrapped(self, folder: Path, defect: str, **settings: Any) -> dict[str, Any]:
        """Return the manifest of the sound network inside a defect of `networks.py`, its weights in `folder`."""
        code = import_file(HERE / "networks.py")
        arguments = {"defect": defect, "emotions": len(EMOTIONS), **settings}
        network = code.planted(**arguments)
        network.network.load_state_dict(load_file(self.weights()))
        folder.mkdir(parents=True, exist_ok=True)
        weights = folder / f"{defect}.safetensors"
        save_file(network.state_dict(), weights)
        source = f"{HERE / 'networks.py'}:planted"
        return self.manifest(weights, model=defect, source=source, arguments=arguments)


@dataclass(frozen=True)
class Case:
    """One defect: how it is planted into a folder, and the signs any of which shows that it was found."""

    name: str
    about: str
    signs: tuple[Sign, ...]
    plant: Callable[[Ground, Path], Planted]
