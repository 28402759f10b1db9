"""One photograph with its overlay, cropped and scaled for the report: layers, contours and landmark marks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.problem import PhotoSolution

if TYPE_CHECKING:
    from nasion.casework.records import PhotoMeasures
    from nasion.geometry.surface import Mesh

FloatArray = NDArray[np.float64]
ColorImage = NDArray[np.uint8]
BoolImage = NDArray[np.bool_]

LONGEST_SIDE_PX: Final = 900
SHORTEST_LONG_SIDE_PX: Final = 600
CROP_MARGIN: Final = 0.14
CHI2_95_TWO: Final = 5.991464547107979
"""95 % quantile of chi-square with two degrees of freedom: squared radius of the 95 % ellipse in SD."""

OUTSIDE_SD: Final = (CHI2_95_TWO / 2) ** 0.5
"""Root mean square SD of a residual on the 95 % ellipse: 1.73."""

DEPTH_EDGE_MM: Final = 5.0
DASH_PX: Final = 7
MAGNIFICATIONS: Final = (1, 2, 3, 5, 10)


@dataclass(frozen=True)
class Mark:
    """One landmark in a scene's pixels: observed and predicted place, 95 % ellipse, residual.

    ``axes_px`` are the ellipse's half axes, ``angle_deg`` the first axis' direction (x to y).
    """

    number: int
    name: str
    observed: tuple[float, float]
    predicted: tuple[float, float]
    axes_px: tuple[float, float]
    angle_deg: float
    residual_px: float
    residual_mm: float
    residual_sd: float

    @property
    def level(self) -> str:
        """How large the residual is: ``"usual"`` (up to 1 SD), ``"large"``, ``"outside"`` (of the 95 % ellipse)."""
        if self.residual_sd > OUTSIDE_SD:
            return "outside"
        return "usual" if self.residual_sd <= 1.0 else "large"


@dataclass(frozen=True, eq=False)
class Scene:
    """What the pictures and the viewer of one photograph are drawn from.

    Attributes
    ----------
    photo
        (h, w, 3) uint8 RGB.
    skull
        (h, w, 4) uint8 RGBA, transparent off the skull; None without a mesh.
    skull_lines, face_lines
        (h, w) float32 0..1 coverage of contour lines; None without a mesh or a face region. The face's border is
        solid, dashed round unknown places, and thick along the chin-jaw or forehead contour.
    marks
        Landmarks in this picture's pixels.
    magnification
        By how much residual arrows are drawn longer than they are.
    camera
        The estimated camera of the cropped and scaled picture.

    """

    photo: ColorImage
    skull: ColorImage | None
    skull_lines: NDArray[np.float32] | None
    face_lines: NDArray[np.float32] | None
    marks: tuple[Mark, ...]
    magnification: int
    camera: Camera

    @property
    def size_px(self) -> tuple[int, int]:
        """(width, height)."""
        return self.photo.shape[1], self.photo.shape[0]


def build_scene(
    photo: ColorImage, face: FaceRegion | None, mesh: Mesh | None, solved: PhotoSolution, measured: PhotoMeasures
) -> Scene:
    """Crop a photograph to the head and prepare everything that is drawn over it.

    Parameters
    ----------
    photo
        (height, width, 3) uint8 RGB, the upright photograph.
    face
        Mask and contours.
    mesh
        The skull, in the frame of ``solved.camera``.
    solved, measured
        The overlay and its figures.

    """
    import cv2

    x0, y0, x1, y1 = _crop_box(photo, mesh, solved)
    longest = max(x1 - x0, y1 - y0)
    scale = float(np.clip(longest, SHORTEST_LONG_SIDE_PX, LONGEST_SIDE_PX)) / longest
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    crop = np.ascontiguousarray(photo[y0:y1, x0:x1])
    camera = cropped_camera(solved.camera, (x0, y0), scale, size)
    skull, skull_lines = (None, None) if mesh is None else _skull_layers(mesh, camera)
    marks = _marks(solved, measured, (x0, y0), scale)
    return Scene(
        np.asarray(cv2.resize(crop, size, interpolation=how), dtype=np.uint8),
        skull,
        skull_lines,
        None if face is None else _face_lines(face, (x0, y0, x1, y1), size),
        marks,
        _magnification(marks, size),
        camera,
    )


def cropped_camera(camera: Camera, corner: tuple[int, int], scale: float, size: tuple[int, int]) -> Camera:
    """Return the camera of a picture cut at pixel ``corner`` and then scaled; pixel centres are at integers."""
    cx, cy = camera.principal_point_px
    return replace(
        camera,
        focal_px=camera.focal_px * scale,
        principal_point_px=((cx + 0.5 - corner[0]) * scale - 0.5, (cy + 0.5 - corner[1]) * scale - 0.5),
        image_size_px=size,
    )


def _crop_box(photo: ColorImage, mesh: Mesh | None, solved: PhotoSolution) -> tuple[int, int, int, int]:
    """Return (x0, y0, x1, y1): the landmarks and the skull with a margin, inside the photograph."""
    height, width = photo.shape[:2]
    points = [solved.predicted_px, solved.predicted_px + solved.residuals_px]
    if mesh is not None:
        projected = solved.camera.project(mesh.vertices)
        inside = np.isfinite(projected).all(axis=1) & (projected > -0.5).all(axis=1)
        inside &= (projected < (width, height)).all(axis=1)
        points.append(projected[inside])
    every = np.concatenate([np.asarray(p).reshape(-1, 2) for p in points])
    every = every[np.isfinite(every).all(axis=1)]
    if not len(every):
        return 0, 0, width, height
    low, high = every.min(axis=0), every.max(axis=0)
    margin = CROP_MARGIN * float((high - low).max())
    x0, y0 = np.clip(np.floor(low - margin), 0, (width - 2, height - 2)).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin), (x0 + 2, y0 + 2), (width, height)).astype(int)
    return int(x0), int(y0), int(x1), int(y1)


def _skull_layers(mesh: Mesh, camera: Camera) -> tuple[ColorImage, NDArray[np.float32]]:
    """Return the shaded skull as RGBA and its lines: the outline and the inner edges where depth jumps."""
    import cv2

    from nasion.geometry.shading import render

    drawn = render(mesh, camera)
    alpha = cv2.GaussianBlur(drawn.mask.astype(np.float32), (0, 0), 0.6)
    rgba = np.dstack([drawn.image, np.rint(255 * np.where(drawn.mask, alpha, 0)).astype(np.uint8)])
    far = np.where(drawn.mask, drawn.depth, np.float32(0))
    near = cv2.erode(np.where(drawn.mask, drawn.depth, np.float32(1e9)), np.ones((3, 3), np.uint8))
    inner = ((far - near > DEPTH_EDGE_MM) & drawn.mask).astype(np.float32)
    lines = np.maximum(_border_lines(drawn.mask), np.clip(cv2.GaussianBlur(inner, (0, 0), 0.7) * 1.2, 0, 1) * 0.75)
    return rgba, lines.astype(np.float32)


def _face_lines(face: FaceRegion, box: tuple[int, int, int, int], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the coverage of the face's lines: border solid, round unknown places dashed, contours thick."""
    import cv2

    from nasion.overlay.face_region import Place

    x0, y0, x1, y1 = box
    cut = face.mask[y0:y1, x0:x1]
    known, unknown = (
        cv2.resize((cut == place).astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
        for place in (Place.FACE, Place.UNKNOWN)
    )
    lines = _border_lines(known)
    if unknown.any():
        lines[cv2.dilate(unknown.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0] = 0
        row, column = np.indices(unknown.shape)
        lines = np.maximum(lines, _border_lines(unknown) * ((row + column) // DASH_PX % 2 == 0))
    scale = np.array(size) / (x1 - x0, y1 - y0)
    for contour in face.contours.values():
        points = (contour + 0.5 - (x0, y0)) * scale - 0.5
        drawn = np.zeros(lines.shape, dtype=np.uint8)
        cv2.polylines(drawn, [np.rint(points * 16).astype(np.int32)], False, 255, 4, cv2.LINE_AA, 4)
        lines = np.maximum(lines, drawn / np.float32(255))
    return lines.astype(np.float32)


def _border_lines(mask: BoolImage) -> NDArray[np.float32]:
    """Return the coverage of a smooth line of about two pixels along a mask's border."""
    from nasion.geometry.contours import signed_distance_px

    distance = signed_distance_px(mask)
    if not np.isfinite(distance).any():
        return np.zeros(mask.shape, dtype=np.float32)
    return np.clip(1.6 - np.abs(distance), 0, 1).astype(np.float32)


def _marks(solved: PhotoSolution, measured: PhotoMeasures, corner: tuple[int, int], scale: float) -> tuple[Mark, ...]:
    marks = []
    for k, name in enumerate(solved.names):
        predicted = (solved.predicted_px[k] + 0.5 - corner) * scale - 0.5
        observed = predicted + solved.residuals_px[k] * scale
        values, vectors = np.linalg.eigh(solved.predicted_covariance_px[k] * scale**2)
        half = np.sqrt(np.clip(values, 0, None) * CHI2_95_TWO)
        marks.append(
            Mark(
                k + 1,
                name,
                (float(observed[0]), float(observed[1])),
                (float(predicted[0]), float(predicted[1])),
                (float(half[1]), float(half[0])),
                float(np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))),
                measured.residuals_px[name],
                measured.residuals_mm[name],
                measured.residuals_sd[name],
            )
        )
    return tuple(marks)


def _magnification(marks: tuple[Mark, ...], size: tuple[int, int]) -> int:
    """Return the largest of 1, 2, 3, 5, 10 that keeps every arrow below an eighth of the picture's longer side."""
    if not marks:
        return 1
    longest = max(float(np.hypot(m.observed[0] - m.predicted[0], m.observed[1] - m.predicted[1])) for m in marks)
    fitting = [m for m in MAGNIFICATIONS if m * longest <= max(size) / 8]
    return max(fitting, default=1)
