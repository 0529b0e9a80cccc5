"""A network as it came from a file, called as the audit calls networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import ModelError

SIZES = (
    "see the input: its frames come of `sampling_rate`, `seconds` and `hop_length`, its rows of `n_mels` or `n_mfcc` "
    "(a face's of `height` and `width`), its axes are `order:`"
)


def in_parts(call: Callable[[Tensor], Tensor], inputs: Tensor, size: int | None, *, fixed: bool) -> Tensor:
    """Return what `call` answers to inputs (n, ...), at most `size` at a time; exactly that many where it is `fixed`.

    Where the last are too few, their last one fills up; what is answered to that is dropped, gradients with it.
    """
    if size is None or len(inputs) == size or (len(inputs) < size and not fixed):
        return call(inputs)
    answers = []
    for part in inputs.split(size):
        missing = size - len(part) if fixed else 0
        filled = torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) if missing else part
        answers.append(call(filled)[: len(part)])
    return torch.cat(answers)


class Called(nn.Module):
    """A network whose inputs are cast to `dtype` and given in parts of `size`; of what it returns, the logits."""

    def __init__(
        self,
        network: nn.Module,
        outputs: int,
        *,
        dtype: torch.dtype = torch.float32,
        size: int | None = None,
        fixed: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs
        self.dtype, self.size, self.fixed = dtype, size, fixed

    def around(self, network: nn.Module) -> Called:
        """Return another network called in the same way."""
        return Called(network, self.outputs, dtype=self.dtype, size=self.size, fixed=self.fixed)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs) for inputs (n, ...), in single precision."""
        return in_parts(self._logits, inputs.to(self.dtype), self.size, fixed=self.fixed).float()

    def _logits(self, inputs: Tensor) -> Tensor:
        found = self.network(inputs)
        if isinstance(found, Tensor):
            return found
        tensors = list(_tensors(found))
        fitting = [each for each in tensors if each.shape == (len(inputs), self.outputs)]
        if len(fitting) != 1:
            shapes = ", ".join(str(tuple(each.shape)) for each in tensors) or f"a {type(found).__name__}"
            raise ModelError(
                f"the network returns {shapes} for {len(inputs)} inputs; one output of "
                f"({len(inputs)}, {self.outputs}) is due, one column per emotion"
            )
        return fitting[0]


def _tensors(found: Any) -> list[Tensor]:
    if isinstance(found, Tensor):
        return [found]
    parts = found.values() if isinstance(found, Mapping) else found if isinstance(found, tuple | list) else ()
    return [tensor for part in parts for tensor in _tensors(part)]
