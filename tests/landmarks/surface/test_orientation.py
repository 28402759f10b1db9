"""Raw scans of heads are oriented right or refused; what is no head is refused."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.regions import clip
from nasion.geometry.surface import Mesh
from nasion.landmarks.surface.heads import Head
from nasion.landmarks.surface.orientation import Orientation, angles_deg, orient
from nasion.landmarks.surface.orientation_template import (
    STANDARD_CENTER_MM,
    OrientationTemplate,
    outer_points,
)
from nasion.landmarks.surface.scans import RAW, Scan, ScanSettings, simulate_scan
from nasion.readers.meshes import read_mesh


def miss_deg(found: Orientation, scan: Scan) -> float:
    return float(angles_deg(found.frame.rotation[None], scan.rotation.T)[0])


def miss_mm(found: Orientation, scan: Scan) -> float:
    truth = scan.rotation @ np.array(STANDARD_CENTER_MM) + scan.translation_mm
    return float(np.linalg.norm(found.frame.center_mm - truth))


@pytest.mark.parametrize("seed", range(8))
def test_raw_scans_of_faces_and_skulls(
    face: Head, skull: Head, faces: OrientationTemplate, skulls: OrientationTemplate, seed: int
) -> None:
    for head, kind, template in ((face, "facial", faces), (skull, "cranial", skulls)):
        scan = simulate_scan(head.mesh, head.points, kind, np.random.default_rng(seed), RAW)
        found = orient(scan.mesh, template)
        assert miss_deg(found, scan) < 12
        assert miss_mm(found, scan) < 20
        assert found.warnings == ()


@pytest.mark.parametrize("seed", range(6))
def test_faulty_scans_are_right_or_refused(face: Head, faces: OrientationTemplate, seed: int) -> None:
    scan = simulate_scan(face.mesh, face.points, "facial", np.random.default_rng(100 + seed), ScanSettings())
    try:
        found = orient(scan.mesh, faces)
    except NasionError as refusal:
        assert "score" in str(refusal)
    else:
        assert miss_deg(found, scan) < 15


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_result_turns_with_the_mesh(face: Head, faces: OrientationTemplate, seed: int) -> None:
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(rng=rng).as_matrix(), rng.normal(size=3) * 300
    here, there = orient(face.mesh, faces), orient(face.mesh.transformed(turn, shift), faces)
    assert angles_deg((there.frame.rotation @ turn)[None], here.frame.rotation)[0] < 6
    assert np.linalg.norm(turn @ here.frame.center_mm + shift - there.frame.center_mm) < 8


@pytest.mark.parametrize(("unit", "mm"), [("m", 1000.0), ("cm", 10.0), ("um", 0.001)])
def test_another_unit_is_found_by_size(face: Head, faces: OrientationTemplate, unit: str, mm: float) -> None:
    found = orient(face.mesh.moved(face.mesh.vertices / mm), faces)
    assert found.mm_per_unit == mm
    assert f"unit {unit}," in found.warnings[0]
    assert np.allclose(found.mesh.vertices, face.mesh.vertices)
    assert angles_deg(found.frame.rotation[None], np.eye(3))[0] < 12
    assert np.linalg.norm(found.frame.center_mm - STANDARD_CENTER_MM) < 20


def test_an_impossible_size_is_refused(face: Head, faces: OrientationTemplate) -> None:
    with pytest.raises(NasionError, match="a head in no unit"):
        orient(face.mesh.moved(face.mesh.vertices * 1e9), faces)


def test_a_mirrored_scan_is_noticed_by_its_triangles(face: Head, faces: OrientationTemplate) -> None:
    mirrored = face.mesh.moved(face.mesh.vertices * [-1.0, 1.0, 1.0])
    assert "mirrored" in orient(mirrored, faces).warnings[0]
    assert orient(Mesh(mirrored.vertices, mirrored.faces[:, ::-1]), faces).warnings == ()


def _shapes() -> dict[str, Mesh]:
    ball = trimesh.creation.icosphere(4)
    rng = np.random.default_rng(0)
    waves = sum(rng.normal() * np.sin(ball.vertices @ rng.normal(size=3) * k) for k in range(2, 9))
    shapes = {
        "cube": trimesh.creation.box((180, 180, 180)),
        "box": trimesh.creation.box((150, 220, 190)),
        "sphere": trimesh.creation.icosphere(5, 100.0),
        "torus": trimesh.creation.torus(80, 35),
        "cylinder": trimesh.creation.cylinder(60, 220),
        "capsule": trimesh.creation.capsule(80, 80),
        "ellipsoid": trimesh.Trimesh(ball.vertices * [75, 115, 100], ball.faces, process=False),
        "lump": trimesh.Trimesh(ball.vertices * (100 + 12 * waves)[:, None], ball.faces, process=False),
        "noise": trimesh.Trimesh(rng.normal(size=(900, 3)) * 60, rng.integers(0, 900, (2000, 3)), process=False),
    }
    return {name: Mesh(shape.vertices, shape.faces) for name, shape in shapes.items()}


@pytest.mark.parametrize("name", _shapes())
def test_what_is_no_head_is_refused_with_its_score(
    faces: OrientationTemplate, skulls: OrientationTemplate, name: str
) -> None:
    for template in (faces, skulls):
        with pytest.raises(NasionError, match=rf"no {template.what} that can be oriented: score 0\.\d\d"):
            orient(_shapes()[name], template)


@pytest.mark.parametrize("cut_mm", [20.0, 0.0, -20.0, -35.0, -50.0])
def test_the_back_of_a_head_is_oriented_right_or_refused(face: Head, faces: OrientationTemplate, cut_mm: float) -> None:
    back = clip(face.mesh, (0.0, 0.0, cut_mm), (0.0, 0.0, -1.0))
    try:
        found = orient(back, faces)
    except NasionError as refusal:
        assert "lead" in str(refusal)
    else:
        assert cut_mm > -50
        assert angles_deg(found.frame.rotation[None], np.eye(3))[0] < 12


@pytest.mark.parametrize("vertices", [np.empty((0, 3)), np.full((30, 3), np.nan)])
def test_empty_meshes_are_refused(faces: OrientationTemplate, vertices: np.ndarray) -> None:
    mesh = Mesh(vertices, np.arange(len(vertices)).reshape(-1, 3))
    with pytest.raises(NasionError, match="no triangles"):
        orient(mesh, faces)


def test_not_finite_vertices_and_small_pieces_do_no_harm(skull: Head, skulls: OrientationTemplate) -> None:
    vertices = skull.mesh.vertices.copy()
    vertices[::50] = np.nan
    crumbs = trimesh.creation.icosphere(1, 4.0)
    right, left = (np.array([x, -150.0, 30.0]) for x in (-60.0, 60.0))
    pieces = [vertices, crumbs.vertices + right, crumbs.vertices + left]
    n, m = len(vertices), len(crumbs.vertices)
    faces = [skull.mesh.faces, crumbs.faces + n, crumbs.faces + n + m]
    found = orient(Mesh(np.concatenate(pieces), np.concatenate(faces)), skulls)
    assert angles_deg(found.frame.rotation[None], np.eye(3))[0] < 12
    assert np.isfinite(found.mesh.vertices).all()


def test_a_template_survives_its_file(faces: OrientationTemplate, tmp_path: Path) -> None:
    path = tmp_path / "orientation.npz"
    faces.write(path)
    again = OrientationTemplate.read(path)
    assert again.what == "face"
    assert np.allclose(again.tables[0].points, faces.tables[0].points, atol=1e-6)
    assert np.allclose(again.tables[0].normals, faces.tables[0].normals, atol=1e-3)
    assert path.stat().st_size < 40_000
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(NasionError, match="no orientation template"):
        OrientationTemplate.read(path)


def test_only_the_outer_one_of_two_shells_is_seen() -> None:
    ball = trimesh.creation.icosphere(4)
    points = np.concatenate([ball.vertices, 0.8 * ball.vertices, 0.8 * ball.vertices])
    normals = np.concatenate([ball.vertices, ball.vertices, -ball.vertices])
    outer = outer_points(points, normals)
    assert outer[: len(ball.vertices)].all()
    assert not outer[len(ball.vertices) :].any()


REAL = {
    # file: rotation of the Frankfurt frame against the file's axes is a pitch; README of the data: phantom about 11,
    # arothron about 17, pcir_77654033 about 12.5 degrees
    "heads/elshin_phantom/skull.ply": 20.0,
    "heads/pcir_77654033/skull.ply": 20.0,
    "heads/invesalius_cranium/skull.ply": 20.0,
    "heads/arothron_skull/human_skull.ply": 26.0,
    "heads/pcir_77654033/skin.ply": 22.0,
    "heads/invesalius_cranium/skin.ply": 20.0,
    "face_models/menpo3d_template.ply": 20.0,
}


@pytest.mark.parametrize("name", REAL)
def test_real_heads_in_any_rotation(
    shared_data: Path, faces: OrientationTemplate, skulls: OrientationTemplate, name: str
) -> None:
    mesh = read_mesh(shared_data / name).mesh
    template = skulls if "skull" in Path(name).name else faces
    turn = Rotation.random(rng=np.random.default_rng(5)).as_matrix()
    found = orient(mesh.transformed(turn, np.array([10.0, -400.0, 33.0])), template)
    own = found.frame.rotation @ turn
    assert angles_deg(own[None], np.eye(3))[0] < REAL[name]
    yaw, _, roll = Rotation.from_matrix(own).as_euler("YXZ", degrees=True)
    assert max(abs(yaw), abs(roll)) < 8  # all of them look straight ahead in their files
