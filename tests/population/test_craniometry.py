"""Measures against hand-computed places, sampled skulls against the table."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from nasion.population.configuration import ConfigurationSampler, ShapeSettings, field_covariance, vault_points
from nasion.population.craniometry import SEXES, Measure, measure_points, published_craniometry
from nasion.population.template import Template, frankfurt_motion

NAMES = ("nasion", "bregma", "porion_left", "porion_right")
CHORD = Measure("FRC", "chord", "distance", ("nasion", "bregma"), {}, {}, "")
RADIUS = Measure("NAR", "radius", "radius", ("nasion", "porion_left", "porion_right"), {}, {}, "")


def test_a_chord_and_a_radius_by_hand() -> None:
    points = np.array([[7.0, 30.0, 40.0], [7.0, 30.0, 52.0], [60.0, 0.0, 0.0], [-60.0, 0.0, 0.0]])
    values, _ = measure_points((CHORD, RADIUS), NAMES, points)
    assert values == pytest.approx([12.0, 50.0])  # 30-40-50, whatever x is


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_the_derivative_of_measures_is_the_difference_quotient(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 60, (4, 3))
    _, jacobian = measure_points((CHORD, RADIUS), NAMES, points)
    step = 1e-4 * rng.standard_normal((4, 3))
    ahead, behind = (measure_points((CHORD, RADIUS), NAMES, points + s * step)[0] for s in (0.5, -0.5))
    assert jacobian @ step.ravel() == pytest.approx(ahead - behind, abs=1e-7)


def test_the_table_is_a_possible_population() -> None:
    table = published_craniometry()
    assert np.linalg.eigvalsh(table.correlation)[0] > 0
    assert np.diag(table.correlation) == pytest.approx(1.0)
    for measure in table.measures:
        for sex in SEXES:
            assert 0.02 < measure.sd_mm[sex] / measure.mean_mm[sex] < 0.12
        assert measure.mean_mm["male"] > measure.mean_mm["female"]


def test_ratios_have_the_tables_mean_sd_and_correlation() -> None:
    table = published_craniometry()
    rng = np.random.default_rng(3)
    drawn = np.array([table.sample_ratios("female", rng) for _ in range(4000)])
    for k, measure in enumerate(table.measures):
        middle = (measure.mean_mm["female"] + measure.mean_mm["male"]) / 2
        # Four standard errors; the cut at 3 SD takes 1.3 % off the SD.
        assert drawn[:, k].mean() * middle == pytest.approx(
            measure.mean_mm["female"], abs=4 * measure.sd_mm["female"] / 4000**0.5
        )
        assert drawn[:, k].std() * middle == pytest.approx(0.987 * measure.sd_mm["female"], rel=4 / 8000**0.5)
    assert np.abs(np.corrcoef(drawn.T) - table.correlation).max() < 0.08


def test_a_measure_without_its_points_is_left_out() -> None:
    table = published_craniometry().available(("nasion", "prosthion", "zygion_left"))
    assert [measure.key for measure in table.measures] == ["NPH"]
    assert table.correlation.shape == (1, 1)


@pytest.fixture(scope="module")
def sampled(builtin: Template) -> tuple[ConfigurationSampler, list]:
    sampler = ConfigurationSampler(builtin)
    rng = np.random.default_rng(11)
    return sampler, [sampler.sample(rng) for _ in range(400)]


def test_warped_skulls_measure_what_was_sampled(sampled: tuple[ConfigurationSampler, list]) -> None:
    sampler, drawn = sampled
    measures = published_craniometry().available(sampler.names).measures
    assert len(measures) == 21
    for configuration in drawn[:40]:
        values, _ = measure_points(measures, sampler.names, configuration.points_mm)
        assert values == pytest.approx([configuration.measures_mm[m.key] for m in measures], abs=0.01)


def test_sds_of_measured_skulls_agree_with_the_table(sampled: tuple[ConfigurationSampler, list]) -> None:
    sampler, drawn = sampled
    measures = published_craniometry().available(sampler.names).measures
    template, _ = measure_points(measures, sampler.names, sampler.points_mm)
    for sex in SEXES:
        own = [c for c in drawn if c.sex == sex]
        values = np.array([measure_points(measures, sampler.names, c.points_mm)[0] for c in own])
        middle = np.array([(m.mean_mm["female"] + m.mean_mm["male"]) / 2 for m in measures])
        wanted = template / middle * np.array([m.sd_mm[sex] for m in measures])
        assert values.std(axis=0) == pytest.approx(wanted, rel=4.5 / (2 * len(own)) ** 0.5)


def test_configurations_stand_in_their_own_frankfurt_frame(
    builtin: Template, sampled: tuple[ConfigurationSampler, list]
) -> None:
    sampler, drawn = sampled
    for configuration in drawn[:10]:
        points = dict(zip(sampler.names, configuration.points_mm, strict=True))
        own = [*builtin.cranial, *builtin.cranial_helpers]
        rotation, translation = frankfurt_motion({name: points[name] for name in own})
        assert rotation == pytest.approx(np.eye(3), abs=1e-9)
        assert translation == pytest.approx(np.zeros(3), abs=1e-9)


def test_asymmetry_is_about_a_millimetre(sampled: tuple[ConfigurationSampler, list]) -> None:
    sampler, drawn = sampled
    left, right = (sampler.names.index(f"zygion_{side}") for side in ("left", "right"))
    mirrored = np.array([c.points_mm[left] - c.points_mm[right] * [-1, 1, 1] for c in drawn])
    spread = mirrored[:, 1:].std(axis=0)
    assert np.all(spread > 0.3)
    assert np.all(spread < 2.5)


def test_without_asymmetry_the_field_mirrors_itself(builtin: Template) -> None:
    points = np.array([builtin.cranial[f"zygion_{side}"] for side in ("left", "right")])
    points[1] = points[0] * [-1, 1, 1]
    covariance = field_covariance(points, ShapeSettings(asymmetry_sd_mm=0.0))
    mirror = np.hstack([np.diag([-1.0, 1.0, 1.0]), -np.eye(3)])
    assert mirror @ covariance @ mirror.T == pytest.approx(np.zeros((3, 3)), abs=1e-9)


def test_vault_points_are_the_extremes_of_the_skull(builtin: Template) -> None:
    found = vault_points(builtin.skull, {**builtin.cranial, **builtin.cranial_helpers})
    glabella = builtin.cranial["glabella"]
    midline = builtin.skull.vertices[np.abs(builtin.skull.vertices[:, 0]) < 5]
    length = np.linalg.norm(found["opisthocranion"] - glabella)
    assert length == pytest.approx(np.linalg.norm(midline - glabella, axis=1).max(), abs=1.0)
    assert found["vertex"][1] == pytest.approx(midline[:, 1].max(), abs=1.0)
    assert found["eurion_left"][0] == pytest.approx(-found["eurion_right"][0], abs=1.0)


@settings(max_examples=20)
@given(st.tuples(*[st.floats(-180, 180)] * 3), st.tuples(*[st.floats(-300, 300)] * 3))
def test_the_frankfurt_motion_undoes_any_motion(angles: tuple[float, ...], shift: tuple[float, ...]) -> None:
    helpers = {
        "porion_left": np.array([60.0, 0.0, 0.0]),
        "porion_right": np.array([-60.0, 0.0, 0.0]),
        "orbitale_left": np.array([30.0, 0.0, 81.0]),
        "orbitale_right": np.array([-30.0, 0.0, 81.0]),
    }
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    moved = {name: turn @ point + shift for name, point in helpers.items()}
    rotation, translation = frankfurt_motion(moved)
    for name, point in helpers.items():
        assert rotation @ moved[name] + translation == pytest.approx(point, abs=1e-9)
