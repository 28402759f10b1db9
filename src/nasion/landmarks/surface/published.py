"""Published sets of 3D heads with landmarks, in their own formats.

None is part of the package; each is had from its authors.

* FaceScape (Yang et al. 2020), registered models: ``ROOT/ID/N_EXPRESSION.obj`` or ``ROOT/ID/models_reg/...``, one
  topology; ``landmark_indices.npz`` of the authors' toolkit, arrays ``v10`` and ``v16`` of 68 vertices from 0.
* Headspace (Dai et al. 2020): ``ROOT/ID/*.obj`` with ``ldmks*.txt`` beside it: 68 lines, vertex numbers of the OBJ
  file, from 1.
* DAD-3DHeads (Martyniuk et al. 2022): ``ROOT/{train,val}/annotations/ITEM.json`` whose ``vertices`` are those of a
  FLAME mesh (5,023 x 3). The triangles and the landmarks are FLAME's and not in the set: a mesh file of the same
  vertices and a list of 68 vertices (or triangle numbers with barycentric weights, as FLAME's own embedding) are given
  by the user. The set names no persons, so that every item counts as one.
* A plain folder: ``NAME.ply`` (or another mesh ending) with ``NAME.landmarks.json``; the person is the name up to the
  first ``__``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.cloud import POINTS, Sample, cloud_of_surface
from nasion.landmarks.surface.heads import IBUG68, NAMES, kind_of
from nasion.landmarks.surface.orientation import orient
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.readers.files import read_bytes, read_text
from nasion.readers.landmarks import read_landmarks
from nasion.readers.meshes import ENDINGS, read_mesh

_IBUG_COUNT: Final = len(IBUG68)


@dataclass(frozen=True, eq=False)
class PublishedScan:
    """A scan of a set; its files are read when it is asked for.

    Attributes
    ----------
    name, person
        Of the scan and of whose head it is.
    scheme
        A key of ``heads.NAMES``.
    read
        Returns the mesh in the file's own axes and units, and its landmarks by name.

    """

    name: str
    person: str
    scheme: str
    read: Callable[[], tuple[Mesh, Mapping[str, FloatArray]]]


def facescape(root: Path, version: str = "v10") -> list[PublishedScan]:
    """Return FaceScape's registered models, ``landmark_indices.npz`` in the root.

    Raises
    ------
    NasionError
        There are no models, or no indices of that version.

    """
    index = _stored_indices(root / "landmark_indices.npz", version)
    paths = [path for path in sorted(root.glob("*/**/*.obj")) if path.stem.split("_")[0].isdigit()]
    _some(paths, root, "ID/N_EXPRESSION.obj")
    return [_by_vertices(path, path.relative_to(root).parts[0], lambda: index) for path in paths]


def headspace(root: Path) -> list[PublishedScan]:
    """Return Headspace's scans that have landmarks.

    Raises
    ------
    NasionError
        There are none, or a landmark file lies beside no OBJ file or several.

    """
    files = sorted(root.glob("*/ldmks*.txt"))
    _some(files, root, "ID/ldmks*.txt")
    scans = []
    for file in files:
        meshes = sorted(file.parent.glob("*.obj"))
        if len(meshes) != 1:
            raise NasionError(f"{file.parent}: {len(meshes)} OBJ files beside {file.name}; keep the scan's own one")
        scans.append(_by_vertices(meshes[0], file.parent.name, partial(_listed_indices, file)))
    return scans


def dad_3dheads(root: Path, topology: Path, embedding: Path) -> list[PublishedScan]:
    """Return the heads of DAD-3DHeads.

    Parameters
    ----------
    root
        Holds ``train/annotations`` or ``val/annotations`` or both.
    topology
        An OBJ file of a FLAME mesh: its triangles are taken.
    embedding
        An ``.npz`` of ``vertices`` (68,), or of ``faces`` (68,) and ``weights`` (68, 3), numbers from 0.

    Raises
    ------
    NasionError
        A file is missing or they do not fit each other.

    """
    paths = sorted(root.glob("*/annotations/*.json"))
    _some(paths, root, "train/annotations/ITEM.json")
    flame = read_obj(topology)
    corners, weights = _embedding(embedding, flame)

    def read(path: Path) -> tuple[Mesh, Mapping[str, FloatArray]]:
        vertices = _annotated_vertices(path, len(flame.vertices))
        marks = np.einsum("nk,nkd->nd", weights, vertices[corners])
        return flame.moved(vertices), dict(zip(IBUG68, marks, strict=True))

    return [PublishedScan(path.stem, path.stem, "ibug68", partial(read, path)) for path in paths]


def plain_folder(root: Path, scheme: str) -> list[PublishedScan]:
    """Return the meshes of a folder that have a landmark file of their name.

    Raises
    ------
    NasionError
        There are none.

    """
    kind = kind_of(scheme)
    paths = [p for p in sorted(root.glob("*")) if p.suffix.lower() in ENDINGS and _beside(p).is_file()]
    _some(paths, root, "NAME.ply with NAME.landmarks.json")

    def read(path: Path) -> tuple[Mesh, Mapping[str, FloatArray]]:
        mesh = read_mesh(path, "skull" if kind == "cranial" else "face").mesh
        if scheme == "ibug68":
            return mesh, _ibug_points(_beside(path))
        marks = read_landmarks(_beside(path), kind, 3)
        return mesh, {**marks.landmarks, **marks.helpers}

    return [PublishedScan(p.stem, p.stem.split("__")[0], scheme, partial(read, p)) for p in paths]


def usable_samples(
    scans: Sequence[PublishedScan],
    template: OrientationTemplate,
    points: int = POINTS,
    seed: int = 0,
    keep_meshes: bool = False,
) -> tuple[list[Sample], dict[str, str]]:
    """Return oriented samples of scans, and by name why the others could not be used.

    Parameters
    ----------
    scans
        Of one scheme.
    template
        For ``orient``, as it will be used in prediction.
    points
        Of a cloud.
    seed
        Of the points.
    keep_meshes
        Whether the samples hold their meshes (for tests on the original surface).

    """
    samples, refused = [], {}
    for scan in scans:
        try:
            mesh, marks = scan.read()
            found = orient(mesh, template, seed)
            cloud = cloud_of_surface(found.mesh, found.frame, points, seed)
        except NasionError as fault:
            refused[scan.name] = str(fault)
            continue
        absent = np.full(3, np.nan)
        placed = np.array([marks.get(name, absent) for name in NAMES[scan.scheme]]) * found.mm_per_unit
        landmarks = cloud.to_standard(placed)
        landmarks[np.abs(landmarks).max(axis=1) > 1.0] = np.nan
        samples.append(Sample(cloud, landmarks, scan.person, found.mesh if keep_meshes else None))
    return samples, refused


def read_obj(path: Path) -> Mesh:
    """Return an OBJ file's mesh with its vertices in the file's order, which landmark numbers refer to.

    Raises
    ------
    NasionError
        The file is missing, damaged or holds no triangles.

    """
    vertices, faces = [], []
    try:
        for line in read_text(path).splitlines():
            words = line.split()
            if words[:1] == ["v"]:
                vertices.append([float(word) for word in words[1:4]])
            elif words[:1] == ["f"]:
                corner = [int(word.split("/")[0]) for word in words[1:]]
                corner = [c - 1 if c > 0 else len(vertices) + c for c in corner]
                faces += [[corner[0], corner[k], corner[k + 1]] for k in range(1, len(corner) - 1)]
        mesh = Mesh(np.array(vertices), np.array(faces))
    except (ValueError, IndexError):
        raise NasionError(f"{path}: cannot be read as OBJ: damaged or cut off; download it again") from None
    if len(mesh.faces) == 0 or mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise NasionError(f"{path}: holds no triangles, or some that name no vertex; download it again")
    return mesh


def _by_vertices(path: Path, person: str, index: Callable[[], NDArray[np.int64]]) -> PublishedScan:
    def read() -> tuple[Mesh, Mapping[str, FloatArray]]:
        mesh, numbers = read_obj(path), index()
        if numbers.max() >= len(mesh.vertices):
            raise NasionError(f"{path}: has {len(mesh.vertices)} vertices, but a landmark is vertex {numbers.max()}")
        return mesh, dict(zip(IBUG68, mesh.vertices[numbers], strict=True))

    return PublishedScan(f"{person}/{path.stem}", person, "ibug68", read)


def _stored_indices(path: Path, key: str) -> NDArray[np.int64]:
    return _checked(_array(path, key), path)


def _listed_indices(path: Path) -> NDArray[np.int64]:
    lines = read_text(path).split()
    try:
        numbers = np.array([int(float(word)) for word in lines[:_IBUG_COUNT]]) - 1
    except ValueError:
        raise NasionError(f"{path}: is no list of vertex numbers; download it again") from None
    return _checked(numbers, path)


def _checked(numbers: NDArray[Any], path: Path) -> NDArray[np.int64]:
    flat = np.asarray(numbers).reshape(-1).astype(np.int64)
    if len(flat) != _IBUG_COUNT or flat.min() < 0:
        raise NasionError(f"{path}: needs {_IBUG_COUNT} vertex numbers, but holds {len(flat)} or negative ones")
    return flat


def _array(path: Path, key: str) -> NDArray[Any]:
    if not path.is_file():
        raise NasionError(f"{path}: no such file; take it from the set's authors")
    try:
        with np.load(path, allow_pickle=False) as stored:
            return np.asarray(stored[key])
    except (OSError, ValueError, KeyError, BadZipFile, EOFError):
        raise NasionError(f"{path}: holds no array {key!r}; take the file from the set's authors") from None


def _embedding(path: Path, flame: Mesh) -> tuple[NDArray[np.int64], FloatArray]:
    """Return (68, 3) corners and weights of the landmarks."""
    try:
        vertex = _checked(_array(path, "vertices"), path)
    except NasionError:
        face = _checked(_array(path, "faces"), path)
        weights = np.asarray(_array(path, "weights"), dtype=np.float64)
        if face.max() >= len(flame.faces) or weights.shape != (_IBUG_COUNT, 3):
            raise NasionError(f"{path}: its triangles and weights do not fit the FLAME mesh") from None
        return flame.faces[face].astype(np.int64), weights
    if vertex.max() >= len(flame.vertices):
        raise NasionError(f"{path}: names vertex {vertex.max()}, but the FLAME mesh has {len(flame.vertices)}")
    return np.repeat(vertex[:, None], 3, axis=1), np.tile([1.0, 0.0, 0.0], (_IBUG_COUNT, 1))


def _annotated_vertices(path: Path, count: int) -> FloatArray:
    try:
        vertices = np.asarray(json.loads(read_bytes(path))["vertices"], dtype=np.float64)
    except (ValueError, KeyError, TypeError):
        raise NasionError(f"{path}: holds no vertices; download it again") from None
    if vertices.shape != (count, 3):
        raise NasionError(f"{path}: has {vertices.shape} vertices, but the FLAME mesh has {count}; give its own mesh")
    return vertices


def _ibug_points(path: Path) -> dict[str, FloatArray]:
    try:
        points = json.loads(read_text(path))["landmarks"]
        return {name: np.asarray(points[name], dtype=np.float64).reshape(3) for name in IBUG68 if name in points}
    except (ValueError, KeyError, TypeError):
        raise NasionError(
            f"{path}: cannot be read as landmarks ibug00 to ibug67; correct it or save it again"
        ) from None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}.landmarks.json")


def _some(paths: Sequence[Path], root: Path, layout: str) -> None:
    if not paths:
        raise NasionError(f"{root}: holds no {layout}; give the folder of the set as its authors lay it out")
