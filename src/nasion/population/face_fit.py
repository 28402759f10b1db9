"""Points that hold a face on a skull away from the landmarks: on the scalp, on the cheeks, under the chin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.population.skin_shell import largest_part, rims
from nasion.population.template import Template

_CONE: Final = np.cos(np.radians(7.0))


@dataclass(frozen=True, eq=False)
class ScalpAnchors:
    """Directions from the vault's middle in which skull and scalp are held together.

    Attributes
    ----------
    skull_vertices, face_vertices
        (k,) the outermost vertex of each mesh in each direction.
    directions
        (k, 3) unit vectors.

    """

    skull_vertices: IntArray
    face_vertices: IntArray
    directions: FloatArray

    def on_skull(self, skull: Mesh) -> FloatArray:
        """Return (k, 3) places on a skull."""
        return skull.vertices[self.skull_vertices]

    def on_face(self, face: Mesh) -> FloatArray:
        """Return (k, 3) places on a face."""
        return face.vertices[self.face_vertices]


def scalp_anchors(skull: Mesh, face: Mesh) -> ScalpAnchors:
    """Return anchors on the vault above and behind the face, both meshes in the head frame."""
    middle = np.array([0.0, 45.0, 5.0])
    skull_vertices, face_vertices, kept = [], [], []
    for direction in _vault_directions():
        bone, skin = (_outermost(mesh.vertices - middle, direction) for mesh in (skull, face))
        if bone is not None and skin is not None:
            skull_vertices.append(bone)
            face_vertices.append(skin)
            kept.append(direction)
    return ScalpAnchors(
        np.array(skull_vertices, dtype=np.int32), np.array(face_vertices, dtype=np.int32), np.array(kept).reshape(-1, 3)
    )


def _vault_directions() -> FloatArray:
    """Return directions on rings round the vault: azimuth from the left over the back to the right, and the top."""
    rings = [(5.0, (0, -25, -55, -90)), (35.0, (20, -20, -55, -90)), (65.0, (35, -30, -90))]
    found = []
    for height, azimuths in rings:
        for azimuth in azimuths:
            for sign in (1, -1):
                h, a = np.radians(height), np.radians(azimuth)
                found.append((sign * np.cos(h) * np.cos(a), np.sin(h), np.cos(h) * np.sin(a)))
    return np.unique(np.round(found, 9), axis=0)


def _outermost(offsets: FloatArray, direction: FloatArray) -> int | None:
    radius = np.linalg.norm(offsets, axis=1)
    within = np.flatnonzero(offsets @ direction > _CONE * radius)
    return None if len(within) == 0 else int(within[np.argmax(radius[within])])


_PADS: Final = (
    # Middle of these facial points (one side), tissue depth over which the build factor acts (T-Table 2023).
    (("zygion", "cheilion", "alare", "gonion"), 20.0),
    (("orbitale", "alare", "zygion"), 6.5),
    (("gonion", "zygion", "tragion"), 15.0),
    (("gonion", "gnathion"), 11.0),
)
_SCALP_MM: Final = 5.5
_NECK_HOLDS: Final = 10
_SOFTNESS_MM: Final = 10.0


class FaceFitter:
    """Bends a face onto a person's skull."""

    def __init__(self, template: Template) -> None:
        face = template.face
        self._anchors = scalp_anchors(template.skull, face)
        self._pads, self._pad_depths = _pads(template)
        rim = _neck_rim(face)
        self._neck = rim[np.linspace(0, len(rim), _NECK_HOLDS, endpoint=False).astype(int)] if len(rim) else rim
        round_pads = face.faces[np.isin(face.faces, self._pads).any(axis=1)]
        self._round, numbered = np.unique(round_pads, return_inverse=True)
        self._round_faces = numbered.reshape(-1, 3).astype(np.int32)
        self._pads_there = np.searchsorted(self._round, self._pads)

    def fitted(
        self, face: FloatArray, landmarks: FloatArray, wanted: FloatArray, skull: Mesh, build_factor: float
    ) -> FloatArray:
        """Return (n, 3) vertices of the face whose landmarks lie at ``wanted``.

        Parameters
        ----------
        face
            (n, 3) vertices under the skull's own warp.
        landmarks, wanted
            (20, 3) where the facial landmarks are and where they must be.
        skull
            The person's.
        build_factor
            1 for the template's cheeks; more for fuller ones.

        """
        source, target = self.controls(face, landmarks, wanted, skull, build_factor)
        return soft_warp(source, target, face)

    def controls(
        self, face: FloatArray, landmarks: FloatArray, wanted: FloatArray, skull: Mesh, build_factor: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return where (k, 3) points of the face are and where the skull, the tissue and the build want them.

        The parameters are those of ``fitted``; the twenty landmarks come first.
        """
        scalp = self._anchors.on_skull(skull) + _SCALP_MM * np.sqrt(build_factor) * self._anchors.directions
        normals = Mesh(face[self._round], self._round_faces).vertex_normals()[self._pads_there]
        pads = face[self._pads]
        neck = face[self._neck]
        middle = neck.mean(axis=0) if len(neck) else np.zeros(3)
        wider = neck + (build_factor**0.3 - 1.0) * (neck - middle) * [1.0, 0.0, 1.0]
        fullness = (build_factor - 1.0) * self._pad_depths[:, None] * normals
        source = np.concatenate([landmarks, face[self._anchors.face_vertices], pads, neck])
        target = np.concatenate([wanted, scalp, pads + fullness, wider])
        return source, target


def soft_warp(source: FloatArray, target: FloatArray, points: FloatArray) -> FloatArray:
    """Return points under the multiquadric warp through the controls.

    Unlike the biharmonic kernel it has no cusp at a control, which skin would show as a dimple where neighbouring
    controls disagree.
    """
    moved: FloatArray = points + _multiquadric(source, target - source, points)
    return moved


def soft_weights(source: FloatArray, points: FloatArray) -> FloatArray:
    """Return (n, k) weights: ``soft_warp(source, target, points)`` is ``points + weights @ (target - source)``."""
    return _multiquadric(source, np.eye(len(source)), points)


def _multiquadric(source: FloatArray, values: FloatArray, points: FloatArray) -> FloatArray:
    from scipy.interpolate import RBFInterpolator

    warp = RBFInterpolator(source, values, kernel="multiquadric", epsilon=1.0 / _SOFTNESS_MM, degree=1)
    found: FloatArray = warp(points)
    return found


def _pads(template: Template) -> tuple[IntArray, FloatArray]:
    points = {**template.facial, **template.facial_helpers}
    found, depths = [], []
    for side in ("left", "right"):
        for names, depth in _PADS:
            at = [points.get(f"{name}_{side}", points.get(name)) for name in names]
            if any(point is None for point in at):
                continue
            middle = np.mean(np.array(at, dtype=np.float64), axis=0)
            found.append(int(np.argmin(np.linalg.norm(template.face.vertices - middle, axis=1))))
            depths.append(depth)
    return np.array(found, dtype=np.int32), np.array(depths)


def _neck_rim(face: Mesh) -> IntArray:
    loops = rims(largest_part(face))
    longest: IntArray = max(loops, key=len) if loops else np.empty(0, dtype=np.int32)
    return longest
