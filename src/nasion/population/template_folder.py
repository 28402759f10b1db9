"""Templates kept as a folder: any pair of meshes with landmark files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.shading import SKIN
from nasion.population.template import Template
from nasion.readers.files import write_bytes
from nasion.readers.landmarks import LandmarkFile, read_landmarks, write_landmarks
from nasion.readers.meshes import ENDINGS, read_mesh, write_mesh

_CRANIAL: Final = "cranial.landmarks.json"
_FACIAL: Final = "facial.landmarks.json"
_COLORS: Final = "face_albedo.npz"
_MODES: Final = "identity_modes.npz"


def read_template_folder(folder: Path) -> Template:
    """Read ``skull.ply``, ``face.ply`` (or another mesh ending), ``cranial.landmarks.json``, ``facial.landmarks.json``.

    ``identity_modes.npz`` (array ``modes``, (k, n, 3)) and ``face_albedo.npz`` (array ``albedo``, (n, 3)) are optional;
    they follow the face file's vertices. The template is returned in the meshes' own frame.

    Raises
    ------
    NasionError
        A file is missing or does not fit the others.

    """
    if not folder.is_dir():
        raise NasionError(f"{folder}: no such folder; give a template folder or 'builtin'")
    skull, face = read_mesh(_mesh_path(folder, "skull")).mesh, read_mesh(_mesh_path(folder, "face"), "face").mesh
    cranial = read_landmarks(folder / _CRANIAL, "cranial", 3)
    facial = read_landmarks(folder / _FACIAL, "facial", 3)
    albedo = _array(folder / _COLORS, "albedo")
    modes = _array(folder / _MODES, "modes")
    return Template(
        name=folder.name,
        skull=skull,
        face=face,
        cranial=cranial.landmarks,
        cranial_helpers=cranial.helpers,
        facial=facial.landmarks,
        facial_helpers=facial.helpers,
        face_albedo=np.tile(SKIN, (len(face.vertices), 1)) if albedo is None else albedo.astype(np.float64),
        identity_modes=None if modes is None else modes.astype(np.float32),
    )


def write_template_folder(folder: Path, template: Template) -> None:
    """Write a template in the form that ``read_template_folder`` reads."""
    write_mesh(folder / "skull.ply", template.skull)
    write_mesh(folder / "face.ply", template.face)
    write_landmarks(
        folder / _CRANIAL, LandmarkFile("cranial20", "mm", dict(template.cranial), dict(template.cranial_helpers))
    )
    write_landmarks(
        folder / _FACIAL, LandmarkFile("facial20", "mm", dict(template.facial), dict(template.facial_helpers))
    )
    _write_array(folder / _COLORS, albedo=template.face_albedo.astype(np.float32))
    if template.identity_modes is not None:
        _write_array(folder / _MODES, modes=template.identity_modes.astype(np.float16))


def _mesh_path(folder: Path, stem: str) -> Path:
    for ending in ENDINGS:
        path = folder / f"{stem}{ending}"
        if path.is_file():
            return path
    raise NasionError(f"{folder}: no {stem} mesh; add {stem}.ply (or {', '.join(ENDINGS[1:])})")


def _array(path: Path, name: str) -> NDArray[Any] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            return np.asarray(stored[name])
    except (OSError, ValueError, KeyError, BadZipFile, EOFError) as fault:
        reason = " ".join(str(fault).split())
        raise NasionError(f"{path}: cannot be read ({reason}); it must hold the array {name!r}") from None


def _write_array(path: Path, **arrays: NDArray[Any]) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]
    write_bytes(path, content.getvalue())
