"""Cameras and flags in plain words."""

from __future__ import annotations

from typing import Final

from nasion.casework.records import CameraFigures, Candidate

FLAG_WORDS: Final = {
    "distance_implausible": "the camera would stand implausibly near or far",
    "focal_implausible": "the focal length is implausible",
    "depth_implausible": "the tissue would be implausibly thick or thin",
    "build_factor_implausible": "the face would have to be far thinner or heavier than the table's population",
    "residual_implausible": "at least one landmark lies far outside its uncertainty",
    "not_converged": "the solver did not settle: the figures are doubtful",
    "skull_outside_face": "part of the skull lies outside the face",
}
"""Machine-readable flags in plain words; another flag is shown with blanks for underscores."""

SCORE_DIGITS: Final = {"posest": 4}


def flag_words(flag: str) -> str:
    """Return a flag in plain words."""
    return FLAG_WORDS.get(flag, flag.replace("_", " "))


def score_words(candidate: Candidate) -> str:
    """Return a candidate's score for a table, with the digits that tell its solver's scores apart; "-" for none."""
    if candidate.solution is None:
        return "-"
    return f"{candidate.solution.score:.{SCORE_DIGITS.get(candidate.solution.solver, 2)}f}"


def camera_words(camera: CameraFigures) -> list[str]:
    """Return short sentences on distance, field of view and head pose, with one SD each where it is known."""
    distance = f"Camera to head {_meters(camera.distance_mm, camera.distance_sd_mm)}."
    view = (
        f"Horizontal field of view {_with_sd(camera.field_of_view_deg, camera.field_of_view_sd_deg, '°')}, "
        f"as of a {_with_sd(camera.focal_35mm, camera.focal_35mm_sd, ' mm', 0)} lens on 35 mm film."
    )
    return [distance, view, f"Head {pose_words(camera.pose_deg, camera.pose_sd_deg)}."]


def pose_words(pose_deg: tuple[float, float, float], sd_deg: tuple[float, float, float] | None = None) -> str:
    """Return a head pose in words, from the subject's point of view; turns below 0.5 degrees are left out."""
    words = []
    names = (
        ("turned to its left", "turned to its right"),
        ("chin lowered", "chin raised"),
        ("tilted clockwise in the picture", "tilted anticlockwise in the picture"),
    )
    for k, (positive, negative) in enumerate(names):
        angle = pose_deg[k]
        if abs(angle) >= 0.5:
            figure = _with_sd(abs(angle), None if sd_deg is None else sd_deg[k], "°", 0 if sd_deg is None else 1)
            words.append(f"{positive if angle > 0 else negative} by {figure}")
    return ", ".join(words) or "straight to the camera"


def _meters(value_mm: float, sd_mm: float | None) -> str:
    return _with_sd(value_mm / 1000, None if sd_mm is None else sd_mm / 1000, " m", 2)


def _with_sd(value: float, sd: float | None, unit: str, digits: int = 1) -> str:
    if sd is None:
        return f"{value:.{digits}f}{unit}"
    return f"{value:.{digits}f} ± {sd:.{digits}f}{unit}"
