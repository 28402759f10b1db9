"""Soft-tissue cones as triangle meshes: exactly the points that Lilium's genes reach."""

from __future__ import annotations

import math

import numpy as np

from nasion.geometry.surface import FloatArray, Mesh

ROUND, OVER = 48, 10
"""Triangles round the axis, and rings from the tip of the cap to its rim."""


def cone_mesh(
    apex: FloatArray, axis: FloatArray, u: FloatArray, w: FloatArray, height: float, half_angle: float
) -> Mesh:
    """Return the closed surface of a cone with a rounded base: all points within a distance and an angle.

    A gene's length ``a * height`` is measured along the vector, not along the axis, so the base is a part of a sphere
    round the apex: its tip lies at ``height`` on the axis, its rim at ``height`` and ``half_angle`` from the axis.

    Parameters
    ----------
    apex
        (3,) mm, the cranial landmark.
    axis, u, w
        (3,) orthonormal.
    height, half_angle
        Longest vector, mm, and largest angle from the axis, radians.

    Returns
    -------
    Vertex 0 is the apex, vertex 1 the cap's tip, the last ``ROUND`` vertices are the rim.

    """
    turn = np.linspace(0, 2 * math.pi, ROUND, endpoint=False)
    across = np.cos(turn)[:, None] * u + np.sin(turn)[:, None] * w
    angles = half_angle * np.arange(1, OVER + 1) / OVER
    rings = [apex + height * (math.cos(angle) * axis + math.sin(angle) * across) for angle in angles]
    vertices = np.concatenate([[apex, apex + height * axis], *rings])
    here = np.arange(ROUND)
    there = (here + 1) % ROUND
    faces = [np.column_stack([np.ones(ROUND), 2 + here, 2 + there])]
    for ring in range(OVER - 1):
        a, b = 2 + ring * ROUND, 2 + (ring + 1) * ROUND
        faces += [np.column_stack([a + here, b + here, b + there]), np.column_stack([a + here, b + there, a + there])]
    rim = 2 + (OVER - 1) * ROUND
    faces.append(np.column_stack([np.zeros(ROUND), rim + there, rim + here]))
    handed = float(np.cross(u, w) @ axis)
    triangles = np.concatenate(faces).astype(np.int32)
    # a right side's u and w are mirror images, so its triangles would face inwards
    return Mesh(vertices, triangles if handed > 0 else triangles[:, ::-1])


def joined(meshes: list[Mesh]) -> Mesh:
    """Return several meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))
