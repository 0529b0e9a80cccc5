"""Loads a PyTorch network: its code from a Python file, its weights from safetensors or a state_dict."""

from __future__ import annotations

import pickle
import zipfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch as pytorch
from torch import Tensor, nn

from audit.errors import ModelError, UntrustedError, did_you_mean, first_line
from audit.kinds import loader
from audit.loaders.inspect_torch import inspect, is_pickle, loaded
from audit.model import Model, TorchModel
from audit.source import called, function_in

if TYPE_CHECKING:
    from audit.manifest import Manifest

NAMED_AT_MOST = 5
_LAZY = (nn.parameter.UninitializedParameter, nn.parameter.UninitializedBuffer)


@loader(extensions=(".safetensors", ".pt", ".pth", ".ckpt"), inspect=inspect)
def torch(manifest: Manifest) -> Model:
    """Return the network with its trained weights, in evaluation mode, in single precision, on the CPU.

    `manifest.source` builds the untrained network; `manifest.weights` are a safetensors file, a state_dict saved by
    `torch.save`, or, with `trust: true` and no source, a whole pickled module. A prefix that a wrapper such as
    DataParallel put before every name of the network is left out, what lies outside it is not used, and the note says
    both.
    Raises ModelError where code or weights are missing, broken or do not fit each other, UntrustedError for a pickle
    that could run code without declared trust.
    """
    path = manifest.due_weights("a .safetensors, .pt, .pth or .ckpt file")
    stored = _read(path, trust=manifest.trust)
    note = ""
    if isinstance(stored, nn.Module):
        if manifest.source is not None:
            raise ModelError(
                f"{path}: is a whole pickled {type(stored).__name__}, code and weights, so `source:` would build what "
                "is not used; leave out `source:`, or save the weights alone, torch.save(model.state_dict(), path)"
            )
        module = stored
    else:
        module = _build(manifest)
        note = _fill(module, _state(stored, path, manifest.key), path)
    _refuse_not_finite(module, path)
    model = TorchModel(module.float().eval(), manifest.spec, manifest.labels, name=manifest.name)
    model.note = note
    return model


def _read(path: Path, *, trust: bool) -> Any:
    if path.stat().st_size == 0:
        raise ModelError(f"{path}: the file is empty; save or download the weights again")
    if path.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(path)
        except (safetensors.SafetensorError, OSError) as error:
            raise ModelError(f"{path}: not a whole safetensors file ({error}); save or download it again") from error
    try:
        return loaded(path, weights_only=True)
    except pickle.UnpicklingError as error:
        if not zipfile.is_zipfile(path) and not is_pickle(path):
            raise ModelError(f"{path}: not a file that torch.save wrote; save or download it again") from error
        if not trust:
            raise UntrustedError(
                f"{path}: holds pickled Python objects, which can run any code when opened. Save only the weights, "
                "torch.save(model.state_dict(), path), and name `source: file.py:function`; or declare `trust: true` "
                "in the manifest if you know where the file comes from"
            ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _broken(path, error) from error
    return _unpickle(path)


def _unpickle(path: Path) -> Any:
    try:
        return loaded(path, weights_only=False)
    except (AttributeError, ImportError) as error:
        raise ModelError(
            f"{path}: the pickled module's code cannot be imported ({error}); save its state_dict and name `source:`"
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise _broken(path, error) from error


def _build(manifest: Manifest) -> nn.Module:
    source = manifest.source
    if source is None:
        raise ModelError(
            f"{manifest.path}: {manifest.weights} holds weights alone; name `source: file.py:function`, "
            "the function that builds the network"
        )
    function = function_in(source.path, source.function)
    with pytorch.random.fork_rng(devices=[]):
        module = called(function, str(source), arguments=manifest.arguments)
    if not isinstance(module, nn.Module):
        raise ModelError(f"{source} returned a {type(module).__name__}; a torch.nn.Module is due")
    return module


def _state(stored: Any, path: Path, key: str | None) -> Mapping[str, Tensor]:
    if key is not None:
        if not isinstance(stored, Mapping) or key not in stored:
            there = ", ".join(map(str, stored)) if isinstance(stored, Mapping) else f"a {type(stored).__name__}"
            raise ModelError(f"{path}: no entry {key!r} (there is: {there})")
        stored = stored[key]
    if not isinstance(stored, Mapping):
        raise ModelError(f"{path}: a state_dict (tensors by name) is due, not a {type(stored).__name__}")
    if stored and all(isinstance(value, Tensor) for value in stored.values()):
        return stored
    nested = [str(name) for name, value in stored.items() if isinstance(value, Mapping)]
    hint = f"; name the entry that holds the weights: `key: {nested[0]}`" if nested else ""
    there = ", ".join(map(str, stored)) or "no entries"
    raise ModelError(f"{path}: a state_dict (tensors by name) is due, not a mapping with {there}{hint}")


def _fill(module: nn.Module, state: Mapping[str, Tensor], path: Path) -> str:
    """Load the weights; return a note on names that were read otherwise than they are written, or nothing."""
    own = module.state_dict()
    lazy = [name for name, value in own.items() if isinstance(value, _LAZY)]
    if lazy:
        raise ModelError(
            f"{path}: the network's {lazy[0]} has no shape before its first input; let the function that builds "
            "it call it once, network(torch.zeros(...)), or name the sizes"
        )
    prefix = _prefix(own, state, path)
    outside = [name for name in state if not name.startswith(prefix)]
    state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    unexpected = [name for name in state if name not in own]
    missing = [f"{name} {_shape(own[name])}{_nearest(name, unexpected)}" for name in own if name not in state]
    misshapen = [
        f"{name} {_shape(state[name])} where the network has {_shape(own[name])}"
        for name in own
        if name in state and state[name].shape != own[name].shape
    ]
    foreign = [f"{name} {_shape(state[name])}" for name in unexpected]
    told = [
        f"{len(names)} {what}: {_named(names)}"
        for what, names in (("missing", missing), ("not in the network", foreign), ("of another shape", misshapen))
        if names
    ]
    if told:
        where = f" under the prefix {prefix!r} of its names" if prefix else ""
        raise ModelError(f"{path}: the weights do not fit the network{where}; " + "; ".join(told))
    module.load_state_dict(state)
    if not prefix:
        return ""
    entries = f"{len(outside)} {'entry' if len(outside) == 1 else 'entries'}"
    rest = f"; {entries} outside it not used: {_named(outside)}" if outside else ""
    return f"the weights' names begin with {prefix!r}, which is left out{rest}"


def _prefix(own: Mapping[str, Tensor], state: Iterable[str], path: Path) -> str:
    """Return what a wrapper such as DataParallel put before the network's names, or nothing.

    Where no prefix has all of them, it is the one that has most. Raises ModelError where several have all of them.
    """
    found: Counter[str] = Counter({"": 0})
    for name in state:
        parts = name.split(".")
        found.update(".".join([*parts[:cut], ""]) for cut in range(len(parts)) if ".".join(parts[cut:]) in own)
    whole = [prefix for prefix, count in found.items() if count == len(own)]
    if len(whole) > 1:
        raise ModelError(
            f"{path}: the network's weights are in it {len(whole)} times, under {_named([repr(p) for p in whole])}; "
            "save the state_dict of the one that is meant"
        )
    return max(found, key=lambda prefix: found[prefix])


def _refuse_not_finite(module: nn.Module, path: Path) -> None:
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point() and not bool(pytorch.isfinite(tensor).all()):
            count = int((~pytorch.isfinite(tensor)).sum())
            raise ModelError(
                f"{path}: {name} has {count} NaN or infinite values of {tensor.numel()}; train or save again"
            )


def _named(names: list[str]) -> str:
    rest = len(names) - NAMED_AT_MOST
    return ", ".join(names[:NAMED_AT_MOST]) + (f" and {rest} more" if rest > 0 else "")


def _shape(tensor: Tensor) -> str:
    return f"({'x'.join(map(str, tensor.shape))})" if tensor.ndim else "(a number)"


def _nearest(name: str, names: list[str]) -> str:
    near = did_you_mean(name, names).removeprefix("; did you mean ").removesuffix("?")
    return f", in the file perhaps {near}" if near else ""


def _broken(path: Path, error: Exception) -> ModelError:
    parts = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
    for mark, what in (("/code/", "a TorchScript archive"), ("archive_format", "an exported program (.pt2)")):
        if any(mark in part for part in parts):
            return ModelError(
                f"{path}: is {what}; loader torch takes weights, torch.save(model.state_dict(), path), "
                "and `source: file.py:function`"
            )
    reason = first_line(error).partition(". ")[0]
    return ModelError(f"{path}: not a whole PyTorch file ({reason}); save or download it again")
