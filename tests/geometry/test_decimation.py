"""Decimation."""

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.geometry.decimation import decimate
from nasion.geometry.surface import Mesh


def volume(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def test_a_sphere_keeps_its_shape_and_orientation(sphere: Mesh) -> None:
    small = decimate(sphere, 2000)
    assert len(small.faces) == pytest.approx(2000, rel=0.02)
    assert volume(small) == pytest.approx(volume(sphere), rel=0.01)
    assert np.abs(np.linalg.norm(small.vertices, axis=1) - 50).max() < 0.5
    assert len(np.unique(small.faces)) == len(small.vertices)


def test_a_small_mesh_stays_as_it_is(box: Mesh) -> None:
    assert decimate(box, 12) is box


def test_too_few_triangles_are_refused(box: Mesh) -> None:
    with pytest.raises(NasionError, match="4 or more"):
        decimate(box, 3)
