"""What the network sees: points of a surface, evenly spread, in the standard frame, with their normals.

Burger et al., "2S-SGCN", section 3.2. The standard frame has head axes (+X subject's left, +Y up, +Z front) and holds
the head, or the part of it that the network was trained on, in the cube from -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.poisson_disk import poisson_disk_sample
from nasion.geometry.surface import FloatArray, Mesh
from nasion.geometry.winding import oriented_outward

POINTS: Final = 8000
"""Points of a cloud (Burger et al., section 5.2)."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Where the standard frame lies: ``standard = rotation @ (mesh_mm - center_mm) / scale_mm``.

    Attributes
    ----------
    rotation
        (3, 3) from the mesh's axes to head axes, a proper rotation.
    center_mm
        (3,) mesh coordinates of the origin.
    scale_mm
        Millimetres of one standard unit.

    """

    rotation: FloatArray
    center_mm: FloatArray
    scale_mm: float

    def to_standard(self, points_mm: FloatArray) -> FloatArray:
        """Return (..., 3) mesh points, mm, in the standard frame."""
        standard: FloatArray = (np.asarray(points_mm) - self.center_mm) @ self.rotation.T / self.scale_mm
        return standard

    def to_mesh_mm(self, points: FloatArray) -> FloatArray:
        """Return (..., 3) standard points in the mesh's frame, mm."""
        mesh_mm: FloatArray = np.asarray(points) * self.scale_mm @ self.rotation + self.center_mm
        return mesh_mm


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points of a surface in the standard frame.

    Attributes
    ----------
    points
        (n, 3) standard coordinates, -1 to 1.
    normals
        (n, 3) unit, outward, in the standard frame.
    center_mm, scale_mm, rotation
        As in ``Frame``.

    """

    points: FloatArray
    normals: FloatArray
    center_mm: FloatArray
    scale_mm: float
    rotation: FloatArray

    @property
    def frame(self) -> Frame:
        """Where the standard frame lies."""
        return Frame(self.rotation, self.center_mm, self.scale_mm)

    def to_standard(self, points_mm: FloatArray) -> FloatArray:
        """Return (..., 3) mesh points, mm, in the standard frame."""
        return self.frame.to_standard(points_mm)

    def to_mesh_mm(self, points: FloatArray) -> FloatArray:
        """Return (..., 3) standard points in the mesh's frame, mm."""
        return self.frame.to_mesh_mm(points)


@dataclass(frozen=True, eq=False)
class Sample:
    """A cloud with its landmarks.

    Attributes
    ----------
    cloud
        What the network sees.
    landmarks
        (l, 3) standard coordinates in the scheme's order, NaN where absent.
    person
        Whose head it is: samples of one person stay on one side of a split.
    mesh
        The surface that the cloud was taken from, in its own frame (mm), where it is kept.
    patches
        (l, m, 6) pieces of it round the landmarks, see ``landmark_patches``, where they are kept.

    """

    cloud: Cloud
    landmarks: FloatArray
    person: str
    mesh: Mesh | None = None
    patches: NDArray[np.float16] | None = None


def make_cloud(mesh: Mesh, frame: Frame, count: int = POINTS, seed: int = 0) -> Cloud:
    """Return a cloud of exactly ``count`` points: the part of a surface that lies in the cube of the standard frame.

    The points are spread evenly (Yuksel 2015) and know nothing of the mesh's vertices; the same seed gives the same
    points. Vertices that are not finite are left out with their triangles, and so is what lies outside the cube
    (shoulders); triangles may be wound in any sense.

    Raises
    ------
    NasionError
        No surface lies in the cube.

    """
    return cloud_of_surface(oriented_outward(finite_part(mesh)), frame, count, seed)


def cloud_of_surface(mesh: Mesh, frame: Frame, count: int = POINTS, seed: int = 0) -> Cloud:
    """Return ``make_cloud`` of a mesh whose vertices are finite and whose triangles are wound outward already."""
    standard = mesh.moved(frame.to_standard(mesh.vertices))
    points, normals = poisson_disk_sample(standard, count, seed, within=1.0)
    return Cloud(points, normals, np.asarray(frame.center_mm, dtype=np.float64), float(frame.scale_mm), frame.rotation)


def bounding_frame(mesh: Mesh, rotation: FloatArray | None = None) -> Frame:
    """Return the frame of the paper: centred on the surface's box and scaled so that it fits the cube exactly.

    Parameters
    ----------
    mesh
        The surface.
    rotation
        To head axes; None where the mesh is in head axes already.

    """
    turn = np.eye(3) if rotation is None else np.asarray(rotation, dtype=np.float64)
    turned = finite_part(mesh).vertices @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    return Frame(turn, turn.T @ ((low + high) / 2), max(float((high - low).max()) / 2, np.finfo(float).tiny))


def finite_part(mesh: Mesh) -> Mesh:
    """Return the triangles whose corners are finite numbers, with the vertices that they use.

    Raises
    ------
    NasionError
        No such triangle is left, or a triangle names a vertex that does not exist.

    """
    count = len(mesh.vertices)
    if len(mesh.faces) and (mesh.faces.min() < 0 or mesh.faces.max() >= count):
        raise NasionError("the mesh has triangles that name vertices which do not exist; export it again")
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(mesh.vertices).all(axis=1))
    faces = mesh.faces if finite.all() else mesh.faces[finite[mesh.faces].all(axis=1)]
    if len(faces) == 0:
        raise NasionError("the mesh holds no triangles with finite corners; export a surface mesh, not points")
    used = np.zeros(count, dtype=bool)
    used[faces] = True
    if used.all():
        return mesh
    return Mesh(mesh.vertices[used], (np.cumsum(used, dtype=np.int32) - 1)[faces].astype(np.int32))
