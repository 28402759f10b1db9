"""Parts of the built-in head that only X-rays show: teeth, airways, cervical spine; drawn as geometry like the rest.

Axes as in ``skull``. The teeth are those of the skull's surface, with their roots. Spine and airways are simple bodies
in about the usual places: nothing should be measured on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np

from nasion.geometry.surface import Mesh
from nasion.geometry.voxels import DepthGrid
from nasion.population.builtin.sdf import Volume, ellipsoid, tube
from nasion.population.builtin.teeth import LOWER, UPPER, add_teeth

Part = Literal["teeth", "airway", "spine"]

_TRIANGLES: Final = 12_000
_TEETH_STEP_MM: Final = 0.9
_SOFT_STEP_MM: Final = 1.6
_VERTEBRAE_YZ: Final = ((-52.0, -18.0), (-69.0, -20.0), (-86.0, -22.0), (-103.0, -25.0), (-120.0, -29.0))
"""Middles of the bodies of C2 to C6."""


def radiographic_parts() -> dict[Part, Mesh]:
    """Return the parts as closed surfaces in the built-in template's place, mm."""
    return {name: _whole(volume()) for name, volume in _VOLUMES.items()}


def _whole(half: Volume) -> Mesh:
    values = np.concatenate([half.values[:0:-1], half.values])
    low = half.low_mm - np.array([half.step_mm * (len(half.values) - 1), 0.0, 0.0])
    mesh = DepthGrid(-values, low, half.step_mm).solid(-values, _TRIANGLES)
    if mesh is None:
        raise ValueError("nothing was drawn")
    return mesh


def _teeth() -> Volume:
    volume = Volume((0.0, -76.0, 34.0), (38.0, -26.0, 100.0), _TEETH_STEP_MM)
    add_teeth(volume, UPPER)
    add_teeth(volume, LOWER)
    return volume


def _airway() -> Volume:
    volume = Volume((0.0, -128.0, -14.0), (26.0, 16.0, 100.0), _SOFT_STEP_MM)
    volume.add(ellipsoid((5.5, -8.0, 66.0), (6.0, 14.0, 25.0)), 2)
    volume.add(ellipsoid((4.0, -20.0, 96.0), (3.0, 4.0, 8.0)), 4)
    path = [(0, -8, 44, 6), (0, -14, 28, 8), (0, -30, 10, 7), (0, -50, 4, 6), (0, -72, 5, 7), (0, -92, 8, 8)]
    volume.add(tube([*path, (0, -120, 8, 8)], scale=(1.4, 1.0, 1.0), steps=4), 4)
    return volume


def _spine() -> Volume:
    volume = Volume((0.0, -132.0, -84.0), (34.0, -20.0, 6.0), _SOFT_STEP_MM)
    # atlas: front arch, side mass, rear arch; the axis' tooth
    volume.add(ellipsoid((0, -34, -7), (5.5, 5, 3)), 1)
    volume.add(ellipsoid((18, -34, -22), (8, 6.5, 8)), 1)
    volume.add(tube([(6, -34, -8, 2.6), (16, -34, -14, 3)], steps=1), 2)
    volume.add(tube([(18, -34, -28, 3), (10, -35, -40, 3), (0, -36, -45, 3.4)], steps=3), 2)
    volume.add(ellipsoid((0, -39, -15), (4.6, 12, 4.6)), 2)
    for number, (y, z) in enumerate(_VERTEBRAE_YZ):
        tip = (0.0, y - 9.0 - number, z - 42.0 - 2.0 * number)
        volume.add(ellipsoid((0, y, z), (9, 6.6, 8), power=3.5), 1)
        volume.add(ellipsoid((17, y + 2, z - 11), (6.5, 6.5, 7)), 2)
        volume.add(tube([(14, y, z - 17, 3), (0, y - 4, z - 27, 3.6), (*tip, 3.4)], steps=2), 2)
    return volume


_VOLUMES: Final[dict[Part, Callable[[], Volume]]] = {"teeth": _teeth, "airway": _airway, "spine": _spine}
