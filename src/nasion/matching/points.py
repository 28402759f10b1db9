"""The landmarks of a picture: from its file, or found by whoever is asked to find them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from nasion.errors import NasionError
from nasion.matching.frames import FloatArray, Pixels
from nasion.matching.point_schemes import PointScheme
from nasion.matching.s2f import s2f_points
from nasion.matching.samples import MatchPicture
from nasion.readers.files import read_text
from nasion.readers.landmark_formats import parse_nasion_json
from nasion.readers.landmarks import check_picture_size

_EYES_PX: Final = ((75.0, 125.0), (125.0, 125.0))
_SIZE_PX: Final = (200, 250)


@dataclass(frozen=True, eq=False)
class PointFinder:
    """What finds landmarks where no file holds them.

    Attributes
    ----------
    name
        Tells finders (and their weights) apart: stored features of another one are not used.
    find
        Takes (h, w, 3) uint8 RGB, returns (l, 2) px of the scheme, NaN where missing; raises NasionError where there
        is no face.
    looks
        Whether the picture is looked at: points of a finder that does not look have to be carried along with a crop.

    """

    name: str
    find: Callable[[Pixels], FloatArray]
    looks: bool = True


def probe_points(picture: MatchPicture, pixels: Pixels, scheme: PointScheme, finder: PointFinder | None) -> FloatArray:
    """Return (l, 2) landmarks of a picture as it lies in its file, NaN where missing: from its file, else found.

    Raises
    ------
    NasionError
        The file is damaged or of other points, nothing is found, or there is neither file nor finder.

    """
    if picture.landmarks is not None:
        if picture.landmarks.suffix == ".txt":
            return s2f_points(picture.landmarks, (pixels.shape[1], pixels.shape[0]))
        return read_points(picture.landmarks, scheme, picture.modality, (pixels.shape[1], pixels.shape[0]))
    if finder is None:
        raise NasionError(f"{picture.path}: has no landmark file; give one, or a model that finds landmarks")
    try:
        return finder.find(pixels)
    except NasionError as fault:
        raise NasionError(f"{picture.path}: {fault}") from None


def read_points(path: Path, scheme: PointScheme, modality: str, size_px: tuple[int, int] | None = None) -> FloatArray:
    """Return (l, 2) points of a landmark file (``docs``: landmark files) in a scheme's order, NaN where missing.

    Raises
    ------
    NasionError
        The file is damaged, not in pixels, of a picture of another size than ``size_px`` (width, height), or names none
        of the scheme's points.

    """
    try:
        raw = parse_nasion_json(read_text(path))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise NasionError(f"{path}: cannot be read as landmarks ({reason}); save it again") from None
    wrong = "facial20" if modality == "xray" else "cranial20"
    if raw.scheme == wrong:
        what = "a radiograph" if modality == "xray" else f"a {modality}"
        raise NasionError(f"{path}: its scheme is {wrong!r}, which is not that of {what}; give another file or picture")
    names = scheme.probe_names if modality == "xray" else scheme.names
    known = {name: np.asarray(point, np.float64) for name, point in raw.points}
    if raw.units not in (None, "px") or any(len(point) != 2 for point in known.values()):
        raise NasionError(f"{path}: its landmarks are in space; those of a picture are needed, in pixels")
    if size_px is not None:
        check_picture_size(path, raw.image_size_px, size_px)
    if not set(names) & set(known):
        raise NasionError(f"{path}: holds none of the landmarks of {scheme.name}; find or place them again")
    missing = np.full(2, np.nan)
    return np.array([known.get(name, missing) for name in names])


def aligned_set_points(scheme: PointScheme) -> PointFinder:
    """Return a finder for sets of 200 x 250 px whose eyes lie at (75, 125) and (125, 125), as CUHK's: an average face.

    It looks at nothing, and is as good as the set's own alignment.
    """
    from nasion.matching.point_schemes import shapes

    def find(pixels: Pixels) -> FloatArray:
        if pixels.shape[1::-1] != _SIZE_PX:
            raise NasionError(f"is {pixels.shape[1]} x {pixels.shape[0]} px; average points are for 200 x 250 px")
        shape = shapes(scheme.name)["frontal"]
        right, left = shape[36:42].mean(axis=0), shape[42:48].mean(axis=0)
        scale = (_EYES_PX[1][0] - _EYES_PX[0][0]) / (left[0] - right[0])
        return np.asarray((shape - (right + left) / 2) * scale + np.mean(_EYES_PX, axis=0))

    return PointFinder("average face at the eyes of an aligned set", find, looks=False)
