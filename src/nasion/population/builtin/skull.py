"""The built-in skull as geometry: cranium and mandible of an adult of average size.

Head axes, mm, origin between the porions, Frankfurt plane horizontal. Only the left half (x >= 0) is described. Every
number is our own drawing, made to meet published mean measurements (see ``tests/population/test_builtin.py``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from nasion.population.builtin.sdf import Shape, Values, Volume, ellipsoid, plate, prism, tube
from nasion.population.builtin.teeth import ARCH_MM, LOWER, UPPER, add_teeth

LOW_MM = (0.0, -96.0, -94.0)
HIGH_MM = (76.0, 126.0, 110.0)


def cranium(step_mm: float, low_mm: ArrayLike = LOW_MM, high_mm: ArrayLike = HIGH_MM) -> Volume:
    """Return the signed distance of the cranium with the upper teeth."""
    volume = Volume(low_mm, high_mm, step_mm)
    braincase(volume)
    _base(volume)
    _midface(volume)
    _brow(volume)
    _openings(volume)
    _zygoma(volume)
    _nose(volume)
    volume.cut(Shape(_orbit, np.array([8.0, -4, 38]), np.array([52.0, 38, 108])), 2.0)
    add_teeth(volume, UPPER)
    volume.soften()
    return volume


def mandible(step_mm: float, low_mm: ArrayLike = LOW_MM, high_mm: ArrayLike = HIGH_MM) -> Volume:
    """Return the signed distance of the mandible with the lower teeth."""
    volume = Volume(low_mm, high_mm, step_mm)
    _ramus(volume)
    _body(volume)
    add_teeth(volume, LOWER)
    volume.cut(ellipsoid((25.5, -74, 74.5), (1.7, 1.7, 4)), 0.8)
    volume.soften()
    return volume


def braincase(volume: Volume) -> None:
    """Add the closed vault, which the scalp follows too."""
    volume.add(ellipsoid((0, 54, 2), (62, 63, 86), power=2.1))
    volume.add(ellipsoid((0, 53, -22), (68.5, 60, 61)), 14)
    volume.add(ellipsoid((0, 32, -40), (52, 40, 44)), 18)
    volume.add(ellipsoid((0, 17, -14), (59, 28, 44)), 14)
    volume.add(ellipsoid((0, 64, 42), (48, 30, 41)), 18)
    volume.add(ellipsoid((0, 2, -46), (40, 22, 30)), 16)
    volume.add(tube([(0, 8, -77, 4), (18, 11, -74, 4), (36, 8, -60, 3)]), 9)


def _base(volume: Volume) -> None:
    volume.add(ellipsoid((0, 8, 40), (40, 26, 34)), 12)
    volume.add(tube([(53, 4, -10, 8), (52, -8, -9, 9), (51, -17, -7.5, 7), (49.5, -25, -6, 4.6)]), 11)
    volume.add(tube([(60, 4, -14, 3), (58.2, 4.2, 0, 3.4), (58, 4.5, 12, 3)]), 6)
    volume.add(ellipsoid((13, -22, -24), (6, 6, 12)), 6)
    volume.add(plate([(-2, 34), (-2, 50), (-34, 54), (-36, 46), (-20, 38)], (15, 0.05, 0), 3.0), 5)
    volume.cut(ellipsoid((0, -24, -38), (14, 16, 17)), 3)


def _midface(volume: Volume) -> None:
    volume.add(ellipsoid((0, 12, 60), (27, 30, 24)), 10)
    volume.add(tube([(26, -6, 67, 14), (24, -22, 68, 13), (22, -33, 69, 10)]), 8)
    arch = [(x, -35, z - 5.0, 4.8 + 0.05 * x) for x, z in ARCH_MM]
    volume.add(tube(arch, scale=(1, 1.7, 1), steps=2), 6)
    volume.add(tube([(0, -26, 62, 6), (14, -28, 60, 8), (21, -31, 56, 7.5)]), 5)


def _brow(volume: Volume) -> None:
    volume.add(
        tube([(0, 40, 85, 9), (12, 40, 83.5, 8.5), (24, 40.5, 80, 7), (36, 39, 75, 5.6), (45.5, 33, 69, 4.6)]), 12
    )
    volume.add(tube([(4, 38.5, 90, 3.2), (13, 38, 88.5, 3.6), (22, 40, 84, 3)]), 6)
    volume.add(tube([(46, 39, 67, 3.4), (49.5, 48, 60, 2.6), (51, 58, 50, 1.6), (51, 66, 38, 0.6)]), 10)


def _orbit(x: Values, y: Values, z: Values) -> Values:
    """A rounded funnel from the orbit's rim back to the optic canal."""
    back = np.clip((84 - z) / 48, 0, 1)
    open_ = 1 - back**1.7
    cx, cy = 31.0 - 15 * back, 16.9 - 0.21 * (x - 31)
    rx, ry = 17.6 * open_ + 1.5, 16.2 * open_ + 1.5
    u, v = np.abs((x - cx) / rx), np.abs((y - cy) / ry)
    radial = ((u**2.2 + v**2.2) ** (1 / 2.2) - 1) * np.minimum(rx, ry)
    value: Values = np.maximum(radial * 0.9, 38 - z).astype(np.float32)
    return value


def _openings(volume: Volume) -> None:
    # temporal fossa above, infratemporal fossa below the place of the zygomatic arch
    volume.cut(ellipsoid((70, 6, 40), (20, 32, 22)), 8)
    volume.cut(ellipsoid((54, -24, 40), (24, 28, 19)), 5)
    volume.cut(ellipsoid((0, -46, 60), (18, 17, 26)), 4)


def _zygoma(volume: Volume) -> None:
    volume.add(
        tube([(44, 39, 70, 5), (48.5, 31, 67, 4.2), (48, 20, 65.5, 4.4), (47.5, 10, 65.5, 5.2), (45, 2, 68, 6)]), 4
    )
    volume.add(tube([(46, 2, 68, 5.5), (40, -4, 73, 5.3), (31, -5, 75.5, 4.7), (20, -1, 77, 4), (13, 8, 78, 3)]), 5)
    volume.add(ellipsoid((46, -9, 65), (11, 12, 9)), 7)
    volume.add(tube([(46, -17, 63, 6), (37, -20, 65, 6), (28, -26, 66, 6)]), 8)
    arch = [
        (50, -5, 63, 5),
        (57.5, -3, 53, 3.8),
        (61.6, -1, 42, 3.0),
        (62.3, 0, 32, 2.9),
        (61, 1, 22, 3),
        (58, 3, 10, 3.4),
    ]
    volume.add(tube(arch, scale=(1, 1.9, 1)), 4)
    volume.add(tube([(46, 33, 61, 5), (41.5, 22, 58, 7), (41, 10, 58, 7), (43, -1, 60, 6)]), 6)
    # jaw joint; the ear opening, whose upper rim is the porion
    volume.cut(ellipsoid((50, -5, 12.5), (12, 7.5, 7)), 2)
    volume.cut(ellipsoid((62, -6.6, -0.5), (12, 4.6, 3.8)), 1.5)
    # canine fossa, infraorbital foramen
    volume.cut(ellipsoid((27.5, -9.5, 80), (2.0, 1.5, 5)), 1)
    volume.cut(ellipsoid((31, -20, 85.5), (9, 8, 8)), 7)


def _nose(volume: Volume) -> None:
    volume.add(tube([(0, 31, 82, 6.5), (0, 20, 83.2, 6), (0, 11, 87, 7), (0, -2, 93, 7.2)], scale=(1.15, 1, 1)), 6)
    volume.add(tube([(10, 35, 79, 7), (9, 22, 73.5, 5), (11, 8, 76, 4.8), (13, -2, 79, 4.4)]), 8)
    side = [
        (9, 26, 75, 4),
        (11, 12, 77, 4),
        (12.5, 3, 79.5, 4),
        (14, -4, 79, 3.4),
        (15, -14, 79, 3),
        (11.5, -21.5, 82, 3),
        (4, -25, 87, 3),
    ]
    volume.add(tube(side), 5)
    volume.cut(prism(APERTURE_XY, (52, 112)), 0.7)
    volume.cut(ellipsoid((0, -6, 62), (9.5, 16, 22)), 2)
    volume.add(tube([(0, -28, 86.5, 4.2), (3, -34, 87, 4.5)], steps=1), 4)
    volume.add(tube([(0, -25, 86, 2.6), (0, -23.4, 93, 1.2)], steps=1), 3)
    volume.add(ellipsoid((0, -14, 44), (15, 16, 9)), 3)
    septum = [(14, 52), (4, 82), (-8, 77), (-18, 76), (-23, 86), (-26, 52)]
    volume.add(plate(septum, (0, 0, 0), 1.3, round_mm=1))
    volume.add(tube([(10.5, -12, 73, 2.4), (8.5, -14, 64, 3.4), (9, -14, 54, 3)]), 1)
    volume.add(tube([(8, 0, 66, 1.6), (7, -2, 60, 2.4), (7, -3, 52, 2)]), 1)


APERTURE_XY = (
    (0, 8.4), (5.2, 5.5), (9.2, -1), (11.4, -10), (11.4, -18), (7, -22.5), (0, -22.2),
    (-7, -22.5), (-11.4, -18), (-11.4, -10), (-9.2, -1), (-5.2, 5.5),
)  # fmt: skip
"""The piriform aperture seen from the front."""


def _ramus(volume: Volume) -> None:
    outline = [
        (-7, 9.0), (-25, 10.5), (-45, 11.5), (-59, 12.5), (-66.5, 17), (-70, 26), (-72, 37), (-64, 50), (-48, 46),
        (-30, 42.5), (-14, 42.5), (-3, 41), (-5, 36), (-15.5, 31), (-18, 26), (-15, 20), (-8, 16.5),
    ]  # fmt: skip
    volume.add(plate(outline, (51.3, 0.045, -0.17), 3.0, round_mm=2.4))
    volume.add(ellipsoid((50, -4.0, 12.5), (9.2, 4.4, 4.4)), 5)
    volume.add(tube([(45.6, -57, 14, 2.4), (46, -66, 19.5, 2.6), (44.5, -71, 31, 2.8)]), 5)
    volume.add(
        tube([(44.2, -10, 40, 2.2), (43, -30, 41, 2.6), (41, -48, 45, 3.2), (35, -60, 56, 3.6), (29, -66, 64, 3)]), 4
    )


def _body(volume: Volume) -> None:
    wall = [
        (0, -73, 80, 4.6),
        (8, -73, 79, 4.8),
        (16, -72.5, 74, 5),
        (23, -71, 66.5, 5),
        (31, -68, 56, 5),
        (38, -63, 44, 4.6),
    ]
    volume.add(tube(wall, scale=(1, 2.2, 1)), 4)
    edge = [
        (0, -85.5, 81, 5),
        (8, -86, 80.5, 5),
        (18, -84.5, 74, 5),
        (27, -81.5, 63, 4.8),
        (36, -76.5, 48, 4.6),
        (43.5, -70, 31, 4),
    ]
    volume.add(tube(edge), 6)
    row = LOWER.edge()[::16]
    volume.add(tube([(x + 4.6 * tz, -62, z - 4.6 * tx, 4.5) for x, z, tx, tz, s in row if s < 50], steps=1), 6)
    volume.add(ellipsoid((0, -82.5, 84.5), (9, 7, 5.2)), 5)
    volume.add(tube([(0, -86.5, 83.5, 3.4), (11, -86.6, 80.5, 4)]), 7)
