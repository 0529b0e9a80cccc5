"""What the pictures of one person and number share, whatever their emotion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.layouts.face.canvas import Canvas
from audit.layouts.face.person import Person, person


@dataclass(frozen=True, eq=False)
class Carrier:
    """The plan of a picture: who, seen how, in what light.

    `centre` (from the upper left) and `half_height` are shares of the picture; `roll` in radians; `yaw` moves the
    features sideways in the face, `gaze` the irises in the eyes (right, down), both in half heights. `focus` is the
    width of an edge in pixels; `light` is its strength towards the right and downwards, `exposure` and `contrast` are
    factors, `noise` is a standard deviation in grey levels of [0, 1].
    """

    person: Person
    size: int
    centre: tuple[float, float]
    half_height: float
    roll: float
    yaw: float
    gaze: tuple[float, float]
    glasses: bool
    background: tuple[float, float, float]
    focus: float
    light: tuple[float, float]
    exposure: float
    contrast: float
    noise: float
    keys: tuple[int, int, int]

    def rng(self, purpose: str) -> np.random.Generator:
        """Return a stream of its own for one purpose, so that what one part draws shifts no other's."""
        seed, index, picture = self.keys
        return np.random.default_rng((seed, 1, index, picture, PURPOSES.index(purpose)))

    def canvas(self) -> Canvas:
        """Return an empty canvas with the face's place in it."""
        at = (np.arange(self.size) + 0.5) / self.size
        right = (at[None, :] - self.centre[0]) / self.half_height
        down = (at[:, None] - self.centre[1]) / self.half_height
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        u, v = cosine * right + sine * down, cosine * down - sine * right
        return Canvas(np.zeros((self.size, self.size)), u, v, self.focus / self.size / self.half_height)


PURPOSES = ("plan", "manner", "scene", "noise")


def carrier(seed: int, index: int, picture: int, size: int) -> Carrier:
    """Return the plan of picture number `picture` of person number `index`; the same arguments, the same plan."""
    rng = np.random.default_rng((seed, 1, index, picture, PURPOSES.index("plan")))
    someone = person(seed, index)
    return Carrier(
        person=someone,
        size=size,
        centre=(rng.uniform(0.45, 0.55), rng.uniform(0.49, 0.57)),
        half_height=rng.uniform(0.38, 0.46),
        roll=np.radians(rng.uniform(-8.0, 8.0)),
        yaw=rng.uniform(-0.08, 0.08),
        gaze=(rng.uniform(-0.035, 0.035), rng.uniform(-0.012, 0.012)),
        glasses=bool(rng.random() < someone.glasses),
        background=(rng.uniform(0.1, 0.9), rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15)),
        focus=rng.uniform(1.0, 1.5),
        light=(rng.uniform(-0.25, 0.25), rng.uniform(-0.20, 0.05)),
        exposure=rng.uniform(0.75, 1.15),
        contrast=rng.uniform(0.75, 1.10),
        noise=rng.uniform(0.005, 0.035),
        keys=(seed, index, picture),
    )
