"""The commands as Python functions: the same work, the same objects, no printing."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from nasion.casework.films import load_films
from nasion.casework.identify import identify_gallery, overlay_case
from nasion.casework.inputs import load_photograph, load_skull, skull_files
from nasion.casework.parallel import processes
from nasion.casework.records import Case, FilmFiles, Films, PhotoFiles, Photograph, Skull
from nasion.casework.settings import CaseSettings
from nasion.overlay.problem import CameraPrior
from nasion.readers.files import output_folder
from nasion.report.folder import write_case

if TYPE_CHECKING:
    from nasion.reconstruction.shape.made import MadeFaces
    from nasion.reconstruction.shape.settings import ShapeSettings

AnyPath = str | PathLike[str]


def read_skull(
    mesh: AnyPath | None,
    landmarks: AnyPath | None = None,
    units: str | None = None,
    accept_sides: bool = False,
) -> Skull:
    """Read a skull's surface and cranial landmarks.

    Parameters
    ----------
    mesh
        PLY, STL, OBJ or VTP; None works with landmarks alone (no pictures, no containment measure).
    landmarks
        Cranial landmarks in the mesh's frame; None finds them on the mesh.
    units
        "mm", "cm", "m" or "in"; None takes the files' own statement, else millimetres.
    accept_sides
        Go on where left and right landmarks look exchanged.

    Raises
    ------
    NasionError
        A file cannot be read, or the landmarks do not fit the mesh.

    """
    return load_skull(skull_files(_path(mesh), _path(landmarks), units), accept_sides)


def _path(given: AnyPath | None) -> Path | None:
    return None if given is None else Path(given)


def read_photo(
    image: AnyPath,
    landmarks: AnyPath | None = None,
    mask: AnyPath | None = None,
    prior: CameraPrior | None = None,
    accept_sides: bool = False,
    find_face: bool = False,
) -> Photograph:
    """Read a photograph, its facial landmarks (pixels; found in it where None) and, optionally, its face mask.

    Parameters
    ----------
    image, landmarks, mask
        Files; the mask is a picture (black: not the head, white: head, mid grey: unknown) or JSON (docs/masks.md).
    prior
        Camera knowledge; EXIF fills in the focal length.
    accept_sides
        Go on where left and right landmarks look exchanged.
    find_face
        Where there is no mask, look for the face by the landmarks; ``notes`` of the result say what came of it.

    Raises
    ------
    NasionError
        A file cannot be read, or the landmarks do not fit the picture.

    """
    path = Path(image)
    drawn = None if mask is None else Path(mask)
    files = PhotoFiles(path.name, path, _path(landmarks), drawn, find_face=find_face)
    return load_photograph(files, prior, accept_sides)


def superimpose(skull: Skull, photos: Sequence[Photograph], settings: CaseSettings | None = None) -> Case:
    """Overlay a skull on the photographs of one person, jointly; ``case.best.solution`` holds cameras and tissue."""
    return overlay_case(skull, photos, settings)


def read_radiographs(
    frontal: AnyPath | None = None,
    lateral: AnyPath | None = None,
    *,
    model: AnyPath,
    fusion: AnyPath | None = None,
    with_skull: bool = False,
) -> Films:
    """Read the unknown skull's radiographs for ``identify``.

    Parameters
    ----------
    frontal, lateral
        Pictures or DICOM files, at least one; the skull's landmarks lie in ``NAME.landmarks.json`` beside each.
    model
        Folder of a model of ``nasion train matching --dataset population``.
    fusion
        Rule of ``nasion train fusion``; None takes the model's own ``fusion.json``. One radiograph alone needs none.
    with_skull
        They will be fused with the overlay of the skull.

    Raises
    ------
    NasionError
        None is given, a file cannot be read, or model and rule do not belong together.

    """
    given = {"frontal": frontal, "lateral": lateral}
    files = [FilmFiles(view, Path(path)) for view, path in given.items() if path is not None]
    return load_films(files, Path(model), _path(fusion), with_overlay=with_skull)


def identify(
    skull: Skull | None,
    gallery: AnyPath,
    settings: CaseSettings | None = None,
    jobs: int = 1,
    radiographs: Films | None = None,
) -> Case:
    """Rank the people of a gallery folder for a skull; ``case.candidates`` is best first.

    Parameters
    ----------
    skull
        From ``read_skull``; None where there are radiographs alone.
    gallery
        A folder with a sub-folder for each person.
    settings
        Solver, tissue table, camera knowledge.
    jobs
        Processes; with more than one the call must stand under ``if __name__ == "__main__":``.
    radiographs
        From ``read_radiographs``.

    Raises
    ------
    NasionError
        There is neither skull nor radiograph, or the gallery cannot be used.

    """
    with processes(jobs) as executor:
        return identify_gallery(skull, Path(gallery), settings, executor, films=radiographs)


def write_report(case: Case, out: AnyPath, details: int = 5, force: bool = False) -> Path:
    """Write ``report.html``, ``result.json`` and the pictures of a case; return the report's path.

    Parameters
    ----------
    case
        From ``superimpose`` or ``identify``.
    out
        Folder; must be new or empty unless ``force``.
    details
        Candidates that the report shows in full.
    force
        Replace an earlier result.

    Raises
    ------
    NasionError
        ``out`` exists or cannot be written.

    """
    inputs = [Path(file.path) for file in case.inputs]
    with output_folder(Path(out), force, inputs) as folder:
        write_case(case, folder, details)
    return Path(out) / "report.html"


def possible_faces(skull: Skull, samples: int = 8, seed: int = 0, settings: ShapeSettings | None = None) -> MadeFaces:
    """Return faces that a skull may have had, by tissue table and built-in face model (docs/shape_faces.md).

    Parameters
    ----------
    skull
        From ``read_skull``, with a surface.
    samples
        Faces drawn one by one, beside the mean face and a thin, an average and a heavy one.
    seed
        The same seed gives the same faces.
    settings
        Assumptions, as the tissue table and a known build.

    Raises
    ------
    NasionError
        The skull has no surface or too few landmarks.

    """
    from nasion.casework.bare_skull import bare_skull
    from nasion.population.template_source import BUILTIN, load_template
    from nasion.reconstruction.shape.made import make_faces

    return make_faces(load_template(BUILTIN), bare_skull(skull), settings, samples, seed)


def write_possible_faces(faces: MadeFaces, skull: Skull, out: AnyPath, force: bool = False) -> Path:
    """Write meshes, pictures, ``overview.png`` and ``result.json`` of faces; return the overview's path.

    Parameters
    ----------
    faces
        From ``possible_faces``.
    skull
        The skull that they were made for.
    out
        Folder; must be new or empty unless ``force``.
    force
        Replace an earlier result.

    Raises
    ------
    NasionError
        ``out`` exists or cannot be written.

    """
    from nasion.reconstruction.shape.folder import write_faces

    hashes = {Path(file.path).name: file.sha256 for file in skull.inputs}
    name = Path(skull.inputs[0].path).name if skull.inputs else skull.name
    with output_folder(Path(out), force, [file.path for file in skull.inputs]) as folder:
        write_faces(faces, folder, name, hashes, [*skull.notes, *faces.notes()])
    return Path(out) / "overview.png"
