"""The overlay experiment's figures: ranks and errors, paired tests, implausible overlays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any, Final

import numpy as np

from nasion.experiments.contestants import CONTESTANTS
from nasion.experiments.judging import Part, PhotoOutcome
from nasion.experiments.plan import Setup
from nasion.experiments.statistics import mean_interval95, signed_rank

VIEWS: Final = ("frontal", "lateral")
Row = dict[str, Any]


def summarise(parts: Sequence[Part], people: int, setup: Setup) -> dict[str, Any]:
    """Return all tables as plain values.

    ``rows`` has each solver on all that it was given; ``common_rows`` the same on the photographs that every solver was
    given, where these are fewer; ``tests`` compares each two solvers on their common photographs.
    """
    outcomes = [outcome for part in parts for outcome in part.outcomes]
    common = _common(outcomes, setup.solvers)
    rows = _rows(outcomes, setup.solvers)
    shared = [o for o in outcomes if _key(o) in common]
    return {
        "scenario": setup.scenario,
        "landmark_noise_face_height": setup.noise.landmark_noise_face_height,
        "direction_error_deg": setup.noise.direction_error_deg,
        "subjects": people,
        "seed": setup.seed,
        "runs": setup.runs,
        "together": setup.together,
        "tissue": setup.tissue.name,
        "chance_mean_rank": (people + 1) / 2,
        "rows": rows,
        "common_rows": _rows(shared, setup.solvers) if len(shared) < len(outcomes) else [],
        "tests": _tests(outcomes, setup.solvers),
        "peak_memory_mib": max((part.peak_memory_mib for part in parts), default=0.0),
    }


def _key(outcome: PhotoOutcome) -> tuple[str, int]:
    return outcome.photo, outcome.run


def _common(outcomes: Sequence[PhotoOutcome], solvers: Sequence[str]) -> set[tuple[str, int]]:
    return set.intersection(*({_key(o) for o in outcomes if o.solver == name} for name in solvers))


def _rows(outcomes: Sequence[PhotoOutcome], solvers: Sequence[str]) -> list[Row]:
    chosen = (
        (solver, view, [o for o in outcomes if o.solver == solver and o.view == view])
        for solver in solvers
        for view in VIEWS
    )
    return [_row(solver, view, own) for solver, view, own in chosen if own]


def _row(solver: str, view: str, outcomes: Sequence[PhotoOutcome]) -> Row:
    ranked = [o for o in outcomes if o.rank is not None]
    ranks, errors = [float(o.rank or 0) for o in ranked], [o.bpe_mm for o in outcomes]
    overlays = sum(o.overlays for o in outcomes)
    of_all = sum(o.overlays for o in ranked)
    runs = sorted({o.run for o in outcomes})
    return {
        "solver": solver,
        "view": view,
        "given": CONTESTANTS[solver].given,
        "mean_rank": float(np.mean(ranks)) if ranks else None,
        "bpe_mm": float(np.mean(errors)),
        "interval95": {
            "mean_rank": list(mean_interval95(ranks, [o.person for o in ranked])) if ranks else None,
            "bpe_mm": list(mean_interval95(errors, [o.person for o in outcomes])),
        },
        "median_bpe_mm": float(np.median(errors)),
        "seconds_per_overlay": sum(o.seconds for o in outcomes) / overlays,
        "outside_face_share": _share([o.outside for o in ranked], of_all),
        "outside_face_share_true_pairs": float(np.mean([o.outside_own for o in outcomes])),
        "worst_run_outside_face_share": max(
            (_share([o.outside for o in own], sum(o.overlays for o in own)) or 0.0)
            for own in ([o for o in ranked if o.run == run] for run in runs)
        ),
        "worst_run_outside_face_share_true_pairs": max(
            float(np.mean([o.outside_own for o in outcomes if o.run == run])) for run in runs
        ),
        "skull_pixels_outside": _share([o.outside_share for o in ranked], of_all),
        "skull_pixels_outside_true_pairs": float(np.mean([o.outside_share_own for o in outcomes])),
        "failures": sum(o.failures for o in outcomes),
        "not_converged": sum(o.not_converged for o in outcomes),
        "n_photographs": len(outcomes),
        "n_ranked": len(ranked),
        "n_overlays": overlays,
    }


def _share(counts: Sequence[float], total: int) -> float | None:
    return sum(counts) / total if total else None


def _tests(outcomes: Sequence[PhotoOutcome], solvers: Sequence[str]) -> list[Row]:
    """Return Wilcoxon signed-rank tests of each two solvers, by view: back-projection error and rank."""
    by_solver = {name: {_key(o): o for o in outcomes if o.solver == name} for name in solvers}
    tests = []
    for first, second in combinations(solvers, 2):
        for view in VIEWS:
            pairs = [
                (a, by_solver[second][key])
                for key, a in by_solver[first].items()
                if a.view == view and key in by_solver[second]
            ]
            ranked = [(a, b) for a, b in pairs if a.rank is not None and b.rank is not None]
            for figure, chosen in (("bpe_mm", pairs), ("rank", ranked)):
                if not chosen:
                    continue
                a, b = ([float(getattr(pair[side], figure)) for pair in chosen] for side in (0, 1))
                test = asdict(signed_rank(a, b, [pair[0].person for pair in chosen]))
                tests.append({"first": first, "second": second, "view": view, "figure": figure, **test})
    return tests
