"""Cameras, flags and solvers in plain words."""

from __future__ import annotations

from dataclasses import dataclass
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
    "camera_implausible": "the camera lies outside what is known of focal length, distance or pose",
    "no_contour": "contours not compared: none drawn or visible in the photograph",
    "stopped_by_clock": "the search ran into its time limit: the figures are doubtful",
}
"""Machine-readable flags in plain words; another flag is shown with blanks for underscores."""


@dataclass(frozen=True)
class SolverWords:
    """What a report says of a solver.

    Attributes
    ----------
    model
        Under what skull and photographs are held to agree, to end a sentence.
    score
        What its score is.
    score_digits
        Decimal places that tell its scores apart.
    vector
        What it adds to a skull's landmark to predict the skin's.
    spread
        What the SD of a residual is.

    """

    model: str
    score: str
    score_digits: int
    vector: str
    spread: str


_OWN_SPREAD: Final = "This solver knows no spread of its predictions: the SD is that of the photograph's own residuals."

SOLVER_WORDS: Final = {
    "posterior": SolverWords(
        "under a statistical model of soft tissue and camera",
        "natural logarithm of the likelihood ratio between this skull and a generic head, under the model. It orders "
        "candidates; it is not calibrated.",
        2,
        "the tissue table's vector times the build factor",
        "The spread is that of tissue, skull and image landmarks.",
    ),
    "lilium": SolverWords(
        "after a search over soft tissue and camera that penalizes what is implausible",
        "minus the root of the fitness (mean squared error and penalties, px²) over the spread of the landmarks, "
        "averaged over the photographs. 0 is best. It orders candidates.",
        4,
        "the tissue vector that the search found",
        f"{_OWN_SPREAD} The search makes residuals small for nearly everybody: by themselves they tell little.",
    ),
    "posest": SolverWords(
        "with the tissue table's mean vectors and a free camera",
        "minus the mean reprojection error over the spread of the landmarks, averaged over the photographs. 0 is best. "
        "It orders candidates.",
        4,
        "the tissue table's mean vector",
        _OWN_SPREAD,
    ),
}

RADIOGRAPH_WORDS: Final = SolverWords(
    "as a network that was trained on virtual people sees radiographs and photographs",
    "how alike the network finds the radiograph and the person's best photograph of its view. It orders candidates; it "
    "is not calibrated.",
    3,
    "",
    "",
)
"""Of a case with radiographs and no skull to overlay."""

FUSED_SCORE: Final = (
    "the sum of what overlay and radiographs add (below). It orders candidates; it is not calibrated on solved cases. "
    "Degrees of support and likelihood ratios are those of the overlay alone."
)

RADIOGRAPH_CAVEAT: Final = (
    "Ranks and scores have not been tested against a collection of solved cases. They depend on the network, on the "
    "landmarks as they were placed and on the candidates in this run; they are no probability that a person is the "
    "right one, and they say nothing about people who are not in the run."
)
"""The same of radiographs alone."""

SCORE_CAVEAT: Final = (
    "Ranks and scores have not been tested against a collection of solved cases. They depend on the tissue table, on "
    "the landmarks as they were placed and on the candidates in this run; they are no probability that a person is the "
    "right one, and they say nothing about people who are not in the run."
)
"""What scores without likelihood must be read with."""


def flag_words(flag: str) -> str:
    """Return a flag in plain words."""
    return FLAG_WORDS.get(flag, flag.replace("_", " "))


def score_words(candidate: Candidate) -> str:
    """Return a candidate's score for a table, with the digits that tell its solver's scores apart; "-" for none."""
    if candidate.comparison is not None:
        return "-" if candidate.score is None else f"{candidate.score:.{RADIOGRAPH_WORDS.score_digits}f}"
    if candidate.solution is None:
        return "-"
    return f"{candidate.solution.score:.{SOLVER_WORDS[candidate.solution.solver].score_digits}f}"


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
