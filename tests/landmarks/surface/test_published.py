"""Published sets: small files of the same layout are read as their authors lay them out."""

import json
from pathlib import Path

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.landmarks.surface.heads import IBUG68, NAMES, Head
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.published import (
    PublishedScan,
    dad_3dheads,
    facescape,
    headspace,
    plain_folder,
    read_obj,
    usable_samples,
)
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.readers.meshes import write_mesh

rng = np.random.default_rng(0)
SMALL = Mesh(rng.normal(size=(100, 3)) * 50, rng.integers(0, 100, (180, 3)))
INDEX = rng.permutation(100)[:68]


def write_obj(path: Path, mesh: Mesh) -> None:
    """Write an OBJ as scanners do: texture coordinates, a material, a quadrangle, comments."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# scan", "mtllib scan.mtl", *(f"v {x!r} {y!r} {z!r}" for x, y, z in mesh.vertices.tolist())]
    lines += ["vt 0.5 0.5", "usemtl skin", *(f"f {a + 1}/1 {b + 1}/1 {c + 1}/1" for a, b, c in mesh.faces.tolist())]
    path.write_text("\n".join([*lines, "f 1/1 2/1 3/1 4/1", "f -1 -2 -3"]) + "\n")


def _check(scan: PublishedScan, landmarks: np.ndarray) -> Mesh:
    mesh, points = scan.read()
    assert scan.scheme == "ibug68"
    assert np.allclose([points[name] for name in IBUG68], landmarks)
    return mesh


def test_obj_files_keep_the_order_of_their_vertices(tmp_path: Path) -> None:
    write_obj(tmp_path / "a.obj", SMALL)
    mesh = read_obj(tmp_path / "a.obj")
    assert np.allclose(mesh.vertices, SMALL.vertices)
    assert np.array_equal(mesh.faces, [*SMALL.faces.tolist(), [0, 1, 2], [0, 2, 3], [99, 98, 97]])


@pytest.mark.parametrize("inner", ["", "models_reg"])
def test_facescape(tmp_path: Path, inner: str) -> None:
    for person in ("1", "12"):
        for expression in ("1_neutral", "2_smile"):
            write_obj(tmp_path / person / inner / f"{expression}.obj", SMALL)
    np.savez(tmp_path / "landmark_indices.npz", v10=INDEX, v16=INDEX[::-1])
    scans = facescape(tmp_path)
    assert [(scan.person, scan.name) for scan in scans] == [
        (p, f"{p}/{e}") for p in ("1", "12") for e in ("1_neutral", "2_smile")
    ]
    _check(scans[3], SMALL.vertices[INDEX])
    _check(facescape(tmp_path, "v16")[0], SMALL.vertices[INDEX[::-1]])
    with pytest.raises(NasionError, match="no array 'v99'"):
        facescape(tmp_path, "v99")


def test_headspace(tmp_path: Path) -> None:
    write_obj(tmp_path / "00001" / "140301.obj", SMALL)
    (tmp_path / "00001" / "ldmks.txt").write_text("\n".join(str(k + 1) for k in INDEX) + "\n")
    write_obj(tmp_path / "00002" / "140302.obj", SMALL)  # without landmarks
    (scan,) = headspace(tmp_path)
    assert scan.person == "00001"
    _check(scan, SMALL.vertices[INDEX])
    (tmp_path / "00001" / "ldmks.txt").write_text("\n".join(str(k + 1) for k in INDEX[:60]))
    with pytest.raises(NasionError, match="68 vertex numbers, but holds 60"):
        headspace(tmp_path)[0].read()
    (tmp_path / "00001" / "ldmks.txt").write_text("\n".join(str(k + 90) for k in INDEX))
    with pytest.raises(NasionError, match="has 100 vertices, but a landmark is vertex"):
        headspace(tmp_path)[0].read()
    write_obj(tmp_path / "00001" / "other.obj", SMALL)
    with pytest.raises(NasionError, match="2 OBJ files"):
        headspace(tmp_path)


def test_dad_3dheads(tmp_path: Path) -> None:
    root = tmp_path / "DAD-3DHeadsDataset"
    for part, item in (("train", "aa"), ("val", "bb")):
        (root / part / "annotations").mkdir(parents=True)
        content = {"vertices": (SMALL.vertices / 1000).tolist(), "model_view_matrix": [], "projection_matrix": []}
        (root / part / "annotations" / f"{item}.json").write_text(json.dumps(content))
    write_obj(tmp_path / "flame.obj", Mesh(SMALL.vertices * 0.3, SMALL.faces))
    np.savez(tmp_path / "points.npz", vertices=INDEX)
    weights = rng.dirichlet([1, 1, 1], 68)
    np.savez(tmp_path / "embedding.npz", faces=np.arange(68), weights=weights)
    first, second = dad_3dheads(root, tmp_path / "flame.obj", tmp_path / "points.npz")
    assert (first.person, second.person) == ("aa", "bb")
    mesh = _check(second, SMALL.vertices[INDEX] / 1000)
    assert np.allclose(mesh.vertices, SMALL.vertices / 1000)
    on_triangles = np.einsum("nk,nkd->nd", weights, SMALL.vertices[SMALL.faces[:68]]) / 1000
    _check(dad_3dheads(root, tmp_path / "flame.obj", tmp_path / "embedding.npz")[0], on_triangles)
    write_obj(tmp_path / "other.obj", Mesh(SMALL.vertices[:99], SMALL.faces % 99))
    np.savez(tmp_path / "few.npz", vertices=INDEX % 99)
    with pytest.raises(NasionError, match="the FLAME mesh has 99"):
        dad_3dheads(root, tmp_path / "other.obj", tmp_path / "few.npz")[0].read()


def test_a_plain_folder_of_faces_becomes_samples(face: Head, faces: OrientationTemplate, tmp_path: Path) -> None:
    turn = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    turned = face.mesh.transformed(turn, np.array([300.0, 0.0, -90.0]))
    marks = {name: turn @ point + [300.0, 0.0, -90.0] for name, point in face.points.items() if name != "gnathion"}
    write_mesh(tmp_path / "anna__smile.ply", turned)
    twenty = {name: point for name, point in marks.items() if name in NAMES["facial20"][:20]}
    rest = {name: point for name, point in marks.items() if name not in twenty}
    write_landmarks(tmp_path / "anna__smile.landmarks.json", LandmarkFile("facial20", "mm", twenty, rest))
    ball = Mesh(*_ball())
    write_mesh(tmp_path / "ball.ply", ball)
    (tmp_path / "ball.landmarks.json").write_text((tmp_path / "anna__smile.landmarks.json").read_text())
    write_mesh(tmp_path / "without_landmarks.ply", turned)
    samples, refused = usable_samples(plain_folder(tmp_path, "facial20"), faces, points=500, keep_meshes=True)
    assert list(refused) == ["ball"]
    assert "score" in refused["ball"]
    (sample,) = samples
    assert sample.person == "anna"
    absent = np.isnan(sample.landmarks[:, 0])
    assert [name for name, gone in zip(NAMES["facial20"], absent, strict=True) if gone] == ["gnathion"]
    back = sample.cloud.to_mesh_mm(sample.landmarks[~absent])
    assert np.allclose(back, [marks[name] for name in NAMES["facial20"] if name != "gnathion"], atol=1e-3)
    left, right = (sample.landmarks[NAMES["facial20"].index(f"exocanthion_{side}")] for side in ("left", "right"))
    assert left[0] > 0.2 > -0.2 > right[0]


def test_a_plain_folder_of_68_points(face: Head, tmp_path: Path) -> None:
    write_mesh(tmp_path / "b.ply", face.mesh)
    points = {name: face.mesh.vertices[k].tolist() for k, name in enumerate(IBUG68)}
    (tmp_path / "b.landmarks.json").write_text(json.dumps({"landmarks": points}))
    (scan,) = plain_folder(tmp_path, "ibug68")
    _check(scan, face.mesh.vertices[:68])
    (tmp_path / "b.landmarks.json").write_text("[]")
    with pytest.raises(NasionError, match="ibug00 to ibug67"):
        scan.read()


def test_empty_folders_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "landmark_indices.npz", v10=INDEX)
    for reading in (facescape, headspace, lambda root: plain_folder(root, "facial20")):
        with pytest.raises(NasionError, match="give the folder of the set"):
            reading(tmp_path)
    with pytest.raises(NasionError, match="no such file"):
        facescape(tmp_path / "none")
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "1_neutral.obj").write_text("v 1 2\nf 1 2 x\n")
    with pytest.raises(NasionError, match="damaged or cut off"):
        facescape(tmp_path)[0].read()


def _ball() -> tuple[np.ndarray, np.ndarray]:
    import trimesh

    ball = trimesh.creation.icosphere(4, 100.0)
    return np.asarray(ball.vertices), np.asarray(ball.faces)
