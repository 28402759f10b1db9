"""From a mesh of 100,000 vertices to what the network sees: orientation, winding, Poisson-disk points."""

from typing import Any

import numpy as np
import pytest
from trimesh.remesh import subdivide

from nasion.geometry.decimation import decimate
from nasion.geometry.surface import Mesh
from nasion.geometry.winding import oriented_outward
from nasion.landmarks.surface.cloud import cloud_of_surface
from nasion.landmarks.surface.orientation import orient
from nasion.landmarks.surface.orientation_template import OrientationTemplate, standard_frame
from nasion.population.template import Template
from nasion.population.template_source import load_template


@pytest.fixture(scope="module")
def builtin() -> Template:
    return load_template("builtin")


@pytest.fixture(scope="module")
def scan(builtin: Template) -> Mesh:
    """The built-in face as a scan of about 100,000 vertices."""
    vertices, faces = subdivide(builtin.face.vertices, builtin.face.faces)
    return decimate(Mesh(vertices, faces), 200_000)


def test_winding(benchmark: Any, scan: Mesh) -> None:
    assert len(benchmark(oriented_outward, scan).faces) == len(scan.faces)


def test_cloud_of_8000_points(benchmark: Any, scan: Mesh) -> None:
    assert len(benchmark(cloud_of_surface, scan, standard_frame()).points) == 8000


def test_orientation(benchmark: Any, builtin: Template, scan: Mesh) -> None:
    found = benchmark(orient, scan, OrientationTemplate.of("face", [builtin.face]))
    assert np.trace(found.frame.rotation) > 2.9
