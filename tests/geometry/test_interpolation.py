"""Values of vertices at pixels, against the ray's own foot on the plane of the triangle."""

import numpy as np
import pytest

from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.interpolation import carried_to_pixels
from nasion.geometry.raster import depth_map, project_with_depth
from nasion.geometry.surface import Mesh

SIZE = (40, 30)
CORNERS = np.array([[-60.0, -40.0, 0.0], [70.0, -30.0, 40.0], [0.0, 50.0, -50.0]])


def seen(mesh: Mesh, yaw: float) -> tuple[Camera, np.ndarray, np.ndarray, np.ndarray]:
    camera = Camera(pose_rotation(yaw, 0, 0), np.array([0.0, 0.0, 300.0]), 60.0, (19.5, 14.5), SIZE)
    points, depth = project_with_depth(mesh, camera)
    triangle = depth_map(points, depth, mesh.faces, SIZE)[1]
    values, outside = carried_to_pixels(mesh.vertices, points, depth, mesh.faces, triangle)
    return camera, triangle, values, outside


@pytest.mark.parametrize("yaw", [-50.0, -20.0, 0.0, 33.3, 60.0])
def test_a_pixel_has_the_values_of_the_point_that_it_shows(yaw: float) -> None:
    """The vertices' own places as values: each pixel's must project onto the pixel."""
    camera, triangle, values, outside = seen(Mesh(CORNERS, np.array([[0, 1, 2]])), yaw)
    there = triangle >= 0
    rows, columns = np.nonzero(there)
    assert len(rows) > 20
    assert camera.project(values[there]) == pytest.approx(np.stack([columns, rows], axis=1), abs=1e-3)
    assert not values[~there].any() and not outside[~there].any()


def test_outside_is_where_vertices_go_counter_clockwise() -> None:
    for faces, expected in (([[0, 1, 2]], True), ([[0, 2, 1]], False)):
        _, triangle, _, outside = seen(Mesh(CORNERS, np.array(faces)), 0.0)
        assert (outside[triangle >= 0] == expected).all()
