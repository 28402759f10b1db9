"""``nasion overlay``, ``nasion identify`` and ``nasion demo``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasion.cli.options import (
    AcceptSides,
    Details,
    Distance,
    Focal,
    Force,
    Jobs,
    Mask,
    Out,
    Pose,
    Seed,
    Solver,
    Terms,
    Tissue,
    Units,
    camera_prior,
)
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.casework.records import Case, Films

PARTIAL = 3
"""Exit code of a run that could not use a part of its input."""

DEMO_DETAILS = 3

SkullLandmarks = Annotated[
    Path | None, typer.Option("--skull-landmarks", help="Cranial landmarks; found on --skull where they are not given.")
]
Photo = Annotated[Path | None, typer.Option("--photo", help="Photograph (JPEG, PNG, TIFF).")]
PhotoLandmarks = Annotated[
    Path | None,
    typer.Option("--photo-landmarks", help="Its facial landmarks, in pixels; found in it where they are not given."),
]
PhotoMask = Annotated[Path | None, typer.Option("--photo-mask", help="Its face mask (PNG or JSON, docs/masks.md).")]


def overlay(
    photo: Annotated[Path, typer.Option("--photo", help="Photograph (JPEG, PNG, TIFF).")],
    out: Out,
    photo_landmarks: PhotoLandmarks = None,
    skull: Annotated[Path | None, typer.Option("--skull", help="Skull surface (PLY, STL, OBJ, VTP).")] = None,
    skull_landmarks: SkullLandmarks = None,
    photo_mask: PhotoMask = None,
    mask: Mask = "files",
    solver: Solver = "posterior",
    terms: Terms = None,
    tissue: Tissue = None,
    units: Units = None,
    focal: Focal = None,
    distance: Distance = None,
    pose: Pose = None,
    accept_sides: AcceptSides = False,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Overlay a skull on one photograph and write the report, the pictures and result.json."""
    from nasion.casework.identify import overlay_case
    from nasion.casework.inputs import load_photograph, load_skull, skull_files
    from nasion.casework.records import PhotoFiles
    from nasion.casework.settings import CaseSettings

    settings = CaseSettings(solver, tissue, units, camera_prior(focal, distance, pose), accept_sides, seed, terms, mask)
    inputs = [path for path in (skull, skull_landmarks, photo, photo_landmarks, photo_mask, tissue) if path]
    _refuse_early(out, force)
    unknown = load_skull(skull_files(skull, skull_landmarks, units), accept_sides)
    files = PhotoFiles(photo.name, photo, photo_landmarks, photo_mask, find_face=mask == "auto")
    case = overlay_case(unknown, [load_photograph(files, settings.prior, accept_sides)], settings)
    _finish(case, out, force, details=1, inputs=inputs)


def identify(
    out: Out,
    skull: Annotated[Path | None, typer.Option("--skull", help="The unknown skull's surface.")] = None,
    skull_landmarks: SkullLandmarks = None,
    gallery: Annotated[Path | None, typer.Option("--gallery", help="Folder with a sub-folder for each person.")] = None,
    photo: Photo = None,
    photo_landmarks: PhotoLandmarks = None,
    photo_mask: PhotoMask = None,
    mask: Mask = "files",
    skulls: Annotated[Path | None, typer.Option("--skulls", help="Folder with a sub-folder for each skull.")] = None,
    xray: Annotated[Path | None, typer.Option("--xray", help="The skull's frontal radiograph.")] = None,
    xray_lateral: Annotated[Path | None, typer.Option("--xray-lateral", help="The skull's lateral radiograph.")] = None,
    model: Annotated[
        Path | None, typer.Option("--model", help="For radiographs: a model of 'nasion train matching'.")
    ] = None,
    fusion: Annotated[
        Path | None, typer.Option("--fusion", help="Rule of 'nasion train fusion'; the model's own.")
    ] = None,
    solver: Solver = "posterior",
    terms: Terms = None,
    tissue: Tissue = None,
    units: Units = None,
    focal: Focal = None,
    distance: Distance = None,
    pose: Pose = None,
    accept_sides: AcceptSides = False,
    seed: Seed = 0,
    jobs: Jobs = 2,
    details: Details = 5,
    force: Force = False,
) -> None:
    """Rank the people of a gallery for one skull (--skull, --gallery), or several skulls for one photograph.

    The first form takes the skull's radiographs as well, with it or alone; their landmarks lie in NAME.landmarks.json
    beside them. The second form takes --photo and --skulls. Other landmarks that are not given are found.
    """
    from nasion.casework.identify import identify_gallery, identify_skulls
    from nasion.casework.inputs import load_photograph, skull_files
    from nasion.casework.parallel import processes
    from nasion.casework.records import PhotoFiles
    from nasion.casework.settings import CaseSettings
    from nasion.cli.show import progress

    settings = CaseSettings(solver, tissue, units, camera_prior(focal, distance, pose), accept_sides, seed, terms, mask)
    given = (skull, skull_landmarks, gallery, photo, photo_landmarks, photo_mask, skulls, tissue, xray, xray_lateral)
    inputs = [path for path in given if path]
    _refuse_early(out, force, (gallery, skulls))
    films = _films(xray, xray_lateral, model, fusion, with_overlay=bool(skull or skull_landmarks))
    with progress() as advance, processes(jobs) as executor:
        if gallery is not None and (skull or skull_landmarks or films) and photo is None and skulls is None:
            case = identify_gallery(
                skull_files(skull, skull_landmarks, units) if skull or skull_landmarks else None,
                gallery,
                settings,
                executor,
                lambda done, total: advance("people", done, total),
                films,
            )
        elif photo is not None and skulls is not None and gallery is None and films is None:
            picture = PhotoFiles(photo.name, photo, photo_landmarks, photo_mask, find_face=mask == "auto")
            case = identify_skulls(
                [load_photograph(picture, settings.prior, accept_sides)],
                skulls,
                settings,
                executor,
                lambda done, total: advance("skulls", done, total),
            )
        else:
            raise NasionError(
                "identify needs either the unknown (--skull, --skull-landmarks, --xray, --xray-lateral) and --gallery, "
                "or --photo and --skulls"
            )
    _finish(case, out, force, details, inputs)


def _films(
    frontal: Path | None, lateral: Path | None, model: Path | None, rule: Path | None, *, with_overlay: bool
) -> Films | None:
    from nasion.casework.films import load_films
    from nasion.casework.records import FilmFiles

    given = [FilmFiles(view, path) for view, path in (("frontal", frontal), ("lateral", lateral)) if path is not None]
    if not given:
        if model is not None or rule is not None:
            raise NasionError("--model and --fusion belong to radiographs; give --xray, --xray-lateral or neither")
        return None
    if model is None:
        raise NasionError("a radiograph is compared by a trained model; give --model ('nasion train matching')")
    return load_films(given, model, rule, with_overlay=with_overlay)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the case and the results.")] = Path("out/demo"),
    jobs: Jobs = 2,
    force: Force = False,
) -> None:
    """Make a case of twelve virtual people and find the unknown skull's photographs among them."""
    from nasion.casework.demo import run_demo
    from nasion.casework.parallel import processes
    from nasion.cli.show import print_ranking, progress
    from nasion.readers.files import output_folder
    from nasion.report.folder import write_case

    _refuse_early(out, force)
    with output_folder(out, force) as folder:
        with progress() as advance, processes(jobs) as executor:
            case, truth = run_demo(folder, executor, advance)
        write_case(case.moved(folder, out), folder, DEMO_DETAILS)
    print_ranking(case)
    typer.echo(f"the unknown skull is that of {truth}; it is rank {_rank(case, truth)} of {len(case.candidates)}")
    typer.echo(f"{out / 'report.html'}")


def _rank(case: Case, person: str) -> int:
    return next(candidate.rank for candidate in case.candidates if candidate.id == person)


def _refuse_early(out: Path, force: bool, collections: Sequence[Path | None] = ()) -> None:
    """Refuse a folder that cannot take the result before the work, not after it."""
    for collection in filter(None, collections):
        if collection.resolve() in out.resolve().parents:
            raise NasionError(
                f"{out} lies inside {collection}, where the next run would take it for a candidate; "
                "choose another --out"
            )
    if not force and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise NasionError(f"{out} exists; give another --out or replace it with --force")


def _finish(case: Case, out: Path, force: bool, details: int, inputs: list[Path]) -> None:
    from nasion.cli.show import print_ranking
    from nasion.readers.files import output_folder
    from nasion.report.folder import write_case

    with output_folder(out, force, inputs) as folder:
        write_case(case, folder, details)
    print_ranking(case)
    typer.echo(f"{out / 'report.html'}")
    if case.partial:
        raise typer.Exit(PARTIAL)
