"""A released model, from folder to landmarks."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from landmarks.surface.bumpy import NAMES, SCALE_MM, sample
from landmarks.surface.conftest import TEST_PEOPLE
from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.landmarks.surface.card import Card, read_model
from nasion.landmarks.surface.cloud import Cloud
from nasion.landmarks.surface.predict import SurfaceLandmarks, load_landmarker

Released = tuple[Path, Card]


def find(released: Released, person: int, absent: tuple[int, ...] = ()) -> SurfaceLandmarks:
    head = sample(person, absent=absent, cut=bool(absent))
    assert head.mesh is not None
    return load_landmarker(released[0]).find(head.cloud, head.mesh)


def test_landmarks_of_people_never_seen(released: Released) -> None:
    errors, radii, surface = [], [], []
    for person in range(400, 412):
        head, result = sample(person), find(released, person)
        truth_mm = head.cloud.to_mesh_mm(head.landmarks)
        assert head.mesh is not None
        errors.append(np.linalg.norm(result.points_mm - truth_mm, axis=1))
        radii.append(result.radius90_mm)
        surface.append(closest_points(head.mesh, result.points_mm[np.isfinite(result.sigma_mm)])[1])
    error = np.array(errors)
    prototype = load_landmarker(released[0]).prototype
    of_the_mean_mm = [SCALE_MM * np.linalg.norm(sample(k).landmarks - prototype, axis=1) for k in range(400, 412)]
    assert np.nanmedian(error) < 0.6 * np.median(of_the_mean_mm)
    assert np.concatenate(surface).max() < 1e-6
    assert np.isnan(error).mean() < 0.1
    assert 0.75 < np.mean((error <= np.array(radii))[np.isfinite(error)]) <= 1.0


def test_the_card_tells_what_was_measured(released: Released) -> None:
    folder, card = released
    assert card == read_model(folder).card
    assert (card.scheme, card.names, card.data) == ("bumpy5", NAMES, "hand-made heads")
    assert (card.test_people, card.test_samples) == (6, 6)
    assert card.model_sha256 == hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    errors = []
    for person in TEST_PEOPLE:
        head = sample(person, absent=[0] if person == 300 else [])
        result = find(released, person, (0,) if person == 300 else ())
        errors.append(np.linalg.norm(result.points_mm - head.cloud.to_mesh_mm(head.landmarks), axis=1))
    assert card.error_mm.mean_mm == pytest.approx(np.nanmean(errors), rel=1e-4)
    assert card.errors_mm["left"].mean_mm == pytest.approx(np.nanmean(np.array(errors)[:, 2]), rel=1e-4)
    assert card.error_mm.count == np.isfinite(errors).sum()


def test_a_missing_landmark_is_reported(released: Released) -> None:
    results = [find(released, person, (0,)) for person in range(500, 508)]
    missing = [result for result in results if "nose" in result.missing]
    assert len(missing) >= 7
    for result in missing:
        assert np.isnan(result.points_mm[0]).all()
        assert np.isnan(result.sigma_mm[0])
        assert "nose" not in result.found()
        assert "peak" in result.missing["nose"]


def test_where_the_mesh_stands_does_not_matter(released: Released) -> None:
    head = sample(600)
    assert head.mesh is not None
    landmarker = load_landmarker(released[0])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    shift_mm = np.array([5.0, 500, -40])
    moved = head.mesh.transformed(turn, shift_mm)
    cloud = head.cloud
    moved_cloud = Cloud(
        cloud.points, cloud.normals, turn @ cloud.center_mm + shift_mm, SCALE_MM, cloud.rotation @ turn.T
    )
    here, there = landmarker.find(cloud, head.mesh), landmarker.find(moved_cloud, moved)
    assert there.points_mm == pytest.approx(here.points_mm @ turn.T + shift_mm, abs=1e-5, nan_ok=True)
    assert there.sigma_mm == pytest.approx(here.sigma_mm, rel=1e-5, nan_ok=True)


def test_the_order_of_points_does_not_matter(released: Released) -> None:
    head = sample(601)
    assert head.mesh is not None
    order = np.random.default_rng(1).permutation(len(head.cloud.points))
    mixed = Cloud(
        head.cloud.points[order], head.cloud.normals[order], head.cloud.center_mm, SCALE_MM, head.cloud.rotation
    )
    landmarker = load_landmarker(released[0])
    here, there = landmarker.find(head.cloud, head.mesh), landmarker.find(mixed, head.mesh)
    assert there.points_mm == pytest.approx(here.points_mm, abs=1e-3, nan_ok=True)


def test_a_model_is_loaded_once(released: Released) -> None:
    assert load_landmarker(released[0]) is load_landmarker(released[0])


@pytest.fixture
def copy(released: Released, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released[0], tmp_path / "copy"))


def test_another_network_than_the_cards_is_refused(copy: Path) -> None:
    with (copy / "model.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(NasionError, match="SHA-256"):
        load_landmarker(copy)


def test_a_changed_folder_is_read_again(copy: Path) -> None:
    load_landmarker(copy)
    (copy / "card.json").write_text("{}")
    with pytest.raises(NasionError, match=r"card\.json: scheme"):
        load_landmarker(copy)
    (copy / "card.json").unlink()
    with pytest.raises(NasionError, match="no trained model"):
        load_landmarker(copy)


def test_names_and_prototype_must_agree(copy: Path) -> None:
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps({**card, "names": card["names"][:-1]}))
    with pytest.raises(NasionError, match="differ in number"):
        load_landmarker(copy)


def test_use_needs_no_pytorch() -> None:
    code = "import sys, nasion.landmarks.surface.predict; sys.exit('torch' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
