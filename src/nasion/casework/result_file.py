"""The result file: ``result.json``, on which scripts rely."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from nasion.casework.automatic import REAL_SKULL_SD_MM
from nasion.casework.records import AutomaticLandmarks, Candidate, Case, Comparison, PhotoMeasures, Problem
from nasion.evidence.support import CAVEAT, Support
from nasion.overlay.problem import PhotoSolution, TissueEstimate
from nasion.version import __version__


def result_dict(case: Case) -> dict[str, Any]:
    """Return the content of ``result.json``: plain JSON values, None for everything that is not a finite number."""
    result: dict[str, Any] = _plain(
        {
            "nasion": __version__,
            "command": case.command,
            "inputs": [asdict(file) for file in case.inputs],
            "settings": dict(case.settings),
            "candidates": [_candidate(candidate) for candidate in case.candidates],
            "problems": [problem_dict(problem) for problem in case.problems],
            "notes": list(case.notes),
            "automatic_landmarks": [_automatic(found) for found in case.automatic],
            "support_caveat": CAVEAT,
            "seconds": case.seconds,
        }
    )
    return result


def _automatic(found: AutomaticLandmarks) -> dict[str, Any]:
    points = {**found.file.landmarks, **found.file.helpers}
    return {
        "path": found.path,
        "given": found.given,
        "found_by": found.file.found_by,
        "units": found.file.units,
        "found": {name: point.tolist() for name, point in points.items()},
        "sigma": dict(found.file.sigma),
        "added_sd": REAL_SKULL_SD_MM if found.file.units == "mm" else 0.0,
        "missing": dict(found.file.missing),
    }


def problem_dict(problem: Problem) -> dict[str, Any]:
    """Return a problem as it stands in ``result.json``."""
    return asdict(problem)


def _candidate(candidate: Candidate) -> dict[str, Any]:
    solution = candidate.solution
    return {
        "id": candidate.id,
        "rank": candidate.rank,
        "score": candidate.score,
        "log_likelihood": candidate.log_likelihood,
        "build_factor": None if solution is None else _build_factor(solution.build_factor),
        "support": _support(candidate.support),
        "tissue": {} if solution is None else {name: _tissue(t) for name, t in solution.tissue.items()},
        "seconds": None if solution is None else solution.seconds,
        "photos": [
            _photo(solution.solver, solution.seconds / len(solution.photos), solved, measured)
            for solved, measured in zip(candidate.photos, candidate.measures, strict=True)
        ]
        if solution
        else [],
        "problems": [problem_dict(problem) for problem in candidate.problems],
        **({} if candidate.comparison is None else {"parts": _parts(candidate.comparison)}),
    }


def _parts(comparison: Comparison) -> dict[str, Any]:
    return {
        name: {"score": score, "adds": comparison.shares.get(name), "photo": comparison.photos.get(name)}
        for name, score in comparison.scores.items()
    }


def _photo(solver: str, seconds: float, solved: PhotoSolution, measured: PhotoMeasures) -> dict[str, Any]:
    return {
        "photo": solved.photo,
        "solver": solver,
        "camera": solved.camera.to_dict(),
        "log_likelihood": solved.log_likelihood,
        "residuals_px": dict(measured.residuals_px),
        "residual_rms_px": measured.rms_px,
        "residual_rms_face_height": measured.rms_face_height,
        "outside_face_fraction": measured.outside_face_fraction,
        "flags": list(solved.flags),
        "seconds": seconds,
        "converged": solved.converged,
        "residuals_mm": dict(measured.residuals_mm),
        "residuals_sd": dict(measured.residuals_sd),
        "face_height_px": measured.face_height_px,
        "camera_figures": asdict(measured.camera),
        "camera_covariance": None if solved.camera_covariance is None else solved.camera_covariance.tolist(),
    }


def _support(support: Support | None) -> dict[str, Any] | None:
    return None if support is None else asdict(support)


def _build_factor(factor: tuple[float, float] | None) -> dict[str, float] | None:
    return None if factor is None else {"factor": factor[0], "log_sd": factor[1]}


def _tissue(estimate: TissueEstimate) -> dict[str, list[float]]:
    return {
        "mean_mm": np.asarray(estimate.mean_mm).tolist(),
        "sd_mm": np.asarray(estimate.sd_mm).tolist(),
        "table_mean_mm": np.asarray(estimate.table_mean_mm).tolist(),
    }


def _plain(value: Any) -> Any:
    """Return plain JSON values; NaN and infinities become None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Sequence):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
