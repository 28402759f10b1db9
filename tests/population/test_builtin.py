"""The built-in template: its geometry kit against analytic distances, its anatomy against published measurements."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import KDTree

from nasion.anatomy.landmarks import PAIRS, mirrored, side
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.surface import Mesh
from nasion.population.builtin import builtin_template, generate
from nasion.population.builtin.halves import half_surface, refined
from nasion.population.builtin.halves import mirrored as mirrored_mesh
from nasion.population.builtin.sdf import (
    Shape,
    Volume,
    ellipsoid,
    plate,
    polygon_distance,
    prism,
    smooth_max,
    smooth_min,
    tube,
)
from nasion.population.template import Template

Array = NDArray[np.float64]


def at(shape: Shape, *points: tuple[float, float, float]) -> Array:
    x, y, z = np.array(points, dtype=np.float32).T
    return np.asarray(shape.distance(x, y, z), dtype=np.float64)


# --- the geometry kit ---


def test_a_sphere_has_the_exact_distance() -> None:
    ball = ellipsoid((1, 2, 3), (5, 5, 5))
    assert at(ball, (1, 2, 3 + 9), (1, 2 - 5, 3), (1 + 2, 2, 3)) == pytest.approx([4, 0, -3], abs=1e-4)


@pytest.mark.parametrize("power", [2.0, 3.2])
def test_an_ellipsoid_passes_through_the_ends_of_its_axes(power: float) -> None:
    c, s = np.cos(0.4), np.sin(0.4)
    axes = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    shape = ellipsoid((0, 0, 0), (3, 5, 8), axes, power=power)
    for axis, radius in zip(axes, (3, 5, 8), strict=True):
        for scale, sign in ((0.99, -1), (1.01, 1)):
            assert np.sign(at(shape, tuple(axis * radius * scale))[0]) == sign


def test_a_straight_tube_is_a_capsule() -> None:
    capsule = tube([(0, 0, 0, 2), (0, 0, 10, 2)], steps=1)
    assert at(capsule, (5, 0, 4), (0, 0, -7), (0, 1, 5), (3, 0, 14)) == pytest.approx([3, 5, -1, 3], abs=1e-4)


def test_a_stretched_tube_is_taller_than_wide() -> None:
    band = tube([(0, 0, 0, 2), (0, 0, 10, 2)], scale=(1, 3, 1), steps=1)
    assert at(band, (2, 0, 5), (0, 6, 5)) == pytest.approx([0, 0], abs=1e-4)


def test_the_distance_to_a_square_is_exact() -> None:
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], dtype=float)
    u, v = np.array([0, 0.5, 3, 4]), np.array([0, 0, 0, 5])
    got = polygon_distance(u.astype(np.float32), v.astype(np.float32), square)
    assert got == pytest.approx([-1, -0.5, 2, 5], abs=1e-5)


def test_plate_and_prism_have_their_thickness() -> None:
    disc = [(5 * np.cos(a), 5 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 24, endpoint=False)]
    assert at(plate(disc, (10, 0, 0), 3), (10, 0, 0), (14, 0, 0), (10, 7, 0)) == pytest.approx([-3, 1, 2], abs=0.02)
    assert at(prism(disc, (-4, 6)), (0, 0, 8), (7, 0, 1)) == pytest.approx([2, 2], abs=0.02)


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(0.1, 20))
def test_the_smooth_minimum_lies_at_most_a_quarter_blend_below(a: float, b: float, blend: float) -> None:
    va, vb = np.array([a]), np.array([b])
    low, high = smooth_min(va, vb, blend)[0], smooth_max(va, vb, blend)[0]
    assert min(a, b) - blend / 4 - 1e-9 <= low <= min(a, b)
    assert max(a, b) <= high <= max(a, b) + blend / 4 + 1e-9
    if abs(a - b) >= blend:
        assert low == min(a, b)


@pytest.fixture(scope="module")
def ball() -> Volume:
    volume = Volume((0, -13, -13), (13, 13, 13), 1.0)
    volume.add(ellipsoid((0, 0, 0), (10, 10, 10)))
    return volume


def test_a_half_ball_mirrors_into_a_closed_ball(ball: Volume) -> None:
    whole = mirrored_mesh(half_surface(ball))
    mesh = trimesh.Trimesh(whole.vertices, whole.faces, process=False)
    assert mesh.is_watertight and mesh.euler_number == 2
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 1000, rel=0.01)


def test_refinement_leaves_no_crack_and_no_long_edge(ball: Volume) -> None:
    half = half_surface(ball)
    fine = refined(half, ball, lambda p: np.where(p[:, 1] > 3, 0.5, 5.0))
    whole = mirrored_mesh(fine)
    mesh = trimesh.Trimesh(whole.vertices, whole.faces, process=False)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.euler_number == 2
    middles = mesh.vertices[mesh.edges_unique].mean(axis=1)
    assert mesh.edges_unique_length[middles[:, 1] > 3.5].max() <= 0.5
    assert np.linalg.norm(mesh.vertices, axis=1) == pytest.approx(np.full(len(mesh.vertices), 10), abs=0.1)


def test_a_pinned_surface_passes_through_its_points() -> None:
    volume = Volume((0, -16, -16), (16, 16, 16), 0.5)
    volume.add(ellipsoid((0, 0, 0), (10, 10, 10)))
    pins = np.array([(0, 0, 11.0), (7.0, 7.0, 1.0), (0, -9.2, 0)])
    volume.pin(pins, 4.0)
    assert np.abs(volume.sample(pins)).max() < 0.02


# --- the template ---


@pytest.fixture(scope="module")
def template() -> Template:
    return builtin_template().checked()


def solid(mesh: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


def crossings(mesh: Mesh, axis: int, through: tuple[float, float]) -> Array:
    """Where the line parallel to an axis meets the mesh: sorted coordinates."""
    others = [k for k in range(3) if k != axis]
    corners = mesh.vertices[mesh.faces]
    flat = corners[..., others] - np.asarray(through)
    a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]
    weights = np.stack([p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0] for p, q in ((b, c), (c, a), (a, b))], axis=1)
    area = weights.sum(axis=1)
    hit = (area != 0) & ((weights > 0).all(axis=1) | (weights < 0).all(axis=1))
    return np.sort((weights[hit] / area[hit, None] * corners[hit][..., axis]).sum(axis=1))


def winding_number(mesh: Mesh, points: Array) -> Array:
    """How often the mesh encloses each point: solid angles of van Oosterom & Strackee (1983) over 4 pi."""
    total = np.zeros(len(points))
    for k, point in enumerate(points):
        a, b, c = np.moveaxis(mesh.vertices[mesh.faces] - point, 1, 0)
        la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
        below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        total[k] = np.arctan2((a * np.cross(b, c)).sum(1), below).sum() / (2 * np.pi)
    return total


def test_both_surfaces_are_closed_and_turned_outwards(template: Template) -> None:
    for mesh, parts in ((template.skull, 2), (template.face, 1)):
        surface = solid(mesh)
        assert surface.is_watertight and surface.is_winding_consistent
        assert surface.volume > 0
        assert surface.euler_number == 2 or parts == 2  # the face has no tunnel
        assert len(trimesh.graph.connected_components(surface.face_adjacency)) == parts
    assert 50_000 <= len(template.face.faces) <= 75_000
    assert 50_000 <= len(template.skull.faces) <= 75_000


def test_left_and_right_are_exact_mirror_images(template: Template) -> None:
    for mesh in (template.skull, template.face):
        gap, _ = KDTree(mesh.vertices).query(mesh.vertices * [-1, 1, 1])
        assert gap.max() == 0
    for points in (template.cranial, template.cranial_helpers, template.facial, template.facial_helpers):
        for name, point in points.items():
            assert points[mirrored(name)] * [-1, 1, 1] == pytest.approx(point, abs=0)
            if side(name) is not None:
                assert (point[0] > 0) == (side(name) == "left")


def test_every_landmark_lies_on_its_surface(template: Template) -> None:
    for mesh, groups in (
        (template.skull, (template.cranial, template.cranial_helpers)),
        (template.face, (template.facial, template.facial_helpers)),
    ):
        corners = mesh.vertices[mesh.faces]
        for name, point in (item for group in groups for item in group.items()):
            near = corners[np.linalg.norm(corners.mean(axis=1) - point, axis=1) < 12]
            closest = trimesh.triangles.closest_point(near, np.tile(point, (len(near), 1)))
            assert np.linalg.norm(closest - point, axis=1).min() < 0.05, name


def test_the_head_stands_in_the_frankfurt_frame(template: Template) -> None:
    helpers = template.cranial_helpers
    assert (helpers["porion_left"] + helpers["porion_right"]) / 2 == pytest.approx([0, 0, 0], abs=1e-9)
    assert helpers["orbitale_left"][1] == pytest.approx(0, abs=0.1)
    still = template.canonicalised()
    assert np.abs(still.face.vertices - template.face.vertices).max() < 0.2


def test_the_skull_has_published_mean_measurements(template: Template) -> None:
    """Means of adults, both sexes, as in handbooks of craniometry; within 5 %."""
    p = {**template.cranial, **template.cranial_helpers}
    x, y, z = template.skull.vertices.T

    def breadth(name: str) -> float:
        return float(2 * p[f"{name}_left"][0])

    def span(a: str, b: str) -> float:
        return float(np.linalg.norm(p[a] - p[b]))

    orbit = crossings(template.skull, 1, (31.0, 78.0))
    back = template.skull.vertices[(np.abs(x) < 3) & (z < -60)]
    measured = {
        "cranial length": (np.linalg.norm(back - p["glabella"], axis=1).max(), 180),
        "cranial breadth": (2 * x[y > 20].max(), 140),
        "bizygomatic breadth": (breadth("zygion"), 131),
        "minimum frontal breadth": (breadth("frontotemporale"), 96.5),
        "biorbital breadth": (breadth("ectoconchion"), 97),
        "biauricular breadth": (breadth("porion"), 120),
        "bigonial breadth": (breadth("gonion"), 97),
        "nasal breadth": (breadth("alare"), 24.5),
        "nasion-gnathion": (span("nasion", "gnathion"), 118),
        "upper facial height": (span("nasion", "prosthion"), 68),
        "nasion-bregma chord": (span("nasion", "bregma"), 111),
        "orbital breadth": (span("dacryon_left", "ectoconchion_left"), 39),
        "orbital height": (np.diff(orbit[np.searchsorted(orbit, 16) - 1 :][:2])[0], 34),
        "porion-bregma height": (p["bregma"][1], 116),
        "bicondylar breadth": (2 * x[(y > -9) & (y < 1) & (z > 8) & (z < 17) & (x < 62)].max(), 119),
    }
    for name, (value, mean) in measured.items():
        assert value == pytest.approx(mean, rel=0.05), name


def test_the_skull_lies_inside_the_skin(template: Template) -> None:
    """Independent of the distance field: nearest of many points of the face's triangles, along their normals."""
    points, faces = trimesh.sample.sample_surface(solid(template.face), 400_000, seed=1)
    normals = solid(template.face).face_normals[faces]
    gap, nearest = KDTree(points).query(template.skull.vertices)
    along = ((template.skull.vertices - points[nearest]) * normals[nearest]).sum(axis=1)
    assert gap.min() >= 1.5
    doubtful = template.skull.vertices[along > -1]  # the nearest point lies on a fold
    assert len(doubtful) < 0.02 * len(along)
    assert winding_number(template.face, doubtful) == pytest.approx(np.ones(len(doubtful)), abs=1e-6)


def test_tissue_vectors_are_near_the_means_of_the_tissue_table(template: Template) -> None:
    table = TissueTable.load()
    vectors = np.array([template.facial[pair.facial] - template.cranial[pair.cranial] for pair in PAIRS])
    spread = np.sqrt(np.diagonal(table.covariance_mm2, axis1=1, axis2=2))
    in_sd = np.abs(vectors - table.mean_mm) / spread
    assert in_sd.max() < 2
    assert np.linalg.norm(vectors - table.mean_mm, axis=1).mean() < 2


def test_the_zygomatic_arch_stands_clear_of_the_temple(template: Template) -> None:
    # a plumb line between arch and vault meets no bone of the cranium
    through_the_gap = crossings(template.skull, 1, (55.5, 40.0))
    assert not ((through_the_gap > -12) & (through_the_gap < 25)).any()
    # a line from the side meets the arch, then air, then the vault
    lateral = crossings(template.skull, 0, (1.0, 38.0))[::-1][:3]
    assert lateral[0] > 60 and lateral[1] - lateral[2] > 8


def test_orbits_and_nose_are_cavities(template: Template) -> None:
    rim = template.cranial_helpers["orbitale_left"][2]
    assert crossings(template.skull, 2, (31.0, 16.0)).max() < rim - 20
    nose = crossings(template.skull, 2, (5.0, -12.0)).max()
    assert nose < template.cranial["alare_left"][2] - 5


def test_the_face_has_what_makes_a_face(template: Template) -> None:
    facial, helpers = template.facial, template.facial_helpers
    assert helpers["pronasale"][2] == pytest.approx(template.face.vertices[:, 2].max(), abs=0.1)
    assert helpers["pronasale"][2] > facial["subnasale"][2] + 8
    heights = np.arange(-90.0, -40.0, 0.25)
    depth = np.array([crossings(template.face, 2, (0.01, y)).max() for y in heights])

    def profile(low: float, high: float) -> Array:
        return depth[(heights >= low) & (heights <= high)]

    upper, line, lower = profile(-47, -41).max(), profile(-50, -46.5).min(), profile(-57, -50).max()
    groove, chin = profile(-68, -60).min(), profile(-90, -75).max()
    assert line < min(upper, lower) - 1
    assert groove < min(lower, chin) - 1
    assert np.ptp(template.face.vertices[:, 0]) > 2 * facial["zygion_left"][0] + 15  # the ears stand out


def test_colors_show_lips_eyes_and_hair(template: Template) -> None:
    tree = KDTree(template.face.vertices)

    def color(x: float, y: float) -> Array:
        z = crossings(template.face, 2, (x, y)).max()
        return template.face_albedo[tree.query((x, y, z))[1]]

    cheek, lip, iris, sclera, brow = (color(*p) for p in ((30, -20), (0.3, -53), (34.5, 16), (40.5, 16), (28, 40)))
    assert template.face_albedo.min() >= 0 and template.face_albedo.max() <= 1
    assert lip[1] / lip[0] < cheek[1] / cheek[0] - 0.05
    assert sclera.min() > cheek.mean() > iris.mean() and brow.mean() < cheek.mean() - 0.2
    scalp = template.face_albedo[np.argmax(template.face.vertices[:, 1])]
    assert scalp.mean() < cheek.mean() - 0.15


def test_the_stored_file_is_what_the_generator_builds(template: Template) -> None:
    built = generate.build()
    for kind, stored in (
        ("cranial", {**template.cranial, **template.cranial_helpers}),
        ("facial", {**template.facial, **template.facial_helpers}),
    ):
        assert set(built[f"{kind}_names"].tolist()) == set(stored)
        for name, point in zip(built[f"{kind}_names"].tolist(), built[f"{kind}_points"], strict=True):
            assert point == pytest.approx(stored[name], abs=0.05), name
    assert generate.DATA_FILE.stat().st_size <= 1_400_000
