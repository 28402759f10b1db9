"""The template that is bent into people: a skull in a face, with landmarks on both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.anatomy.planes import FRANKFURT_POINTS, frankfurt_rotation
from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh

Points = Mapping[str, FloatArray]


@dataclass(frozen=True, eq=False)
class Template:
    """A skull and a face that fit each other.

    Attributes
    ----------
    name
        Shown in the population's record.
    skull, face
        Meshes in one frame, millimetres. The face is a head's skin, closed but for small holes (eyes, nostrils, mouth)
        and the neck's rim.
    cranial, facial
        The twenty cranial and the twenty facial landmarks, name to (3,) mm.
    cranial_helpers, facial_helpers
        Further points; porion and orbitale of both sides must be among the cranial ones.
    face_albedo
        (n, 3) sRGB colour of the face's vertices, 0 to 1.
    identity_modes
        (k, n, 3) float32 displacements of the face's vertices in mm, each of unit standard deviation; None for none.

    """

    name: str
    skull: Mesh
    face: Mesh
    cranial: Points
    cranial_helpers: Points
    facial: Points
    facial_helpers: Points
    face_albedo: FloatArray
    identity_modes: NDArray[np.float32] | None = None

    def checked(self) -> Template:
        """Return the template itself after a check of its parts.

        Raises
        ------
        NasionError
            A landmark or a helper is missing, or arrays do not fit the face.

        """
        for scheme, points in (("cranial20", self.cranial), ("facial20", self.facial)):
            missing = [name for name in SCHEMES[scheme] if name not in points]
            if missing:
                raise NasionError(f"template {self.name}: {scheme} landmark {', '.join(missing)} is missing; add it")
        missing = [name for name in FRANKFURT_POINTS if name not in self.cranial_helpers]
        if missing:
            raise NasionError(
                f"template {self.name}: cranial helper {', '.join(missing)} is missing; the Frankfurt frame needs it"
            )
        n = len(self.face.vertices)
        if self.face_albedo.shape != (n, 3):
            raise NasionError(f"template {self.name}: face_albedo is {self.face_albedo.shape}; it must be ({n}, 3)")
        modes = self.identity_modes
        if modes is not None and (modes.ndim != 3 or modes.shape[1:] != (n, 3)):
            raise NasionError(f"template {self.name}: identity_modes is {modes.shape}; it must be (k, {n}, 3)")
        return self

    def canonicalised(self) -> Template:
        """Return the template in the head frame: Frankfurt horizontal, origin between the porions."""
        rotation, translation = frankfurt_motion({**self.cranial, **self.cranial_helpers})
        return self.moved(rotation, translation)

    def moved(self, rotation: FloatArray, translation_mm: FloatArray) -> Template:
        """Return the template under ``x -> rotation @ x + translation_mm``."""
        modes = self.identity_modes
        return replace(
            self,
            skull=self.skull.transformed(rotation, translation_mm),
            face=self.face.transformed(rotation, translation_mm),
            cranial=moved_points(self.cranial, rotation, translation_mm),
            cranial_helpers=moved_points(self.cranial_helpers, rotation, translation_mm),
            facial=moved_points(self.facial, rotation, translation_mm),
            facial_helpers=moved_points(self.facial_helpers, rotation, translation_mm),
            identity_modes=None if modes is None else (modes @ rotation.T.astype(np.float32)),
        )


def moved_points(points: Points, rotation: FloatArray, translation_mm: FloatArray) -> dict[str, FloatArray]:
    """Return named points under ``x -> rotation @ x + translation_mm``."""
    return {name: rotation @ np.asarray(point, dtype=np.float64) + translation_mm for name, point in points.items()}


def frankfurt_motion(points: Points) -> tuple[FloatArray, FloatArray]:
    """Return the rotation and translation that bring a head into its Frankfurt frame, origin between the porions.

    Parameters
    ----------
    points
        Cranial landmarks and helpers, porion and orbitale among them; the axes are those that the solvers find from the
        same points (``anatomy.planes.frankfurt_rotation``).

    Raises
    ------
    NasionError
        Porion or orbitale is missing, or they span no plane.

    """
    rotation = frankfurt_rotation(points)
    if rotation is None:
        raise NasionError("porion of both sides and an orbitale are needed for the Frankfurt frame; add them")
    middle = (np.asarray(points["porion_left"]) + np.asarray(points["porion_right"])) / 2
    return rotation, -rotation @ middle
