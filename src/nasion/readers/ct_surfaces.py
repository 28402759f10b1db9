"""Bone and skin surfaces of a head CT."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.decimation import decimate
from nasion.geometry.surface import Mesh
from nasion.readers.ct import CtVolume
from nasion.readers.meshes import components

FloatArray = NDArray[np.float64]
Volume = NDArray[np.float32]
Mask = NDArray[np.bool_]

_COARSE_MM: Final = 2.0
_FILLED_HU: Final = 0.0
_EMPTY_HU: Final = -1000.0


@dataclass(frozen=True)
class SurfaceSettings:
    """How surfaces are taken from a CT.

    Attributes
    ----------
    bone_hu, skin_hu
        Levels of the two surfaces in Hounsfield units.
    triangles
        Each surface is decimated to this number.
    finest_voxel_mm
        Finer voxels are joined to about this size before the surfaces are made.
    holder_thickness_mm
        What is thinner and does not belong to the head's bulk (head rest, straps, table) is cut off.
    protrusion_mm
        How far thin parts of the head itself (ears) may stand out from its bulk; thin bodies that touch the head and
        reach further are no part of it.
    opening_mm
        Openings of the skin up to this width (nostrils, ear canals, lips) are closed, and the air behind them is
        filled.
    pit_mm
        Depth to which such openings stay visible in the skin.
    smallest_bone_share
        Separate bones (mandible, vertebrae) are kept from this share of the largest one's volume.

    """

    bone_hu: float = 226.0
    skin_hu: float = -300.0
    triangles: int = 60_000
    finest_voxel_mm: float = 0.8
    holder_thickness_mm: float = 10.0
    protrusion_mm: float = 40.0
    opening_mm: float = 10.0
    pit_mm: float = 3.0
    smallest_bone_share: float = 0.05


@dataclass(frozen=True)
class CtSurfaces:
    """Skull and skin in head axes, millimetres, triangles counter-clockwise from outside, and one line a warning.

    Where the CT ends, the surfaces are closed by planes.
    """

    skull: Mesh
    skin: Mesh
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Grid:
    """A volume on its working grid: Hounsfield units and index to head axes."""

    hu: Volume
    affine: FloatArray

    @property
    def spacing_mm(self) -> FloatArray:
        spacing: FloatArray = np.linalg.norm(self.affine[:3, :3], axis=0)
        return spacing


def extract_surfaces(ct: CtVolume, settings: SurfaceSettings | None = None) -> CtSurfaces:
    """Return the skull and the outer skin of a head CT.

    The head is the largest thick body; head rest and table are cut away. Air inside (sinuses, airways) is filled for
    the skin. Surfaces are level sets by marching cubes, decimated. A CT without a head or without bone raises
    NasionError.
    """
    settings = settings or SurfaceSettings()
    step_mm = np.clip(ct.spacing_mm, settings.finest_voxel_mm, 2 * settings.finest_voxel_mm)
    grid = _resampled(_Grid(ct.hu, ct.affine), step_mm)  # type: ignore[arg-type]
    coarse = _coarse(grid)
    head = _head(coarse, settings)
    is_far = _is_far(coarse, head, grid)
    is_deep = _fine(_depth_mm(coarse, head, settings), grid) > settings.pit_mm
    hu = np.where(is_far, np.float32(_EMPTY_HU), grid.hu)
    bone, warnings = _bones(hu, settings)
    skull = _level_set(bone, grid.affine, settings.bone_hu, smallest_share=0.01)
    np.maximum(hu, np.float32(_FILLED_HU), out=hu, where=is_deep)
    skin = _level_set(hu, grid.affine, settings.skin_hu, smallest_share=1.0)
    return CtSurfaces(decimate(skull, settings.triangles), decimate(skin, settings.triangles), warnings)


def head_alone(ct: CtVolume) -> CtVolume:
    """Return a head CT with air in the place of head rest and table; a CT without a head raises NasionError."""
    grid = _Grid(ct.hu.astype(np.float32), ct.affine)
    coarse = _coarse(grid)
    is_far = _is_far(coarse, _head(coarse, SurfaceSettings()), grid)
    return replace(ct, hu=np.where(is_far, np.int16(_EMPTY_HU), ct.hu))


def _coarse(grid: _Grid) -> _Grid:
    """Return the volume at about ``_COARSE_MM``; both grids end at the same voxel centres."""
    extent_mm = grid.spacing_mm * (np.array(grid.hu.shape) - 1)
    return _resampled(grid, extent_mm / np.ceil(extent_mm / np.maximum(grid.spacing_mm, _COARSE_MM)))


def _is_far(coarse: _Grid, head: Mask, grid: _Grid) -> Mask:
    """Return the voxels of the fine grid that are no part of the head on the coarse one."""
    far: Mask = _fine(_distance_mm(head, coarse.spacing_mm), grid) > 1.5 * _COARSE_MM
    return far


def _resampled(grid: _Grid, step_mm: FloatArray) -> _Grid:
    """Return the volume at other distances between voxels; the first voxel's centre stays."""
    from scipy.ndimage import affine_transform, gaussian_filter

    factor = step_mm / grid.spacing_mm
    hu = grid.hu
    if np.any(factor > 1.2):
        hu = gaussian_filter(hu, np.where(factor > 1.2, 0.4 * factor, 0.0), output=np.float32, truncate=3.0)
    if np.allclose(factor, 1.0):
        return _Grid(np.asarray(hu, dtype=np.float32), grid.affine)
    shape = tuple(int(n) + 1 for n in np.floor((np.array(hu.shape) - 1) / factor + 1e-6))
    hu = affine_transform(hu, factor, output_shape=shape, output=np.float32, order=1, mode="nearest")
    return _Grid(hu, grid.affine @ np.diag([*factor, 1.0]))


def _head(coarse: _Grid, settings: SurfaceSettings) -> Mask:
    """Return the head's voxels: the largest body after opening, and its thin parts that stand out from it."""
    from scipy.ndimage import binary_dilation, distance_transform_edt, label

    body = coarse.hu > settings.skin_hu
    radius = settings.holder_thickness_mm / 2
    # Voxels beyond the volume continue the body, or a head cut by the volume's end would be eroded there.
    padded = np.pad(body, 3, mode="edge")
    depth = distance_transform_edt(padded, sampling=coarse.spacing_mm)[3:-3, 3:-3, 3:-3]
    core = _largest(depth > radius)
    if core.sum() * np.prod(coarse.spacing_mm) < 1e5:
        raise NasionError("the CT holds no body as large as a head; check that it is a head CT in Hounsfield units")
    opened = (_distance_mm(core, coarse.spacing_mm) <= radius + 0.5 * _COARSE_MM) & body
    labels, _ = label(body & ~opened)
    reach = np.zeros(labels.max() + 1)
    np.maximum.at(reach, labels, _distance_mm(core, coarse.spacing_mm))
    is_own = reach <= settings.protrusion_mm
    is_own[0] = False
    # A foreign body keeps two voxels, so that the cut does not go through the skin.
    head: Mask = binary_dilation(opened, iterations=2, mask=body) | is_own[labels]
    return _largest(head)


def _depth_mm(coarse: _Grid, head: Mask, settings: SurfaceSettings) -> Volume:
    """Return the distance of each voxel to what a ball of ``opening_mm`` can touch from outside the head."""
    from scipy.ndimage import distance_transform_edt, label

    radius = settings.opening_mm / 2
    up_axis = int(np.argmax(np.abs(coarse.affine[1, :3]) / coarse.spacing_mm))
    width = np.full((3, 2), int(np.ceil(radius / _COARSE_MM)) + 2)
    # Above and below, where the volume may cut the head, it goes on as it ends, so that the airway does not open there.
    vertical = np.where(np.arange(3)[:, None] == up_axis, width, 0)
    air = np.pad(np.pad(~head, vertical, mode="edge"), width - vertical, constant_values=True)
    room = distance_transform_edt(air, sampling=coarse.spacing_mm) > radius
    labels, _ = label(room)
    free = labels == labels[0, 0, 0]
    depth = _distance_mm(_distance_mm(free, coarse.spacing_mm) <= radius, coarse.spacing_mm)
    inner = tuple(slice(before, size - after) for (before, after), size in zip(width, depth.shape, strict=True))
    return depth[inner]


def _bones(hu: Volume, settings: SurfaceSettings) -> tuple[Volume, tuple[str, ...]]:
    """Return the volume without the bones that are too small to keep, and warnings."""
    from scipy.ndimage import label

    labels, count = label(hu > settings.bone_hu, structure=np.ones((3, 3, 3)))
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    if count == 0 or sizes.max() < 1000:
        raise NasionError(f"the CT holds no skull above {settings.bone_hu:.0f} HU; check its values or lower the level")
    kept = sizes >= settings.smallest_bone_share * sizes.max()
    kept[0] = True
    bone = np.where(kept[labels], hu, np.minimum(hu, np.float32(settings.bone_hu - 100)))
    warnings = []
    if kept.sum() > 2:
        warnings.append(f"the skull has {kept.sum() - 1} separate bones: the mandible or vertebrae are among them")
    return bone, tuple(warnings)


def _level_set(hu: Volume, affine: FloatArray, level: float, smallest_share: float) -> Mesh:
    """Return the surface where ``hu`` is ``level``; pieces below a share of the largest's triangles are dropped."""
    from skimage.measure import marching_cubes

    padded = np.pad(hu, 1, constant_values=np.float32(_EMPTY_HU))
    try:
        vertices, faces, _, _ = marching_cubes(padded, level)  # type: ignore[no-untyped-call]
    except (ValueError, RuntimeError):
        raise NasionError(f"the CT has no surface at {level:.0f} HU; check that it is a head CT") from None
    # Its triangles are clockwise from outside in index space; a mirroring matrix turns them.
    if np.linalg.det(affine[:3, :3]) > 0:
        faces = faces[:, ::-1]
    pieces = components(faces, len(vertices))
    sizes = np.bincount(pieces)
    faces = faces[(sizes >= smallest_share * sizes.max())[pieces]]
    used, index = np.unique(faces, return_inverse=True)
    return Mesh((vertices[used] - 1) @ affine[:3, :3].T + affine[:3, 3], index.reshape(-1, 3).astype(np.int32))


def _largest(mask: Mask) -> Mask:
    from scipy.ndimage import label

    labels, _ = label(mask)
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    largest: Mask = labels == max(1, int(sizes.argmax()))
    return largest


def _distance_mm(mask: Mask, spacing_mm: FloatArray) -> Volume:
    """Return each voxel's distance to the nearest voxel of the mask, which is not empty."""
    from scipy.ndimage import distance_transform_edt

    distance: Volume = distance_transform_edt(~mask, sampling=spacing_mm).astype(np.float32)
    return distance


def _fine(values: Volume, grid: _Grid) -> Volume:
    """Return values of the coarse grid on the fine grid, which ends at the same voxel centres."""
    from scipy.ndimage import affine_transform

    factor = (np.array(values.shape) - 1) / (np.array(grid.hu.shape) - 1)
    fine: Volume = affine_transform(
        values, factor, output_shape=grid.hu.shape, output=np.float32, order=1, mode="nearest"
    )
    return fine
