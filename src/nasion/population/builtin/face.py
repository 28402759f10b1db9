"""The built-in head as geometry: skin of an adult of average size, laid over the built-in skull.

Axes and units as in ``skull``. The scalp is the braincase thickened by the tissue depth; the face is drawn over the
skull's landmarks at about their mean tissue vectors; a shell around the skull keeps the bone inside the skin.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from nasion.population.builtin import skull
from nasion.population.builtin.sdf import Volume, ellipsoid, plate, prism, smooth_min, tube

LOW_MM: Final = (0.0, -134.0, -104.0)
HIGH_MM: Final = (94.0, 130.0, 126.0)
SCALP_MM: Final = 4.2
SHELL_MM: Final = 2.4
NECK_Y_MM: Final = -128.0

EYE_MM: Final = np.array([31.0, 16.2, 73.6])
"""The middle of the left eyeball."""
EYEBALL_RADIUS_MM: Final = 12.2
FISSURE_XY: Final = (
    (16.0, 15.0), (19.5, 17.8), (24.5, 20.2), (31, 21.2), (38, 20.4), (43, 18.7), (46.6, 16.8),
    (42.5, 14.2), (37.5, 12.2), (31, 11.4), (25, 12.3), (19.5, 13.9),
)  # fmt: skip
"""The opening between the lids seen from the front, from the inner corner over the upper lid."""


def head(step_mm: float) -> Volume:
    """Return the signed distance of the head's skin, with a neck that ends in a plane."""
    volume = Volume(LOW_MM, HIGH_MM, step_mm)
    skull.braincase(volume)
    volume.values -= np.float32(SCALP_MM)
    _neck(volume)
    _upper_face(volume)
    _lower_face(volume)
    _shell(volume)
    _lips(volume)
    _nose(volume)
    _eye(volume)
    _ear(volume)
    volume.soften()
    volume.values = np.maximum(volume.values, np.float32(NECK_Y_MM) - volume.axes[1][None, :, None])
    return volume


def _shell(volume: Volume) -> None:
    """Keep the skin outside the skull."""
    for bone in (skull.cranium, skull.mandible):
        part = bone(volume.step_mm, LOW_MM, HIGH_MM)
        volume.values = smooth_min(volume.values, part.values - np.float32(SHELL_MM), 4)


def _neck(volume: Volume) -> None:
    volume.add(tube([(0, -20, -26, 50), (0, -70, -22, 51), (0, -110, -26, 54), (0, -150, -34, 60)], steps=16), 22)
    volume.add(ellipsoid((0, -4, -30), (58, 48, 50)), 16)
    # sternomastoid and throat
    volume.add(tube([(52, -22, -10, 10), (42, -70, 6, 10), (24, -130, 26, 10)], steps=5), 16)
    volume.add(tube([(0, -84, 40, 14), (0, -106, 22, 13), (0, -140, 14, 13)], steps=5), 18)


def _upper_face(volume: Volume) -> None:
    volume.add(
        tube(
            [
                (0, 41, 88, 9),
                (14, 42, 86.5, 8.5),
                (28, 42, 82, 8),
                (40, 38, 75, 7),
                (49, 31, 66, 6.5),
                (53, 22, 56, 8),
                (54, 12, 46, 10),
            ]
        ),
        14,
    )
    volume.add(ellipsoid((38, 38, 40), (14, 50, 32)), 26)
    volume.add(ellipsoid((0, 4, 62), (32, 36, 25)), 10)
    volume.add(ellipsoid((46, 26, 28), (17, 36, 34)), 22)
    # cheekbone and arch
    volume.add(ellipsoid((38, -10, 63), (22, 22, 22)), 16)
    volume.add(tube([(46, -8, 60, 12), (55, -8, 48, 13), (58.5, -6, 34, 14), (58.5, -5, 16, 14), (57, -4, 0, 14)]), 18)
    volume.add(ellipsoid((58, 8, 8), (14, 34, 34)), 14)


def _lower_face(volume: Volume) -> None:
    volume.add(ellipsoid((0, -46, 64), (36, 34, 38)), 12)
    volume.add(ellipsoid((27, -34, 54), (28, 36, 36)), 18)
    volume.add(ellipsoid((40, -38, 26), (19, 40, 32)), 18)
    jaw = [
        (0, -86, 82, 9.5),
        (16, -86, 76, 10),
        (30, -80, 62, 11),
        (42, -73, 42, 11.5),
        (50, -63, 21, 11.5),
        (50.5, -44, 13, 12),
    ]
    volume.add(tube(jaw), 12)
    volume.add(ellipsoid((0, -82, 82), (18, 14, 18.5)), 10)
    volume.add(ellipsoid((0, -78, 40), (38, 19, 46)), 16)
    volume.add(ellipsoid((30, -26, 38), (31, 46, 42)), 22)
    volume.cut(ellipsoid((0, -64, 110), (19, 5, 10)), 10)


def _nose(volume: Volume) -> None:
    volume.add(tube([(0, 32, 87, 7), (0, 22, 88, 7.2), (0, 8, 97, 7.6), (0, -6, 107, 8.4)]), 10)
    volume.add(ellipsoid((0, -12.5, 110), (9.5, 8.6, 10)), 6)
    volume.add(tube([(8, 22, 80, 7), (9.5, 6, 86, 8), (12, -10, 91.5, 8)]), 11)
    volume.add(ellipsoid((11.6, -16.2, 98.5), (7.2, 7.2, 10)), 3)
    volume.add(tube([(5.5, -14.5, 112, 5.6), (10, -16.5, 106, 5)]), 5)
    volume.add(tube([(0, -18.5, 113, 3.6), (0, -22.5, 107, 4)], steps=1), 4)
    volume.cut(ellipsoid((7.0, -21, 105.5), (3.3, 5.5, 5.2)), 1.2)


MOUTH: Final = ((0, -48.6, 108.2), (4, -48.2, 108.0), (10, -48.4, 105.9), (18, -48.8, 100.8), (24.8, -49.2, 94.8))
"""The line between the lips, from the midline to the left corner."""


def _lips(volume: Volume) -> None:
    volume.add(tube([(0, -30, 99.5, 8), (0, -40, 99, 7.5)], scale=(1.6, 1, 1), steps=1), 10)
    upper = [
        (0, -44.4, 104.6, 4.6),
        (5, -43.6, 104.4, 4.8),
        (12, -44.6, 101.4, 4.6),
        (19, -47.0, 96.4, 3.4),
        (24.5, -49, 91.5, 2.0),
    ]
    volume.add(tube(upper), 4)
    lower = [
        (0, -53.6, 102.8, 5.0),
        (8, -53.2, 102.0, 4.9),
        (15, -52.0, 98.6, 4.1),
        (20.5, -50.4, 94.8, 3.0),
        (24.5, -49.2, 91, 1.8),
    ]
    volume.add(tube(lower), 4)
    volume.cut(tube([(x, y, z, 1.3 if x < 15 else 0.7) for x, y, z in MOUTH]), 1.8)
    # philtrum, with a ridge on either side
    volume.add(tube([(3.6, -29, 105, 1.6), (4.6, -40.5, 106, 1.4)], steps=1), 3)
    volume.cut(tube([(0, -29, 110.6, 2.4), (0, -40.5, 110.4, 2.8)], steps=1), 3)


def _eye(volume: Volume) -> None:
    x, y, z = EYE_MM
    volume.cut(ellipsoid((31, 18.5, 99), (20, 12, 15)), 10)
    turn = np.radians(8)
    axes = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    volume.add(ellipsoid((x, y, z), (17.6, 14.2, 13.8), axes), 5)
    volume.cut(
        tube([(17, 19, 86, 1), (23, 25, 89.5, 1.1), (31, 26.6, 90, 1.1), (39, 25.4, 88, 1.1), (47, 20, 80, 1)]), 4
    )
    volume.cut(prism(FISSURE_XY, (z - 3, 100), round_mm=0.4), 2.0)
    volume.add(ellipsoid((x, y, z), (16.2, 11.0, 11.2), axes), 0.8)
    volume.add(ellipsoid((x, y, z), (EYEBALL_RADIUS_MM,) * 3))


EAR_OUTLINE_YZ: Final = (
    (16, 4), (27, 1), (34, -8), (34, -20), (26, -28.5), (13, -30), (0, -26), (-12, -19), (-22, -11), (-27, -3),
    (-23, 3), (-10, 4), (4, 4),
)  # fmt: skip
EAR_PLANE: Final = (75.0, 0.04, -0.38)


def _ear_point(y: float, z: float, lift: float, radius: float) -> tuple[float, float, float, float]:
    return EAR_PLANE[0] + EAR_PLANE[1] * y + EAR_PLANE[2] * z + lift, y, z, radius


def _ear(volume: Volume) -> None:
    volume.add(plate(EAR_OUTLINE_YZ, EAR_PLANE, 2.0, round_mm=1.6), 3)
    volume.add(ellipsoid((72, 2, -8), (8, 16, 11)), 6)
    helix = [
        (2, -8),
        (10, -1),
        (20, 2),
        (29, -2),
        (33, -10),
        (32.5, -20),
        (25.5, -27),
        (13, -28.6),
        (0, -24.8),
        (-11, -18),
    ]
    volume.add(tube([_ear_point(y, z, 1.8, 2.4) for y, z in helix]), 1.5)
    antihelix = [(25, -11), (21, -18), (12, -21), (2, -19.5), (-6, -15), (-10, -8)]
    volume.add(tube([_ear_point(y, z, 1.2, 2.0) for y, z in antihelix]), 2)
    volume.add(ellipsoid((75, -22, -6), (3.2, 7, 6.5)), 4)
    volume.cut(ellipsoid((80, 3, -9), (6.5, 10, 7)), 2)
    volume.cut(ellipsoid((79, -3, -4), (9, 4.5, 4)), 2)
    volume.add(ellipsoid((74.5, -1, 3.0), (3.4, 5.5, 3.4)), 3)
