"""Run times of the population: a person's skull and face, a photograph with all its truth, all pictures for matching.

Goal: a person of a folder for matching, files written, within 0.5 s on one core, so that 1,500 take ten minutes on two.
"""

from itertools import count
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasion.population.person import PersonSampler
from nasion.population.photograph import VIEWS, View, landmark_truth, sample_shot, take_photograph
from nasion.population.pictures.folder import MatchingSettings, Studio, write_pictures
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


@pytest.mark.parametrize("view", VIEWS)
def test_pictures_for_matching(benchmark: BenchmarkFixture, sampler: PersonSampler, view: View) -> None:
    person, studio, settings = sampler.sample(0), Studio(sampler.template), MatchingSettings()
    seeds = count()
    benchmark.pedantic(lambda: studio.pictures(person, next(seeds), view, settings), rounds=10, warmup_rounds=2)


def test_a_whole_person_for_matching(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    numbers = count()
    benchmark.pedantic(lambda: write_pictures(MatchingSettings(), next(numbers), tmp_path), rounds=20, warmup_rounds=2)
