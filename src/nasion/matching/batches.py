"""Prepared pairs as tensors (PyTorch)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasion.matching.graphs import adjacency
from nasion.matching.nodes import Nodes
from nasion.matching.prepared import Graphs, PreparedPair


class Pictures(NamedTuple):
    """What ``GraphEncoder`` takes, for (b, ...) pictures or (b, c, ...) pictures and their copies."""

    nodes: Tensor
    adjacency: Tensor
    there: Tensor
    whole: Tensor
    view: Tensor

    def at(self, rows: Tensor, copies: Tensor) -> Pictures:
        """Return one copy of each of some pictures."""
        return Pictures(*(own[rows, copies] for own in self))


@dataclass(frozen=True, eq=False)
class PairTensors:
    """Pairs and their copies.

    Attributes
    ----------
    probe, face
        (p, c, ...).
    people, views
        Of each pair.
    mirrored
        (p,).

    """

    probe: Pictures
    face: Pictures
    people: tuple[str, ...]
    views: tuple[str, ...]
    mirrored: NDArray[np.bool_]

    def batches(self, size: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
        """Return an epoch's batches: different people of one view each, every person's pair plain or mirrored."""
        made: list[NDArray[np.intp]] = []
        for view in sorted(set(self.views)):
            rows = np.array([k for k, own in enumerate(self.views) if own == view], np.intp)
            drawn = rng.permutation(rows)
            # the first of a person's rows in a random order
            _, first = np.unique([self.people[k] for k in drawn], return_index=True)
            own = rng.permutation(drawn[first])
            parts = np.array_split(own, max(1, len(own) // size))
            made += [part for part in parts if len(part) > 1]
        return [made[k] for k in rng.permutation(len(made))]


def pictures_of(nodes: Sequence[Nodes], neighbours: int) -> Pictures:
    """Return pictures as tensors; ``neighbours`` is k of Eq. 4."""
    return Pictures(
        torch.from_numpy(np.stack([np.concatenate([own.places, own.features], axis=1) for own in nodes])),
        torch.from_numpy(np.stack([adjacency(own.places.astype(float), own.there, neighbours) for own in nodes])),
        torch.from_numpy(np.stack([own.there.astype(np.float32) for own in nodes])),
        torch.from_numpy(np.stack([own.whole for own in nodes])),
        torch.tensor([own.view for own in nodes]),
    )


def tensors_of(pairs: Sequence[PreparedPair], neighbours: int) -> PairTensors:
    """Return pairs, with all their copies, as tensors."""
    return PairTensors(
        _with_copies([pair.probe for pair in pairs], neighbours),
        _with_copies([pair.face for pair in pairs], neighbours),
        tuple(pair.person for pair in pairs),
        tuple(pair.view for pair in pairs),
        np.array([pair.mirrored for pair in pairs]),
    )


def _with_copies(graphs: Sequence[Graphs], neighbours: int) -> Pictures:
    columns = 1 + len(graphs[0].copies)
    flat = pictures_of([own for graph in graphs for own in (graph.plain, *graph.copies)], neighbours)
    return Pictures(*(own.view(len(graphs), columns, *own.shape[1:]) for own in flat))
