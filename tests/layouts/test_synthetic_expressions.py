"""The generated expressions: measured on the picture, against what the action units say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from audit.layouts.face.canvas import Canvas, bend, ellipse, stroke
from audit.layouts.face.carrier import Carrier, carrier
from audit.layouts.face.expression import EXPRESSIONS, ActionUnits, drawn
from audit.layouts.face.features import eyes, mouth

SIZE = 192
SEEN = [carrier(31, index, 0, SIZE) for index in range(8)]


def shown(plan: Carrier, units: ActionUnits) -> Canvas:
    """Return brows, eyes and mouth on bare skin, upright."""
    upright = replace(plan, roll=0.0, yaw=0.0, focus=1.0, gaze=(0.0, 0.0))
    canvas = upright.canvas()
    canvas.grey[...] = upright.person.skin
    eyes(upright, canvas, units)
    mouth(upright, canvas, units)
    return canvas


def marked(canvas: Canvas, plan: Carrier, top: float, bottom: float, left: float, right: float) -> NDArray[np.bool_]:
    """Return which pixels of a part of the face are much darker than skin."""
    part = (canvas.v > top) & (canvas.v < bottom) & (canvas.u > left) & (canvas.u < right)
    return (canvas.grey < 0.55 * plan.person.skin) & part


def height(canvas: Canvas, mask: NDArray[np.bool_]) -> float:
    return float(canvas.v[mask].mean())


def brow(plan: Carrier, units: ActionUnits, left: float, right: float) -> float:
    """Return how high a part of the brows lies, positive upwards: the first dark row from above."""
    canvas = shown(plan, units)
    return -float(canvas.v[marked(canvas, plan, -0.7, -0.14, left, right)].min())


def seam(plan: Carrier, units: ActionUnits, inner: float, outer: float) -> float:
    canvas = shown(plan, units)
    mask = marked(canvas, plan, 0.3, 0.9, -0.5, 0.5) & (np.abs(canvas.u) >= inner) & (np.abs(canvas.u) < outer)
    return height(canvas, mask)


def white(plan: Carrier, units: ActionUnits) -> int:
    """Return how much of the eyes is open, in pixels of white."""
    canvas = shown(plan, units)
    return int(np.sum((canvas.grey > 0.86) & (canvas.v < 0.2)))


REST = ActionUnits()


@pytest.mark.parametrize("plan", SEEN, ids=lambda plan: plan.person.name)
def test_brows_go_where_their_units_pull_them(plan: Carrier) -> None:
    rest_in, rest_out = brow(plan, REST, 0.14, 0.20), brow(plan, REST, 0.42, 0.48)
    assert brow(plan, REST._replace(inner_brow_raiser=1.0), 0.14, 0.20) > rest_in + 0.05
    assert brow(plan, REST._replace(outer_brow_raiser=1.0), 0.42, 0.48) > rest_out + 0.05
    assert brow(plan, REST._replace(brow_lowerer=1.0), 0.14, 0.20) < rest_in - 0.05


@pytest.mark.parametrize("plan", SEEN, ids=lambda plan: plan.person.name)
def test_lids_open_and_narrow_the_eyes(plan: Carrier) -> None:
    rest = white(plan, REST)
    assert white(plan, REST._replace(upper_lid_raiser=1.0)) > 1.3 * rest
    assert white(plan, REST._replace(lid_tightener=1.0)) < 0.8 * rest
    assert white(plan, REST._replace(cheek_raiser=1.0)) < 0.8 * rest


@pytest.mark.parametrize("plan", SEEN, ids=lambda plan: plan.person.name)
def test_a_smile_turns_the_corners_up_and_sadness_down(plan: Carrier) -> None:
    def corners(units: ActionUnits) -> float:
        # Positive where the corners lie above the middle.
        width = plan.person.mouth
        return seam(plan, units, 0.0, 0.3 * width) - seam(plan, units, 0.75 * width, width)

    assert corners(REST._replace(lip_corner_puller=1.0)) > corners(REST) + 0.04
    assert corners(REST._replace(lip_corner_depressor=1.0)) < corners(REST) - 0.04


@pytest.mark.parametrize("plan", SEEN, ids=lambda plan: plan.person.name)
def test_a_dropped_jaw_opens_the_mouth_and_stretched_lips_widen_it(plan: Carrier) -> None:
    def extent(units: ActionUnits) -> tuple[float, float]:
        canvas = shown(plan, units)
        mask = marked(canvas, plan, 0.3, 0.95, -0.5, 0.5)
        return float(np.ptp(canvas.u[mask])), float(np.ptp(canvas.v[mask]))

    assert extent(REST._replace(jaw_drop=1.0))[1] > 0.18 > extent(REST)[1]
    assert extent(REST._replace(lip_stretcher=1.0))[0] > extent(REST)[0] + 0.08


def test_emotions_are_acted_more_or_less_strongly_and_the_draws_do_not_tell_them() -> None:
    plans = [carrier(5, index, 0, 48) for index in range(40)]
    strengths = [drawn("happy", plan.rng("manner")).lip_corner_puller for plan in plans]
    assert np.ptp(strengths) > 0.3
    for plan in plans[:5]:
        happy, neutral = (np.array(drawn(name, plan.rng("manner"))) for name in ("happy", "neutral"))
        unmoved = np.array(EXPRESSIONS["happy"]) == 0.0
        assert np.array_equal(happy[unmoved], neutral[unmoved])


def test_the_prototypes_are_those_of_the_literature() -> None:
    numbers = dict(zip(ActionUnits._fields, (1, 2, 4, 5, 6, 7, 9, 10, 12, 15, 16, 17, 20, 23, 25, 26), strict=True))
    moved = {
        emotion: {numbers[name] for name, value in units._asdict().items() if value}
        for emotion, units in EXPRESSIONS.items()
    }
    assert moved["happy"] >= {6, 12}
    assert moved["sad"] >= {1, 4, 15}
    assert moved["surprise"] >= {1, 2, 5, 26}
    assert moved["fear"] >= {1, 2, 4, 5, 7, 20}
    assert moved["angry"] >= {4, 5, 7, 23}
    assert moved["disgust"] >= {9, 16}
    assert moved["neutral"] == set()


def test_distances_are_those_of_the_shapes() -> None:
    u, v = np.meshgrid(np.linspace(-2.0, 2.0, 41), np.linspace(-2.0, 2.0, 41))
    # Of a circle the first order is exact.
    circle = ellipse(u, v, (0.3, -0.2), (0.7, 0.7))
    away = np.hypot(u - 0.3, v + 0.2)
    assert np.abs(circle - (away - 0.7))[away > 1e-3].max() < 1e-9
    line = stroke(u, v, np.array([(-1.0, 0.0), (1.0, 0.0)]), np.full(2, 0.1))
    assert np.abs(line - (np.hypot(np.maximum(np.abs(u) - 1.0, 0.0), v) - 0.1)).max() < 1e-9
    path = bend((0.0, 0.0), (1.0, 3.0), (2.0, 0.0))
    assert path[[0, 4, 8]].tolist() == [[0.0, 0.0], [1.0, 3.0], [2.0, 0.0]]
