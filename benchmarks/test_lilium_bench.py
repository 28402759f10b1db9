"""Run times of one Lilium overlay at the paper's full 750 generations, one core. ``make bench`` prints them."""

import pytest

from nasion.anatomy.tissue import TissueTable
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.solve import LiliumSolver
from population_case import population_case

TISSUE = TissueTable.load()


@pytest.fixture(scope="module", params=["frontal", "lateral"])
def case(request):
    return population_case(request.param)


@pytest.mark.parametrize("terms", ["base", "skof", "par", "all"])
def test_lilium_one_overlay(benchmark, case, terms):
    skull, photo, mesh = case
    LiliumSolver(skull, TISSUE, LiliumSettings(terms=terms, generations=2), mesh).solve_photo(photo)
    benchmark.pedantic(
        lambda: LiliumSolver(skull, TISSUE, LiliumSettings(terms=terms), mesh).solve_photo(photo), rounds=5
    )
