"""Differential evolution rand/1/exp (Storn & Price 1997): trial vectors. The search loop is in ``search``."""

from __future__ import annotations

from numba import njit

REFLECT, CLIP = 0, 1
"""Numbers of the repairs in ``settings.BOUNDS``; any other number draws the gene anew."""


@njit(cache=True, nogil=True)
def three_others(rng, count, index):  # type: ignore[no-untyped-def]
    """Return three different random numbers below ``count``, none of them ``index``."""
    a = index
    while a == index:
        a = int(rng.random() * count)
    b = index
    while b in (index, a):
        b = int(rng.random() * count)
    c = index
    while c in (index, a, b):
        c = int(rng.random() * count)
    return a, b, c


@njit(cache=True, nogil=True)
def repaired(rng, gene, bounds):  # type: ignore[no-untyped-def]
    """Return a gene brought into [0, 1]."""
    if 0.0 <= gene <= 1.0:
        return gene
    if bounds == REFLECT:
        gene = abs(gene) % 2.0
        return gene if gene <= 1.0 else 2.0 - gene
    if bounds == CLIP:
        return min(max(gene, 0.0), 1.0)
    return rng.random()


@njit(cache=True, nogil=True)
def make_trial(rng, population, index, mutation_factor, crossover_rate, bounds, trial):  # type: ignore[no-untyped-def]
    """Write the trial vector of one individual into ``trial``.

    The mutant is ``x_a + F (x_b - x_c)`` of three random others. Exponential crossover: from a random gene on,
    cyclically, genes come from the mutant as long as random numbers stay below CR, at least one; the others are the
    parent's.

    Parameters
    ----------
    rng
        ``numpy.random.Generator``.
    population
        (individuals, genes).
    index
        The parent.
    mutation_factor, crossover_rate
        F and CR.
    bounds
        Repair of genes outside [0, 1], by number.
    trial
        (genes,), overwritten.

    """
    count, genes = population.shape
    a, b, c = three_others(rng, count, index)
    trial[:] = population[index]
    k = int(rng.random() * genes)
    for _ in range(genes):
        gene = population[a, k] + mutation_factor * (population[b, k] - population[c, k])
        trial[k] = repaired(rng, gene, bounds)
        k = k + 1 if k + 1 < genes else 0
        if not rng.random() < crossover_rate:
            break
