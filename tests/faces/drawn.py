"""Faces drawn of ellipses whose mouths tell the emotion, a network that learned them, and a suite that audits it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from audit.kinds import import_file

EMOTIONS = ("happy", "sad", "surprise")
SIZE = 32
CHECKS = """
  - check: clean
    gates: [{metric: accuracy, min: 0.5}, {metric: recall, per: emotion, min: 0.3}]
  - check: corruption
    method: gaussian_noise
    sweep: {sigma: [0.1, 0.8]}
    gates: [{metric: accuracy, at: 0.1, min: 0.3}]
  - check: attack
    method: fgsm
    sweep: {epsilon: [0.02, 0.1, 0.4]}
    gates: [{metric: critical_epsilon, min: 0.001}]
  - check: saliency
    method: [{lime: {samples: 32}}, gradcam, lrp, {smoothgrad: {samples: 2}}]
    samples: 24
    random_masks: 2
    gates: [{metric: conservation, of: lrp, max: 0.001}]
"""


def face(emotion: str, rng: np.random.Generator) -> Image.Image:
    """Return one face of 32 by 32 grey pixels, a little elsewhere and otherwise lit each time."""
    scale, skin, back = 4, int(rng.integers(150, 220)), int(rng.integers(20, 90))
    image = Image.new("L", (SIZE * scale, SIZE * scale), back)
    pen = ImageDraw.Draw(image)
    x, y = (SIZE / 2 + float(rng.uniform(-1.5, 1.5)) for _ in range(2))

    def box(left: float, top: float, right: float, bottom: float) -> list[float]:
        return [scale * (x + left), scale * (y + top), scale * (x + right), scale * (y + bottom)]

    pen.ellipse(box(-11, -14, 11, 14), fill=skin)
    for side in (-4.5, 4.5):
        pen.ellipse(box(side - 1.5, -5, side + 1.5, -2), fill=30)
    if emotion == "surprise":
        pen.ellipse(box(-3, 4, 3, 11), fill=30)
    else:
        ends = (10, 170) if emotion == "happy" else (190, 350)
        pen.arc(box(-6, 1 if emotion == "happy" else 6, 6, 10 if emotion == "happy" else 15), *ends, fill=30, width=8)
    small = np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BOX), dtype=np.float64)
    return Image.fromarray((small + rng.normal(0, 6, small.shape)).clip(0, 255).astype(np.uint8))


def folders(root: Path, count: int, seed: int) -> Path:
    """Write `count` faces per emotion into `root`, a folder each."""
    rng = np.random.default_rng(seed)
    for emotion in EMOTIONS:
        (root / emotion).mkdir(parents=True)
        for number in range(count):
            face(emotion, rng).save(root / emotion / f"face-{number:02d}.png")
    return root


def suite(folder: Path, *, checks: str = CHECKS, count: int = 8) -> Path:
    """Write faces, a trained network, its manifest and a suite into `folder`; return the suite's file."""
    folders(folder / "faces", count, seed=1)
    (folder / "network.py").write_bytes(Path(__file__).with_name("network.py").read_bytes())
    save_file(_learned(), str(folder / "faces.safetensors"))
    (folder / "faces.model.yaml").write_text(
        "version: 1\nmodel: drawn-faces\nloader: torch\nsource: network.py:build\narguments: {emotions: 3}\n"
        "weights: faces.safetensors\n"
        f"input: {{modality: face, height: {SIZE}, width: {SIZE}, scaling: {{low: -1, high: 1}}}}\n"
        f"emotions: [{', '.join(EMOTIONS)}]\n"
    )
    path = folder / "faces.audit.yaml"
    path.write_text(
        "version: 1\nsuite: drawn-faces\nmodel: faces.model.yaml\ndata: {layout: folder, root: faces}\n"
        f"decide: {{seed: 3, bootstrap: 200}}\nchecks:{checks}"
    )
    return path


def _learned() -> dict[str, torch.Tensor]:
    rng = np.random.default_rng(0)
    truths = torch.arange(len(EMOTIONS)).repeat(60)
    pixels: list[NDArray[np.float32]] = [
        np.asarray(face(EMOTIONS[truth], rng), dtype=np.float32) / 127.5 - 1.0 for truth in truths.tolist()
    ]
    inputs = torch.from_numpy(np.stack(pixels))[:, None]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = import_file(Path(__file__).with_name("network.py")).build(emotions=len(EMOTIONS))
        optimizer = torch.optim.Adam(network.parameters(), 5e-3)
        for _ in range(60):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(inputs), truths).backward()
            optimizer.step()
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
