"""Run times of the population: a person's skull and face, a photograph with all its truth."""

from itertools import count

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasion.population.person import PersonSampler
from nasion.population.photograph import VIEWS, View, landmark_truth, sample_shot, take_photograph
from nasion.population.template_source import load_template


@pytest.fixture(scope="module")
def sampler() -> PersonSampler:
    return PersonSampler(load_template("builtin"))


def test_person(benchmark: BenchmarkFixture, sampler: PersonSampler) -> None:
    seeds = count()
    benchmark.pedantic(lambda: sampler.sample(next(seeds)), rounds=20, warmup_rounds=2)
    benchmark.extra_info["triangles"] = (len(sampler.template.skull.faces), len(sampler.template.face.faces))


@pytest.mark.parametrize("view", VIEWS)
def test_photograph(benchmark: BenchmarkFixture, sampler: PersonSampler, view: View) -> None:
    person, rng = sampler.sample(0), np.random.default_rng(0)
    benchmark.pedantic(lambda: take_photograph(person, view, rng), rounds=20, warmup_rounds=2)


def test_landmarks_without_a_picture(benchmark: BenchmarkFixture, sampler: PersonSampler) -> None:
    person, rng = sampler.sample(0), np.random.default_rng(0)
    benchmark.pedantic(
        lambda: landmark_truth(person, sample_shot(person, "frontal", rng).camera), rounds=20, warmup_rounds=2
    )
