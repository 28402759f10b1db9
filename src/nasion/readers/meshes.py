"""Triangle meshes from and to files: PLY, STL, OBJ, VTP."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.decimation import decimate
from nasion.geometry.surface import FloatArray, IntArray, Mesh
from nasion.readers.files import read_bytes, write_bytes
from nasion.readers.units import check_size, mm_per_unit

ENDINGS: Final = (".ply", ".stl", ".obj", ".vtp")
WRITTEN_ENDINGS: Final = (".ply", ".stl", ".obj")
MOST_TRIANGLES: Final = 5_000_000
"""A mesh with more triangles is decimated to ``DECIMATED_TRIANGLES``."""
DECIMATED_TRIANGLES: Final = 1_000_000
SIZE_RANGE_MM: Final = (80.0, 500.0)
"""Plausible longest side of a skull, a face or a head with its neck."""
TYPICAL_SIZE_MM: Final = 200.0

_PLY_BYTES: Final = {
    **dict.fromkeys(("char", "uchar", "int8", "uint8"), 1),
    **dict.fromkeys(("short", "ushort", "int16", "uint16"), 2),
    **dict.fromkeys(("int", "uint", "float", "int32", "uint32", "float32"), 4),
    **dict.fromkeys(("double", "float64"), 8),
}


@dataclass(frozen=True)
class MeshFile:
    """A mesh in millimetres as it was read, and what the user should know about it (one line each)."""

    mesh: Mesh
    warnings: tuple[str, ...]


def read_mesh(
    path: Path | str,
    kind: str = "skull",
    units: str | None = None,
    size_range_mm: tuple[float, float] = SIZE_RANGE_MM,
) -> MeshFile:
    """Read a PLY, STL, OBJ or VTP file.

    The axes stay as they are in the file. Vertices at the same place are merged where the format or the file repeats
    them for each triangle; polygons become triangles; triangles without area by index and vertices without a triangle
    are dropped.

    Parameters
    ----------
    path
        The file; its ending tells the format.
    kind
        What it shows, for messages: ``"skull"`` (two pieces are expected, with the mandible) or ``"face"``.
    units
        A key of ``units.MM_PER_UNIT``; None means millimetres.
    size_range_mm
        Smallest and largest longest side that is accepted.

    Raises
    ------
    NasionError
        The file is missing, empty, cut off or of an unknown format; it has no triangles, vertices that are not
        finite or indices out of range; its size is no head's in these units.

    """
    path = Path(path)
    vertices, faces, is_soup = _parsed(path)
    if len(faces) == 0:
        raise NasionError(f"{path}: holds no triangles; export a surface mesh, not points or lines")
    if not np.isfinite(vertices).all():
        count = int((~np.isfinite(vertices).all(axis=1)).sum())
        raise NasionError(f"{path}: {count} vertices are not finite numbers; export the mesh again")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise NasionError(f"{path}: triangles name vertices that do not exist; the file is damaged, export it again")
    vertices, faces = _tidied(vertices, faces, merge=is_soup)
    if len(faces) == 0:
        raise NasionError(f"{path}: its triangles have no area; export the mesh again")
    factor = mm_per_unit(units, path)
    check_size(float(np.ptp(vertices, axis=0).max()), units, path, size_range_mm, TYPICAL_SIZE_MM, f"the {kind}")
    mesh, warnings = _decimated(Mesh(vertices * factor, faces.astype(np.int32)))
    return MeshFile(mesh, (*warnings, *_topology_warnings(mesh, pieces_expected=2 if kind == "skull" else 1)))


def write_mesh(path: Path | str, mesh: Mesh) -> None:
    """Write a mesh atomically; the ending tells the format: binary PLY or STL, or OBJ. Numbers are 32-bit floats."""
    import trimesh

    check_ending(path)
    ending = Path(path).suffix.lower()
    content: Any = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False).export(file_type=ending[1:])
    write_bytes(path, content.encode() if isinstance(content, str) else content)


def check_ending(path: Path | str) -> None:
    """Raise NasionError where a mesh cannot be written under this name, before the work that makes it."""
    if Path(path).suffix.lower() not in WRITTEN_ENDINGS:
        raise NasionError(f"{path}: meshes are written as .ply, .stl or .obj; choose one of these endings")


def components(faces: IntArray, vertex_count: int) -> IntArray:
    """Return (m,) the number of the connected piece that each triangle belongs to."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([faces[:, :2], faces[:, 1:]])
    graph = coo_array((np.ones(len(edges), dtype=bool), (edges[:, 0], edges[:, 1])), shape=(vertex_count,) * 2)
    _, labels = connected_components(graph, directed=False)
    numbers: IntArray = np.asarray(labels, dtype=np.int32)[faces[:, 0]]
    return numbers


def _parsed(path: Path) -> tuple[FloatArray, Any, bool]:
    """Return vertices in file units, triangles, and whether each triangle has its own vertices."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise NasionError(f"{path}: meshes are read from {', '.join(ENDINGS)} files; convert it (MeshLab can)")
    content = read_bytes(path)
    try:
        if ending == ".vtp":
            from nasion.readers.vtp import parse_vtp

            vertices, faces = parse_vtp(content)
        else:
            vertices, faces = _parsed_by_trimesh(content, ending)
    except Exception as error:  # parsers raise anything on damaged files
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise NasionError(
            f"{path}: cannot be read as {ending[1:].upper()} ({reason}): damaged or cut off; export it again"
        ) from None
    return vertices, faces, ending in (".stl", ".obj") or len(vertices) == 3 * len(faces)


def _parsed_by_trimesh(content: bytes, ending: str) -> tuple[FloatArray, Any]:
    import trimesh

    expected = _ply_counts(content) if ending == ".ply" else None
    if expected is not None and 0 in expected:
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    loaded = trimesh.load(
        io.BytesIO(content), file_type=ending[1:], process=False, force="mesh", skip_materials=True, validate=False
    )
    vertices = np.asarray(getattr(loaded, "vertices", np.empty((0, 3))), dtype=np.float64).reshape(-1, 3)
    faces = np.asarray(getattr(loaded, "faces", np.empty((0, 3))), dtype=np.int64).reshape(-1, 3)
    if expected is not None and (len(vertices) != expected[0] or len(faces) < expected[1]):
        raise ValueError(f"its header names {expected[0]} vertices and {expected[1]} faces, but holds fewer")
    return vertices, faces


def _ply_counts(content: bytes) -> tuple[int, int]:
    """Return the counts of vertices and faces of a PLY header; ValueError where the content is too short for them."""
    end = re.search(rb"end_header\r?\n", content[:100_000])
    if not content.startswith(b"ply") or end is None:
        raise ValueError("no PLY header")
    lines = content[: end.start()].decode("latin-1").splitlines()
    counts: dict[str, int] = {}
    least = 0
    element = ""
    is_binary = any(line.startswith("format binary") for line in lines)
    for words in (line.split() for line in lines):
        if words[:1] == ["element"]:
            element = words[1]
            counts[element] = int(words[2])
        elif words[:1] == ["property"] and element:
            # A text value takes at least a digit and a blank.
            least += counts[element] * (_PLY_BYTES.get(words[2 if words[1] == "list" else 1], 1) if is_binary else 2)
    body = content[end.end() :]
    is_short = len(body) < least if is_binary else body.rstrip().count(b"\n") + 1 < sum(counts.values())
    if is_short or len(body) < least - 1:
        raise ValueError("it is shorter than its header says")
    return counts.get("vertex", 0), counts.get("face", 0)


def _tidied(vertices: FloatArray, faces: Any, merge: bool) -> tuple[FloatArray, Any]:
    """Merge equal vertices on request, drop triangles that name a vertex twice and vertices that none names."""
    if merge:
        vertices, index = _merged(vertices)
        faces = index[faces]
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    if not used.all():
        faces = (np.cumsum(used) - 1)[faces]
        vertices = vertices[used]
    return vertices, faces


def _merged(vertices: FloatArray) -> tuple[FloatArray, Any]:
    """Return the distinct vertices in order of their first appearance, and each old vertex's new number."""
    key = np.zeros(len(vertices), dtype=np.int64)
    for column in vertices.T:
        _, code = np.unique(column, return_inverse=True)
        key = np.unique(key * len(vertices) + code, return_inverse=True)[1]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return vertices[first[order]], rank[inverse]


def _decimated(mesh: Mesh) -> tuple[Mesh, tuple[str, ...]]:
    if len(mesh.faces) <= MOST_TRIANGLES:
        return mesh, ()
    small = decimate(mesh, DECIMATED_TRIANGLES)
    return small, (f"{len(mesh.faces):,} triangles were reduced to {len(small.faces):,}",)


def _topology_warnings(mesh: Mesh, pieces_expected: int) -> tuple[str, ...]:
    """Name edges of more than two triangles, and pieces (of at least 0.1 % of the triangles) beyond those expected."""
    warnings = []
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), axis=1)
    _, uses = np.unique(edges[:, 0].astype(np.int64) * len(mesh.vertices) + edges[:, 1], return_counts=True)
    if bad := int((uses > 2).sum()):
        warnings.append(f"the mesh is not manifold: {bad:,} edges have more than two triangles")
    _, sizes = np.unique(components(mesh.faces, len(mesh.vertices)), return_counts=True)
    sizes = sizes[sizes >= 0.001 * len(mesh.faces)]
    if len(sizes) > pieces_expected:
        warnings.append(
            f"the mesh has {len(sizes)} separate pieces; the largest holds {sizes.max() / len(mesh.faces):.0%} of it"
        )
    return tuple(warnings)
