"""Loads an audio or image classifier of Hugging Face transformers from a local folder; nothing is ever fetched."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from audit.errors import ModelError, UntrustedError, first_line, told
from audit.extras import needed
from audit.input_spec import SpeechInput
from audit.kinds import loader
from audit.loaders.feature_map import FeatureMap
from audit.loaders.transformers_folder.inspect import CONFIG, PROCESSORS, inspect
from audit.loaders.transformers_folder.preprocessing import MASK, Unpadded, preprocessing, refuse_unsaid
from audit.model import Model, TorchModel

if TYPE_CHECKING:
    from audit.manifest import Manifest

NAMED_AT_MOST = 5


@loader(inspect=inspect)
def transformers(manifest: Manifest) -> Model:
    """Return the classifier in evaluation mode, in single precision, on the CPU, after what its processor does.

    `manifest.weights` is the folder that `save_pretrained` wrote the model and its feature extractor or image processor
    to; without either, nothing is done but what the manifest says. A waveform (n, samples) is brought to mean 0 and
    deviation 1 where the feature extractor does that; where it returns an attention mask, zeros at a waveform's end
    are padding, and masked. Of pictures (n, c, h, w) in [0, 1], resized to the processor's size, the middle is cut out,
    and they are rescaled and normalised as it does. Gradients reach the waveform or the picture. A speech input that is
    no waveform is handed to the model as it is. Outputs (n, labels) are logits.
    Raises ModelError where the folder is incomplete or broken, weights are missing in it, its labels, sampling rate or
    picture size are not the manifest's, its processor does more than that, or nothing says how its inputs were scaled;
    UntrustedError for pickled objects and for code in the folder without declared trust.
    """
    folder = manifest.weights
    if folder is None or not folder.is_dir():
        raise ModelError(
            f"{manifest.path}: loader transformers needs `weights: FOLDER`, which model.save_pretrained(FOLDER) wrote"
        )
    framework = needed("transformers", extra="transformers")

    _refuse_no_classifier(folder)
    speech = isinstance(manifest.spec, SpeechInput)
    there = any((folder / name).is_file() for name in PROCESSORS)
    if not there:
        refuse_unsaid(manifest.spec, folder)
    auto = framework.AutoModelForAudioClassification if speech else framework.AutoModelForImageClassification
    with _quietly_offline(framework), torch.random.fork_rng(devices=[]):
        network, notes = _network(auto, folder, trust=manifest.trust)
        notes += _refuse_other_labels(network.config.id2label, folder, manifest.labels)
        own = _processor(framework, folder, speech=speech, trust=manifest.trust) if there else None
        if not speech:
            _refuse_other_colours(network.config, folder, manifest.spec)
        ahead, told = preprocessing(own, manifest.spec, network.main_input_name, folder)
    module = _Classifier(ahead, network.float(), network.main_input_name).eval()
    model = TorchModel(module, manifest.spec, manifest.labels, name=manifest.name)
    model.activation = "none"
    model.note = "; ".join([f"{type(network).__name__} of transformers {framework.__version__}, {told}", *notes])
    return model


class _Filled(TorchFunctionMode):
    """`x[mask] = number` as a fill, which has a fixed shape, so that vmap and LRP pass; the values are the same."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.__setitem__ and isinstance(args[2], int | float) and isinstance(args[1], Tensor):
            values, mask, number = args
            if mask.dtype == torch.bool and mask.shape == values.shape[: mask.ndim]:
                values.masked_fill_(mask.view(*mask.shape, *[1] * (values.ndim - mask.ndim)), number)
                return None
        return func(*args, **(kwargs or {}))


class _Classifier(nn.Module):
    """The processor's arithmetic, then the network, from an audit's input to logits."""

    def __init__(self, ahead: nn.Module, network: nn.Module, name: str) -> None:
        super().__init__()
        self.ahead, self.network, self.name = ahead, network, name
        self.maps = nn.ModuleList(_feature_maps(network))

    def forward(self, inputs: Tensor) -> Tensor:
        given = {self.name: self.ahead(inputs)}
        if isinstance(self.ahead, Unpadded):
            given[MASK] = self.ahead.mask(inputs).long()
        with _Filled():
            return self.network(**given).logits


def _feature_maps(network: nn.Module) -> Iterator[FeatureMap]:
    """Yield where a waveform's feature maps pass: hidden states (n, time, features) have the same number of axes."""
    found = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Conv1d)}
    front = {
        f"{name}.conv_layers.{position}": layer
        for name, part in network.named_modules()
        if name.rpartition(".")[2] == "feature_extractor"
        for position, layer in enumerate(getattr(part, "conv_layers", ()))
    }
    for name, layer in (front or found).items():
        place = FeatureMap(name, channels_last=False)
        # Bound now: every layer has a place of its own.
        layer.register_forward_hook(lambda _, __, output, place=place: place.handed_on(output))
        yield place


def _refuse_no_classifier(folder: Path) -> None:
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: has no {CONFIG}; model.save_pretrained(FOLDER) writes a whole folder") from error
    except (ValueError, OSError) as error:
        raise ModelError(f"{folder / CONFIG}: is no JSON ({first_line(error)}); save or download it again") from error
    if config.get("problem_type") == "regression":
        raise ModelError(f"{folder}: was trained for regression; a classifier with one output per emotion is due")


def _processor(framework: ModuleType, folder: Path, *, speech: bool, trust: bool) -> Any:
    kind = framework.AutoFeatureExtractor if speech else framework.AutoImageProcessor
    # The other one needs torchvision, and resizes pictures in a way of its own.
    backend = {} if speech else {"backend": "pil"}
    with _told(folder, "its feature extractor or image processor", trust=trust):
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=trust, **backend)


def _network(auto: Any, folder: Path, *, trust: bool) -> tuple[Any, list[str]]:
    """Return the classifier, and what in its files it made no use of; raises where anything of it is missing."""
    with _told(folder, "the model", trust=trust):
        network, report = auto.from_pretrained(
            folder,
            local_files_only=True,
            trust_remote_code=trust,
            dtype=torch.float32,
            output_loading_info=True,
            # Reported below, with the shapes.
            ignore_mismatched_sizes=True,
            weights_only=not trust,
        )
    misshapen = [
        f"{name} {tuple(there)} where the network has {tuple(due)}"
        for name, there, due in sorted(report["mismatched_keys"])
    ]
    if misshapen:
        raise ModelError(
            f"{folder}: its weights do not fit its {CONFIG}: {_named(misshapen)}; save it again as a whole"
        )
    missing = sorted(map(str, report["missing_keys"]))
    if missing:
        raise ModelError(
            f"{folder}: its weights lack {len(missing)} of {type(network).__name__} ({_named(missing)}), which "
            "would be random; it is not the trained classifier, or its code is another: load it where it was trained, "
            "and save it again"
        )
    unused = sorted(map(str, report["unexpected_keys"]))
    return network, [f"weights in the folder that it has no use for: {_named(unused)}"] if unused else []


@contextmanager
def _told(folder: Path, what: str, *, trust: bool) -> Iterator[None]:
    """Say in one line why something in the folder cannot be opened."""
    try:
        yield
    except pickle.UnpicklingError as error:
        if trust:
            raise ModelError(f"{folder}: {what} is broken ({first_line(error)}); save or download it again") from error
        raise UntrustedError(
            f"{folder}: its weights hold pickled Python objects, which can run any code when opened. Save it again by "
            "model.save_pretrained(FOLDER), which writes safetensors; or declare `trust: true` in the manifest if you "
            "know where it comes from"
        ) from error
    except Exception as error:
        if "trust_remote_code" in str(error) and not trust:
            raise UntrustedError(
                f"{folder}: {what} is code in the folder, not of transformers. Declare `trust: true` in the manifest "
                "if you know where it comes from"
            ) from error
        raise ModelError(
            f"{folder}: {what} cannot be opened ({told(error)}); save it again by "
            "save_pretrained(FOLDER), the model and its feature extractor or image processor"
        ) from error


def _refuse_other_labels(own: Mapping[int, str], folder: Path, labels: Sequence[str]) -> list[str]:
    """Return a note where the folder has no names; raises ModelError where its names are not the labels, in order."""
    names = [str(own[index]) for index in sorted(own)]
    unnamed = names == [f"LABEL_{index}" for index in range(len(names))]
    if len(names) != len(labels) or (names != list(labels) and not unnamed):
        raise ModelError(
            f"{folder}: its outputs are [{', '.join(names)}], in this order; the manifest names "
            f"[{', '.join(labels)}]. Write its own order, and `rename:` for names of yours"
        )
    if not unnamed or names == list(labels):
        return []
    return ["its outputs have no names and are read as " + ", ".join(labels)]


def _refuse_other_colours(config: Any, folder: Path, spec: Any) -> None:
    wanted = {1: "grey", 3: "rgb"}.get(getattr(config, "num_channels", 0))
    if wanted is not None and wanted != spec.colour:
        raise ModelError(
            f"{folder}: takes pictures in {wanted}, and the manifest says {spec.colour}; write `colour: {wanted}`"
        )


@contextmanager
def _quietly_offline(framework: ModuleType) -> Iterator[None]:
    """Keep transformers off the network and off the screen, and as it was afterwards."""
    constants: Any = needed("huggingface_hub.constants", extra="transformers")
    log = framework.utils.logging
    offline, verbosity, bar = constants.HF_HUB_OFFLINE, log.get_verbosity(), log.is_progress_bar_enabled()
    constants.HF_HUB_OFFLINE = True
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = offline
        log.set_verbosity(verbosity)
        if bar:
            log.enable_progress_bar()


def _named(names: list[str]) -> str:
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")
