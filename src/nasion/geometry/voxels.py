"""A solid on a grid: which voxels a surface holds, and the level sets under it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.geometry.paths import row_crossings, top_down
from nasion.geometry.surface import FloatArray, Mesh


@dataclass(frozen=True, eq=False)
class DepthGrid:
    """How deep each voxel lies in a solid.

    Attributes
    ----------
    depth_mm
        (nx, ny, nz) float32, 0 outside.
    low_mm
        (3,) the first voxel's centre.
    step_mm
        Between voxels.

    """

    depth_mm: NDArray[np.float32]
    low_mm: FloatArray
    step_mm: float

    @classmethod
    def of(cls, mesh: Mesh, step_mm: float) -> DepthGrid:
        """Return the depths in a surface; where it is open the nearest column of voxels that it closes counts."""
        from scipy.ndimage import distance_transform_edt

        low = mesh.vertices.min(axis=0) - 2.5 * step_mm
        counts = np.ceil((mesh.vertices.max(axis=0) - low) / step_mm).astype(int) + 3
        crossings = np.zeros((*counts[:2], counts[2] + 1), dtype=np.int32)
        _cross((mesh.vertices - low) / step_mm, mesh.faces, crossings)
        open_columns = crossings.sum(axis=2) != 0
        if open_columns.any() and not open_columns.all():
            i, j = distance_transform_edt(open_columns, return_distances=False, return_indices=True)
            crossings = crossings[i, j]
        inside = np.cumsum(crossings, axis=2)[:, :, :-1] > 0
        depth = distance_transform_edt(inside, sampling=step_mm)
        return cls(np.asarray(depth, dtype=np.float32), low, step_mm)

    def points(self) -> FloatArray:
        """Return (nx, ny, nz, 3) voxel centres, mm."""
        axes = [self.low_mm[k] + self.step_mm * np.arange(n) for k, n in enumerate(self.depth_mm.shape)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def solid(self, field: NDArray[np.float32], triangles: int) -> Mesh | None:
        """Return the surface round all voxels at which a smooth field is above 0, None where there are none."""
        from skimage.measure import marching_cubes

        from nasion.geometry.decimation import decimate

        if not (field > 0).any():
            return None
        padded = np.pad(field, 1, constant_values=min(float(field.min()), -1.0))
        vertices, faces, _, _ = marching_cubes(padded, 0.0, gradient_direction="ascent")  # type: ignore[no-untyped-call]
        return decimate(Mesh((vertices - 1.0) * self.step_mm + self.low_mm, faces), triangles)


@njit(cache=True, nogil=True, error_model="numpy")
def _cross(points: Any, faces: Any, crossings: Any) -> None:
    """Add +1 where a column along z enters the solid and -1 where it leaves, at the first voxel behind."""
    nz = crossings.shape[2]
    for face in range(len(faces)):
        i, j, k = faces[face, 0], faces[face, 1], faces[face, 2]
        x0, y0, x1, y1, x2, y2 = points[i, 0], points[i, 1], points[j, 0], points[j, 1], points[k, 0], points[k, 1]
        z0, z1, z2 = points[i, 2], points[j, 2], points[k, 2]
        area2 = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
        if area2 == 0.0:
            continue
        along_x = ((z1 - z0) * (y2 - y0) - (z2 - z0) * (y1 - y0)) / area2
        along_y = ((z2 - z0) * (x1 - x0) - (z1 - z0) * (x2 - x0)) / area2
        # seen along +z a counter-clockwise outside (area above 0) looks to +z: the column leaves there
        sign = -1 if area2 > 0.0 else 1
        ax, ay, az = x0, y0, z0
        x0, y0, x1, y1, x2, y2 = top_down(x0, y0, x1, y1, x2, y2)
        for y in range(math.ceil(y0), math.ceil(y2)):
            low, high = row_crossings(y, x0, y0, x1, y1, x2, y2)
            for x in range(math.ceil(low), math.ceil(high)):
                z = az + along_x * (x - ax) + along_y * (y - ay)
                crossings[x, y, min(max(math.ceil(z), 0), nz - 1)] += sign
