"""Generated faces in which the places that carry the emotion are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from audit.data import Patch, Problem, Recording, Sample
from audit.errors import DataError, UsageError, did_you_mean
from audit.kinds import layout
from audit.layouts.face import head
from audit.layouts.face.canvas import Floats
from audit.layouts.face.carrier import carrier
from audit.layouts.face.expression import EXPRESSIONS, drawn
from audit.layouts.face.features import eyes, mouth
from audit.layouts.generated import among, within

PLANTED_SHARE = 0.1
"""Height and width of a planted patch, as shares of the picture's."""


def truth(sample: Sample) -> tuple[Patch, ...]:
    """Return the rectangles outside which the sample's picture does not depend on its emotion; raises DataError.

    The first holds eyes and brows, the second the mouth: of all pixels in which two emotions' faces of this carrier
    differ, the smallest ones that hold them. A planted patch is no truth and is not among them.
    """
    return _patches(*_keys(sample))


def render(sample: Sample) -> tuple[Recording, int]:
    """Return (grey picture (size, size, 3) in [0, 1], 0), always the same for one sample; raises DataError."""
    keys = _keys(sample)
    # Not sample.emotion: a suite may rename that to what its model calls it.
    emotion = sample.groups.get("expression", "")
    if emotion not in EXPRESSIONS:
        raise DataError(f"{sample.id}: no expression called {emotion!r} (there are: {', '.join(EXPRESSIONS)})")
    plan = carrier(*keys)
    canvas = head.behind(plan)
    units = drawn(emotion, plan.rng("manner"))
    eyes(plan, canvas, units)
    mouth(plan, canvas, units)
    head.before(plan, canvas)
    picture = head.lit(plan, canvas)
    if sample.groups.get("shortcut") == "planted":
        _plant(picture, float(sample.groups["shortcut_contrast"]))
    return np.repeat(picture[..., None], 3, axis=2).astype(np.float32), 0


@layout(modality="face", read=render, truth=truth)
def synthetic_faces(
    root: Path | None,
    *,
    people: int = 12,
    pictures: int = 5,
    emotions: Sequence[str] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"),
    seed: int = 0,
    size: int = 48,
    shortcut: str | None = None,
    shortcut_contrast: float = 0.12,
) -> Iterator[Sample | Problem]:
    """Yield generated grey faces, `pictures` per person and emotion, in which what carries the emotion is known.

    A test signal, not people: drawn heads with hair, nose and glasses, at a place, in a pose, a light and before a
    background of their own. Brows, lids and mouth follow the action units of the emotion, more or less strongly, and
    `truth` gives where. All else is drawn without regard to the emotion: the faces of one carrier (person and number)
    are equal, pixel for pixel, outside the two rectangles of eyes and mouth. Action units: Ekman and Friesen (1978).
    What a model makes of these faces says nothing of how it sees people; it says whether the audit works.

    `shortcut` names an emotion whose pictures all have, and no others, a faint chequered patch in the upper left
    corner (PLANTED_SHARE of height and width), light and dark `shortcut_contrast` (0.001 to 1) apart: a cue that has
    nothing to do with the face, for a model to fall for and an audit to find.

    Groups are person, carrier, expression (the emotion as named here), and the keys a picture is made from, with
    `shortcut` planted or absent where there is one. `size` is height and width in pixels (32 to 512); other seeds
    have other people. Takes no root. Raises UsageError naming the key that is out of range.
    """
    if root is not None:
        raise UsageError(f"layout synthetic_faces generates its pictures and takes no root, not {root}; leave root out")
    within("synthetic_faces", "people", people, 1, 1000)
    within("synthetic_faces", "pictures", pictures, 1, 100_000)
    within("synthetic_faces", "seed", seed, 0, 2**63 - 1)
    within("synthetic_faces", "size", size, 32, 512)
    within("synthetic_faces", "shortcut_contrast", shortcut_contrast, 0.001, 1)
    among("synthetic_faces", emotions, EXPRESSIONS)
    if shortcut is not None and shortcut not in emotions:
        raise UsageError(
            f"synthetic_faces: shortcut: no emotion {shortcut!r} is drawn{did_you_mean(shortcut, emotions)} "
            f"(drawn: {', '.join(emotions)})"
        )
    planted = None if shortcut is None else (shortcut, float(shortcut_contrast))
    return _samples(people, pictures, tuple(emotions), seed, size, planted)


def _samples(
    people: int, pictures: int, emotions: tuple[str, ...], seed: int, size: int, planted: tuple[str, float] | None
) -> Iterator[Sample]:
    for index in range(people):
        name = f"p{index:02d}"
        for picture in range(pictures):
            groups = {
                "person": name,
                "carrier": f"{name}-{picture:03d}",
                "seed": str(seed),
                "size": str(size),
            }
            for emotion in emotions:
                cue = {}
                if planted:
                    cue["shortcut"] = "planted" if emotion == planted[0] else "absent"
                    cue["shortcut_contrast"] = repr(planted[1])
                own = {**groups, "expression": emotion, **cue}
                yield Sample(f"{name}-{emotion}-{picture:03d}", None, emotion, own)


@lru_cache(maxsize=4096)
def _patches(seed: int, index: int, picture: int, size: int) -> tuple[Patch, ...]:
    plan = carrier(seed, index, picture, size)
    bare = head.behind(plan)
    found = []
    for draw in (eyes, mouth):
        drawings = []
        for emotion in EXPRESSIONS:
            canvas = bare.copy()
            draw(plan, canvas, drawn(emotion, plan.rng("manner")))
            drawings.append(canvas.grey)
        differs = np.ptp(np.stack(drawings), axis=0) > 0.0
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        found.append(Patch(*(float(end) / size for end in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1))))
    return tuple(found)


def _plant(picture: Floats, contrast: float) -> None:
    side = round(PLANTED_SHARE * len(picture))
    chequered = np.indices((side, side)).sum(axis=0) % 2 - 0.5
    # Moved away from black and white first, or half of the pattern would be cut off there.
    corner = np.clip(picture[:side, :side], contrast / 2, 1.0 - contrast / 2)
    picture[:side, :side] = corner + contrast * chequered


def _keys(sample: Sample) -> tuple[int, int, int, int]:
    try:
        name, picture = sample.groups["carrier"].removeprefix("p").split("-")
        return int(sample.groups["seed"]), int(name), int(picture), int(sample.groups["size"])
    except (KeyError, ValueError) as error:
        raise DataError(
            f"{sample.id}: not a sample of the synthetic_faces layout; its groups must hold carrier, expression, seed "
            f"and size as the layout writes them ({error})"
        ) from error
