"""What is in a picture beside the expression: background, head, hair, nose, glasses, light and noise."""

from __future__ import annotations

import numpy as np

from audit.layouts.face.canvas import Canvas, Floats, bend, ellipse, stroke
from audit.layouts.face.carrier import Carrier
from audit.layouts.face.features import EYE_WIDTH

NECK = 0.45


def behind(plan: Carrier) -> Canvas:
    """Return a canvas with all that lies under brows, eyes and mouth."""
    canvas, someone, scene = plan.canvas(), plan.person, plan.rng("scene")
    _background(plan, canvas, scene)
    u, v = canvas.u, canvas.v
    clothes = scene.uniform(0.05, 0.95)
    canvas.fill(ellipse(u, v, (0.0, 2.05), (1.45, 0.85)), clothes)
    canvas.fill(np.maximum(np.abs(u) - NECK * someone.width / 0.74, 0.6 - v), 0.80 * someone.skin, edge=0.04)
    canvas.fill(ellipse(u, v, (0.0, 2.25), (1.45, 0.85)), clothes)
    if someone.hair == "long":
        canvas.fill(
            np.maximum(ellipse(u, v, (0.0, 0.0), (someone.width + 0.22, 1.25)), v - 0.95), someone.hair_level, edge=0.05
        )
    for side in (-1.0, 1.0):
        canvas.fill(ellipse(u, v, (side * someone.width, 0.0), (0.09, 0.18)), 0.82 * someone.skin)
    head = ellipse(u, v, (0.0, 0.0), (someone.width * (1.0 - someone.jaw * np.clip(v, 0.0, 1.0) ** 2), 1.0))
    # A head is round: less light comes back from where it turns away.
    canvas.fill(head, someone.skin * (1.0 - 0.22 * np.clip((u / someone.width) ** 2 + 0.5 * v**2, 0.0, 1.0)))
    if someone.stubble:
        beard = np.maximum(head, -ellipse(u, v, (0.0, -0.25), (0.62, 0.68)))
        canvas.fill(beard, someone.hair_level, someone.stubble, edge=0.08)
    _hair(plan, canvas)
    _nose(plan, canvas)
    return canvas


def before(plan: Carrier, canvas: Canvas) -> None:
    """Draw what lies over the expression: the glasses, if any."""
    if not plan.glasses:
        return
    u, v, eyes = canvas.u - plan.yaw, canvas.v, plan.person.eyes
    radius = (EYE_WIDTH + 0.07, 0.17)
    for side in (-1.0, 1.0):
        rim = np.abs(ellipse(u, v, (side * eyes, -0.08), radius)) - 0.016
        canvas.fill(rim, 0.08, 0.85)
        temple = np.array([(side * (eyes + radius[0]), -0.1), (side * 0.97 * plan.person.width - plan.yaw, -0.06)])
        canvas.fill(stroke(u, v, temple, np.full(2, 0.014)), 0.08, 0.85)
    bridge = bend((radius[0] - eyes, -0.1), (0.0, -0.13), (eyes - radius[0], -0.1))
    canvas.fill(stroke(u, v, bridge, np.full(9, 0.014)), 0.08, 0.85)


def lit(plan: Carrier, canvas: Canvas) -> Floats:
    """Return the picture (size, size) in [0, 1]: the canvas in the picture's light, with the camera's noise."""
    light = np.clip(1.0 + plan.light[0] * canvas.u + plan.light[1] * canvas.v, 0.4, 1.6)
    seen = 0.5 + plan.contrast * (plan.exposure * canvas.grey * light - 0.5)
    noise = plan.noise * plan.rng("noise").standard_normal(seen.shape)
    return np.clip(seen + noise, 0.0, 1.0)


def _background(plan: Carrier, canvas: Canvas, scene: np.random.Generator) -> None:
    level, across, down = plan.background
    canvas.grey[...] = level + across * canvas.u + down * canvas.v
    for _ in range(3):
        middle = (scene.uniform(-1.3, 1.3), scene.uniform(-1.3, 1.3))
        half = (scene.uniform(0.2, 0.7), scene.uniform(0.2, 0.7))
        canvas.fill(ellipse(canvas.u, canvas.v, middle, half), scene.uniform(0.05, 0.95), 0.35, edge=0.1)


def _hair(plan: Carrier, canvas: Canvas) -> None:
    someone, u, v = plan.person, canvas.u, canvas.v
    if someone.hair == "bald":
        return
    line = {"short": someone.hairline, "fringe": someone.hairline + 0.10, "long": someone.hairline}[someone.hair]
    fall = {"short": 0.55, "fringe": 0.15, "long": 1.6}[someone.hair]
    cap = ellipse(u, v, (0.0, -0.05), (someone.width + 0.06, 1.05))
    parted = line + fall * (u - 0.3 * someone.slant) ** 2 + 0.015 * np.sin(17.0 * u)
    canvas.fill(np.maximum(cap, v - parted), someone.hair_level, edge=0.03)


def _nose(plan: Carrier, canvas: Canvas) -> None:
    someone, u, v = plan.person, canvas.u - 1.5 * plan.yaw, canvas.v
    tip = 0.24 * someone.nose
    shade = 0.62 * someone.skin
    side = 1.0 if plan.light[0] < 0 else -1.0
    canvas.fill(
        stroke(u, v, bend((side * 0.07, 0.06), (side * 0.075, 0.14), (side * 0.12, tip)), np.full(9, 0.012)),
        shade,
        0.5,
        edge=0.03,
    )
    canvas.fill(ellipse(u, v, (0.0, tip - 0.04), (0.05, 0.05)), 1.12 * someone.skin, 0.5, edge=0.06)
    for nostril in (-1.0, 1.0):
        canvas.fill(ellipse(u, v, (nostril * 0.07, tip + 0.02), (0.038, 0.02)), 0.3 * someone.skin, 0.9)
