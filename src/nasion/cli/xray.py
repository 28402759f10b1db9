"""``nasion xray``: radiographs made ready."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasion.cli.options import Force
from nasion.errors import NasionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from nasion.population.photograph import View
    from nasion.reconstruction.strip.landmarks import XrayLandmarks

app = typer.Typer(help="Radiographs made ready.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _xray() -> None:
    pass


@app.command("strip")
def strip(
    xray: Annotated[Path, typer.Argument(help="A frontal or lateral radiograph (PNG, JPEG, TIFF, DICOM).")],
    out: Annotated[Path, typer.Option("--out", help="Radiograph of the skull alone to write (.png).")],
    landmarks: Annotated[
        Path | None,
        typer.Option("--landmarks", help="Of the skull in it; without them, a lateral one's are found by themselves."),
    ] = None,
    view: Annotated[str | None, typer.Option("--view", help="lateral or frontal; the landmarks tell it.")] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Both side by side, with the outline, to check (.png).")
    ] = None,
    force: Force = False,
) -> None:
    """Take the soft tissue out of a radiograph: all that lies outside the skull's outline becomes black.

    What lies over the bone stays. Look at the picture before you use the result.
    """
    from nasion.population.photograph import VIEWS
    from nasion.readers.files import refuse_existing, write_bytes
    from nasion.readers.radiographs import read_radiograph
    from nasion.reconstruction.strip.picture import check_png, grey_png
    from nasion.reconstruction.strip.strip import strip_xray

    wanted = next((own for own in VIEWS if own == view), None)
    if view is not None and wanted is None:
        raise NasionError(f"--view: {view!r} is neither lateral nor frontal")
    for path in (out, picture):
        if path is not None:
            if path.suffix.lower() != ".png":
                raise NasionError(f"{path}: give a name that ends with .png")
            if any(own is not None and path.resolve() == own.resolve() for own in (xray, landmarks)):
                raise NasionError(f"{path}: is the radiograph itself or its landmarks; give another name")
            refuse_existing(path, force)
    if picture is not None and picture.resolve() == out.resolve():
        raise NasionError(f"{picture}: is named for the radiograph and for the picture; give two names")
    film = read_radiograph(xray)
    points, notes = _landmarks(xray, film.image, landmarks, wanted)
    grey = film.image[..., 0]
    try:
        stripped = strip_xray(grey, points, wanted)
    except NasionError as fault:
        raise NasionError(f"{landmarks or xray}: {fault}") from None
    for note in (*film.warnings, *notes, *stripped.notes):
        typer.echo(f"note: {xray}: {note}", err=True)
    if picture is not None:
        write_bytes(picture, check_png(grey, stripped))
    try:
        write_bytes(out, grey_png(stripped.image))
    except NasionError:
        if picture is not None:
            picture.unlink()
        raise
    typer.echo(f"{out}: {stripped.view}, the skull is {stripped.mask.mean():.0%} of the picture")


def _landmarks(
    xray: Path, image: NDArray[np.uint8], given: Path | None, view: View | None
) -> tuple[XrayLandmarks, tuple[str, ...]]:
    """Return the landmarks of a file, or those found in the radiograph, and notes."""
    from nasion.landmarks.image.find import find_image_landmarks
    from nasion.reconstruction.strip.landmarks import CEPHALO, of_found, read_xray_landmarks

    if given is not None:
        return read_xray_landmarks(given, (image.shape[1], image.shape[0])), ()
    if view == "frontal":
        raise NasionError(f"{xray}: landmarks are found in lateral radiographs only; give --landmarks")
    try:
        found = find_image_landmarks(image, CEPHALO)
        return of_found(found.result.found(), found.result.sigma_px), found.warnings
    except NasionError as fault:
        raise NasionError(f"{xray}: {fault}") from None
