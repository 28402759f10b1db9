"""Settings of the posterior solver, with units in the names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PosteriorSettings:
    """What the posterior solver assumes where the input says nothing.

    Attributes
    ----------
    landmark_sigma_face_height
        SD of a photograph's landmark as a share of the face height (nasion to gnathion).
    skull_sigma_mm
        SD of a cranial landmark's place, each axis.
    degrees_of_freedom
        Of the Student-t tails of a landmark pair's residual.
    distance_mm, distance_log_sd
        Median and log SD of the subject distance.
    focal_diagonals, focal_log_sd
        Median focal length as a multiple of the image's diagonal, and its log SD (wide: pictures are cropped).
    generic_sigma_mm
        SD of a landmark's place between skulls, each axis: the spread of the generic head that the score compares with.

    """

    landmark_sigma_face_height: float = 0.008
    skull_sigma_mm: float = 1.0
    degrees_of_freedom: float = 10.0
    distance_mm: float = 1500.0
    distance_log_sd: float = 0.6
    focal_diagonals: float = 1.5
    focal_log_sd: float = 0.8
    generic_sigma_mm: float = 3.0


FACE_HEIGHT_MM = 118.0
"""Mean nasion-gnathion height of adults: turns a share of the face height into millimetres."""
