"""Cones: lengths, angles and turns by hand, mirrored sides, coupled genes, heights from the table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasion.anatomy.landmarks import PAIRS, mirrored
from nasion.anatomy.planes import HeadFrame, head_frame, reference_skull
from nasion.anatomy.tissue import MIRROR, TissueTable
from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.overlay.lilium.cones import Cones, build_cones, decode
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.problem import SkullLandmarks

TISSUE = TissueTable.load()
POINTS = reference_skull()
SKULL = SkullLandmarks({pair.cranial: POINTS[pair.cranial] for pair in PAIRS})
UPRIGHT = HeadFrame(np.eye(3), np.zeros(3), "frankfurt")
ALL = list(range(len(PAIRS)))
INDEX = {pair.cranial: j for j, pair in enumerate(PAIRS)}


def decoded(cones: Cones, genes: np.ndarray) -> np.ndarray:
    vectors = np.empty(cones.axis.shape)
    decode(np.asarray(genes, dtype=float).ravel(), cones, vectors)
    return vectors


def one_cone() -> Cones:
    x, y, z = np.eye(3)
    return Cones(z[None], x[None], y[None], np.array([20.0]), np.deg2rad(45.0), np.array([-1]), 0.9)


@pytest.mark.parametrize(
    ("genes", "vector"),
    [
        ((0.0, 0.3, 0.7), (0, 0, 0)),
        ((1.0, 0.0, 0.7), (0, 0, 20)),
        ((0.5, 0.0, 0.0), (0, 0, 10)),
        ((1.0, 1.0, 0.0), (20 * np.sqrt(0.5), 0, 20 * np.sqrt(0.5))),
        ((0.5, 1.0, 0.25), (0, 10 * np.sqrt(0.5), 10 * np.sqrt(0.5))),
        # 30 degrees from the axis, half a turn
        ((1.0, 2 / 3, 0.5), (-10, 0, 20 * np.sqrt(0.75))),
    ],
)
def test_vectors_by_hand(genes, vector):
    np.testing.assert_allclose(decoded(one_cone(), genes)[0], vector, atol=1e-12)


@given(st.tuples(*[st.floats(0, 1)] * 3))
def test_length_and_angle_of_every_vector(genes):
    cones = build_cones(ALL, SKULL, UPRIGHT, TISSUE, LiliumSettings(partner_weight=0.0))
    vectors = decoded(cones, np.tile(genes, 20))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), genes[0] * cones.height_mm, atol=1e-9)
    along = (vectors * cones.axis).sum(axis=1)
    np.testing.assert_allclose(along, genes[0] * cones.height_mm * np.cos(genes[1] * np.pi / 4), atol=1e-9)


def test_axes_follow_the_table_and_the_head():
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    frame = HeadFrame(turn, np.zeros(3), "frankfurt")
    cones = build_cones(ALL, SKULL, frame, TISSUE, LiliumSettings())
    expected = TISSUE.mean_mm / np.linalg.norm(TISSUE.mean_mm, axis=1, keepdims=True)
    # ``rotation`` turns given axes into the Frankfurt frame
    np.testing.assert_allclose(cones.axis @ turn.T, expected, atol=1e-12)
    for a, b in ((cones.axis, cones.u), (cones.axis, cones.w), (cones.u, cones.w)):
        np.testing.assert_allclose((a * b).sum(axis=1), 0.0, atol=1e-12)


def test_heights_are_the_tables_largest_depths():
    settings = LiliumSettings(depth_sds=2.0, build_sds=1.5)
    cones = build_cones(ALL, SKULL, UPRIGHT, TISSUE, settings)
    nasion = INDEX["nasion"]
    mean, covariance = TISSUE.mean_mm[nasion], TISSUE.covariance_mm2[nasion]
    depth = np.linalg.norm(mean)
    sd = np.sqrt(mean @ covariance @ mean) / depth
    assert cones.height_mm[nasion] == pytest.approx((depth + 2 * sd) * np.exp(1.5 * TISSUE.build_factor_log_sd))


def test_equal_genes_give_mirrored_sides(rng):
    cones = build_cones(ALL, SKULL, UPRIGHT, TISSUE, LiliumSettings())
    genes = rng.random((20, 3))
    for name, j in INDEX.items():
        genes[INDEX[mirrored(name)]] = genes[j]
    vectors = decoded(cones, genes)
    for name, j in INDEX.items():
        if mirrored(name) != name:
            np.testing.assert_allclose(vectors[INDEX[mirrored(name)]], MIRROR @ vectors[j], atol=1e-9)


def test_the_right_side_takes_nine_tenths_of_the_lefts_genes(rng):
    coupled = build_cones(ALL, SKULL, UPRIGHT, TISSUE, LiliumSettings())
    free = build_cones(ALL, SKULL, UPRIGHT, TISSUE, LiliumSettings(partner_weight=0.0))
    genes = rng.random((20, 3))
    mixed = genes.copy()
    pairs = [(j, INDEX[mirrored(name)]) for name, j in INDEX.items() if name.endswith("_right")]
    assert len(pairs) == 6
    for right, left in pairs:
        mixed[right] = 0.9 * genes[left] + 0.1 * genes[right]
    np.testing.assert_allclose(decoded(coupled, genes), decoded(free, mixed), atol=1e-12)


def test_a_side_without_its_partner_keeps_its_own_genes(rng):
    rows = [INDEX["nasion"], INDEX["zygion_right"]]
    cones = build_cones(rows, SKULL, UPRIGHT, TISSUE, LiliumSettings())
    assert cones.partner.tolist() == [-1, -1]


def test_surface_normals_as_axes():
    # a sphere round the landmarks' middle: every normal points away from it
    from trimesh.creation import icosphere

    sphere = icosphere(subdivisions=4, radius=90.0)
    mesh = Mesh(sphere.vertices, sphere.faces)
    points = {n: 90.0 * p / np.linalg.norm(p) for n, p in SKULL.landmarks_mm.items()}
    skull = SkullLandmarks(points)
    frame = head_frame(points)
    cones = build_cones(ALL, skull, frame, TISSUE, LiliumSettings(cone_axis="surface_normal"), mesh)
    expected = np.array([points[pair.cranial] for pair in PAIRS]) / 90.0
    assert np.rad2deg(np.arccos((cones.axis * expected).sum(axis=1))).max() < 2.0
    with pytest.raises(NasionError, match="surface"):
        build_cones(ALL, skull, frame, TISSUE, LiliumSettings(cone_axis="surface_normal"))
