"""Faces found in grey frames and cut out, and what is done to the cuts, by OpenCV."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import DataError
from audit.extras import needed
from audit.video import Grey

CASCADE = "haarcascade_frontalface_default.xml"
SEARCHED = 480
"""Pixels of the longest side of what is searched: a face that is smaller still is none to judge a model by."""
SMALLEST = 0.1
NEIGHBOURS = 5
Box = tuple[int, int, int, int]


def cropped(frames: Sequence[Grey], name: str) -> list[Grey]:
    """Return the largest face of every frame (height, width), cut out as a square.

    A frame in which none is found is cut where the nearest one that has one was.
    Viola and Jones (2001), Rapid object detection using a boosted cascade of simple features.
    Raises DataError, which calls the recording `name`, where no frame shows a face.
    """
    found = {number: box for number, frame in enumerate(frames) if (box := largest_face(frame)) is not None}
    if not found:
        raise DataError(
            f"{name}: no face is found in any of its {len(frames)} frames (OpenCV's frontal Haar cascade); write "
            "`face: whole` in the model's input where frames are cut to the face already, or leave the file out"
        )
    cuts = []
    for number, frame in enumerate(frames):
        left, top, width, height = found[min(found, key=lambda other: (abs(other - number), other))]
        cuts.append(frame[top : top + height, left : left + width])
    return cuts


def largest_face(frame: Grey) -> Box | None:
    """Return (left, top, width, height) in pixels of the largest face of a frame, None where there is none."""
    cv2 = needed("cv2", extra="video")
    scale = min(1.0, SEARCHED / max(frame.shape))
    small = frame if scale == 1.0 else resized(frame, *(max(1, round(side * scale)) for side in frame.shape))
    least = max(24, round(SMALLEST * min(small.shape)))
    boxes = _cascade().detectMultiScale(
        cv2.equalizeHist(small), scaleFactor=1.1, minNeighbors=NEIGHBOURS, minSize=(least, least)
    )
    if not len(boxes):
        return None
    left, top, width, height = max(boxes.tolist(), key=lambda box: (box[2] * box[3], box))
    return round(left / scale), round(top / scale), round(width / scale), round(height / scale)


def resized(frame: Grey, height: int, width: int) -> Grey:
    """Return the frame at another size: cells averaged where it shrinks, interpolated where it grows."""
    cv2 = needed("cv2", extra="video")
    shrinks = height <= frame.shape[0] and width <= frame.shape[1]
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def equalised(frame: Grey) -> Grey:
    """Return the frame with its grey values spread so that each is about as frequent as any other."""
    return needed("cv2", extra="video").equalizeHist(frame)


def smoothed(frame: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Return the frame under a Gaussian of `sigma` pixels; 0 leaves it as it is."""
    return needed("cv2", extra="video").GaussianBlur(frame, (0, 0), sigma) if sigma > 0 else frame


@cache
def _cascade() -> Any:
    cv2 = needed("cv2", extra="video")
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}{CASCADE}")
