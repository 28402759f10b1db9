"""``nasion landmarks``: landmarks found by themselves."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from nasion.cli.options import AcceptSides, Force, Units
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.landmarks.image.find import FoundImageLandmarks
    from nasion.readers.landmarks import LandmarkFile

PARTIAL = 3
"""Exit code of a run that could not use a part of its input."""

Picture = Annotated[
    Path | None, typer.Option("--picture", help="Views with the landmarks (.png); of a folder, a folder.")
]
Model = Annotated[Path | None, typer.Option("--model", help="Folder of a model that you trained.")]

app = typer.Typer(help="Find landmarks.", no_args_is_help=True, rich_markup_mode=None)


class Found(Protocol):
    """Landmarks of a mesh or of a picture."""

    @property
    def scheme(self) -> str:
        """Its name."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line each."""

    def landmark_file(self) -> LandmarkFile:
        """What is written."""


@app.callback()
def _landmarks() -> None:
    pass


@app.command("surface")
def surface(
    mesh: Annotated[Path, typer.Argument(help="A mesh (.ply, .stl, .obj, .vtp), or a folder of meshes.")],
    scheme: Annotated[str, typer.Option("--scheme", help="cranial20 (skulls), facial20 or ibug68 (faces).")],
    out: Annotated[Path, typer.Option("--out", help="Landmark file (.json); of a folder of meshes, a folder.")],
    picture: Picture = None,
    model: Model = None,
    units: Units = None,
    accept_sides: AcceptSides = False,
    force: Force = False,
) -> None:
    """Find the landmarks of skulls or faces, in any rotation, each with its SD; what is not there is named missing.

    Points are written in the mesh's own frame and units. A folder gives NAME.landmarks.json of each mesh; meshes that
    cannot be used are named, and the command ends with 3.
    """
    from nasion.landmarks.surface.find import find_in_file, find_in_folder, meshes_in
    from nasion.landmarks.surface.picture import views_png

    if mesh.is_dir():
        several = partial(find_in_folder, mesh, scheme, out, model, units=units, accept_sides=accept_sides, force=force)
        _folder(picture, out, force, lambda: meshes_in(mesh), lambda path, found: views_png(found), several)
        return
    _check_names(out, picture, force)
    surface_found = find_in_file(mesh, scheme, out, model, units=units, accept_sides=accept_sides)
    _write_picture(picture, lambda: views_png(surface_found))
    _tell(mesh, surface_found)


@app.command("image")
def image(
    photo: Annotated[Path, typer.Argument(help="A photograph or radiograph (PNG, JPEG, TIFF, DICOM), or a folder.")],
    scheme: Annotated[str, typer.Option("--scheme", help="facial20 or ibug68 (faces), cephalo19 (radiographs).")],
    out: Annotated[Path, typer.Option("--out", help="Landmark file (.json); of a folder of pictures, a folder.")],
    picture: Picture = None,
    model: Model = None,
    force: Force = False,
) -> None:
    """Find the landmarks of a face or a lateral radiograph, each with its SD; what cannot be seen is named missing.

    Points are written in pixels of the upright picture. A folder gives NAME.landmarks.json of each picture; pictures
    that cannot be used are named, and the command ends with 3.
    """
    from nasion.landmarks.image.find import find_in_file, find_in_folder, pictures_in
    from nasion.landmarks.image.picture import points_png
    from nasion.landmarks.image.pictures import read_picture
    from nasion.landmarks.image.schemes import image_scheme

    def drawn(path: Path, found: FoundImageLandmarks) -> bytes:
        return points_png(read_picture(path, image_scheme(scheme).subject).image, found)

    if photo.is_dir():
        several = partial(find_in_folder, photo, scheme, out, model, force=force)
        _folder(picture, out, force, lambda: pictures_in(photo, scheme), drawn, several)
        return
    _check_names(out, picture, force)
    image_found = find_in_file(photo, scheme, out, model)
    _write_picture(picture, lambda: drawn(photo, image_found))
    _tell(photo, image_found)


def _check_names(out: Path, picture: Path | None, force: bool) -> None:
    from nasion.readers.files import refuse_existing

    for path, ending in ((out, ".json"), (picture, ".png")):
        if path is not None:
            if path.suffix.lower() != ending or path.name.lower().endswith(".mrk.json"):
                raise NasionError(f"{path}: give a name that ends with {ending} (not .mrk.json, which is Slicer's)")
            refuse_existing(path, force)


def _write_picture(path: Path | None, png: Callable[[], bytes]) -> None:
    from nasion.readers.files import write_bytes

    if path is not None:
        write_bytes(path, png())


def _folder(
    picture: Path | None,
    out: Path,
    force: bool,
    inputs: Callable[[], Sequence[Path]],
    png: Callable[[Path, Any], bytes],
    find: Callable[..., int],
) -> None:
    """Find the landmarks of a folder's files, draw and tell each, and end with 3 where some could not be used."""
    from nasion.readers.files import output_folder, write_bytes

    with ExitStack() as stack:
        views = None
        if picture is not None:
            if picture.resolve() == out.resolve():
                raise NasionError(f"{picture}: is named for the landmarks and for the pictures; give two names")
            views = stack.enter_context(output_folder(picture, force, inputs()))

        def each(path: Path, found: Found | NasionError) -> None:
            if views is not None and not isinstance(found, NasionError):
                write_bytes(views / f"{path.stem}.png", png(path, found))
            _tell(path, found)

        failed = find(each=each)
    if failed:
        raise typer.Exit(PARTIAL)


def _tell(path: Path, found: Found | NasionError) -> None:
    """Print one line a file; notes and reasons go to the error stream."""
    if isinstance(found, NasionError):
        typer.echo(f"nasion: not used: {' '.join(str(found).split())}", err=True)
        return
    for warning in found.warnings:
        typer.echo(f"note: {path}: {warning}", err=True)
    file = found.landmark_file()
    count = len(file.landmarks) + len(file.helpers)
    digits = 1 if file.units == "px" else 2
    told = (
        f"{path}: {count} of {count + len(file.missing)} landmarks of {found.scheme}, "
        f"median SD {statistics.median(file.sigma.values()):.{digits}f} {file.units}"
    )
    typer.echo(told + (f"; missing: {', '.join(file.missing)}" if file.missing else ""))
