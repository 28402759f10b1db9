"""Landmark files: our JSON, Slicer markups, MeshLab picked points, 300-W points, CSV."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.errors import NasionError
from nasion.readers.files import read_text, write_json
from nasion.readers.names import SCHEME_OF, Kind, is_helper, resolve
from nasion.readers.units import check_size, mm_per_unit

if TYPE_CHECKING:
    from nasion.readers.landmark_formats import RawLandmarks

FloatArray = NDArray[np.float64]

SIZE_RANGE_MM: Final = (20.0, 500.0)
"""Plausible longest side of the box round a skull's or face's landmarks, which may be a few close ones only."""
TYPICAL_SIZE_MM: Final = 180.0
"""From bregma to gnathion, or nearly."""


@dataclass(frozen=True)
class LandmarkFile:
    """Landmarks as they were read.

    Attributes
    ----------
    scheme
        ``"cranial20"`` or ``"facial20"``; None is allowed for writing only.
    units
        ``"mm"`` for (3,) points (other units have been converted), ``"px"`` for (2,) points.
    landmarks
        Name to coordinates, names of the scheme's twenty only; what is absent is left out.
    helpers
        The same for helper points (porion, tragion, ...).
    sigma
        Standard deviation of single points; of points in space always in millimetres, as its key ``sigma_mm`` says.
    missing
        Name to the reason why a landmark is absent, where the file tells it.
    image_size_px
        (width, height) of the picture on which the points were placed, where the file tells it.
    found_by
        The program and model that found the points, where nobody placed them; None where somebody did.
    warnings
        What the user should know, one line each.

    """

    scheme: str | None
    units: Literal["mm", "px"]
    landmarks: Mapping[str, FloatArray]
    helpers: Mapping[str, FloatArray] = field(default_factory=dict)
    sigma: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    image_size_px: tuple[int, int] | None = None
    found_by: str | None = None
    warnings: tuple[str, ...] = ()


def read_landmarks(path: Path | str, kind: Kind, dimensions: Literal[2, 3], units: str | None = None) -> LandmarkFile:
    """Read a landmark file; its ending tells the format (see ``landmark_formats.PARSERS``).

    Frames: points in space must share their frame with the mesh that they belong to. Slicer's markups are given in LPS
    (RAS is turned into LPS) without any further change, since Slicer saves meshes in LPS too; all other formats are
    taken as they are. Pixels: origin at the centre of the top-left pixel.

    Parameters
    ----------
    path
        The file.
    kind
        Whose vocabulary applies, ``"cranial"`` or ``"facial"``. Labels are matched as ``names.resolve`` says; unknown
        ones are left out and named in a warning.
    dimensions
        3 for points on a surface, 2 for points in a picture.
    units
        Of points in space: a key of ``units.MM_PER_UNIT``; None means the file's own statement, else millimetres.

    Raises
    ------
    NasionError
        The file is missing or damaged, of the other scheme or dimension; a coordinate is no finite number; a landmark
        stands there twice; no label is known; the size is no head's in these units.

    """
    path = Path(path)
    raw = _parsed(path)
    scheme = SCHEME_OF[kind]
    if raw.scheme is not None and raw.scheme != scheme:
        known = "it is no known scheme" if raw.scheme not in SCHEMES else "these are the other side's landmarks"
        raise NasionError(f"{path}: its scheme is {raw.scheme!r}, but {scheme!r} is needed; {known}")
    if dimensions == 2 and raw.units not in (None, "px"):
        raise NasionError(f"{path}: its units are {raw.units!r}; landmarks in a picture are needed, in pixels (px)")
    if dimensions == 3 and raw.units == "px":
        raise NasionError(f"{path}: its units are pixels; landmarks in space are needed, in millimetres")
    names, unknown = _names(path, raw, kind)
    points = _points(path, raw, names, dimensions)
    scale = 1.0
    if dimensions == 3 and points:
        unit = units or raw.units
        scale = mm_per_unit(unit, path)
        if len(points) > 1:
            size = float(np.ptp(np.array(list(points.values())), axis=0).max())
            check_size(size, unit, path, SIZE_RANGE_MM, TYPICAL_SIZE_MM, "the set of landmarks")
    return LandmarkFile(
        scheme=scheme,
        units="mm" if dimensions == 3 else "px",
        landmarks={name: point * scale for name, point in points.items() if not is_helper(name, kind)},
        helpers={name: point * scale for name, point in points.items() if is_helper(name, kind)},
        sigma={name: s for label, s in raw.sigma.items() if (name := resolve(label, kind)) in points},
        missing={name: why for label, why in raw.missing.items() if (name := resolve(label, kind)) is not None},
        image_size_px=raw.image_size_px,
        found_by=raw.found_by,
        warnings=(f"labels that are no {kind} landmark were left out: {_listed(unknown)}",) if unknown else (),
    )


def check_picture_size(path: Path | str, stated: Sequence[object] | None, size_px: tuple[int, int]) -> None:
    """Raise NasionError where a landmark file states another size than its picture's (width, height); None: none."""
    if stated is not None and tuple(stated) != size_px:
        shown = " x ".join(str(value) for value in stated)
        raise NasionError(
            f"{path}: the landmarks are for {shown} pixels, the picture is {size_px[0]} x {size_px[1]}: place them on "
            "this picture"
        )


def write_landmarks(path: Path | str, file: LandmarkFile, units: str | None = None) -> None:
    """Write our JSON form atomically, in ``file.units``; points in space in ``units`` where they are given."""
    scale = 1.0 if units is None else mm_per_unit(units, path)
    data: dict[str, Any] = {"scheme": file.scheme, "units": units or file.units}
    if file.found_by is not None:
        data["found_by"] = file.found_by
    if file.image_size_px is not None:
        data["image_size_px"] = list(file.image_size_px)
    data["landmarks"] = {name: (np.asarray(p, dtype=float) / scale).tolist() for name, p in file.landmarks.items()}
    if file.helpers:
        data["helpers"] = {name: (np.asarray(p, dtype=float) / scale).tolist() for name, p in file.helpers.items()}
    if file.sigma:
        data[f"sigma_{file.units}"] = dict(file.sigma)
    if file.missing:
        data["missing"] = dict(file.missing)
    write_json(path, data)


def _parsed(path: Path) -> RawLandmarks:
    from nasion.readers.landmark_formats import PARSERS

    name = path.name.lower()
    parser = next((parser for ending, parser in PARSERS.items() if name.endswith(ending)), None)
    if parser is None:
        raise NasionError(f"{path}: landmarks are read from {', '.join(PARSERS)} files; save them in one of these")
    text = read_text(path)
    try:
        return parser(text)
    except (ValueError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise NasionError(f"{path}: cannot be read as landmarks ({reason}); correct it or save it again") from None


def _names(path: Path, raw: RawLandmarks, kind: Kind) -> tuple[dict[str, str], list[str]]:
    """Return label to name for the known labels, and the labels that are unknown."""
    names = {label: name for label, _ in raw.points if (name := resolve(label, kind)) is not None}
    unknown = [label for label, _ in raw.points if label not in names]
    other: Kind = "facial" if kind == "cranial" else "cranial"
    others = [label for label in unknown if resolve(label, other) is not None]
    if len(others) > sum(resolve(label, other) is None for label in names):
        raise NasionError(f"{path}: holds {other} landmarks ({_listed(others)}), but {kind} ones are needed here")
    if raw.points and not names:
        raise NasionError(f"{path}: none of its labels is a {kind} landmark ({_listed(unknown)}); rename them")
    repeated = [name for name, n in Counter(names[label] for label, _ in raw.points if label in names).items() if n > 1]
    if repeated:
        raise NasionError(f"{path}: stands there twice: {_listed(repeated)}; keep one point of each")
    return names, unknown


def _points(path: Path, raw: RawLandmarks, names: Mapping[str, str], dimensions: int) -> dict[str, FloatArray]:
    points = {}
    for label, values in raw.points:
        if label not in names:
            continue
        if not all(math.isfinite(value) for value in values):
            raise NasionError(f"{path}: {label} has a coordinate that is not finite; place it again or leave it out")
        if len(values) != dimensions:
            needed = "(x, y, z) in space" if dimensions == 3 else "(u, v) in pixels"
            raise NasionError(f"{path}: {label} has {len(values)} coordinates, but {needed} is needed")
        points[names[label]] = np.array(values, dtype=np.float64)
    return points


def _listed(labels: Iterable[str], most: int = 6) -> str:
    labels = [label or "(no name)" for label in labels]
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")
