"""Meshes survive the way through files; faults are named."""

import base64
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import trimesh

from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.readers import meshes
from nasion.readers.meshes import read_mesh, write_mesh


def ball(radius: float = 100.0, subdivisions: int = 2) -> Mesh:
    sphere = trimesh.creation.icosphere(subdivisions, radius)
    return Mesh(sphere.vertices, sphere.faces)


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->", np.cross(a, b), c) / 6)


@pytest.mark.parametrize("ending", [".ply", ".stl", ".obj", ".PLY"])
def test_round_trip(tmp_path: Path, ending: str) -> None:
    mesh = ball()
    write_mesh(tmp_path / f"m{ending}", mesh)
    read = read_mesh(tmp_path / f"m{ending}", "face")
    assert read.mesh.vertices.shape == mesh.vertices.shape
    assert read.mesh.faces.shape == mesh.faces.shape
    corners, expected = read.mesh.vertices[read.mesh.faces], mesh.vertices[mesh.faces]
    np.testing.assert_allclose(corners, expected, atol=1e-4)
    assert read.warnings == ()


def test_writing_refuses_unknown_endings(tmp_path: Path) -> None:
    with pytest.raises(NasionError, match=r"\.ply"):
        write_mesh(tmp_path / "m.xyz", ball())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("units", "factor"), [("mm", 1), ("cm", 10), ("m", 1000), ("in", 25.4), ("um", 1e-3), ("0.1mm", 0.1)]
)
def test_units(tmp_path: Path, units: str, factor: float) -> None:
    write_mesh(tmp_path / "m.ply", ball(105 / factor))
    if units != "mm":
        with pytest.raises(NasionError, match=rf"give --units {units}\b"):
            read_mesh(tmp_path / "m.ply")
    read = read_mesh(tmp_path / "m.ply", units=units).mesh
    assert np.ptp(read.vertices[:, 0]) == pytest.approx(210, rel=1e-3)


def test_wrong_and_unknown_units(tmp_path: Path) -> None:
    write_mesh(tmp_path / "m.ply", ball())
    with pytest.raises(NasionError, match="millimetres; give --units mm"):
        read_mesh(tmp_path / "m.ply", units="m")
    with pytest.raises(NasionError, match="unknown unit 'furlong'"):
        read_mesh(tmp_path / "m.ply", units="furlong")
    write_mesh(tmp_path / "big.ply", ball(3e7))
    with pytest.raises(NasionError, match="a head in no unit"):
        read_mesh(tmp_path / "big.ply")


def ply(vertices: str, faces: str, n_vertices: int, n_faces: int) -> str:
    return (
        f"ply\nformat ascii 1.0\nelement vertex {n_vertices}\nproperty float x\nproperty float y\nproperty float z\n"
        f"element face {n_faces}\nproperty list uchar int vertex_indices\nend_header\n{vertices}{faces}"
    )


CUBE = "0 0 0\n200 0 0\n200 200 0\n0 200 0\n0 0 200\n200 0 200\n200 200 200\n0 200 200\n"
QUADS = "4 3 2 1 0\n4 4 5 6 7\n4 0 1 5 4\n4 1 2 6 5\n4 2 3 7 6\n4 3 0 4 7\n"


def test_quads_become_triangles(tmp_path: Path) -> None:
    (tmp_path / "m.ply").write_text(ply(CUBE, QUADS, 8, 6))
    mesh = read_mesh(tmp_path / "m.ply").mesh
    assert len(mesh.faces) == 12
    assert volume(mesh) == pytest.approx(8e6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.ply", b"", "empty"),
        ("m.ply", b"solid", "cannot be read as PLY"),
        ("m.xyz", b"1 2 3", "converted|convert it"),
        ("m.ply", ply(CUBE, "", 8, 0).encode(), "no triangles"),
        ("m.ply", ply(CUBE, "3 0 1 9\n", 8, 1).encode(), "do not exist|cannot be read"),
        ("m.ply", ply(CUBE, "3 0 1 -2\n", 8, 1).encode(), "do not exist|cannot be read"),
        ("m.ply", ply(CUBE.replace("200 0 0", "nan 0 0"), QUADS, 8, 6).encode(), "1 vertices are not finite"),
        ("m.ply", ply(CUBE.replace("200 0 0", "inf 0 0"), QUADS, 8, 6).encode(), "1 vertices are not finite"),
        ("m.ply", ply(CUBE, QUADS[:-20], 8, 6).encode(), "cut off|cannot be read"),
        ("m.ply", ply(CUBE, "3 0 0 1\n", 8, 1).encode(), "no area"),
        ("m.obj", b"v 0 0 0\n", "no triangles|cannot be read"),
        ("m.stl", b"\0" * 84, "no triangles|cannot be read"),
    ],
)
def test_faults(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NasionError, match=message) as caught:
        read_mesh(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="no such file"):
        read_mesh(tmp_path / "m.ply")
    (tmp_path / "f.ply").mkdir()
    with pytest.raises(NasionError, match="is a folder"):
        read_mesh(tmp_path / "f.ply")


def test_every_truncation_of_a_binary_ply_is_noticed(tmp_path: Path) -> None:
    write_mesh(tmp_path / "m.ply", ball())
    content = (tmp_path / "m.ply").read_bytes()
    for length in [*range(1, 400, 7), *range(400, len(content), 97), len(content) - 1]:
        (tmp_path / "cut.ply").write_bytes(content[:length])
        with pytest.raises(NasionError):
            read_mesh(tmp_path / "cut.ply")


def test_header_of_a_huge_ply_costs_no_memory(tmp_path: Path) -> None:
    header = ply("", "", 10**12, 10**12).replace("ascii", "binary_little_endian")
    (tmp_path / "m.ply").write_bytes(header.encode() + b"\0" * 1000)
    with pytest.raises(NasionError, match="shorter than its header says"):
        read_mesh(tmp_path / "m.ply")


def test_non_manifold_and_pieces_are_warnings(tmp_path: Path) -> None:
    (tmp_path / "fin.ply").write_text(ply(CUBE + "400 0 0\n", QUADS + "3 0 1 8\n3 4 5 8\n", 9, 8))
    fin = read_mesh(tmp_path / "fin.ply")
    assert fin.warnings == ("the mesh is not manifold: 2 edges have more than two triangles",)
    one = ball(50, 1)
    three = Mesh(
        np.concatenate([one.vertices + np.array([shift, 0, 0]) for shift in (0, 150, 300)]),
        np.concatenate([one.faces + k * len(one.vertices) for k in range(3)]),
    )
    write_mesh(tmp_path / "three.ply", three)
    assert read_mesh(tmp_path / "three.ply").warnings == (
        "the mesh has 3 separate pieces; the largest holds 33% of it",
    )
    two = Mesh(three.vertices, three.faces[: 2 * len(one.faces)])
    write_mesh(tmp_path / "two.ply", two)
    assert read_mesh(tmp_path / "two.ply", "skull").warnings == ()
    assert len(read_mesh(tmp_path / "two.ply", "face").warnings) == 1
    assert len(read_mesh(tmp_path / "two.ply").mesh.vertices) == 2 * len(one.vertices)


def test_huge_mesh_is_decimated_with_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshes, "MOST_TRIANGLES", 4000)
    monkeypatch.setattr(meshes, "DECIMATED_TRIANGLES", 1000)
    write_mesh(tmp_path / "m.ply", ball(100, 4))
    read = read_mesh(tmp_path / "m.ply")
    assert 900 <= len(read.mesh.faces) <= 1000
    assert "5,120 triangles were reduced to" in read.warnings[0]
    assert volume(read.mesh) == pytest.approx(4 / 3 * np.pi * 100**3, rel=0.02)


def vtp(points: str, connectivity: str, offsets: str, tail: str = "", attributes: str = "") -> str:
    return (
        f'<?xml version="1.0"?><VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" {attributes}><PolyData>'
        '<Piece NumberOfPoints="8" NumberOfPolys="6"><Points>'
        f'<DataArray type="Float32" NumberOfComponents="3" {points}</DataArray></Points><Polys>'
        f'<DataArray type="Int64" Name="connectivity" {connectivity}</DataArray>'
        f'<DataArray type="Int32" Name="offsets" {offsets}</DataArray></Polys></Piece></PolyData>{tail}</VTKFile>'
    )


ARRAYS = (
    np.array(CUBE.split(), dtype="<f4").tobytes(),
    np.array([line.split()[1:] for line in QUADS.splitlines()], dtype="<i8").tobytes(),
    np.arange(4, 25, 4, dtype="<i4").tobytes(),
)


def vtp_file(form: str) -> bytes:
    if form == "ascii":
        indices = " ".join(" ".join(line.split()[1:]) for line in QUADS.splitlines())
        return vtp(*(f'format="ascii">{text}' for text in (CUBE, indices, "4 8 12 16 20 24"))).encode()
    if form == "compressed":
        texts = []
        for raw in ARRAYS:
            blocks = [zlib.compress(raw[:40]), zlib.compress(raw[40:])] if len(raw) > 40 else [zlib.compress(raw)]
            header = struct.pack(f"<{3 + len(blocks)}Q", len(blocks), 40, len(raw) % 40, *map(len, blocks))
            texts.append(base64.b64encode(header).decode() + base64.b64encode(b"".join(blocks)).decode())
        attributes = 'header_type="UInt64" compressor="vtkZLibDataCompressor"'
        return vtp(*(f'format="binary">{text}' for text in texts), attributes=attributes).encode()
    blocks = [struct.pack("<I", len(raw)) + raw for raw in ARRAYS]
    if form == "base64":
        return vtp(*(f'format="binary">\n{base64.b64encode(b).decode()}\n' for b in blocks)).encode()
    starts = np.cumsum([0, *map(len, blocks)])
    tail = '<AppendedData encoding="raw">_HERE</AppendedData>'
    text = vtp(*(f'format="appended" offset="{s}">' for s in starts[:3]), tail=tail)
    return text.encode().replace(b"HERE", b"".join(blocks))


@pytest.mark.parametrize("form", ["ascii", "base64", "appended", "compressed"])
def test_vtp(tmp_path: Path, form: str) -> None:
    (tmp_path / "m.vtp").write_bytes(vtp_file(form))
    mesh = read_mesh(tmp_path / "m.vtp").mesh
    assert len(mesh.faces) == 12
    assert volume(mesh) == pytest.approx(8e6)
    np.testing.assert_array_equal(mesh.vertices, np.array(CUBE.split(), dtype=float).reshape(-1, 3))
    (tmp_path / "cut.vtp").write_bytes(vtp_file(form)[:-60])
    with pytest.raises(NasionError, match="VTP"):
        read_mesh(tmp_path / "cut.vtp")


def test_real_meshes(shared_data: Path) -> None:
    file = read_mesh(shared_data / "heads" / "pcir_77654033" / "skull.ply")
    assert len(file.mesh.faces) == 60_000
    assert file.warnings[0].startswith("the mesh is not manifold")
