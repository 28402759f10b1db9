"""Run times of the geometry package: ``pytest benchmarks/test_geometry_bench.py``.

Goals on one core, warm: silhouette of 60,000 triangles at 512 x 512 within 5 ms, picture at 1024 x 1024 within 0.2 s,
warp of 60,000 vertices by 60 landmarks within 0.1 s.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.contours import outer_contour, signed_distance_px
from nasion.geometry.decimation import decimate
from nasion.geometry.distance import closest_points, signed_distance
from nasion.geometry.raster import depth_of, silhouette_of
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.regions import region_between_planes
from nasion.geometry.shading import render
from nasion.geometry.surface import Mesh
from nasion.geometry.visibility import visible_points

HEADS = Path(os.environ.get("NASION_DATA", Path(__file__).parents[2] / "shared" / "data")) / "heads"


def _ball() -> Mesh:
    """A bumpy ball of a head's size with 60,000 triangles."""
    import trimesh

    solid = trimesh.creation.icosphere(subdivisions=6, radius=1.0)
    direction = np.asarray(solid.vertices)
    bumps = 1 + 0.04 * np.sin(9 * direction).prod(axis=1)
    return decimate(Mesh(direction * bumps[:, None] * [75, 110, 95], solid.faces), 60_000)


def _head(name: str) -> Mesh:
    import trimesh

    path = HEADS / name / "skull.ply"
    if not path.is_file():
        pytest.skip(f"no real data at {path}; set NASION_DATA to its folder")
    solid = trimesh.load(path, process=False)
    return Mesh(solid.vertices, solid.faces)


@pytest.fixture(scope="module", params=["ball", "pcir_77654033", "elshin_phantom"])
def mesh(request: pytest.FixtureRequest) -> Mesh:
    return _ball() if request.param == "ball" else _head(request.param)


def _camera(mesh: Mesh, size: int) -> Camera:
    middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    focal_px = 0.8 * size * 1200 / float(np.ptp(mesh.vertices, axis=0).max())
    rotation = pose_rotation(20, 5, 0)
    translation = np.array([0.0, 0.0, 1200.0]) - rotation @ middle
    return Camera(rotation, translation, focal_px, image_center_px((size, size)), (size, size))


def test_silhouette_512(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    mask = benchmark(silhouette_of, mesh, _camera(mesh, 512))
    assert 0.2 < mask.mean() < 0.7


def test_depth_map_512(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    camera = _camera(mesh, 512)
    _, triangle = benchmark(depth_of, mesh, camera)
    assert ((triangle >= 0) == silhouette_of(mesh, camera)).all()


def test_picture_1024(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    picture = benchmark(render, mesh, _camera(mesh, 1024))
    assert picture.mask.any()


def test_visible_points(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    visible = benchmark(visible_points, mesh.vertices[::500], mesh, _camera(mesh, 512))
    assert visible.any()


def test_closest_points_of_10000(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    points = mesh.vertices[:10_000] + 5.0
    _, distance, _ = benchmark(closest_points, mesh, points)
    assert distance.max() <= 5.0 * np.sqrt(3) + 1e-9


def test_signed_distance_of_10000(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    distance = benchmark(signed_distance, mesh, mesh.vertices[:10_000] + 5.0)
    assert np.abs(distance).max() <= 5.0 * np.sqrt(3) + 1e-9


def test_region_between_planes(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    middle = mesh.vertices.mean(axis=0)
    region = benchmark(region_between_planes, mesh, middle, middle + np.array([0, 30, 0]), [0, 1, 0])
    assert len(region.faces)


def test_warp_of_60000_by_60(benchmark: BenchmarkFixture) -> None:
    rng = np.random.default_rng(0)
    source = rng.normal(size=(60, 3)) * 80
    warp = RbfWarp.fit(source, source + rng.normal(size=(60, 3)) * 3)
    points = rng.normal(size=(60_000, 3)) * 80
    assert benchmark(warp, points).shape == points.shape


def test_mask_measures_512(benchmark: BenchmarkFixture, mesh: Mesh) -> None:
    mask = silhouette_of(mesh, _camera(mesh, 512))
    distance, contour = benchmark(lambda: (signed_distance_px(mask), outer_contour(mask)))
    assert (distance < 0).sum() == mask.sum()
    assert len(contour) > 100
