"""Simulated scans: the surface and the truth move together, faults take what they say and no more."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from nasion.anatomy.landmarks import SCHEMES
from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface import defects
from nasion.landmarks.surface.heads import Head
from nasion.landmarks.surface.scans import CLEAN, GONE_MM, RAW, ScanSettings, random_rotation, simulate_scan

STILL = replace(CLEAN, rotation_deg=0.0, shift_mm=0.0)


def area(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def away_mm(mesh: Mesh, points: FloatArray) -> FloatArray:
    return np.abs(closest_points(mesh, points)[1])


def _points(head: Head) -> dict[str, FloatArray]:
    return {name: np.asarray(p) for name, p in head.points.items()}


@pytest.mark.parametrize("kind", ["facial", "cranial"])
def test_a_clean_scan_is_the_same_surface_over_other_vertices(face: Head, skull: Head, kind: str) -> None:
    head = face if kind == "facial" else skull
    scan = simulate_scan(head.mesh, head.points, kind, np.random.default_rng(1), CLEAN)  # type: ignore[arg-type]
    back = (scan.mesh.vertices - scan.translation_mm) @ scan.rotation
    off = away_mm(head.mesh, back)
    assert np.quantile(off, 0.95) < 0.35
    assert area(scan.mesh) == pytest.approx(area(head.mesh), rel=0.03)
    assert set(scan.points) == set(head.points)
    for name, point in scan.points.items():
        assert np.allclose(scan.rotation @ head.points[name] + scan.translation_mm, point)
    # the old vertices are not among the new ones
    nearest = cKDTree(head.mesh.vertices).query(back)[0]
    assert (nearest < 1e-3).mean() < 0.02


def test_vertices_know_nothing_of_the_landmarks(face: Head) -> None:
    # from the landmark's place, the nearest vertex is as far as from anywhere on the surface around
    gaps, around = [], []
    for seed in range(6):
        scan = simulate_scan(face.mesh, face.points, "facial", np.random.default_rng(seed), STILL)
        tree = cKDTree(scan.mesh.vertices)
        marks = np.array([face.points[name] for name in SCHEMES["facial20"]])
        gaps.append(tree.query(marks)[0])
        rng = np.random.default_rng(seed)
        near = closest_points(scan.mesh, marks + rng.normal(size=marks.shape) * 4.0)[0]
        around.append(tree.query(near)[0])
    assert np.median(gaps) > 0.6 * np.median(around)


@settings(max_examples=6, deadline=None)
@given(share=st.floats(0.02, 0.3), seed=st.integers(0, 999))
def test_holes_take_their_share(face: Head, share: float, seed: int) -> None:
    holed = defects.with_holes(face.mesh, share, (3.0, 22.0), np.random.default_rng(seed))
    lost = 1 - area(holed) / area(face.mesh)
    assert share <= lost < share + 0.03


def test_a_landmark_is_missing_exactly_where_its_surface_is(face: Head) -> None:
    settings_ = replace(STILL, holes=1.0, hole_share=(0.4, 0.4))
    scan = simulate_scan(face.mesh, face.points, "facial", np.random.default_rng(3), settings_)
    points = _points(face)
    off = dict(zip(points, away_mm(scan.mesh, np.array(list(points.values()))), strict=True))
    assert set(scan.points) == {name for name, mm in off.items() if mm <= GONE_MM}
    assert 3 < len(points) - len(scan.points) < len(points) - 3


def test_without_a_mandible_its_landmarks_go_and_the_others_stay(skull: Head) -> None:
    scan = simulate_scan(skull.mesh, skull.points, "cranial", np.random.default_rng(0), replace(STILL, no_mandible=1.0))
    assert set(skull.points) - set(scan.points) == defects.MANDIBLE_POINTS
    assert scan.mesh.vertices[:, 1].min() > skull.points["prosthion"][1] - 25


def test_the_mandible_of_a_skull_in_one_piece_is_found_by_planes(skull: Head) -> None:
    points = _points(skull)
    own = defects.mandible(skull.mesh, points)
    # the built-in mandible is a piece of its own; joined to the rest by a strut, it has to be found by its place
    i, j = (int(cKDTree(skull.mesh.vertices).query(points[name])[1]) for name in ("gnathion", "nasion"))
    strut = np.array([[i, j, (i + 1) % len(skull.mesh.vertices)]], dtype=np.int32)
    joined = Mesh(skull.mesh.vertices, np.concatenate([skull.mesh.faces, strut]))
    by_place = defects.mandible(joined, points)[:-1]
    center = skull.mesh.vertices[skull.mesh.faces].mean(axis=1)
    lower = own & (center[:, 1] < points["infradentale"][1])
    assert by_place[lower].mean() > 0.95
    assert by_place[~own].mean() < 0.06


def test_an_open_jaw_turns_the_mandible_about_the_condyles(skull: Head) -> None:
    points = _points(skull)
    opened, moved = defects.with_open_jaw(skull.mesh, points, 20.0)
    for name, point in moved.items():
        if name in defects.MANDIBLE_POINTS:
            continue
        assert np.array_equal(point, points[name])
    joint = (points["porion_left"] + points["porion_right"]) / 2 + [0.0, -4.0, 13.0]
    before, after = points["gnathion"] - joint, moved["gnathion"] - joint
    assert np.linalg.norm(before) == pytest.approx(np.linalg.norm(after))
    cosine = before[1:] @ after[1:] / np.linalg.norm(before[1:]) / np.linalg.norm(after[1:])
    assert np.degrees(np.arccos(cosine)) == pytest.approx(20.0)
    assert after[1] < before[1]
    assert away_mm(opened, np.array([moved[n] for n in defects.MANDIBLE_POINTS if n in moved])).max() < 2.0


def test_lost_teeth_leave_the_alveolar_landmarks(skull: Head) -> None:
    points = _points(skull)
    toothless = defects.without_teeth(skull.mesh, points)
    middle = (points["prosthion"] + points["infradentale"]) / 2
    assert away_mm(skull.mesh, middle[None])[0] < 6
    assert away_mm(toothless, middle[None])[0] > 6
    assert away_mm(toothless, np.array([points["prosthion"], points["infradentale"]])).max() < GONE_MM


def test_shoulders_are_added_below_the_chin(face: Head) -> None:
    chin = face.points["gnathion"]
    whole = defects.with_shoulders(face.mesh, chin, np.random.default_rng(0))
    assert whole.vertices[:, 1].min() < chin[1] - 80
    assert np.ptp(whole.vertices[:, 0]) > 300
    above = face.mesh.vertices[face.mesh.vertices[:, 1] > chin[1] - 24]
    assert away_mm(whole, above[::97]).max() < 1e-6


@pytest.mark.parametrize("unevenness", [0.0, 0.5])
def test_triangles_of_one_side_are_larger(unevenness: float) -> None:
    ball = trimesh.creation.icosphere(5, 100.0)
    mesh = defects.remeshed(Mesh(ball.vertices, ball.faces), 6000, unevenness, np.random.default_rng(2))
    assert abs(len(mesh.faces) - 6000) < 60
    assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 100).max() < 1.0
    center = mesh.vertices[mesh.faces].mean(axis=1)
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    size = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    slope = np.linalg.lstsq(np.c_[center / 100, np.ones(len(center))], np.log(size), rcond=None)[0][:3]
    trend = float(np.linalg.norm(slope))
    assert trend < 0.15 if unevenness == 0 else trend > 0.5


def test_noise_has_its_standard_deviation() -> None:
    ball = trimesh.creation.icosphere(5, 100.0)
    noisy = defects.with_noise(Mesh(ball.vertices, ball.faces), 0.5, np.random.default_rng(0))
    height = np.linalg.norm(noisy.vertices, axis=1) - 100
    assert height.std() == pytest.approx(0.5, rel=0.1)


def test_crops_cut_the_top_or_the_back(face: Head) -> None:
    top, front = (
        simulate_scan(face.mesh, face.points, "facial", np.random.default_rng(4), replace(STILL, **{name: 1.0}))
        for name in ("vault_cut", "front_only")
    )
    assert "bregma" not in top.points
    assert "gnathion" in top.points
    assert "pronasale" in front.points
    assert front.mesh.vertices[:, 2].min() > face.mesh.vertices[:, 2].min() + 40


@settings(max_examples=20, deadline=None)
@given(limit=st.floats(0.0, 180.0), seed=st.integers(0, 999))
def test_rotations_are_proper_and_within_their_limit(limit: float, seed: int) -> None:
    turn = random_rotation(limit, np.random.default_rng(seed))
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1.0)
    assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) <= limit + 1e-6


def test_the_same_seed_gives_the_same_scan(face: Head) -> None:
    first, again = (simulate_scan(face.mesh, face.points, "facial", np.random.default_rng(9), RAW) for _ in range(2))
    assert np.array_equal(first.mesh.vertices, again.mesh.vertices)
    assert np.array_equal(first.mesh.faces, again.mesh.faces)


def test_faulty_settings_and_missing_landmarks_are_told(face: Head, skull: Head) -> None:
    with pytest.raises(NasionError, match=r"shoulders is 1\.5; give 0 to 1"):
        ScanSettings(shoulders=1.5)
    with pytest.raises(NasionError, match="hole_share"):
        ScanSettings(hole_share=(0.3, 0.2))
    rng = np.random.default_rng(0)
    with pytest.raises(NasionError, match="unknown kind"):
        simulate_scan(face.mesh, face.points, "dental", rng)  # type: ignore[arg-type]
    with pytest.raises(NasionError, match="gnathion"):
        simulate_scan(face.mesh, {}, "facial", rng, RAW)
    with pytest.raises(NasionError, match="porion_left"):
        few = {name: p for name, p in skull.points.items() if not name.startswith("porion")}
        defects.with_open_jaw(skull.mesh, few, 10.0)
