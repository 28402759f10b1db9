"""X-rays of CTs: water by formula, agreement with X-rays of surfaces, landmarks on the bones of real heads."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.paths import path_lengths
from nasion.geometry.surface import Mesh
from nasion.population.photograph import View
from nasion.population.pictures import materials
from nasion.population.pictures.ct_xray import line_integrals, take_ct_xray
from nasion.population.pictures.xray import FINE, XraySettings
from nasion.readers.ct import CtVolume

VIEWS: tuple[View, ...] = ("frontal", "lateral")
MARKS = {
    "porion_left": np.array([60.0, 0, 0]),
    "porion_right": np.array([-60.0, 0, 0]),
    "orbitale_left": np.array([30.0, 0, 70]),
    "orbitale_right": np.array([-30.0, 0, 70]),
}


def ball(radius_mm: float, hu_inside: int, turned: Rotation) -> tuple[np.ndarray, np.ndarray]:
    """Return a ball of one tissue in air on an uneven, turned grid, and the grid's matrix."""
    spacing = np.diag([1.2, 1.0, 1.6])
    affine = np.eye(4)
    affine[:3, :3] = turned.as_matrix() @ spacing
    shape = (140, 160, 100)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(index @ affine[:3, :3].T + affine[:3, 3], axis=-1)
    share = np.clip(0.5 + radius_mm - distance, 0, 1)
    return np.rint(-1000 + share * (hu_inside + 1000)).astype(np.int16), affine


@pytest.mark.parametrize("mirrored", [False, True])
def test_water_weakens_by_its_chord(mirrored: bool) -> None:
    hu, affine = ball(60.0, 0, Rotation.from_euler("xyz", [20, -35, 50], degrees=True))
    rotation = np.diag([-1.0 if mirrored else 1.0, 1, 1]) @ pose_rotation(25, 10, 5)
    camera = Camera(rotation, np.array([5.0, -3.0, 900.0]), 700.0, (60.0, 55.0), (120, 110))
    everything, bone = line_integrals(hu, affine, camera)
    made = trimesh.creation.icosphere(subdivisions=5, radius=60.0)
    chord = path_lengths(Mesh(made.vertices, made.faces), camera)
    deep = chord > 40
    assert deep.sum() > 3000
    assert np.abs(everything[deep] / (materials.WATER_PER_MM * chord[deep]) - 1).max() < 0.03
    assert not bone.any()


def test_bone_stays_when_soft_tissue_is_taken_out() -> None:
    hu, affine = ball(50.0, 1700, Rotation.identity())
    hu[hu < 150] = 40  # in a large block of soft tissue
    camera = Camera(pose_rotation(0, 0, 0), np.array([0.0, 0.0, 1500.0]), 600.0, (40.0, 40.0), (81, 81))
    everything, bone = line_integrals(hu, affine, camera)
    assert bone[40, 40] == pytest.approx(100 * materials.CORTICAL_PER_MM, rel=0.02)
    soft = materials.WATER_PER_MM * 1.04
    assert everything[40, 40] == pytest.approx(bone[40, 40] + (99 * 1.6 - 100) * soft, rel=0.02)
    assert bone[40, 5] == 0


def test_what_cannot_be_taken_is_refused() -> None:
    hu, affine = ball(50.0, 1000, Rotation.identity())
    rng = np.random.default_rng(0)
    with pytest.raises(NasionError, match="porion"):
        take_ct_xray(CtVolume(hu, affine), {"nasion": np.zeros(3)}, "lateral", rng, rng)
    with pytest.raises(NasionError, match="no bone"):
        take_ct_xray(CtVolume(np.minimum(hu, 40), affine), MARKS, "lateral", rng, rng)


@pytest.mark.parametrize("name", ["pcir_77654033", "invesalius_cranium"])
@pytest.mark.parametrize("view", VIEWS)
def test_landmarks_of_real_heads_lie_on_their_bone(name: str, view: View, shared_data: Path) -> None:
    """Landmarks were placed on surfaces; the X-ray comes from the CT, its dark parts are where no bone is."""
    folder = shared_data / "heads" / name
    with np.load(folder / "ct.npz") as data:
        own = "hu" in data
        matrix = data["affine_ijk_to_mesh_mm" if own else "voxel_xyz_to_mesh_mm"]
        ct = CtVolume(np.ascontiguousarray(data["hu" if own else "volume_zyx"].transpose(2, 1, 0)), matrix)
    marks = json.loads((folder / "cranial.landmarks.json").read_text())
    points = {key: np.array(value) for key, value in {**marks["landmarks"], **marks["helpers"]}.items()}
    rng = (np.random.default_rng(0), np.random.default_rng(1))
    xray, bone = take_ct_xray(ct, points, view, *rng, XraySettings(size_px=128))
    camera = xray.shot.camera
    at = xray.landmarks_px
    assert set(at) == set(points)
    if view == "lateral":
        assert at["nasion"][0] > at["porion_left"][0] + 25  # looks to the right
    else:
        assert at["zygion_left"][0] > at["zygion_right"][0] + 25
    assert at["bregma"][1] < at["nasion"][1] < at["subspinale"][1]
    # the Frankfurt plane is level but for the head's play in its holder
    if view == "lateral":
        rise = at["orbitale_left"] - at["porion_left"]
        assert abs(np.degrees(np.arctan2(rise[1], rise[0]))) < 9
    bony = binary_dilation(bone.image > np.median(bone.image[:5]) + 12, iterations=2)
    size = camera.image_size_px[0]
    inside = {n: p.round().astype(int) for n, p in at.items() if (p > 2).all() and (p < size - 3).all()}
    assert len(inside) >= 12
    # the thin edges of the nasal opening leave no mark at this size
    assert {n for n, (u, v) in inside.items() if not bony[v, u]} <= {"rhinion", "alare_left", "alare_right"}
    assert FINE * xray.image.shape[0] == 256
