"""Small solids with known geometry."""

import numpy as np
import pytest

from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.surface import Mesh


@pytest.fixture(scope="session")
def sphere() -> Mesh:
    """A sphere of radius 50 mm around the origin, 20,480 triangles, inscribed."""
    import trimesh

    solid = trimesh.creation.icosphere(subdivisions=5, radius=50.0)
    return Mesh(solid.vertices, solid.faces)


@pytest.fixture(scope="session")
def box() -> Mesh:
    """A box of 40 x 60 x 80 mm around the origin."""
    import trimesh

    solid = trimesh.creation.box(extents=(40.0, 60.0, 80.0))
    return Mesh(solid.vertices, solid.faces)


@pytest.fixture
def camera() -> Camera:
    """A camera 60 cm in front of the origin, turned a little."""
    return Camera(
        pose_rotation(20, 10, 5), np.array([5.0, -8.0, 600.0]), 900.0, image_center_px((240, 200)), (240, 200)
    )
