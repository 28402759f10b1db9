"""Fewer triangles for the same surface."""

from __future__ import annotations

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import Mesh


def decimate(mesh: Mesh, triangles: int) -> Mesh:
    """Return the mesh with about ``triangles`` triangles (quadric edge collapse, Garland & Heckbert 1997).

    A mesh that has no more than that already is returned as it is. The triangles' orientation is kept.

    Raises
    ------
    NasionError
        Where fewer than four triangles are asked for.

    """
    if triangles < 4:
        raise NasionError(f"cannot reduce a mesh to {triangles} triangles; ask for 4 or more")
    if len(mesh.faces) <= triangles:
        return mesh
    import fast_simplification

    vertices, faces = fast_simplification.simplify(
        np.ascontiguousarray(mesh.vertices), np.ascontiguousarray(mesh.faces), target_count=triangles
    )
    return Mesh(vertices, faces)
