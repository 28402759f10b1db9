"""From a picture file to a folder of possible faces: what ``nasion reconstruct`` does with a generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from nasion.errors import NasionError
from nasion.matching.datasets import FRONTAL
from nasion.matching.frames import FloatArray, Pixels, standing
from nasion.matching.point_schemes import PointScheme, has_shapes, point_scheme
from nasion.matching.points import PointFinder, probe_points
from nasion.matching.samples import MatchPicture
from nasion.readers.files import sha256, write_bytes, write_json
from nasion.readers.photographs import read_photograph
from nasion.readers.radiographs import read_radiograph
from nasion.reconstruction.generators.predict import Generator, Reconstruction
from nasion.reconstruction.generators.sheets import Tile, heat_picture, picture_png, sheet_png
from nasion.version import __version__

NOTICE: Final = (
    "A reconstruction is one of many possible faces and no photograph: neither a skull nor a drawing determines a "
    "face. Skin, hair, eyes and what the samples share come from the people whom the model learnt from. It may suggest "
    "whom to compare; it identifies nobody."
)
ALIKE: Final = "This model has no dropout: all its samples are one face, and their agreement says nothing."
_BRIGHTEST: Final = 30.0
"""SD, in grey levels, that the map shows brightest."""
_ROW: Final = 4


@dataclass(frozen=True, eq=False)
class Found:
    """Faces of a file.

    Attributes
    ----------
    faces
        The samples.
    picture
        The file, its view, and where its landmarks lie.
    seed
        Of the samples.
    notes
        What the user should know, one line each.

    """

    faces: Reconstruction
    picture: MatchPicture
    seed: int
    notes: tuple[str, ...]


def reconstruct_file(
    picture: MatchPicture, generator: Generator, finder: PointFinder | None, count: int, seed: int
) -> Found:
    """Return possible faces of a radiograph's or sketch's file.

    Parameters
    ----------
    picture
        The file; its modality is the generator's. An empty view is told by the landmarks.
    generator
        See ``predict.open_generator``.
    finder
        Of landmarks where no file holds them; None where nothing finds them.
    count, seed
        Of the samples.

    Raises
    ------
    NasionError
        The file cannot be used, or the generator does not fit it.

    """
    wanted = generator.card.modality
    if picture.modality != wanted:
        raise NasionError(f"the generator makes faces of a {wanted}, not of a {picture.modality}; give another --model")
    pixels, notes = source_pixels(picture)
    scheme = point_scheme(generator.card.scheme)
    points = probe_points(picture, pixels, scheme, finder)
    try:
        picture = replace(picture, view=shown_view(picture.view, points, scheme))
        source = generator.frame(pixels, points)
        faces = generator.reconstruct(source, picture.view, count, seed)
    except NasionError as fault:
        raise NasionError(f"{picture.path}: {fault}") from None
    return Found(faces, picture, seed, notes if generator.card.noise_size else (*notes, ALIKE))


def shown_view(given: str, points_px: FloatArray, scheme: PointScheme) -> str:
    """Return the view that landmarks show; without known shapes, the given one, or frontal."""
    if not has_shapes(scheme.name):
        return given or FRONTAL
    shown, _ = standing(points_px, scheme)
    if given and given != shown:
        raise NasionError(f"its landmarks show a {shown} head, not a {given} one; leave --view out or correct them")
    return shown


def write_reconstruction(found: Found, generator: Generator, folder: Path) -> None:
    """Write source, samples, mean, disagreement map, overview and ``result.json`` into a folder."""
    faces = found.faces
    names = [f"sample_{number:02d}.png" for number in range(1, len(faces.samples) + 1)]
    pictures = dict(zip(names, faces.samples, strict=True))
    pictures |= {"source.png": faces.source, "mean.png": faces.mean, "disagreement.png": disagreement(faces)}
    for name, own in pictures.items():
        write_bytes(folder / name, picture_png(own))
    write_bytes(folder / "overview.png", overview_png(found, generator.card.settings["model"]))
    write_json(folder / "result.json", _record(found, generator, names))


def disagreement(faces: Reconstruction) -> Pixels:
    """Return (s, s, 3): dark where the samples agree, bright where their SD is 30 grey levels and more."""
    return heat_picture(faces.spread, _BRIGHTEST)


def overview_png(found: Found, model: str) -> bytes:
    """Return one picture of all: source, mean, disagreement, then the samples."""
    faces = found.faces
    first: list[Tile] = [
        (faces.source, f"{found.picture.modality}, {found.picture.view}"),
        (faces.mean, f"mean of {len(faces.samples)}"),
        (disagreement(faces), f"SD, 0 to {_BRIGHTEST:.0f} levels"),
    ]
    samples: list[Tile] = [(own, f"sample {number}") for number, own in enumerate(faces.samples, start=1)]
    rows = [first, *(samples[start : start + _ROW] for start in range(0, len(samples), _ROW))]
    return sheet_png(rows, f"Possible faces ({model})", " ".join((NOTICE, *found.notes)))


def _record(found: Found, generator: Generator, names: list[str]) -> dict[str, Any]:
    card, picture = generator.card, found.picture
    return {
        "nasion": __version__,
        "notice": NOTICE,
        "notes": list(found.notes),
        "input": {"file": picture.path.name, "sha256": sha256(picture.path), "view": picture.view},
        "landmarks": "found" if picture.landmarks is None else {"sha256": sha256(picture.landmarks)},
        "model": card.model_dump(exclude={"learnt_from"}),
        "seed": found.seed,
        "samples": names,
        "mean_disagreement_levels": round(float(found.faces.spread.mean()), 3),
    }


def source_pixels(picture: MatchPicture) -> tuple[Pixels, tuple[str, ...]]:
    """Return (h, w, 3) uint8 RGB as training sees it, and notes; films are turned so that bone is bright."""
    if picture.modality == "xray":
        film = read_radiograph(picture.path)
        return film.image, film.warnings
    read = read_photograph(picture.path)
    return read.image, read.warnings
