"""Face masks of three values and face contours: grey pictures, and polygons that a person drew.

The values are those of ``overlay.face_region.Place``. Polygon corners are pixels with the origin at the centre of the
top-left pixel, as landmarks are; a pixel belongs to a polygon that holds its centre.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from nasion.errors import NasionError
from nasion.readers.files import read_text
from nasion.readers.photographs import decoded_picture

FloatArray = NDArray[np.float64]

OUTSIDE: Final = 0
FACE: Final = 1
UNKNOWN: Final = 2

WORDS: Final[Mapping[str, int]] = {
    "outside": OUTSIDE,
    "background": OUTSIDE,
    "face": FACE,
    "head": FACE,
    "unknown": UNKNOWN,
    "hair": UNKNOWN,
    "hat": UNKNOWN,
    "beard": UNKNOWN,
}
"""Labels of polygons."""

CONTOURS: Final = ("chin_jaw", "forehead")

_GREYS: Final = (0, 128, 255)
_VALUES: Final = (OUTSIDE, UNKNOWN, FACE)
_GREY_REACH: Final = 40
"""A grey farther than this from black, mid grey and white is none of them."""
_MOST_OTHER_GREYS: Final = 0.05
_THINNEST_PX: Final = 3
"""Mid grey in thinner bands than this is the smooth border of a black and white mask."""
_FARTHEST_SIZES: Final = 1.0
"""Corners may lie outside the picture by its own size: programs for drawing allow it."""


@dataclass(frozen=True, eq=False)
class FaceMask:
    """What a mask file tells.

    Attributes
    ----------
    places
        (height, width) uint8: 0 not the face, 1 face and head, 2 unknown.
    contours
        ``"chin_jaw"`` and ``"forehead"``, (n, 2) px polylines; absent where not drawn.

    """

    places: NDArray[np.uint8]
    contours: Mapping[str, FloatArray] = field(default_factory=dict)


Point = tuple[FiniteFloat, FiniteFloat]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Polygon(_Strict):
    place: str
    points_px: Annotated[list[Point], Field(min_length=3)]


class _OwnFile(_Strict):
    image_size_px: tuple[int, int]
    polygons: list[_Polygon] = Field(default_factory=list)
    contours: dict[str, list[Point]] = Field(default_factory=dict)


class _Shape(BaseModel):
    label: str
    points: list[Point]
    shape_type: Literal["polygon", "linestrip"] = "polygon"


class _LabelMeFile(BaseModel):
    shapes: list[_Shape]
    imageWidth: int  # noqa: N815
    imageHeight: int  # noqa: N815


def read_face_mask(path: Path | str, size_px: tuple[int, int]) -> FaceMask:
    """Read a face mask: a picture (black, mid grey, white) or JSON with polygons, by its ending.

    Parameters
    ----------
    path
        ``.json``: our own form or LabelMe's (docs/masks.md); any other ending: a picture.
    size_px
        (width, height) of the upright photograph.

    Raises
    ------
    NasionError
        The file cannot be read, belongs to another picture size, holds no face or no sensible polygon.

    """
    path = Path(path)
    if path.suffix.lower() == ".json":
        return _from_json(path, size_px)
    return FaceMask(_from_picture(path, size_px))


def read_contours(path: Path | str, size_px: tuple[int, int]) -> dict[str, FloatArray]:
    """Read ``NAME.contours.json``: ``{"chin_jaw": [[u, v], ...]}`` and the like, as ``nasion population`` writes it."""
    path = Path(path)
    data = _json(path)
    return _contours(path, {str(name): points for name, points in data.items()}, size_px)


def _from_picture(path: Path, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    import cv2

    grey = np.asarray(decoded_picture(path).convert("L"))
    height, width = grey.shape
    _check_size(path, (width, height), size_px)
    distance = np.abs(np.arange(256)[:, None] - np.array(_GREYS))
    if float((distance.min(axis=1) > _GREY_REACH)[grey].mean()) > _MOST_OTHER_GREYS:
        raise NasionError(f"{path}: is no mask: paint it black (not the face), white (face) and mid grey 128 (unknown)")
    unknown = (distance.argmin(axis=1) == 1).astype(np.uint8)[grey]
    unknown = cv2.morphologyEx(unknown, cv2.MORPH_OPEN, np.ones((_THINNEST_PX, _THINNEST_PX), np.uint8))
    places = np.where(unknown > 0, UNKNOWN, np.where(grey > 127, FACE, OUTSIDE)).astype(np.uint8)
    if not (places != OUTSIDE).any():
        raise NasionError(f"{path}: the mask is empty; the face must be white (255) on black (0)")
    return places


def _from_json(path: Path, size_px: tuple[int, int]) -> FaceMask:
    data = _json(path)
    model: type[_LabelMeFile] | type[_OwnFile] = _LabelMeFile if "shapes" in data else _OwnFile
    try:
        file = model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise NasionError(f"{path}: {place}: {first['msg']}; see docs/masks.md for the form") from None
    polygons: list[tuple[str, Sequence[Point]]]
    if isinstance(file, _LabelMeFile):
        size, lines = (file.imageWidth, file.imageHeight), [s for s in file.shapes if s.shape_type == "linestrip"]
        polygons = [(s.label, s.points) for s in file.shapes if s.shape_type == "polygon"]
        contours = {line.label: line.points for line in lines}
        if len(contours) < len(lines):
            raise NasionError(f"{path}: two lines have the same label; keep one of each")
    else:
        size, contours = file.image_size_px, file.contours
        polygons = [(p.place, p.points_px) for p in file.polygons]
    _check_size(path, size, size_px)
    return FaceMask(_painted(path, polygons, size_px), _contours(path, contours, size_px))


def _painted(path: Path, polygons: Sequence[tuple[str, Sequence[Point]]], size_px: tuple[int, int]) -> Any:
    """Return the polygons painted in order on black; where there is none at all, everything is unknown."""
    from skimage.draw import polygon

    width, height = size_px
    if not polygons:
        return np.full((height, width), UNKNOWN, dtype=np.uint8)
    places = np.full((height, width), OUTSIDE, dtype=np.uint8)
    for number, (label, points) in enumerate(polygons, start=1):
        if label.strip().lower() not in WORDS:
            raise NasionError(f"{path}: polygon {number} is labelled {label!r}; use one of {', '.join(WORDS)}")
        corners = _points(path, f"polygon {number}", points, size_px)
        x, y = (corners - corners.mean(axis=0)).T
        if len(corners) < 3 or abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) < 2.0:
            raise NasionError(f"{path}: polygon {number} has no area; draw it again")
        rows, columns = polygon(corners[:, 1], corners[:, 0], (height, width))  # type: ignore[no-untyped-call]
        places[rows, columns] = WORDS[label.strip().lower()]
    if not (places != OUTSIDE).any():
        raise NasionError(f"{path}: no polygon of a face lies in the picture; draw one with the label face")
    return places


def _contours(path: Path, given: Mapping[str, Any], size_px: tuple[int, int]) -> dict[str, FloatArray]:
    contours = {}
    for name, points in given.items():
        if name not in CONTOURS:
            raise NasionError(f"{path}: there is no contour {name!r}; use {' or '.join(CONTOURS)}")
        curve = _points(path, name, points, size_px)
        if len(curve) < 2 or not np.ptp(curve, axis=0).any():
            raise NasionError(f"{path}: {name} needs at least two points at different places")
        contours[name] = curve
    return contours


def _points(path: Path, what: str, points: object, size_px: tuple[int, int]) -> FloatArray:
    try:
        array = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
        raise NasionError(f"{path}: {what} is no list of points [u, v] in pixels; draw it again")
    size = np.array(size_px, dtype=np.float64)
    if (array < -_FARTHEST_SIZES * size).any() or (array > (1 + _FARTHEST_SIZES) * size).any():
        raise NasionError(f"{path}: {what} lies far outside the photograph; draw it on this picture")
    return array


def _check_size(path: Path, given: tuple[int, int], size_px: tuple[int, int]) -> None:
    if tuple(given) != tuple(size_px):
        raise NasionError(
            f"{path}: the mask is {given[0]} x {given[1]} pixels, but its photograph is {size_px[0]} x {size_px[1]}; "
            "make it again"
        )


def _json(path: Path) -> dict[str, Any]:
    import json

    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError):
        raise NasionError(f"{path}: is no JSON that can be read; save it again") from None
    if not isinstance(data, dict):
        raise NasionError(f"{path}: holds no face mask; see docs/masks.md for the form")
    return data
