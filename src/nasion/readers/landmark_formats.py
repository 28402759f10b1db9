"""The landmark formats: each parser turns text into labelled points and says nothing of what they mean.

Faults raise ValueError with the reason; ``landmarks.read_landmarks`` adds the file's name.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar
from xml.etree import ElementTree

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


@dataclass(frozen=True)
class RawLandmarks:
    """What a file says: (label, coordinates) in its order, and the rest by label."""

    points: Sequence[tuple[str, Sequence[float]]]
    scheme: str | None = None
    units: str | None = None
    image_size_px: tuple[int, int] | None = None
    sigma: Mapping[str, float] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    found_by: str | None = None


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore")


_Number = Annotated[float, Field(allow_inf_nan=False)]
_Point = Annotated[list[_Number], Field(min_length=2, max_length=3)]
_Size = Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=2)]
_Sigma = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _NasionFile(_Model):
    scheme: str | None = None
    units: str | None = None
    landmarks: dict[str, _Point]
    helpers: dict[str, _Point] = {}
    image_size_px: _Size | None = None
    sigma_px: dict[str, _Sigma] = {}
    sigma_mm: dict[str, _Sigma] = {}
    missing: dict[str, str] = {}
    found_by: str | None = None


class _ControlPoint(_Model):
    label: str = ""
    position: Any = None
    positionStatus: str = "defined"  # noqa: N815


class _Markups(_Model):
    type: str = "Fiducial"
    coordinateSystem: Annotated[str, BeforeValidator(str)] = "LPS"  # noqa: N815
    coordinateUnits: Any = None  # noqa: N815
    controlPoints: list[_ControlPoint] = []  # noqa: N815


class _MarkupsFile(_Model):
    markups: list[_Markups]


def parse_nasion_json(text: str) -> RawLandmarks:
    """Parse our own form (docs: landmark files); unknown keys are passed over."""
    file = _validated(_NasionFile, text)
    width_height = file.image_size_px
    return RawLandmarks(
        points=[*file.landmarks.items(), *file.helpers.items()],
        scheme=file.scheme,
        units=file.units,
        image_size_px=(width_height[0], width_height[1]) if width_height else None,
        sigma=file.sigma_px | file.sigma_mm,
        missing=file.missing,
        found_by=" ".join((file.found_by or "").split()) or None,
    )


def parse_markups_json(text: str) -> RawLandmarks:
    """Parse 3D Slicer's ``.mrk.json`` point lists into LPS; undefined, preview and missing points are left out."""
    points: list[tuple[str, Sequence[float]]] = []
    units: set[str] = set()
    for markups in _validated(_MarkupsFile, text).markups:
        if markups.type != "Fiducial":
            continue
        given = markups.coordinateUnits
        units.update(given if isinstance(given, list) else [given] if isinstance(given, str) else [])
        for point in markups.controlPoints:
            if point.positionStatus == "defined":
                xyz = _numbers(point.label, point.position)
                points.append((point.label, _in_lps(xyz, markups.coordinateSystem)))
    if len(units) > 1:
        raise ValueError(f"its lists have different units ({', '.join(sorted(units))})")
    return RawLandmarks(points, units=units.pop() if units else None)


def parse_fcsv(text: str) -> RawLandmarks:
    """Parse 3D Slicer's ``.fcsv`` into LPS.

    The header's coordinate system is 0 or RAS (also where it is not given), 1 or LPS; newer versions end a line with
    the point's position status, of which 2 means placed; other points are left out.
    """
    system, columns = "RAS", ["id", "x", "y", "z", "ow", "ox", "oy", "oz", "vis", "sel", "lock", "label"]
    points: list[tuple[str, Sequence[float]]] = []
    for line in text.splitlines():
        if line.startswith("#"):
            key, _, value = line.lstrip("# ").partition("=")
            if key.strip() == "CoordinateSystem":
                system = value.strip()
            elif key.strip() == "columns":
                columns = [name.strip() for name in value.split(",")]
            continue
        if not line.strip():
            continue
        cells = next(csv.reader([line]))
        row = dict(zip(columns, cells, strict=False))
        label = row.get("label", "")
        status = cells[14].strip() if len(cells) > 14 else "2"
        if status in ("", "2"):
            points.append((label, _in_lps(_numbers(label, [row.get(axis) for axis in "xyz"]), system)))
    return RawLandmarks(points, units="mm")


def parse_picked_points(text: str) -> RawLandmarks:
    """Parse MeshLab's ``.pp``, in the mesh file's own frame and units; points that are not active are left out."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no valid XML: {error}") from None
    if root.tag != "PickedPoints":
        raise ValueError("no MeshLab PickedPoints")
    points = []
    for point in root.iter("point"):
        label = point.get("name", "")
        if point.get("active", "1") != "0":
            points.append((label, _numbers(label, [point.get(axis) for axis in "xyz"])))
    return RawLandmarks(points)


def parse_csv(text: str) -> RawLandmarks:
    """Parse a table with the header ``name,x,y`` or ``name,x,y,z``, by comma, semicolon or tab.

    A row with no coordinates at all is a landmark that is absent.
    """
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True))
    names = [name.strip().lower() for name in header.strip().split(delimiter)]
    axes = [axis for axis in "xyz" if axis in names]
    if "name" not in names or axes not in (["x", "y"], ["x", "y", "z"]):
        raise ValueError("its first line must be name,x,y or name,x,y,z")
    points = []
    for raw in rows:
        row = {str(key).strip().lower(): value for key, value in raw.items()}
        values = [row.get(axis) for axis in axes]
        if any((value or "").strip() for value in values):
            points.append(((row["name"] or "").strip(), _numbers(row["name"] or "", values)))
    return RawLandmarks(points)


IBUG68: Final = {
    31: "pronasale",
    34: "subnasale",
    37: "exocanthion_right",
    40: "endocanthion_right",
    43: "endocanthion_left",
    46: "exocanthion_left",
    49: "cheilion_right",
    52: "labiale_superius",
    55: "cheilion_left",
}
"""Points of the 68-point iBUG layout, numbered from 1, that stand on an anatomical landmark.

The others are left out, also the chin (9), which is the lowest point of the outline and no gnathion.
"""


def parse_pts(text: str) -> RawLandmarks:
    """Parse a 300-W ``.pts`` file of 68 points.

    Its pixels are counted from 1 (Matlab's convention), ours from 0: 1 is taken away. Points are labelled by their
    number from 1, those of ``IBUG68`` by their landmark.
    """
    count = re.search(r"n_points\s*:\s*(\d+)", text)
    body = re.search(r"\{(.*)\}", text, re.DOTALL)
    if count is None or body is None:
        raise ValueError("no complete 300-W .pts file (version, n_points, { x y ... })")
    rows = [line.split() for line in body.group(1).splitlines() if line.strip()]
    if len(rows) != int(count.group(1)):
        raise ValueError(f"its header names {count.group(1)} points but it holds {len(rows)}")
    if len(rows) != 68:
        raise ValueError(f"only the 68-point layout is known, this has {len(rows)}; write a CSV with names instead")
    points = []
    for number, row in enumerate(rows, start=1):
        label = IBUG68.get(number, str(number))
        points.append((label, [value - 1 for value in _numbers(label, row)]))
    return RawLandmarks(points, units="px")


PARSERS: Final[dict[str, Callable[[str], RawLandmarks]]] = {
    ".mrk.json": parse_markups_json,
    ".json": parse_nasion_json,
    ".fcsv": parse_fcsv,
    ".pp": parse_picked_points,
    ".pts": parse_pts,
    ".csv": parse_csv,
}
"""By a file name's ending; the first that fits is taken."""


def _in_lps(xyz: Sequence[float], system: str) -> Sequence[float]:
    if system.upper() in ("LPS", "1"):
        return xyz
    if system.upper() in ("RAS", "0"):
        return [-xyz[0], -xyz[1], *xyz[2:]]
    raise ValueError(f"unknown coordinate system {system!r}; save the points in LPS or RAS")


def _numbers(label: str, values: object) -> list[float]:
    """Return coordinates as floats; texts are read, truth values are not numbers."""
    if not isinstance(values, list) or len(values) not in (2, 3):
        raise ValueError(f"landmark {label!r} needs 2 or 3 coordinates")
    try:
        if any(isinstance(value, bool) for value in values):
            raise TypeError
        return [float(value) for value in values]
    except (TypeError, ValueError):
        raise ValueError(f"landmark {label!r} has a coordinate that is no number") from None


_M = TypeVar("_M", bound=BaseModel)


def _validated(model: type[_M], text: str) -> _M:
    try:
        data = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise ValueError(f"no valid JSON: {error}") from None
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ValueError(f"{place}: {first['msg'].lower()}") from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"{key!r} stands there twice; keep one")
        result[key] = value
    return result
