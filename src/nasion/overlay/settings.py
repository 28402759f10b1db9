"""Settings of the posterior solver, with units in the names."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class OutlineSettings:
    """Assumptions of the outline's residuals.

    Attributes
    ----------
    points
        Outline points used, evenly along the outline.
    independent_points
        How many independent observations they count for: neighbours err alike.
    least_tissue_mm
        Soft tissue that covers the skull everywhere, at build factor 1.
    border_sigma_mm
        SD of the mask's border and of the outline.
    degrees_of_freedom
        Of the residuals' Student-t tails: a mask that leaves out the hair must not drag the skull with it.
    forehead_mm, chin_jaw_mm
        Mean and SD of the soft-tissue depth along the contour: T-Table 2023 (Hona & Stephan 2024, second-hand)
        glabella and vertex for the forehead; gnathion, menton, pogonion and mid-mandibular border for chin and jaw.

    """

    points: int = 96
    independent_points: float = 16.0
    least_tissue_mm: float = 2.0
    border_sigma_mm: float = 1.0
    degrees_of_freedom: float = 3.0
    forehead_mm: tuple[float, float] = (5.2, 1.3)
    chin_jaw_mm: tuple[float, float] = (9.0, 3.0)


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
    outline
        Assumptions of the outline's terms.

    """

    landmark_sigma_face_height: float = 0.008
    skull_sigma_mm: float = 1.0
    degrees_of_freedom: float = 15.0
    distance_mm: float = 1500.0
    distance_log_sd: float = 0.6
    focal_diagonals: float = 1.5
    focal_log_sd: float = 0.8
    generic_sigma_mm: float = 3.0
    outline: OutlineSettings = field(default_factory=OutlineSettings)


FACE_HEIGHT_MM = 118.0
"""Mean nasion-gnathion height of adults: turns a share of the face height into millimetres."""
