"""The profile experiment's figures and their table as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from nasion.experiments.markdown import grid, with_interval
from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.bone_mask import frankfurt_axes
from nasion.reconstruction.profile.kernels import KernelSettings
from nasion.reconstruction.profile.samples import SOFT, Profile, ProfileSample
from nasion.retrieval.intervals import mean_intervals95

FLOOR: Final = "mean-shape"
_CHI2_90: Final = 4.605
"""Of two degrees of freedom: the square of a 90 % ellipse's radius in standard deviations."""


@dataclass(frozen=True, eq=False)
class Told:
    """What a method told of the test films.

    Attributes
    ----------
    profiles
        One a film.
    chosen
        The kernel and its error in cross-validation, where there is one.
    about
        What else the table shall hold of the method.

    """

    profiles: Sequence[Profile]
    chosen: tuple[KernelSettings, float] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)


def profile_table(told: Mapping[str, Told], samples: Sequence[ProfileSample]) -> dict[str, Any]:
    """Return the figures of each method, under ``"methods"``; intervals are over people.

    Parameters
    ----------
    told
        By method; ``FLOOR`` among them.
    samples
        The test films' truth.

    """
    floor = _errors(told[FLOOR].profiles, samples).mean(axis=1)
    return {"methods": {name: _figures(own, samples, floor) for name, own in told.items()}}


def _figures(told: Told, samples: Sequence[ProfileSample], floor: FloatArray) -> dict[str, Any]:
    errors = _errors(told.profiles, samples)
    people = [sample.person for sample in samples]
    mean = errors.mean(axis=1)
    values = np.column_stack([mean, errors, _depth_errors(told.profiles, samples).mean(axis=1), mean - floor])
    intervals = mean_intervals95(values, people)
    figures: dict[str, Any] = {
        "mean_error_mm": float(mean.mean()),
        "interval95": intervals[0].tolist(),
        "per_landmark_mm": by_landmark(errors.mean(axis=0)),
        "per_landmark_interval95": {name: intervals[1 + k].tolist() for k, name in enumerate(SOFT)},
        "median_error_mm": float(np.median(errors)),
        "p90_error_mm": float(np.quantile(errors, 0.9)),
        "depth_error_mm": float(values[:, -2].mean()),
        "depth_interval95": intervals[-2].tolist(),
        "minus_floor_mm": float(values[:, -1].mean()),
        "minus_floor_interval95": intervals[-1].tolist(),
        **told.about,
    }
    if told.chosen is not None:
        figures["kernel"], figures["cross_validation_mm"] = asdict(told.chosen[0]), told.chosen[1]
    covariances = [profile.covariance_mm2 for profile in told.profiles]
    known = [covariance for covariance in covariances if covariance is not None]
    if len(known) == len(samples):
        figures["within_90_percent_ellipse"] = float(np.mean(_squares(told.profiles, samples) <= _CHI2_90))
        figures["mean_sd_mm"] = float(np.sqrt(np.trace(np.array(known), axis1=2, axis2=3) / 2).mean())
    return figures


def by_landmark(values: FloatArray) -> dict[str, float]:
    """Return the (4,) values by the landmarks' names."""
    return {name: float(value) for name, value in zip(SOFT, values, strict=True)}


def _off(profiles: Sequence[Profile], samples: Sequence[ProfileSample]) -> FloatArray:
    return np.array([told.points_mm - sample.soft_mm for told, sample in zip(profiles, samples, strict=True)])


def _errors(profiles: Sequence[Profile], samples: Sequence[ProfileSample]) -> FloatArray:
    """Return the (n, 4) distances, mm."""
    return np.asarray(np.linalg.norm(_off(profiles, samples), axis=2), dtype=np.float64)


def _depth_errors(profiles: Sequence[Profile], samples: Sequence[ProfileSample]) -> FloatArray:
    """Return the (n, 4) errors to the front or back along the Frankfurt axis, mm."""
    front = np.array([frankfurt_axes(sample.film.hard_mm)[0] for sample in samples])
    return np.asarray(np.abs(np.einsum("nkd,nd->nk", _off(profiles, samples), front)), dtype=np.float64)


def _squares(profiles: Sequence[Profile], samples: Sequence[ProfileSample]) -> FloatArray:
    """Return the (n, 4) squared distances in the units of each method's own covariances."""
    off = _off(profiles, samples)
    covariance = np.array([profile.covariance_mm2 for profile in profiles])
    made: FloatArray = np.einsum("nki,nki->nk", off, np.linalg.solve(covariance, off[..., None])[..., 0])
    return made


def profile_table_markdown(table: dict[str, Any]) -> str:
    """Return the table as Markdown."""
    blocks = ["# The profile from the bone of real X-rays", _protocol(table), _rows(table)]
    if (found := table.get("found_landmarks")) is not None and found["films"]:
        blocks += [
            f"With bony landmarks that a network found on the stripped film (mean error {found['hard_error_mm']:.2f} "
            f"mm; {found['films']} films, {len(found['failures'])} could not be used):",
            _rows(found),
        ]
    return "\n\n".join(blocks) + "\n"


def _rows(table: dict[str, Any]) -> str:
    names = [name.replace("_", " ") for name in SOFT]
    head = ("method", "mean error mm", "minus mean-shape", *names, "front-back mm", "within own 90 %")
    rows = [
        (
            name,
            with_interval(own["mean_error_mm"], own["interval95"]),
            "-" if name == FLOOR else with_interval(own["minus_floor_mm"], own["minus_floor_interval95"]),
            *(f"{own['per_landmark_mm'][key]:.2f}" for key in SOFT),
            with_interval(own["depth_error_mm"], own["depth_interval95"]),
            f"{own['within_90_percent_ellipse']:.0%}" if "within_90_percent_ellipse" in own else "-",
        )
        for name, own in table["methods"].items()
    ]
    return grid(head, rows)


def _protocol(table: dict[str, Any]) -> str:
    test, out, reader = table["test"], table["left_out"], table["reader_mm"]
    chosen = [
        f"`{name}` {own['cross_validation_mm']:.2f} mm"
        for name, own in table["methods"].items()
        if "cross_validation_mm" in own
    ]
    unlisted = "" if out["pairs_table"] else " There is no table of films of one patient: unknown ones may remain."
    pairs = ", ".join(" and ".join(pair) for pair in out["found_by_picture"])
    unlisted += f" Found alike by their pictures alone: {pairs}." if pairs else ""
    repeat = ""
    if reader is not None:
        repeat = (
            f" The reader's own points of {reader['films']} films marked twice lie {reader['mean']:.2f} mm apart once "
            "their bony points are aligned."
        )
    return (
        f"Learnt from {table['train']['films']} films of {table['train']['people']} people, judged on {test['films']} "
        f"films of {test['people']} others; {out['films']} test films of {out['people']} people who are also learnt "
        f"from are left out.{unlisted} The films' soft tissue is masked by a polygon of bony landmarks. Distances in "
        f"mm, scale {table['scale']}. Intervals: 95 %, bootstrap over people. Mean error in cross-validation over the "
        f"people learnt from: {', '.join(chosen)}.{repeat}"
    )
