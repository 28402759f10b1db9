"""Surfaces of a synthetic head have the true radii and sides; those of real CTs agree with published surfaces."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.readers.ct import CtVolume
from nasion.readers.ct_surfaces import CtSurfaces, SurfaceSettings, extract_surfaces, head_alone
from nasion.readers.dicom import LPS_TO_HEAD
from nasion.readers.meshes import read_mesh

from .conftest import CENTER_LPS, INNER_MM, OUTER_MM, SKIN_MM, head_volume

Grid = tuple[NDArray[np.float64], tuple[int, int, int]]
CENTER_HEAD = (LPS_TO_HEAD @ [*CENTER_LPS, 1.0])[:3]


def volume_cm3(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] - mesh.vertices.mean(axis=0) for k in range(3))
    return float(np.einsum("ij,ij->", np.cross(a, b), c) / 6000)


@pytest.fixture(scope="module", params=["as stored by DICOM", "mirrored storage", "fine"])
def surfaces(request: pytest.FixtureRequest, lps_grid: Grid) -> CtSurfaces:
    affine, shape = lps_grid
    if request.param == "fine":
        affine, shape = affine @ np.diag([0.5, 0.5, 0.5, 1.0]), (177, 181, 147)
    hu = head_volume(affine, shape)
    if request.param == "mirrored storage":
        affine = affine @ np.diag([-1.0, 1, 1, 1])
        affine[:3, 3] -= affine[:3, 0] * (shape[0] - 1)
        hu = hu[::-1]
    return extract_surfaces(CtVolume(hu, LPS_TO_HEAD @ affine), SurfaceSettings(triangles=40_000))


def test_skull_has_the_true_radii(surfaces: CtSurfaces) -> None:
    """Bone rises from 40 to 1000 HU over 3 mm: 226 HU lies 0.92 mm outside the half-way radius."""
    offset = surfaces.skull.vertices - CENTER_HEAD
    radius = np.linalg.norm(offset, axis=1)
    away = (np.abs(offset) < 60).all(axis=1)
    shift = (0.5 - (226 - 40) / 960) * 3
    outer, inner = radius[away & (radius > 75)], radius[away & (radius < 75)]
    assert np.median(outer) == pytest.approx(OUTER_MM + shift, abs=0.5)
    assert np.median(inner) == pytest.approx(INNER_MM - shift, abs=0.5)
    assert np.percentile(np.abs(outer - OUTER_MM - shift), 99) < 1.25
    # The knobs: left, up, front.
    np.testing.assert_allclose(offset.max(axis=0), [84 + shift, 88 + shift, 92 + shift], atol=1.25)
    np.testing.assert_allclose(offset.min(axis=0), [-OUTER_MM - shift] * 3, atol=1.25)


def test_skin_is_one_closed_outer_surface(surfaces: CtSurfaces) -> None:
    """No air cavity, no head rest; skin rises from -1000 to 40 HU over 3 mm: -300 HU lies 0.52 mm inside."""
    offset = surfaces.skin.vertices - CENTER_HEAD
    radius = np.linalg.norm(offset, axis=1)
    assert radius.min() > SKIN_MM - 2
    assert np.median(radius[(np.abs(offset) < 60).all(axis=1)]) == pytest.approx(SKIN_MM - 0.52, abs=0.5)
    assert offset[:, 2].min() > -SKIN_MM - 1.5
    edges = np.sort(np.concatenate([surfaces.skin.faces[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses == 2).all()


def test_triangles_face_outwards_and_are_few(surfaces: CtSurfaces) -> None:
    ball = 4 / 3 * np.pi / 1000
    assert volume_cm3(surfaces.skin) == pytest.approx(ball * SKIN_MM**3, rel=0.03)
    # The shell out to 226 HU (see above) and two thirds of each knob.
    shell = ball * ((OUTER_MM + 0.92) ** 3 - (INNER_MM - 0.92) ** 3 + 2 * 8.92**3)
    assert volume_cm3(surfaces.skull) == pytest.approx(shell, rel=0.08)
    assert len(surfaces.skull.faces) <= 40_000
    assert len(surfaces.skin.faces) <= 40_000


def test_holder_that_touches_the_head_is_cut_off(lps_grid: Grid) -> None:
    affine, shape = lps_grid
    hu = head_volume(affine, shape)
    behind = np.arange(shape[1]) * 2.5 - 110
    hu[10:80, (behind > 93) & (behind < 98), 5:70] = 200
    skin = extract_surfaces(CtVolume(hu, LPS_TO_HEAD @ affine)).skin
    offset = skin.vertices - CENTER_HEAD
    plate = (offset[:, 2] < -85) & (np.hypot(offset[:, 0], offset[:, 1]) > 45)
    assert not plate.any()


def test_a_head_alone_has_air_where_the_holder_was(lps_grid: Grid) -> None:
    affine, shape = lps_grid
    hu = head_volume(affine, shape)
    behind = np.arange(shape[1]) * 2.5 - 110
    hu[10:80, (behind > 93) & (behind < 98), 5:70] = 200
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    offset = index @ affine[:3, :3].T + affine[:3, 3] - CENTER_LPS
    alone = head_alone(CtVolume(hu, LPS_TO_HEAD @ affine)).hu
    within = np.linalg.norm(offset, axis=-1) < SKIN_MM - 1
    assert np.array_equal(alone[within], hu[within])
    beside = (offset[..., 1] > 90) & (np.hypot(offset[..., 0], offset[..., 2]) > 45)
    assert (hu[beside] > 0).any()
    assert (alone[beside] <= -900).all()


def test_no_head_and_no_bone(lps_grid: Grid) -> None:
    hu = head_volume(*lps_grid)
    for values, message in (
        (np.full_like(hu, -1000), "no body as large as a head"),
        (np.minimum(hu, 200), "no skull above 226 HU"),
    ):
        with pytest.raises(NasionError, match=message):
            extract_surfaces(CtVolume(values, LPS_TO_HEAD @ lps_grid[0]))


def real_ct(folder: Path) -> CtVolume:
    with np.load(folder / "ct.npz") as data:
        key = "hu" if "hu" in data else "volume_zyx"
        matrix = "affine_ijk_to_mesh_mm" if "hu" in data else "voxel_xyz_to_mesh_mm"
        return CtVolume(np.ascontiguousarray(data[key].transpose(2, 1, 0)), data[matrix])


def distances_mm(from_mesh: Mesh, to_mesh: Mesh) -> NDArray[np.float64]:
    """Distances of vertices to the plane of the nearest triangle (by its centre and corners)."""
    corners = to_mesh.vertices[to_mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    centers = corners.mean(axis=1)
    far, nearest = cKDTree(centers).query(from_mesh.vertices[::5])
    plane = np.abs(np.einsum("ij,ij->i", from_mesh.vertices[::5] - centers[nearest], normals[nearest]))
    return np.where(far < 4, plane, far)


@pytest.mark.parametrize("name", ["pcir_77654033", "invesalius_cranium"])
def test_real_heads(shared_data: Path, name: str) -> None:
    folder = shared_data / "heads" / name
    surfaces = extract_surfaces(real_ct(folder))
    skull, skin = (read_mesh(folder / f"{part}.ply").mesh for part in ("skull", "skin"))
    assert np.median(distances_mm(skull, surfaces.skull)) < 0.25
    assert np.percentile(distances_mm(skull, surfaces.skull), 95) < 1.5
    assert np.median(distances_mm(skin, surfaces.skin)) < 0.1
    # In front and above the plane that closes the neck.
    places = surfaces.skin.vertices[::5]
    face = (places[:, 2] > 20) & (places[:, 1] > places[:, 1].min() + 5)
    assert np.percentile(distances_mm(surfaces.skin, skin)[face], 90) < 0.6
    # The head rest stands at least 10 mm behind the skin.
    assert surfaces.skin.vertices[:, 2].min() > skin.vertices[:, 2].min() - 2
