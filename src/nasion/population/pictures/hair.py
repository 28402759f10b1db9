"""Simple hair: a cap over the scalp with a hairline, short or long, parted anywhere, combed; bald without it.

It is drawn over the skull, so it hides ears when it is long, and says nothing about the person: every number is drawn
for one picture.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.person import Person

_AROUND: Final = 144
_DOWN: Final = 72
_LOWEST_DEG: Final = -56.0
_SCALP_MM: Final = 6.0
_SUNK_MM: Final = 5.0
"""How far the cap lies under the skin where there is no hair."""
_EDGE_DEG: Final = 7.0
_CELL_DEG: Final = 5
COLORS: Final = ((0.09, 0.07, 0.06), (0.20, 0.13, 0.09), (0.38, 0.25, 0.15), (0.62, 0.48, 0.30), (0.55, 0.53, 0.51))
"""Black, dark brown, brown, fair, grey; sRGB. What is drawn lies between two of them."""


@dataclass(frozen=True)
class HairStyle:
    """What is drawn for one picture.

    Attributes
    ----------
    color
        sRGB, 0 to 1.
    thickness_mm
        Above the scalp.
    hairline
        Height of the hairline over the forehead: 0 at metopion, 1 at bregma.
    temple_deg
        How far round the head, from the middle, the forehead is free.
    tips_mm
        Height of the tips behind the ears, below porion; long hair covers the ears.
    is_long
        Whether it does.
    parting_deg
        The hairline's middle, to the person's left.
    waves, seed
        Strength of the waves, and which ones.

    """

    color: tuple[float, float, float]
    thickness_mm: float
    hairline: float
    temple_deg: float
    tips_mm: float
    is_long: bool
    parting_deg: float
    waves: float
    seed: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> HairStyle:
        """Return the hair of one picture."""
        place = rng.uniform(0, len(COLORS) - 1)
        color = [float(np.interp(place, range(len(COLORS)), channel)) for channel in zip(*COLORS, strict=True)]
        is_long = bool(rng.random() < 0.4)
        return cls(
            color=(color[0], color[1], color[2]),
            thickness_mm=float(rng.uniform(8.0, 20.0) if is_long else rng.uniform(5.0, 16.0)),
            hairline=float(rng.uniform(-0.08, 0.5)),
            temple_deg=float(rng.uniform(48.0, 66.0)),
            tips_mm=float(rng.uniform(70.0, 115.0) if is_long else rng.uniform(20.0, 50.0)),
            is_long=is_long,
            parting_deg=float(rng.uniform(-14.0, 14.0)),
            waves=float(rng.uniform(0.05, 0.3)),
            seed=int(rng.integers(2**31)),
        )

    def nuisance(self) -> dict[str, Any]:
        """Return the style by name."""
        return asdict(self) | {"color": list(self.color)}


def hair_cap(person: Person, style: HairStyle) -> tuple[Mesh, FloatArray]:
    """Return hair as a surface in the person's frame and its (n, 3) sRGB colours."""
    azimuth = np.linspace(-180.0, 180.0, _AROUND, endpoint=False)
    elevation = np.linspace(90.0, _LOWEST_DEG, _DOWN)
    skull = person.skull.vertices
    center = _center(skull, person)
    radius = _radii(skull - center, azimuth, elevation)
    boundary = _boundary_deg(person, center, style, azimuth)
    rng = np.random.default_rng(style.seed)
    share = _smooth_step((elevation[None] - boundary[:, None]) / _EDGE_DEG + 0.5)
    waves = 1.0 + style.waves * _waves(rng, azimuth, elevation)
    radius = radius + _SCALP_MM + share * style.thickness_mm * waves - (1.0 - share) * _SUNK_MM
    a, e = np.deg2rad(azimuth)[:, None], np.deg2rad(elevation)[None]
    points = center + np.stack([radius * np.cos(e) * np.sin(a), radius * np.sin(e), radius * np.cos(e) * np.cos(a)], -1)
    if style.is_long:
        points = _hanging(points, boundary, elevation, center, person, style)
    strands = 1.0 + 0.30 * _strands(rng, azimuth, elevation)
    colors = np.clip(np.asarray(style.color) * strands[..., None], 0.0, 1.0)
    drawn = elevation[None] > boundary[:, None] - 1.5 * _EDGE_DEG
    return _grid_mesh(points, drawn), colors.reshape(-1, 3)


def _center(skull: FloatArray, person: Person) -> FloatArray:
    porion = (person.cranial_helpers["porion_left"] + person.cranial_helpers["porion_right"]) / 2
    top = float(skull[:, 1].max())
    center: FloatArray = np.array([porion[0], porion[1] + 0.42 * (top - porion[1]), porion[2]])
    return center


def _angles(offset: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return azimuth (0 in front, to the left), elevation in degrees and distance of (n, 3) points from the centre."""
    distance = np.linalg.norm(offset, axis=-1)
    elevation = np.rad2deg(np.arcsin(offset[..., 1] / np.maximum(distance, 1e-9)))
    return np.rad2deg(np.arctan2(offset[..., 0], offset[..., 2])), elevation, distance


def _radii(offset: FloatArray, azimuth: FloatArray, elevation: FloatArray) -> FloatArray:
    """Return the smoothed distance of the skull's outside in each direction, (around, down) mm."""
    from scipy.ndimage import map_coordinates

    az, el, distance = _angles(offset)
    i = ((az + 180.0) / _CELL_DEG).astype(int) % (360 // _CELL_DEG)
    j = np.minimum(((el + 90.0) / _CELL_DEG).astype(int), 180 // _CELL_DEG - 1)
    cells = np.zeros((360 // _CELL_DEG, 180 // _CELL_DEG))
    np.maximum.at(cells, (i, j), distance)
    # near the poles a ring of cells holds few vertices
    nearest = distance_transform_edt(cells == 0, return_distances=False, return_indices=True)
    cells = cells[tuple(nearest)]
    cells[:, -1] = cells[:, -1].mean()
    cells = gaussian_filter(cells, 1.0, mode=("wrap", "nearest"))
    at = np.meshgrid((azimuth + 180.0) / _CELL_DEG - 0.5, (elevation + 90.0) / _CELL_DEG - 0.5, indexing="ij")
    radii: FloatArray = map_coordinates(cells, at, order=1, mode="grid-wrap")
    radii[:, elevation > 90.0 - _CELL_DEG] = radii[:, elevation > 90.0 - _CELL_DEG].mean()
    return radii


def _boundary_deg(person: Person, center: FloatArray, style: HairStyle, azimuth: FloatArray) -> FloatArray:
    """Return the elevation at which hair ends, for each azimuth."""
    names = ("metopion", "bregma")
    low, high = (float(_angles((person.facial[name] - center)[None])[1][0]) for name in names)
    front = low + style.hairline * (high - low)
    porion = person.cranial_helpers["porion_left"] - center
    ear = float(_angles((porion + np.array([10.0, 34.0, 0.0]))[None])[1][0])
    nape = float(_angles((porion + np.array([-20.0, -style.tips_mm, -90.0]))[None])[1][0])
    around = np.abs((azimuth - style.parting_deg * np.cos(np.deg2rad(azimuth)) + 180.0) % 360.0 - 180.0)
    t = style.temple_deg
    if style.is_long:
        steps = [(0.0, front), (0.6 * t, front - 4.0), (t, ear + 8.0), (t + 14.0, -90.0), (180.0, -90.0)]
    else:
        steps = [(0.0, front), (0.6 * t, front - 3.0), (t, ear + 14.0), (76.0, ear - 6.0), (84.0, ear), (104.0, ear)]
        steps += [(122.0, 0.5 * (ear + nape)), (140.0, nape), (180.0, nape)]
    at, level = zip(*steps, strict=True)
    return np.asarray(np.interp(around, at, level), dtype=np.float64)


def _hanging(
    points: FloatArray,
    boundary: FloatArray,
    elevation: FloatArray,
    center: FloatArray,
    person: Person,
    style: HairStyle,
) -> FloatArray:
    """Return the cap with its lower part hanging straight down from where the head is widest."""
    porion = person.cranial_helpers["porion_left"]
    widest = int(np.argmin(np.abs(elevation + 8.0)))
    free = boundary < _LOWEST_DEG
    along = np.linspace(0.0, 1.0, len(elevation) - widest)[None, :, None]
    start = points[:, widest][:, None]
    tips = start * [0.93, 0.0, 0.93] + [center[0] * 0.07, porion[1] - style.tips_mm, center[2] * 0.07]
    hung = start + along * (tips - start)
    points = points.copy()
    points[free, widest:] = hung[free]
    return points


def _waves(rng: np.random.Generator, azimuth: FloatArray, elevation: FloatArray) -> FloatArray:
    waves = np.zeros((len(azimuth), len(elevation)))
    for _ in range(8):
        around, down, phase = rng.integers(1, 12), rng.uniform(0.01, 0.12), rng.uniform(0, 2 * np.pi)
        waves += np.sin(around * np.deg2rad(azimuth)[:, None] + down * elevation[None] + phase)
    scaled: FloatArray = waves / 2.0
    return scaled


def _strands(rng: np.random.Generator, azimuth: FloatArray, elevation: FloatArray) -> FloatArray:
    """Return streaks that run down the head, about -1 to 1."""
    noise = rng.standard_normal((len(azimuth), len(elevation)))
    streaks = gaussian_filter(noise, (0.6, 6.0), mode=("wrap", "nearest"))
    scaled: FloatArray = np.clip(streaks / (2.0 * streaks.std()), -1.0, 1.0)
    return scaled


def _smooth_step(t: FloatArray) -> FloatArray:
    t = np.clip(t, 0.0, 1.0)
    stepped: FloatArray = t * t * (3.0 - 2.0 * t)
    return stepped


def _grid_mesh(points: FloatArray, drawn: NDArray[np.bool_]) -> Mesh:
    """Return the triangles of a (around, down, 3) grid whose corners are all drawn; the first axis is closed."""
    n, m = drawn.shape
    number = np.arange(n * m).reshape(n, m)
    a, b = number[:, :-1], np.roll(number, -1, axis=0)[:, :-1]
    c, d = np.roll(number, -1, axis=0)[:, 1:], number[:, 1:]
    shown = drawn.ravel()
    faces = np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return Mesh(points.reshape(-1, 3), faces[shown[faces].all(axis=1)])
