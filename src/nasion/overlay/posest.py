"""The published baseline POSEST-SFO: fixed tissue vectors, P4Pf in RANSAC, Levenberg-Marquardt.

After Lourakis & Terzakis (POSEST) as applied to skull-face overlay by the paper that Lilium compares with (Lilium,
sections II-A and III-B). Written from that description; the minimal solver is PoseLib's P4Pf.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px
from nasion.overlay.checks import check_usable, shared_pairs
from nasion.overlay.pnpf import LONGEST_FOCAL_DIAGONALS, levenberg_marquardt, ransac_p4pf
from nasion.overlay.problem import OverlayProblem, OverlaySolution, Photo, PhotoSolution, SkullLandmarks

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PosestSettings:
    """RANSAC's settings; the paper leaves them open.

    Attributes
    ----------
    samples
        Random quadruples tried.
    inlier_face_height
        Largest reprojection error of an inlier, as a share of the face height.
    seed
        Of the samples.

    """

    samples: int = 60
    inlier_face_height: float = 0.05
    seed: int = 0


def solve(
    problem: OverlayProblem, tissue_vectors_mm: FloatArray, settings: PosestSettings | None = None
) -> OverlaySolution:
    """Overlay a skull on each photograph by itself.

    Parameters
    ----------
    problem
        Skull and photographs.
    tissue_vectors_mm
        (20, 3) vectors from each cranial to its facial landmark, Frankfurt frame.
    settings
        RANSAC.

    Returns
    -------
    The solution; its score is minus the mean reprojection error over the root mean square spread of the picture's
    landmarks, averaged over the photographs.

    Raises
    ------
    NasionError
        Unusable landmarks, or no camera found.

    """
    settings = settings or PosestSettings()
    started = time.perf_counter()
    frame = head_frame(problem.skull.landmarks_mm, problem.skull.helpers_mm)
    vectors = tissue_vectors_mm @ frame.rotation
    solutions, errors = [], []
    for photo in problem.photos:
        solution, error = _solve_photo(problem.skull, photo, vectors, settings)
        solutions.append(solution)
        errors.append(error)
    score = -float(np.mean(errors))
    return OverlaySolution("posest", tuple(solutions), score, None, None, {}, time.perf_counter() - started)


def _solve_photo(
    skull: SkullLandmarks, photo: Photo, vectors: FloatArray, settings: PosestSettings
) -> tuple[PhotoSolution, float]:
    check_usable(skull, photo)
    names = shared_pairs(skull, photo)
    rows = [j for j, pair in enumerate(PAIRS) if pair.facial in names]
    points = np.array([skull.landmarks_mm[PAIRS[j].cranial] for j in rows]) + vectors[rows]
    origin = points.mean(axis=0)
    principal = photo.prior.principal_point_px or image_center_px(photo.image_size_px)
    observed = np.array([photo.landmarks_px[PAIRS[j].facial] for j in rows], dtype=np.float64)
    diagonal = math.hypot(*photo.image_size_px)
    start = ransac_p4pf(
        points - origin, observed - principal, diagonal, settings.samples, settings.inlier_face_height, settings.seed
    )
    if start is None:
        raise NasionError(f"{photo.name}: posest finds no camera for these landmarks; use --solver posterior")
    rotation, translation, focal = start
    largest = LONGEST_FOCAL_DIAGONALS * diagonal
    rotation, translation, focal, _, ok = levenberg_marquardt(
        points - origin, observed - principal, rotation, translation, focal, largest
    )
    camera = Camera(rotation, translation - rotation @ origin, float(focal), principal, photo.image_size_px)
    predicted = camera.project(points)
    residuals = observed - predicted
    # the paper ranks skulls by the mean pixel error; over the landmarks' spread it also compares photographs
    spread = float(np.sqrt(((observed - observed.mean(axis=0)) ** 2).sum(axis=1).mean()))
    error = float(np.linalg.norm(residuals, axis=1).mean()) / spread
    variance = max(float((residuals**2).sum()) / max(2 * len(names) - 7, 1), 1e-12)
    flags = () if ok else ("not_converged",)
    solution = PhotoSolution(
        photo.name,
        camera,
        tuple(names),
        predicted,
        np.tile(variance * np.eye(2), (len(names), 1, 1)),
        residuals,
        None,
        None,
        flags,
        bool(ok),
    )
    return solution, error
