"""The evolution of one photograph's population, compiled; stopped by generations or by the clock."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from nasion.overlay.lilium.cones import GENES_EACH, Cones
from nasion.overlay.lilium.evolution import make_trial
from nasion.overlay.lilium.fitness import (
    CameraIntervals,
    Landmarks,
    OutsideTerm,
    ParallelTerm,
    evaluate,
    make_scratch,
)
from nasion.overlay.lilium.settings import BOUNDS, LiliumSettings

FloatArray = NDArray[np.float64]

_AT_A_TIME = 10
"""Generations between two looks at the clock."""


class Population(NamedTuple):
    """Individuals with their poses and fitness.

    Attributes
    ----------
    genes
        (n, genes) in [0, 1].
    rotation, translation, focal
        (n, 3, 3), (n, 3), (n,) of each individual's camera; pixels from the principal point.
    fitness
        (n,) as the search sees it.

    """

    genes: FloatArray
    rotation: FloatArray
    translation: FloatArray
    focal: FloatArray
    fitness: FloatArray


class Judge(NamedTuple):
    """Everything that a candidate is judged by."""

    cones: Cones
    landmarks: Landmarks
    intervals: CameraIntervals
    outside: OutsideTerm
    parallel: ParallelTerm


def evolve(
    judge: Judge, start: tuple[FloatArray, FloatArray, float], settings: LiliumSettings, deadline: float
) -> tuple[Population, FloatArray]:
    """Return the last population and the best fitness after each generation, the random one's first.

    Parameters
    ----------
    judge
        The terms.
    start
        Rotation, translation and focal length from which the first poses are found.
    settings
        Of the evolution.
    deadline
        ``time.perf_counter()`` at which it stops.

    """
    rng = np.random.default_rng(settings.seed)
    count = settings.individuals
    population = Population(
        rng.random((count, GENES_EACH * len(judge.cones.axis))),
        np.tile(start[0], (count, 1, 1)),
        np.tile(start[1], (count, 1)),
        np.full(count, start[2]),
        np.full(count, np.inf),
    )
    scratch = make_scratch(judge.landmarks, judge.outside, judge.parallel)
    following = Population(*(part.copy() for part in population))
    history: list[FloatArray] = []
    done = -1
    # the first round judges the random population itself
    while done < 0 or (done < settings.generations and time.perf_counter() < deadline):
        best = np.empty(1 if done < 0 else min(_AT_A_TIME, settings.generations - done))
        _generations(
            rng,
            population,
            following,
            judge,
            scratch,
            settings.mutation_factor,
            settings.crossover_rate,
            BOUNDS.index(settings.bounds),
            best,
        )
        history.append(best)
        done += len(best)
    return population, np.concatenate(history)


@njit(cache=True, nogil=True)
def _generations(  # type: ignore[no-untyped-def]
    rng, population, following, judge, scratch, mutation_factor, crossover_rate, bounds, best
):
    """Run ``len(best)`` generations in place; trials come from the whole last generation (``following`` is scratch).

    An individual that has no fitness yet (infinite) is judged as it is.
    """
    count, genes = population.genes.shape
    trial = np.empty(genes)
    for generation in range(best.shape[0]):
        for i in range(count):
            if population.fitness[i] < np.inf:
                make_trial(rng, population.genes, i, mutation_factor, crossover_rate, bounds, trial)
            else:
                trial[:] = population.genes[i]
            fitness, rotation, translation, focal = evaluate(
                trial,
                judge.cones,
                judge.landmarks,
                judge.intervals,
                judge.outside,
                judge.parallel,
                population.rotation[i],
                population.translation[i],
                population.focal[i],
                scratch,
                population.fitness[i],
            )
            if fitness <= population.fitness[i]:
                following.genes[i] = trial
                following.rotation[i] = rotation
                following.translation[i] = translation
                following.focal[i] = focal
                following.fitness[i] = fitness
            else:
                following.genes[i] = population.genes[i]
                following.rotation[i] = population.rotation[i]
                following.translation[i] = population.translation[i]
                following.focal[i] = population.focal[i]
                following.fitness[i] = population.fitness[i]
        population.genes[:] = following.genes
        population.rotation[:] = following.rotation
        population.translation[:] = following.translation
        population.focal[:] = following.focal
        population.fitness[:] = following.fitness
        best[generation] = population.fitness.min()
