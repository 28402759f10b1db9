"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.overlay.problem import CameraPrior

FOCAL_RELATIVE_SD: Final = 0.05
DISTANCE_RELATIVE_SD: Final = 0.1
POSE_SD_DEG: Final = 10.0

Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of all random numbers.")]
Units = Annotated[str | None, typer.Option("--units", help="Of meshes and landmarks in space: mm, cm, m or in.")]
Solver = Annotated[str, typer.Option("--solver", help="posterior, lilium or posest.")]
Terms = Annotated[str | None, typer.Option("--terms", help="Of lilium: base, skof, par or all (the default).")]
Tissue = Annotated[Path | None, typer.Option("--tissue", help="Tissue table of your own population (docs/tissue.md).")]
Focal = Annotated[
    str | None,
    typer.Option("--focal", metavar="PX[:SD]", help="Focal length in pixels; EXIF is used where it is absent."),
]
Distance = Annotated[str | None, typer.Option("--distance", metavar="MM[:SD]", help="Distance of camera and head.")]
Pose = Annotated[
    str | None,
    typer.Option(
        "--pose",
        metavar="YAW,PITCH,ROLL[:SD]",
        help="Head pose in degrees: turned to the subject's left, chin down, tilted clockwise in the picture.",
    ),
]
Mask = Annotated[
    str,
    typer.Option("--mask", help="Face of photographs without a mask: files (none) or auto (found by the landmarks)."),
]
AcceptSides = Annotated[
    bool, typer.Option("--accept-sides", help="Go on where left and right landmarks look exchanged.")
]
Scheme = Annotated[str, typer.Option("--scheme", help="cranial20, facial20 or ibug68.")]
Templates = Annotated[
    list[str] | None,
    typer.Option("--template", help="'builtin' (the default) or a template folder; several times for several."),
]
FaceModel = Annotated[
    Path | None, typer.Option("--face-model", help="Folder of the face model, for faces with expressions.")
]
Preset = Annotated[str, typer.Option("--preset", help="small (CPU) or paper (GPU).")]
Device = Annotated[str, typer.Option("--device", help="cpu or cuda.")]
Details = Annotated[int, typer.Option("--details", min=1, help="Candidates that the report shows in full.")]


def template_names(given: list[str]) -> tuple[str, ...]:
    """Return templates by the built-in one's name or by the whole path of their folder."""
    from nasion.population.template_source import BUILTIN

    return tuple(name if name == BUILTIN else str(Path(name).resolve()) for name in given)


def camera_prior(focal: str | None, distance: str | None, pose: str | None) -> CameraPrior:
    """Return the camera knowledge of the options.

    Raises
    ------
    NasionError
        A value is not of its form.

    """
    from nasion.overlay.problem import CameraPrior

    return CameraPrior(
        focal_px=_with_sd("--focal", focal, FOCAL_RELATIVE_SD),
        distance_mm=_with_sd("--distance", distance, DISTANCE_RELATIVE_SD),
        pose_deg=_pose(pose),
    )


def _number(option: str, text: str) -> float:
    import math

    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise NasionError(f"{option}: {text!r} is not a number; see --help for the form")
    return value


def _with_sd(option: str, text: str | None, relative_sd: float) -> tuple[float, float] | None:
    if text is None:
        return None
    value, _, spread = text.partition(":")
    mean = _number(option, value)
    sd = _number(option, spread) if spread else relative_sd * mean
    if mean <= 0 or sd <= 0:
        raise NasionError(f"{option}: value and SD must be above 0, not {text}")
    return mean, sd


def _pose(text: str | None) -> tuple[tuple[float, float, float], float] | None:
    if text is None:
        return None
    angles, _, spread = text.partition(":")
    values = [_number("--pose", part) for part in angles.split(",")]
    sd = _number("--pose", spread) if spread else POSE_SD_DEG
    if len(values) != 3 or sd <= 0:
        raise NasionError(f"--pose: {text!r} is not YAW,PITCH,ROLL[:SD], three angles in degrees and an SD above 0")
    return (values[0], values[1], values[2]), sd
