"""The places in a network where feature maps pass, for networks in which torch's own hooks do not find them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class FeatureMap(nn.Module):
    """Hands a layer's output on unchanged; seen from a forward hook, it has its channels first: (n, c, ...).

    `name` is the layer's own, dotted where it lies inside another. A hook may also replace what it sees.
    """

    def __init__(self, name: str, *, channels_last: bool) -> None:
        super().__init__()
        self.name, self.channels_last = name, channels_last

    def forward(self, output: Tensor) -> Tensor:
        """Return (n, c, ...) for (n, ..., c), or for what is (n, c, ...) already."""
        return output.movedim(-1, 1) if self.channels_last else output

    def handed_on(self, output: Any) -> Any:
        """Return the layer's output as it is; one with places, (n, ..., c) or (n, c, ...), passes here."""
        if not isinstance(output, Tensor) or output.ndim < 3:
            return output
        seen = self(output)
        return seen.movedim(1, -1) if self.channels_last else seen

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` with its output passing here."""

        def passing(*args: Any, **kwargs: Any) -> Any:
            return self.handed_on(function(*args, **kwargs))

        return passing
