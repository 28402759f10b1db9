"""From a raw mesh to landmarks: orient, take a cloud, ask the network; and from mesh files to landmark files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.landmarks.input_folder import find_in_each, one_of_each_name
from nasion.landmarks.landmark_file import file_of
from nasion.landmarks.surface.card import ORIENTATION_FILE
from nasion.landmarks.surface.cloud import cloud_of_surface
from nasion.landmarks.surface.heads import kind_of
from nasion.landmarks.surface.orientation import SIZE_RANGE_MM, Orientation, orient
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.predict import SurfaceLandmarks, load_landmarker
from nasion.networks.model_folder import model_in, shipped_folder
from nasion.networks.sessions import model_name
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.readers.meshes import ENDINGS, read_mesh

_WEIGHTS: Final = Path(__file__).parent / "weights"
_INPUTS: Final = "meshes"


@dataclass(frozen=True, eq=False)
class FoundLandmarks:
    """Landmarks of a raw mesh.

    Attributes
    ----------
    scheme
        Of the model.
    orientation
        How the mesh lies, how sure that is, and the mesh in millimetres.
    result
        The landmarks in that mesh's frame, mm.
    warnings
        What the user should know, one line each.
    found_by
        The model, as landmark files name it.

    """

    scheme: str
    orientation: Orientation
    result: SurfaceLandmarks
    warnings: tuple[str, ...]
    found_by: str

    def landmark_file(self) -> LandmarkFile:
        """Return what a landmark file holds: points, standard deviations, and what is missing."""
        result = self.result
        return replace(
            file_of(self.scheme, "mm", result.names, result.found(), result.sigma_mm),
            missing=dict(self.result.missing),
            found_by=self.found_by,
        )


def model_folder(scheme: str, given: Path | None = None) -> Path:
    """Return the folder of a scheme's model: the given one, else the one in the package.

    Raises
    ------
    NasionError
        The scheme is unknown, or the package has no weights of it.

    """
    kind_of(scheme)
    if given is not None:
        return model_in(given)
    return shipped_folder([_WEIGHTS], scheme, "surface-landmarks")


def find_landmarks(mesh: Mesh, scheme: str, model: Path | None = None, *, accept_sides: bool = False) -> FoundLandmarks:
    """Find the landmarks of a raw mesh.

    Parameters
    ----------
    mesh
        A skull or a face in any rotation and place; in millimetres, or in another unit in which its size is a head's.
    scheme
        ``"cranial20"``, ``"facial20"`` or ``"ibug68"``.
    model
        Folder of a trained model; None takes the package's own.
    accept_sides
        Go on where nearly all triangles face inward, as those of a mirrored mesh do.

    Raises
    ------
    NasionError
        The mesh is empty, is no head that can be oriented, or faces inward; no landmark is seen; there is no such
        model, or it is of another scheme.

    """
    folder = model_folder(scheme, model)
    landmarker = load_landmarker(folder)
    if landmarker.card.scheme != scheme:
        raise NasionError(f"{folder}: is a model of {landmarker.card.scheme}, not of {scheme}; give another --model")
    oriented = orient(mesh, _orientation(folder / ORIENTATION_FILE))
    if oriented.inward and not accept_sides:
        raise NasionError(
            "the triangles face inward: the mesh is mirrored (left and right exchanged) or inside out; mirror it back, "
            "or turn its normals, or give --accept-sides where you know its sides are right"
        )
    cloud = cloud_of_surface(oriented.mesh, oriented.frame, landmarker.settings.points)
    result = landmarker.find(cloud, oriented.mesh)
    if len(result.missing) == len(result.names):
        what = "skull" if kind_of(scheme) == "cranial" else "face"
        raise NasionError(f"no landmark of {scheme} is seen on this surface; is it a {what}?")
    card = landmarker.card
    return FoundLandmarks(scheme, oriented, result, oriented.warnings, model_name(card.scheme, card.model_sha256))


def _orientation(path: Path) -> OrientationTemplate:
    return _template(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _template(path: Path, stamp: int) -> OrientationTemplate:
    del stamp
    return OrientationTemplate.read(path)


def find_in_file(
    path: Path, scheme: str, out: Path, model: Path | None = None, *, units: str | None, accept_sides: bool
) -> FoundLandmarks:
    """Find the landmarks of a mesh file and write them, in the mesh's own frame and units.

    Raises
    ------
    NasionError
        The mesh cannot be read or used, or the file cannot be written; the message names the mesh.

    """
    kind = "skull" if kind_of(scheme) == "cranial" else "face"
    read = read_mesh(path, kind, units, SIZE_RANGE_MM)
    try:
        found = find_landmarks(read.mesh, scheme, model, accept_sides=accept_sides)
    except NasionError as fault:
        raise NasionError(f"{path}: {fault}") from None
    write_landmarks(out, found.landmark_file(), units)
    return replace(found, warnings=(*read.warnings, *found.warnings))


def meshes_in(folder: Path) -> list[Path]:
    """Return the mesh files of a folder, by name.

    Raises
    ------
    NasionError
        There are none, or two of one name with different endings, whose landmark files would be the same.

    """
    paths = (path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())
    return one_of_each_name(folder, paths, _INPUTS, ENDINGS)


def find_in_folder(
    folder: Path,
    scheme: str,
    out: Path,
    model: Path | None = None,
    *,
    units: str | None = None,
    accept_sides: bool = False,
    force: bool = False,
    each: Callable[[Path, FoundLandmarks | NasionError], None],
) -> int:
    """Find the landmarks of a folder's meshes; return how many meshes could not be used.

    Parameters
    ----------
    folder
        Of meshes.
    scheme, model, units, accept_sides
        See ``find_landmarks`` and ``read_mesh``.
    out
        Folder for ``NAME.landmarks.json``.
    force
        Replace the folder.
    each
        Told after each mesh: what was found, or why not.

    Raises
    ------
    NasionError
        There are no meshes, none can be used, there is no model, or the folder cannot be written.

    """
    paths = meshes_in(folder)
    load_landmarker(model_folder(scheme, model))

    def find(path: Path, target: Path) -> FoundLandmarks:
        return find_in_file(path, scheme, target, model, units=units, accept_sides=accept_sides)

    return find_in_each(folder, paths, _INPUTS, out, force, find, each)
