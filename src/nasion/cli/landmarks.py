"""``nasion landmarks``: landmarks found by themselves."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasion.cli.options import AcceptSides, Force, Units
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.landmarks.surface.find import FoundLandmarks

PARTIAL = 3
"""Exit code of a run that could not use a part of its input."""

app = typer.Typer(help="Find landmarks.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _landmarks() -> None:
    pass


@app.command("surface")
def surface(
    mesh: Annotated[Path, typer.Argument(help="A mesh (.ply, .stl, .obj, .vtp), or a folder of meshes.")],
    scheme: Annotated[str, typer.Option("--scheme", help="cranial20 (skulls), facial20 or ibug68 (faces).")],
    out: Annotated[Path, typer.Option("--out", help="Landmark file (.json); of a folder of meshes, a folder.")],
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Views with the landmarks (.png); of a folder, a folder.")
    ] = None,
    model: Annotated[Path | None, typer.Option("--model", help="Folder of a model that you trained.")] = None,
    units: Units = None,
    accept_sides: AcceptSides = False,
    force: Force = False,
) -> None:
    """Find the landmarks of skulls or faces, in any rotation, each with its SD; what is not there is named missing.

    Points are written in the mesh's own frame and units. A folder gives NAME.landmarks.json of each mesh; meshes that
    cannot be used are named, and the command ends with 3.
    """
    if mesh.is_dir():
        _folder(mesh, scheme, out, picture, model, units, accept_sides, force)
        return
    from nasion.landmarks.surface.find import find_in_file
    from nasion.landmarks.surface.picture import views_png
    from nasion.readers.files import refuse_existing, write_bytes

    for path, ending in ((out, ".json"), (picture, ".png")):
        if path is not None:
            if path.suffix.lower() != ending or path.name.lower().endswith(".mrk.json"):
                raise NasionError(f"{path}: give a name that ends with {ending} (not .mrk.json, which is Slicer's)")
            refuse_existing(path, force)
    found = find_in_file(mesh, scheme, out, model, units=units, accept_sides=accept_sides)
    if picture is not None:
        write_bytes(picture, views_png(found))
    _tell(mesh, found)


def _folder(
    meshes: Path,
    scheme: str,
    out: Path,
    picture: Path | None,
    model: Path | None,
    units: str | None,
    accept_sides: bool,
    force: bool,
) -> None:
    from nasion.landmarks.surface.find import find_in_folder, meshes_in
    from nasion.landmarks.surface.picture import views_png
    from nasion.readers.files import output_folder, write_bytes

    with ExitStack() as stack:
        views = None
        if picture is not None:
            if picture.resolve() == out.resolve():
                raise NasionError(f"{picture}: is named for the landmarks and for the pictures; give two names")
            views = stack.enter_context(output_folder(picture, force, meshes_in(meshes)))

        def each(path: Path, found: FoundLandmarks | NasionError) -> None:
            if views is not None and not isinstance(found, NasionError):
                write_bytes(views / f"{path.stem}.png", views_png(found))
            _tell(path, found)

        failed = find_in_folder(
            meshes, scheme, out, model, units=units, accept_sides=accept_sides, force=force, each=each
        )
    if failed:
        raise typer.Exit(PARTIAL)


def _tell(path: Path, found: FoundLandmarks | NasionError) -> None:
    """Print one line a mesh; notes and reasons go to the error stream."""
    if isinstance(found, NasionError):
        typer.echo(f"nasion: not used: {' '.join(str(found).split())}", err=True)
        return
    for warning in found.warnings:
        typer.echo(f"note: {path}: {warning}", err=True)
    result, missing = found.result, ", ".join(found.result.missing)
    sigma_mm = statistics.median(found.landmark_file().sigma.values())
    count = len(result.names) - len(result.missing)
    told = f"{path}: {count} of {len(result.names)} landmarks of {found.scheme}, median SD {sigma_mm:.2f} mm"
    typer.echo(told + (f"; missing: {missing}" if missing else ""))
