"""The Square attack: a random search that needs nothing but the model's answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from audit.attacks.worst import ROUNDING, margins, per_clip
from audit.errors import MethodError
from audit.kinds import attack
from audit.model import Model
from audit.randomness import SampleRng

HALVED_AFTER = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""The queries, of the paper's 10,000, after which it halves the square's share of the cells."""


@attack(norm="linf", gradients=False)
def square(
    model: Model,
    inputs: Tensor,
    targets: Tensor,
    rng: SampleRng,
    *,
    epsilon: Sequence[float],
    queries: int = 1000,
    share: float = 0.8,
) -> Iterator[Tensor]:
    """Yield, per epsilon, the best of at most `queries` guesses at each clip, in input units.

    The first guess adds or takes epsilon in stripes one column wide (of a spectrogram: all frequencies of a moment).
    Every other sets a square at a random place to one end of the ball, each channel to its own, and is kept where it
    lowers the margin: the true emotion's logit less the largest other. The square covers a `share` of the cells at
    first and less by the paper's schedule, stretched to `queries`; of what has one row, such as a waveform, it is a
    span of time. A clip that is misclassified is done. Every epsilon starts from the same random numbers. One answer
    about the clip as it is serves all epsilons, and two more settle a guess too near to the last to call.
    Andriushchenko, Croce, Flammarion and Hein (2020), Square Attack: a query-efficient black-box adversarial attack
    via random search. The first share is that of Croce and Hein (2020), Reliable evaluation of adversarial robustness.
    Raises MethodError for fewer queries than 1 or a share outside (0, 1].
    """
    if queries < 1 or not 0.0 < share <= 1.0:
        raise MethodError(f"square needs queries of at least 1 and a share in (0, 1], not {queries} and {share:g}")
    search = _Search(model, inputs, targets, rng, queries, share)
    for size in epsilon:
        yield search.within(size)


class _Search:
    """The clips of one batch, seen as planes (n, channels, rows, columns), and every random choice about them.

    The choices are made before the search, clip by clip, so that no clip's depend on how long another's takes.
    """

    def __init__(
        self, model: Model, inputs: Tensor, targets: Tensor, rng: SampleRng, queries: int, share: float
    ) -> None:
        self.model, self.inputs, self.targets, self.queries, self.share = model, inputs, targets, queries, share
        self.plane = channels, _, columns = _plane(inputs.shape[1:])
        generators = rng.numpy()
        stripes = [generator.integers(0, 2, (channels, 1, columns)) for generator in generators]
        signs = [generator.integers(0, 2, (queries, channels, 1, 1)) for generator in generators]
        places = [generator.random((queries, 2)) for generator in generators]
        self.stripes, self.signs = (2 * torch.from_numpy(np.stack(part)).to(inputs) - 1 for part in (stripes, signs))
        self.places = torch.from_numpy(np.stack(places))
        with torch.no_grad():
            logits = model.logits(inputs)
        self.margins = margins(logits, targets)
        self.noise = ROUNDING * logits.abs().amax(1).clamp_min(1.0)

    @torch.no_grad()
    def within(self, size: float) -> Tensor:
        """Return the best guess at each clip in the ball of this size."""
        best, held = self.inputs.clone(), self.margins.clone()
        for query in range(self.queries if size > 0 else 0):
            left = (held >= 0).nonzero().squeeze(1)
            if not len(left):
                break
            guess = self._square(best[left], left, query, size) if query else self._striped(left, size)
            found = margins(self.model.logits(guess), self.targets[left])
            kept = self._better(best[left], guess, held[left], found, left) if query else found == found
            best[left[kept]], held[left[kept]] = guess[kept], found[kept]
        return best

    def _striped(self, left: Tensor, size: float) -> Tensor:
        step = size * self.stripes[left].expand(-1, *self.plane)
        return self.model.spec.clip(self.inputs[left] + step.reshape(-1, *self.inputs.shape[1:]))

    def _square(self, best: Tensor, left: Tensor, query: int, size: float) -> Tensor:
        _, rows, columns = self.plane
        height, width = _window(self.share / 2 ** _halvings(query - 1, self.queries), rows, columns)
        places = self.places[left.cpu(), query]
        down, across = (
            _inside(places[:, axis], length, room).to(best.device)
            for axis, length, room in ((0, height, rows), (1, width, columns))
        )
        here = (down[:, None, :, None] & across[:, None, None, :]).expand(-1, *self.plane).reshape(best.shape)
        signs = self.signs[left, query]

        def stepped(signs: Tensor) -> Tensor:
            step = size * signs.expand(-1, *self.plane).reshape(best.shape)
            return torch.where(here, self.model.spec.clip(self.inputs[left] + step), best)

        guess = stepped(signs)
        # A square that would change nothing is a question wasted.
        idle = (guess == best).flatten(1).all(1)
        return torch.where(per_clip(idle, best), stepped(-signs), guess) if bool(idle.any()) else guess

    def _better(self, best: Tensor, guess: Tensor, before: Tensor, after: Tensor, left: Tensor) -> Tensor:
        """Return which guesses lower the margin, the same whatever else is in the batch.

        A clip's logits differ in their last digits with the size of its batch, and a search that turns on them ends
        elsewhere: what they leave in doubt is asked again in a batch of two, the clip before and after.
        """
        noise = self.noise[left]
        gain = before - after
        better = gain > 2 * noise
        for row in ((gain - 2 * noise).abs() < noise).nonzero().squeeze(1).tolist():
            both = self.model.logits(torch.stack([best[row], guess[row]]))
            first, second = margins(both, self.targets[left[row]].expand(2))
            better[row] = first - second > 2 * noise[row]
        return better | (after < 0)


def _plane(shape: torch.Size) -> tuple[int, int, int]:
    """Return an input's channels, rows and columns; what has two axes or fewer has one row."""
    if len(shape) < 3:
        return math.prod(shape[:-1]), 1, shape[-1]
    return math.prod(shape[:-2]), shape[-2], shape[-1]


def _halvings(query: int, queries: int) -> int:
    """Return how often the share has been halved when `query` of `queries` squares were tried."""
    return sum(int(query / queries * 10_000) > after for after in HALVED_AFTER)


def _window(share: float, rows: int, columns: int) -> tuple[int, int]:
    """Return the height and width of the square with this share of the cells, or of what is nearest to one."""
    area = share * rows * columns
    side = max(round(math.sqrt(area)), 1)
    if side <= min(rows, columns):
        return side, side
    if rows < columns:
        return rows, min(max(round(area / rows), 1), columns)
    return min(max(round(area / columns), 1), rows), columns


def _inside(places: Tensor, length: int, room: int) -> Tensor:
    """Return a boolean (n, room) that is true on `length` cells of each row, which `places` in [0, 1) says where."""
    start = (places * (room - length + 1)).long()
    cells = torch.arange(room)
    return (cells >= start[:, None]) & (cells < start[:, None] + length)
