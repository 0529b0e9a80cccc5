"""Brows, eyes and mouth as the action units move them."""

from __future__ import annotations

import numpy as np

from audit.layouts.face.canvas import Canvas, bend, ellipse, stroke
from audit.layouts.face.carrier import Carrier
from audit.layouts.face.expression import ActionUnits

EYE_WIDTH = 0.165
EYES_AT, BROWS_AT, MOUTH_AT = -0.08, -0.33, 0.54


def eyes(plan: Carrier, canvas: Canvas, units: ActionUnits) -> None:
    """Draw brows, eyes and what wrinkles between them."""
    for side in (-1.0, 1.0):
        _eye(plan, canvas, units, side)
        _brow(plan, canvas, units, side)
    u, v = canvas.u - plan.yaw, canvas.v
    dark = 0.55 * plan.person.skin
    furrow = min(1.0, units.brow_lowerer + 0.6 * units.nose_wrinkler) * min(1.0, 2.0 * units.brow_lowerer + 0.6)
    for side in (-1.0, 1.0):
        crease = np.array([(side * 0.055, -0.36), (side * 0.045, -0.22)])
        canvas.fill(stroke(u, v, crease, np.array([0.014, 0.008])), dark, 0.6 * furrow)
    for at in (-0.13, -0.05):
        wrinkle = bend((-0.085, at + 0.03), (0.0, at - 0.01), (0.085, at + 0.03))
        canvas.fill(stroke(u, v, wrinkle, np.full(9, 0.014)), dark, 0.75 * min(1.0, units.nose_wrinkler))


def _eye(plan: Carrier, canvas: Canvas, units: ActionUnits, side: float) -> None:
    someone = plan.person
    u, v = canvas.u - plan.yaw - side * someone.eyes, canvas.v - EYES_AT
    width = EYE_WIDTH * someone.eye
    narrowed = 0.55 * units.nose_wrinkler
    above = someone.eye * max(
        0.012, 0.075 + 0.055 * units.upper_lid_raiser - 0.026 * units.lid_tightener - 0.035 * narrowed
    )
    below = someone.eye * max(
        0.004, 0.050 - 0.026 * units.lid_tightener - 0.055 * units.cheek_raiser - 0.030 * narrowed
    )
    arch = 1.0 - (u / width) ** 2
    # Cheeks pushed up bend the lower lid upwards: below its corners there is then nothing of the eye.
    upper, lower = -above * arch, below * arch
    opening = np.maximum(upper - v, v - lower)
    canvas.fill(opening, 0.92)
    iris = (plan.gaze[0], plan.gaze[1] - 0.01)
    canvas.fill(np.maximum(opening, ellipse(u, v, iris, (0.072, 0.072))), 0.14)
    lid = bend((-width * 1.05, 0.012), (0.0, -above), (width * 1.05, 0.012))
    canvas.fill(stroke(u, v, lid, np.full(9, 0.020)), 0.10, 0.9)
    under = bend((-width * 0.9, 0.0), (0.0, below), (width * 0.9, 0.0))
    canvas.fill(stroke(u, v, under, np.full(9, 0.008)), 0.35 * someone.skin, 0.6)
    pouch = bend((-width * 0.9, below + 0.05), (0.0, below + 0.075), (width * 0.9, below + 0.03))
    canvas.fill(stroke(u, v, pouch, np.full(9, 0.012)), 0.6 * someone.skin, 0.6 * min(1.0, units.cheek_raiser))


def _brow(plan: Carrier, canvas: Canvas, units: ActionUnits, side: float) -> None:
    someone = plan.person
    raised_in, raised_out, lowered = units.inner_brow_raiser, units.outer_brow_raiser, units.brow_lowerer
    # Raised and lowered at once, as in sadness and fear, the inner ends go up and the brow is slanted.
    sink = lowered * max(0.2, 1.0 - raised_in)
    inner = BROWS_AT + someone.slant - 0.13 * raised_in + 0.115 * sink + 0.05 * units.nose_wrinkler
    middle = BROWS_AT - 0.045 - 0.03 * raised_in - 0.09 * raised_out + 0.075 * lowered + 0.035 * units.nose_wrinkler
    outer = BROWS_AT + 0.02 - 0.10 * raised_out + 0.02 * lowered + 0.03 * raised_in * (1.0 - min(1.0, raised_out))
    near = 0.150 - 0.045 * lowered
    path = bend((side * near, inner), (side * someone.eyes, middle), (side * (someone.eyes + EYE_WIDTH + 0.035), outer))
    widths = someone.brow * np.linspace(1.0, 0.55, 9)
    canvas.fill(stroke(canvas.u - plan.yaw, canvas.v, path, widths), min(someone.hair_level, 0.4 * someone.skin), 0.9)


def mouth(plan: Carrier, canvas: Canvas, units: ActionUnits) -> None:
    """Draw the mouth: lips, what is open between them, teeth, and the chin's crease."""
    someone = plan.person
    u, v = canvas.u - plan.yaw, canvas.v - MOUTH_AT
    smile, hang, drop = units.lip_corner_puller, units.lip_corner_depressor, units.jaw_drop
    width = (
        someone.mouth + 0.085 * smile + 0.075 * units.lip_stretcher - 0.05 * units.lip_tightener - 0.075 * drop
    ) - 0.01 * units.chin_raiser
    corner = (
        someone.corners - 0.135 * smile + 0.105 * hang + 0.035 * units.lip_stretcher + 0.045 * units.upper_lip_raiser
    )
    across = u / width
    arch = 1.0 - across**2
    push = -0.030 * units.chin_raiser
    # A drawn-up or drawn-down corner bends the whole line; the middle goes half as far the other way.
    line = corner * (across**2 - 0.35) + push * arch
    raised = 0.055 * units.upper_lip_raiser
    parted = 0.035 * units.lips_part
    gap_above = (0.6 * parted + 0.055 * drop + raised) * arch
    gap_below = (1.2 * parted * (1.0 + 0.9 * smile) + 0.20 * drop + 0.045 * units.lower_lip_depressor) * arch
    thin = 1.0 - 0.65 * min(1.0, units.lip_tightener) - 0.2 * min(1.0, smile)
    lips = 0.050 * someone.lips * thin
    upper, lower = line - gap_above, line + gap_below
    level = 0.62 * someone.skin
    rounded = np.sign(arch) * np.sqrt(np.abs(arch))
    canvas.fill(np.maximum(upper - lips * rounded - v, v - lower - 1.25 * lips * rounded), level, 0.85)
    if float(np.max(gap_above + gap_below)) > 0.02:
        opening = np.maximum(upper - v, v - lower)
        canvas.fill(opening, 0.06)
        share = max(0.0, 1.0 - 1.6 * drop)
        teeth = np.maximum(opening, v - upper - 0.62 * (gap_above + gap_below))
        canvas.fill(teeth, 0.90, share)
    seam = np.maximum(np.abs(v - line) - 0.016 - 0.008 * min(1.0, units.lip_tightener), np.abs(across) * width - width)
    canvas.fill(seam, 0.16 * someone.skin, max(0.0, 0.9 - 14.0 * float(np.max(gap_above + gap_below))))
    crease = bend((-0.13, 0.185), (0.0, 0.150), (0.13, 0.185))
    canvas.fill(stroke(u, v, crease, np.full(9, 0.014)), 0.55 * someone.skin, 0.7 * min(1.0, units.chin_raiser))
