"""Raw scans made from a clean surface, with the truth of their landmarks.

What real scans show: any rotation and place, neck and shoulders, holes, noise, triangles of uneven size, parts beyond
the field of view, a broken vault, no mandible, lost teeth, an open jaw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.regions import clip
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface import defects

Kind = Literal["cranial", "facial"]
GONE_MM: Final = 3.0
"""A landmark counts as missing where no surface is left within this distance of it (before noise)."""
_KINDS: Final = ("cranial", "facial")


@dataclass(frozen=True)
class ScanSettings:
    """How scans vary: ranges are drawn evenly, probabilities say how often a fault happens.

    Attributes
    ----------
    triangles
        (fewest, most), drawn on a logarithmic scale.
    unevenness
        Largest value of ``defects.remeshed``.
    noise_mm
        Largest standard deviation of noise.
    holes, hole_share, hole_radius_mm
        Probability of holes, their (least, largest) share of the area and the range of their radii.
    shoulders
        Probability of neck and shoulders (faces).
    vault_cut
        Probability that the top is missing above a tilted plane (scalp, broken or sawn calvaria).
    front_only
        Probability that only the front is seen (a face scanner; skulls: a broken braincase).
    no_mandible, open_jaw, no_teeth
        Probabilities of these (skulls); of the first two one at most happens.
    jaw_deg
        Largest opening.
    rotation_deg
        Largest turn about a random axis; 180 is any rotation.
    shift_mm
        Standard deviation of the displacement.

    """

    triangles: tuple[int, int] = (12_000, 80_000)
    unevenness: float = 0.5
    noise_mm: float = 0.4
    holes: float = 0.5
    hole_share: tuple[float, float] = (0.01, 0.10)
    hole_radius_mm: tuple[float, float] = (3.0, 22.0)
    shoulders: float = 0.3
    vault_cut: float = 0.2
    front_only: float = 0.2
    no_mandible: float = 0.2
    open_jaw: float = 0.3
    no_teeth: float = 0.2
    jaw_deg: float = 25.0
    rotation_deg: float = 180.0
    shift_mm: float = 200.0

    def __post_init__(self) -> None:
        shares = ("unevenness", "holes", "shoulders", "vault_cut", "front_only", "no_mandible", "open_jaw", "no_teeth")
        for name in shares:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise NasionError(f"scan setting {name} is {getattr(self, name)}; give 0 to 1")
        if self.unevenness > 0.9 or not 0.0 <= self.hole_share[0] <= self.hole_share[1] <= 0.6:
            raise NasionError("scan settings: unevenness must be at most 0.9 and hole_share a range within 0 to 0.6")
        if min(self.noise_mm, self.jaw_deg, self.rotation_deg, self.shift_mm, self.hole_radius_mm[0] - 0.1) < 0:
            raise NasionError("scan settings: noise, jaw, rotation, shift and radii cannot be negative")


CLEAN: Final = ScanSettings(
    noise_mm=0.0, holes=0, shoulders=0, vault_cut=0, front_only=0, no_mandible=0, open_jaw=0, no_teeth=0, unevenness=0
)
"""A remeshed surface, turned and moved, with nothing missing."""

RAW: Final = replace(CLEAN, holes=1.0, hole_share=(0.10, 0.10), shoulders=1.0, noise_mm=0.4, unevenness=0.5)
"""Any rotation, shoulders and a tenth of the surface in holes: what predictions on raw scans are judged by."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A simulated scan.

    Attributes
    ----------
    mesh
        In the scanner's frame, mm.
    points
        Landmarks and helpers by name in that frame; those whose surface is gone are left out.
    rotation, translation_mm
        From head axes to the scanner's frame: ``x -> rotation @ x + translation_mm``.

    """

    mesh: Mesh
    points: Mapping[str, FloatArray]
    rotation: FloatArray
    translation_mm: FloatArray


def simulate_scan(
    mesh: Mesh,
    points: Mapping[str, FloatArray],
    kind: Kind,
    rng: np.random.Generator,
    settings: ScanSettings | None = None,
) -> Scan:
    """Return a raw scan of a clean surface.

    Parameters
    ----------
    mesh
        A skull or a face in head axes, mm, with all of its surface.
    points
        Landmarks and helpers by name, (3,) mm. The jaw's faults need those that ``defects.mandible`` names.
    kind
        What the mesh is.
    rng
        Decides everything that varies.
    settings
        How scans vary; ``ScanSettings()`` by default.

    Raises
    ------
    NasionError
        The kind is unknown, a landmark that a fault needs is missing, or nothing of the surface is left.

    """
    if kind not in _KINDS:
        raise NasionError(f"unknown kind {kind!r}; use one of {', '.join(_KINDS)}")
    chosen = settings or ScanSettings()
    where = {name: np.asarray(point, dtype=np.float64) for name, point in points.items()}
    if kind == "cranial":
        surface, where = _with_skull_faults(mesh, where, rng, chosen)
    else:
        surface = _with_shoulders(mesh, where, rng) if rng.random() < chosen.shoulders else mesh
    surface = _cropped(surface, mesh, kind, rng, chosen)
    low, high = np.log(chosen.triangles)
    count = int(np.exp(rng.uniform(low, high)))
    surface = defects.remeshed(surface, count, rng.uniform(0.0, chosen.unevenness), rng)
    if rng.random() < chosen.holes:
        surface = defects.with_holes(surface, rng.uniform(*chosen.hole_share), chosen.hole_radius_mm, rng)
    seen = _present(surface, where)
    surface = defects.with_noise(surface, rng.uniform(0.0, chosen.noise_mm), rng)
    rotation = random_rotation(chosen.rotation_deg, rng)
    translation = chosen.shift_mm * rng.standard_normal(3)
    return Scan(
        mesh=surface.transformed(rotation, translation),
        points={name: rotation @ point + translation for name, point in seen.items()},
        rotation=rotation,
        translation_mm=translation,
    )


def random_rotation(largest_deg: float, rng: np.random.Generator) -> FloatArray:
    """Return (3, 3): any rotation where 180 or more are allowed, else a turn about a random axis by at most that."""
    if largest_deg >= 180.0:
        turn: FloatArray = Rotation.random(rng=rng).as_matrix()
        return turn
    axis = rng.standard_normal(3)
    axis /= np.linalg.norm(axis)
    small: FloatArray = Rotation.from_rotvec(np.radians(rng.uniform(0.0, largest_deg)) * axis).as_matrix()
    return small


def _with_skull_faults(
    mesh: Mesh, points: dict[str, FloatArray], rng: np.random.Generator, settings: ScanSettings
) -> tuple[Mesh, dict[str, FloatArray]]:
    toothless, jaw = rng.random() < settings.no_teeth, rng.random()
    angle = rng.uniform(0.0, settings.jaw_deg)
    if toothless:
        mesh = defects.without_teeth(mesh, points)
    if jaw < settings.no_mandible:
        own = defects.mandible(mesh, points)
        left = {name: p for name, p in points.items() if name not in defects.MANDIBLE_POINTS}
        return defects.kept(mesh, ~own), left
    if jaw < settings.no_mandible + (1.0 - settings.no_mandible) * settings.open_jaw:
        return defects.with_open_jaw(mesh, points, angle)
    return mesh, points


def _with_shoulders(mesh: Mesh, points: dict[str, FloatArray], rng: np.random.Generator) -> Mesh:
    if "gnathion" not in points:
        raise NasionError("shoulders are put under the gnathion; give this landmark or set shoulders to 0")
    return defects.with_shoulders(mesh, points["gnathion"], rng)


def _cropped(surface: Mesh, head: Mesh, kind: Kind, rng: np.random.Generator, settings: ScanSettings) -> Mesh:
    """Cut the top or the back off; the planes are set by the size of the head itself, without its shoulders."""
    low, high = head.vertices.min(axis=0), head.vertices.max(axis=0)
    size = high - low
    tilt = Rotation.from_euler("xz", rng.uniform(-20, 20, 2), degrees=True).as_matrix()
    middle = (low + high) / 2
    if rng.random() < settings.vault_cut:
        point = np.array([middle[0], high[1] - rng.uniform(0.05, 0.30) * min(size[1], 1.2 * size[2]), middle[2]])
        surface = clip(surface, point, -tilt[:, 1])
    if rng.random() < settings.front_only:
        share = rng.uniform(0.30, 0.60) if kind == "facial" else rng.uniform(0.45, 0.75)
        point = np.array([middle[0], middle[1], high[2] - share * size[2]])
        surface = clip(surface, point, tilt[:, 2])
    if len(surface.faces) == 0:
        raise NasionError("nothing of the surface is left after cropping; check that the mesh is in head axes, mm")
    return surface


def _present(surface: Mesh, points: dict[str, FloatArray]) -> dict[str, FloatArray]:
    if not points:
        return {}
    away = closest_points(surface, np.array(list(points.values())))[1]
    return {name: point for (name, point), far in zip(points.items(), away, strict=True) if abs(far) <= GONE_MM}
