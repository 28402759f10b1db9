"""X-rays of a real head from its CT, taken as those of virtual people: the same set-up, film and landmarks."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.surface import FloatArray
from nasion.population.photograph import View
from nasion.population.pictures.materials import attenuation_of_hu
from nasion.population.pictures.xray import FINE, VirtualXray, XraySettings, on_film, sample_xray_shot
from nasion.population.template import Points, frankfurt_motion, moved_points
from nasion.readers.ct import CtVolume

DepthImage = NDArray[np.float32]

BONE_HU: Final = (150.0, 300.0)
"""Where soft tissue is taken out: nothing below the first stays, all above the second."""
_STEP_VOXELS: Final = 0.7


def take_ct_xray(
    ct: CtVolume,
    cranial: Points,
    view: View,
    rng: np.random.Generator,
    bone_rng: np.random.Generator,
    settings: XraySettings | None = None,
) -> tuple[VirtualXray, VirtualXray]:
    """Return an X-ray of a head CT and the same with the soft tissue taken out, on another film.

    Parameters
    ----------
    ct
        The head alone (``readers.ct_surfaces.head_alone``); what lies beyond the volume counts as air.
    cranial
        Cranial landmarks and helpers in the CT's frame, mm: porion of both sides and an orbitale must be among them,
        since the head is set up by its Frankfurt frame.
    view, rng, bone_rng, settings
        See ``xray.take_xray``.

    Raises
    ------
    NasionError
        The landmarks give no Frankfurt frame, or the CT holds no bone.

    """
    s = settings or XraySettings()
    rotation, translation = frankfurt_motion(cranial)
    motion = np.eye(4)
    motion[:3, :3], motion[:3, 3] = rotation, translation
    affine = motion @ ct.affine
    bone = np.argwhere(ct.hu[::2, ::2, ::2] > BONE_HU[1]) * 2
    if not len(bone):
        raise NasionError(f"the CT holds no bone above {BONE_HU[1]:.0f} HU; check that it is in Hounsfield units")
    places = bone @ affine[:3, :3].T + affine[:3, 3]
    low, high = np.quantile(places, (0.001, 0.999), axis=0)
    shot = sample_xray_shot((low + high) / 2, view, rng, s)
    head, dry = line_integrals(ct.hu, affine, shot.camera.enlarged(FINE))
    points = moved_points(cranial, rotation, translation)
    return on_film(points, shot, head, rng, s.film), on_film(points, shot, dry, bone_rng, s.film)


def line_integrals(hu: NDArray[np.int16], affine: FloatArray, camera: Camera) -> tuple[DepthImage, DepthImage]:
    """Return the line integrals of attenuation along each pixel's ray: of all, and of bone alone.

    Parameters
    ----------
    hu
        (ni, nj, nk) Hounsfield units, read between voxel centres by trilinear interpolation; air outside.
    affine
        (4, 4) voxel index to millimetres in the camera's head axes.
    camera
        The source.

    Returns
    -------
    Two (height, width) float32, without unit.

    """
    width, height = camera.image_size_px
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = camera.rays(np.stack([u, v], axis=-1).reshape(-1, 2))
    inverse = np.linalg.inv(affine)
    start = inverse[:3, :3] @ camera.center_mm + inverse[:3, 3]
    directions = rays @ inverse[:3, :3].T
    step_mm = _STEP_VOXELS * float(np.linalg.norm(affine[:3, :3], axis=0).min())
    attenuation = attenuation_of_hu(hu)
    gate = np.clip((hu - BONE_HU[0]) / (BONE_HU[1] - BONE_HU[0]), 0.0, 1.0).astype(np.float32)
    sums = np.zeros((height * width, 2), dtype=np.float32)
    _march(attenuation, attenuation * gate, start, directions, step_mm, sums)
    return sums[:, 0].reshape(height, width), sums[:, 1].reshape(height, width)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=True)
def _march(volume: Any, bone: Any, start: Any, directions: Any, step_mm: float, sums: Any) -> None:
    """Add up both volumes at points ``step_mm`` apart on each ray; ``directions`` are voxels a millimetre."""
    size = volume.shape
    for ray in range(len(directions)):
        first, last = 0.0, 1e9
        for axis in range(3):
            slope = directions[ray, axis]
            if abs(slope) < 1e-12:
                if start[axis] < 0.0 or start[axis] > size[axis] - 1.0:
                    last = -1.0
                continue
            one, two = -start[axis] / slope, (size[axis] - 1.0 - start[axis]) / slope
            first, last = max(first, min(one, two)), min(last, max(one, two))
        count = math.floor((last - first) / step_mm)
        everything, hard = 0.0, 0.0
        for k in range(count):
            at = first + (k + 0.5) * step_mm
            x, y, z = (
                start[0] + at * directions[ray, 0],
                start[1] + at * directions[ray, 1],
                start[2] + at * directions[ray, 2],
            )
            i, j, m = min(int(x), size[0] - 2), min(int(y), size[1] - 2), min(int(z), size[2] - 2)
            fx, fy, fz = x - i, y - j, z - m
            for corner in range(8):
                a, b, c = corner & 1, (corner >> 1) & 1, corner >> 2
                weight = (fx if a else 1.0 - fx) * (fy if b else 1.0 - fy) * (fz if c else 1.0 - fz)
                everything += weight * volume[i + a, j + b, m + c]
                hard += weight * bone[i + a, j + b, m + c]
        sums[ray, 0] = everything * step_mm
        sums[ray, 1] = hard * step_mm
