"""Run times of the overlay solvers, warm. ``make bench`` prints them; no test depends on them."""

import numpy as np
import pytest

from nasion.anatomy.tissue import TissueTable
from nasion.overlay import solve
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import OverlayProblem
from overlay.scene import make_head, make_photo
from population_case import population_case, with_fresh_mask

TISSUE = TissueTable.load()


@pytest.fixture(scope="module")
def case():
    rng = np.random.default_rng(0)
    head = make_head(rng, TISSUE)
    photos = [make_photo(head, rng, (rng.uniform(-80, 80), 0, 0), 0.01)[2] for _ in range(10_000)]
    return head, photos


def test_posterior_one_call(benchmark, case):
    head, photos = case
    benchmark(lambda: solve(OverlayProblem(head.skull, photos[:1])))


def test_posterior_two_photographs_jointly(benchmark, case):
    head, photos = case
    benchmark(lambda: solve(OverlayProblem(head.skull, photos[:2])))


def test_posest_one_call(benchmark, case):
    head, photos = case
    benchmark(lambda: solve(OverlayProblem(head.skull, photos[:1]), "posest"))


def test_posterior_one_skull_against_10000_photographs(benchmark, case):
    head, photos = case
    solver = PosteriorSolver(head.skull, TISSUE)
    people = [[photo] for photo in photos]
    solver.scores(people[:10])
    benchmark.pedantic(lambda: solver.scores(people), rounds=3, iterations=1)
    benchmark.extra_info["overlays_a_second"] = round(len(people) / benchmark.stats.stats.median)
    print(f"\n{benchmark.extra_info['overlays_a_second']} overlays a second")


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_posterior_all_terms(benchmark, view):
    skull, photo, mesh = population_case(view)
    solver = PosteriorSolver(skull, TISSUE, mesh=mesh)
    solver.solve([photo])
    benchmark(lambda: solver.solve([photo]))


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_posterior_all_terms_first_skull_of_a_photograph(benchmark, view):
    skull, photo, mesh = population_case(view)
    solver = PosteriorSolver(skull, TISSUE, mesh=mesh)
    benchmark(lambda: solver.solve([with_fresh_mask(photo)]))
