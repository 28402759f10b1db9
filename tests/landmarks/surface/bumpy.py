"""Heads of a hand-made kind: an egg with bumps and dents, whose centres are the landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import trimesh

from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.cloud import Cloud, Sample
from nasion.landmarks.surface.settings import SurfaceNetSettings

NAMES = ("nose", "dent", "left", "right", "top")
TINY = SurfaceNetSettings(points=400, neighbours=8, depth=3, width=32, residual="block", heat_sigma=0.2, top_points=8)
"""A network for four hundred points: their distance is about 0.17."""

_CENTRES = np.array([[0.0, 0.0, 1.0], [0.0, -0.6, 0.8], [0.8, 0.0, 0.6], [-0.8, 0.0, 0.6], [0.0, 0.8, 0.6]])
_HEIGHTS = np.array([0.25, -0.2, 0.12, 0.12, -0.12])
_WIDTH2 = 0.05
_AXES = np.array([0.75, 0.85, 0.7])
SCALE_MM = 110.0


class Head:
    """A surface r(direction), with a person's own places of the bumps."""

    def __init__(self, seed: int, jitter: float = 0.12) -> None:
        rng = np.random.default_rng(seed)
        moved = _CENTRES + rng.normal(0, jitter, _CENTRES.shape)
        self.centres: FloatArray = moved / np.linalg.norm(moved, axis=1, keepdims=True)

    def radius(self, directions: FloatArray) -> FloatArray:
        bumps = np.exp((directions @ self.centres.T - 1) / _WIDTH2) @ _HEIGHTS
        radius: FloatArray = (1 + bumps) / np.linalg.norm(directions / _AXES, axis=1)
        return radius

    def surface(self, directions: FloatArray) -> FloatArray:
        return directions * self.radius(directions)[:, None]

    def normals(self, directions: FloatArray) -> FloatArray:
        step = 1e-5
        aside = np.cross(directions, np.where(abs(directions[:, :1]) < 0.6, [[1.0, 0, 0]], [[0, 1.0, 0]]))
        aside /= np.linalg.norm(aside, axis=1, keepdims=True)
        up = np.cross(directions, aside)
        tangents = []
        for tangent in (aside, up):
            moved = directions + step * tangent
            moved /= np.linalg.norm(moved, axis=1, keepdims=True)
            tangents.append(self.surface(moved) - self.surface(directions))
        normal = np.cross(*tangents)
        normal *= np.sign(np.einsum("ij,ij->i", normal, directions))[:, None]
        unit: FloatArray = normal / np.linalg.norm(normal, axis=1, keepdims=True)
        return unit


def spread_directions(count: int, seed: int) -> FloatArray:
    """Evenly spread directions (Fibonacci), turned at random."""
    k = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * k / count), np.pi * (1 + 5**0.5) * k
    sphere = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    directions: FloatArray = sphere @ turn
    return directions


def sample(seed: int, points: int = 400, absent: Sequence[int] = (), cut: bool = False) -> Sample:
    """Return the head of person ``seed``; with ``cut``, the places round the absent landmarks are a hole."""
    head = Head(seed)
    directions = spread_directions(points, seed + 1000)
    landmarks = head.surface(head.centres)
    landmarks[list(absent)] = np.nan
    ball = trimesh.creation.icosphere(4)
    if cut:
        hidden = head.centres[list(absent)]
        directions = spread_directions(2 * points, seed + 1000)
        directions = directions[(directions @ hidden.T).max(axis=1) < np.cos(0.5)][:points]
    center_mm = np.array([10.0, -20.0, 300.0])
    turn = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    cloud = Cloud(head.surface(directions), head.normals(directions), center_mm, SCALE_MM, turn)
    mesh = Mesh(cloud.to_mesh_mm(head.surface(np.asarray(ball.vertices))), ball.faces)
    return Sample(cloud, landmarks, f"person {seed}", mesh)
