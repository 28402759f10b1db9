"""Differential evolution rand/1/exp: mutants, contiguous crossover of the right length, bounds, convergence."""

import numpy as np
import pytest

from nasion.overlay.lilium.evolution import CLIP, REFLECT, make_trial, repaired, three_others
from nasion.overlay.lilium.settings import BOUNDS

RESAMPLE = BOUNDS.index("resample")


def trial_of(rng, population, index, factor=0.7, rate=0.9, bounds=REFLECT):
    trial = np.empty(population.shape[1])
    make_trial(rng, population, index, factor, rate, bounds, trial)
    return trial


def test_numbers_of_the_repairs_agree_with_their_names():
    assert BOUNDS[REFLECT] == "reflect"
    assert BOUNDS[CLIP] == "clip"


def test_the_three_others_differ_and_are_drawn_evenly(rng):
    draws = np.array([three_others(rng, 6, 2) for _ in range(6000)])
    assert not (draws == 2).any()
    assert all(len(set(row)) == 3 for row in draws.tolist())
    for column in draws.T:
        share = np.bincount(column, minlength=6)[[0, 1, 3, 4, 5]] / len(draws)
        np.testing.assert_allclose(share, 0.2, atol=0.03)


def test_full_crossover_gives_a_mutant_of_three_others(rng):
    # small values: no gene leaves its bounds
    population = 0.4 + 0.2 * rng.random((5, 7))
    trial = trial_of(rng, population, 0, rate=1.0)
    others = [1, 2, 3, 4]
    mutants = [
        population[a] + 0.7 * (population[b] - population[c])
        for a in others
        for b in others
        for c in others
        if len({a, b, c}) == 3
    ]
    assert min(np.abs(trial - mutant).max() for mutant in mutants) < 1e-12


def test_exponential_crossover_takes_one_cyclic_run_of_geometric_length(rng):
    genes, rate, repeats = 60, 0.9, 4000
    population = rng.random((20, genes))
    lengths, starts = [], []
    for _ in range(repeats):
        changed = trial_of(rng, population, 3, rate=rate) != population[3]
        rises = np.flatnonzero(changed & ~np.roll(changed, 1))
        assert len(rises) == (0 if changed.all() else 1)
        lengths.append(int(changed.sum()))
        starts.extend(rises.tolist())
    lengths = np.array(lengths)
    assert np.mean(lengths == 1) == pytest.approx(1 - rate, abs=0.02)
    assert lengths.mean() == pytest.approx((1 - rate**genes) / (1 - rate), rel=0.05)
    # every gene is as good a start as any other
    assert np.bincount(starts, minlength=genes).min() > 0.4 * repeats / genes


def test_no_crossover_still_changes_one_gene(rng):
    population = rng.random((8, 12))
    assert ((trial_of(rng, population, 5, rate=0.0) != population[5]).sum()) == 1


@pytest.mark.parametrize(
    ("gene", "reflected", "clipped"), [(0.4, 0.4, 0.4), (-0.3, 0.3, 0.0), (1.2, 0.8, 1.0), (2.3, 0.3, 1.0)]
)
def test_bounds(rng, gene, reflected, clipped):
    assert repaired(rng, gene, REFLECT) == pytest.approx(reflected)
    assert repaired(rng, gene, CLIP) == pytest.approx(clipped)
    assert 0 <= repaired(rng, gene, RESAMPLE) <= 1


@pytest.mark.parametrize("bounds", [REFLECT, CLIP, RESAMPLE])
def test_it_finds_the_lowest_point_of_a_sphere(bounds):
    rng = np.random.default_rng(3)
    target = np.linspace(0.05, 0.95, 10)
    population = rng.random((40, 10))
    cost = ((population - target) ** 2).sum(axis=1)
    first = cost.min()
    for _ in range(250):
        trials = np.array([trial_of(rng, population, i, bounds=bounds) for i in range(len(population))])
        new = ((trials - target) ** 2).sum(axis=1)
        better = new <= cost
        population[better], cost[better] = trials[better], new[better]
    assert cost.min() < 1e-5
    assert first > 0.1
