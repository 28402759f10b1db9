"""Stored samples and what varies of them: an affine map of points, normals and landmarks together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landmarks.surface.bumpy import sample as bumpy
from nasion.errors import NasionError
from nasion.landmarks.surface.augmentation import AugmentSettings, augmented, mirror_order
from nasion.landmarks.surface.cloud import Cloud, Sample
from nasion.landmarks.surface.heads import IBUG68, NAMES, face_model
from nasion.landmarks.surface.stored_samples import StoredSamples, is_made, read_sample, sample_path, write_sample

STRONG = AugmentSettings(turn_sd_deg=30, shift_sd=0.2, size_sd=0.2, stretch_sd=0.2, bends=0)
NAMED = ("nasion", "zygion_left", "zygion_right", "gnathion")


def flat_pieces(seed: int) -> Sample:
    """Return forty triangles, three points each with the triangle's normal; four points are the landmarks."""
    rng = np.random.default_rng(seed)
    corners = rng.normal(size=(40, 3, 3))
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    cloud = Cloud(corners.reshape(-1, 3), np.repeat(normals, 3, axis=0), np.zeros(3), 130.0, np.eye(3))
    return Sample(cloud, cloud.points[[0, 3, 6, 9]], "somebody")


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), mirrored=st.booleans())
def test_one_affine_map_moves_points_normals_and_landmarks(seed: int, mirrored: bool) -> None:
    before = flat_pieces(seed)
    how = AugmentSettings(**{**vars(STRONG), "mirrored": float(mirrored)})
    after = augmented(before, NAMED, np.random.default_rng(seed), how)
    bordered = np.hstack([before.cloud.points, np.ones((120, 1))])
    affine, residual, _, _ = np.linalg.lstsq(bordered, after.cloud.points, rcond=None)
    assert residual.max() < 1e-18
    assert (np.linalg.det(affine[:3]) < 0) == mirrored
    # a landmark goes where its point goes; with sides changed, left is called right
    assert after.landmarks == pytest.approx(after.cloud.points[[0, 6, 3, 9] if mirrored else [0, 3, 6, 9]])
    # normals stay normal to their triangles, on the same side of them as an outside point
    triangles = after.cloud.points.reshape(40, 3, 3)
    normals = after.cloud.normals.reshape(40, 3, 3)
    assert np.linalg.norm(normals, axis=2) == pytest.approx(1.0)
    for k in (1, 2):
        assert np.abs(np.einsum("ij,ij->i", normals[:, 0], triangles[:, k] - triangles[:, 0])).max() < 1e-9
    outside = before.cloud.points + before.cloud.normals
    moved = np.hstack([outside, np.ones((120, 1))]) @ affine
    assert np.einsum("ij,ij->i", moved - after.cloud.points, after.cloud.normals).min() > 0
    assert (after.person, after.mesh) == ("somebody", None)


def test_bends_move_surface_and_landmarks_together_and_normals_with_them() -> None:
    # a finely sampled ball: normals of the bent surface by differences along it
    rng = np.random.default_rng(2)
    normals = rng.normal(size=(200, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    aside = np.cross(normals, [0.3, 0.5, 0.8])
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    step = 1e-4
    first = normals + step * aside
    second = normals + step * np.cross(normals, aside)
    points = 0.7 * np.concatenate([normals, *(p / np.linalg.norm(p, axis=1, keepdims=True) for p in (first, second))])
    cloud = Cloud(points, np.tile(normals, (3, 1)), np.zeros(3), 130.0, np.eye(3))
    how = AugmentSettings(turn_sd_deg=0, shift_sd=0, size_sd=0, stretch_sd=0, mirrored=0, bend_sd=0.01)
    after = augmented(Sample(cloud, points[:4], "somebody"), NAMED, np.random.default_rng(5), how)
    moved = after.cloud.points.reshape(3, 200, 3)
    assert np.linalg.norm(moved[0] - points[:200], axis=1).max() > 0.01
    assert after.landmarks == pytest.approx(after.cloud.points[:4])
    true = np.cross(moved[1] - moved[0], moved[2] - moved[0])
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    cosine = np.einsum("ij,ij->i", true, after.cloud.normals[:200])
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 1.0


def test_absent_landmarks_stay_absent_on_their_new_side() -> None:
    before = flat_pieces(0)
    before.landmarks[1] = np.nan
    after = augmented(before, NAMED, np.random.default_rng(0), AugmentSettings(mirrored=1.0))
    assert np.isnan(after.landmarks).any(axis=1).tolist() == [False, False, True, False]


@pytest.mark.parametrize("scheme", list(NAMES))
def test_the_other_side_of_the_other_side_is_the_same(scheme: str) -> None:
    order = mirror_order(NAMES[scheme])
    assert np.array_equal(order[order], np.arange(len(order)))


def test_sides_of_the_ibug_points() -> None:
    order = mirror_order(IBUG68)
    pairs = {0: 16, 8: 8, 17: 26, 21: 22, 27: 27, 30: 30, 31: 35, 33: 33, 36: 45, 39: 42, 41: 46, 48: 54, 57: 57}
    assert {k: int(order[k]) for k in pairs} == pairs
    assert {k: int(order[k]) for k in (50, 59, 60, 62, 61, 67, 66)} == {
        50: 52,
        59: 55,
        60: 64,
        62: 62,
        61: 63,
        67: 65,
        66: 66,
    }


def test_sides_of_the_ibug_points_on_a_face(shared_data: Path) -> None:
    model, _ = face_model(shared_data)
    points = model.mean[model.ibug68]
    mirrored = points[mirror_order(IBUG68)] * [-1, 1, 1]
    middle = 2 * points[[27, 28, 29, 30, 8]].mean(axis=0)[0]
    away = np.linalg.norm(points - mirrored - [middle, 0, 0], axis=1)
    size = np.ptp(points, axis=0).max()
    assert away.max() < 0.05 * size


def test_a_sample_is_read_as_it_was_written(tmp_path: Path) -> None:
    before = bumpy(3, absent=[1])
    write_sample(sample_path(tmp_path, 7), before)
    assert is_made(tmp_path, 7)
    assert not is_made(tmp_path, 8)
    after = read_sample(sample_path(tmp_path, 7))
    assert after.cloud.points == pytest.approx(before.cloud.points, abs=1e-6)
    assert np.einsum("ij,ij->i", after.cloud.normals, before.cloud.normals).min() > 1 - 1e-6
    assert after.landmarks == pytest.approx(before.landmarks, abs=1e-6, nan_ok=True)
    assert after.person == before.person
    assert after.mesh is not None
    assert before.mesh is not None
    assert after.mesh.vertices == pytest.approx(before.mesh.vertices, abs=1e-4)
    assert np.array_equal(after.mesh.faces, before.mesh.faces)
    assert np.array_equal(after.cloud.rotation, before.cloud.rotation)
    write_sample(sample_path(tmp_path, 7), replace(before, mesh=None))
    assert read_sample(sample_path(tmp_path, 7)).mesh is None


def test_pieces_of_surface_are_read_on_demand_only(tmp_path: Path) -> None:
    pieces = np.random.default_rng(0).normal(size=(5, 20, 6)).astype(np.float16)
    path = sample_path(tmp_path, 0)
    write_sample(path, replace(bumpy(0), mesh=None, patches=pieces))
    assert np.array_equal(read_sample(path, patches=True).patches, pieces)
    assert np.array_equal(StoredSamples.of(tmp_path, NAMED, patches=True)[0].patches, pieces)
    # damage inside them: who does not ask for them does not read them
    content = bytearray(path.read_bytes())
    begin = content.index(pieces.tobytes())
    content[begin : begin + 100] = bytes(100)
    path.write_bytes(content)
    assert StoredSamples.of(tmp_path, NAMED)[0].patches is None
    with pytest.raises(NasionError, match="the sample is damaged"):
        StoredSamples.of(tmp_path, NAMED, patches=True)[0]


def test_stored_samples_vary_by_epoch_and_are_the_same_for_the_same(tmp_path: Path) -> None:
    for k in range(2):
        write_sample(sample_path(tmp_path, k), replace(bumpy(k), mesh=None))
    (tmp_path / "000002.refused").touch()
    names = ("nose", "dent", "cheek_left", "cheek_right", "top")

    def points(epoch: int) -> np.ndarray:
        return StoredSamples.of(tmp_path, names, AugmentSettings(), 5, epoch)[1].cloud.points

    assert len(StoredSamples.of(tmp_path, names)) == 2
    assert np.array_equal(points(0), points(0))
    assert not np.array_equal(points(0), points(1))
    assert [item.person for item in StoredSamples.of(tmp_path, names)[:]] == ["person 0", "person 1"]
    varied = StoredSamples.of(tmp_path, names, AugmentSettings(), 5)
    assert np.array_equal(varied[-1].cloud.points, varied[1].cloud.points)
    with pytest.raises(IndexError):
        varied[2]


def test_a_damaged_sample_is_told(tmp_path: Path) -> None:
    (tmp_path / "000000.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(NasionError, match="the sample is damaged"):
        StoredSamples.of(tmp_path, NAMED)[0]
