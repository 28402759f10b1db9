"""Drawn pictures of the generic head with known borders: an egg of skin before a background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import reference_skull
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, pose_rotation
from nasion.overlay.head_pose import HeadPose, expected_outline
from nasion.overlay.problem import Photo

FloatArray = NDArray[np.float64]
SKIN = (205, 160, 135)
HIDDEN = {"lateral": ("_left",), "frontal": ()}


@dataclass(frozen=True)
class Drawn:
    """A picture, its landmarks and the head's true silhouette, without neck."""

    image: NDArray[np.uint8]
    photo: Photo
    head: NDArray[np.bool_]


def camera_of(view: str, size: tuple[int, int] = (480, 560), scale: float = 1.3) -> Camera:
    distance = 2000.0
    rotation = pose_rotation(78.0 if view == "lateral" else 6.0, 2.0, 5.0)
    center = np.array([0.0, 20.0, 20.0])
    where = np.array([0.0, -23.0, distance])
    middle = ((size[0] - 1) / 2, (size[1] - 1) / 2)
    return Camera(rotation, where - rotation @ center, scale * distance, middle, size)


def landmarks_of(camera: Camera, view: str) -> dict[str, FloatArray]:
    bones, mean = reference_skull(), TissueTable.load().mean_mm
    points = {pair.facial: bones[pair.cranial] + mean[j] for j, pair in enumerate(PAIRS)}
    shown = {name: point for name, point in points.items() if not name.endswith(HIDDEN[view])}
    return dict(zip(shown, camera.project(np.array(list(shown.values()))), strict=True))


def draw(
    view: str = "frontal",
    *,
    beard: tuple[int, int, int] | None = None,
    hair: tuple[int, int, int] | None = None,
    background: tuple[int, int, int] = (90, 120, 150),
    scale: float = 1.3,
) -> Drawn:
    """Return a drawn head; hair stands 12 mm above it, beard and hair hide its border."""
    size = (round(480 * scale / 1.3), round(560 * scale / 1.3))
    camera = camera_of(view, size, scale)
    points = landmarks_of(camera, view)
    outline = expected_outline(HeadPose(camera, 0.0, np.array([0.0, -1.0]), scale))
    rng = np.random.default_rng(3)
    image = np.full((size[1], size[0], 3), background, dtype=np.float64)
    head = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(head, np.rint(outline).astype(np.int32), 1)
    image[head > 0] = SKIN
    row = np.arange(len(head))[:, None]
    wide = cv2.dilate(head, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(12 * scale) + 1,) * 2))
    if hair is not None:
        image[(wide > 0) & (row < points["metopion"][1] + 8 * scale)] = hair
    if beard is not None:
        image[(wide > 0) & (row > points["labiale_superius"][1] + 12 * scale)] = beard
    image += rng.normal(0, 4, image.shape)
    return Drawn(np.clip(image, 0, 255).astype(np.uint8), Photo("drawn", points, size), head > 0)
