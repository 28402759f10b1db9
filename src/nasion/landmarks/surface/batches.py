"""Samples as the network takes them, and their batches (PyTorch)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.graphs import SurfaceGraph, surface_graph
from nasion.landmarks.surface.heatmaps import heat_maps
from nasion.landmarks.surface.model import Neighbourhood, SurfaceNet
from nasion.landmarks.surface.settings import SurfaceNetSettings


@dataclass(frozen=True, eq=False)
class Prepared:
    """A sample with its graphs and target heat maps.

    Attributes
    ----------
    graph, heat
        What goes in and what shall come out.
    landmarks, scale_mm
        (l, 3) standard frame, NaN where absent; millimetres of one unit.
    person
        Whose head it is.

    """

    graph: SurfaceGraph
    heat: NDArray[np.float32]
    landmarks: FloatArray
    scale_mm: float
    person: str


def prepare(sample: Sample, prototype: FloatArray, settings: SurfaceNetSettings) -> Prepared:
    """Return what the network takes and shall give for a sample; a sample of another scheme raises NasionError."""
    if sample.landmarks.shape != prototype.shape:
        raise NasionError(
            f"{sample.person}: has {len(sample.landmarks)} landmarks, but the scheme has {len(prototype)}; "
            "give samples of one scheme"
        )
    cloud = sample.cloud
    graph = surface_graph(cloud.points, cloud.normals, prototype, settings.neighbours)
    heat = heat_maps(cloud.points, sample.landmarks, settings.heat_sigma)
    return Prepared(graph, heat, sample.landmarks, cloud.scale_mm, sample.person)


class _Samples(Dataset[Prepared]):
    def __init__(self, samples: Sequence[Sample], prototype: FloatArray, settings: SurfaceNetSettings) -> None:
        self.samples, self.prototype, self.settings = samples, prototype, settings

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Prepared:
        return prepare(self.samples[index], self.prototype, self.settings)


def batches(
    samples: Sequence[Sample],
    order: list[list[int]],
    prototype: FloatArray,
    settings: SurfaceNetSettings,
    workers: int,
) -> Iterator[list[Prepared]]:
    """Yield batches, made ahead by ``workers`` processes (0: made here, when asked for).

    Parameters
    ----------
    samples
        May be lazy: what makes a sample when it is asked for does so in the worker.
    order
        The samples' numbers, batch by batch.
    prototype, settings, workers
        See ``prepare``.

    """
    if not order:
        return
    data = _Samples(samples, prototype, settings)
    yield from DataLoader(data, batch_sampler=order, num_workers=workers, collate_fn=list)


def by_size(batch: list[Prepared]) -> list[list[Prepared]]:
    """Return the batch in groups of clouds of one size, which can be laid side by side."""
    sizes = sorted({len(item.heat) for item in batch})
    return [[item for item in batch if len(item.heat) == size] for size in sizes]


def predicted(model: SurfaceNet, group: list[Prepared], device: torch.device) -> Tensor:
    """Return the heat maps (b, n, l) of clouds of one size."""
    features, neighbours, coarse = (
        torch.from_numpy(np.stack([getattr(item.graph, name) for item in group])).to(device)
        for name in ("features", "neighbours", "coarse")
    )
    heat: Tensor = model(features, Neighbourhood.of(neighbours).mean, coarse)
    return heat


def target(group: list[Prepared], device: torch.device) -> Tensor:
    """Return the target heat maps (b, n, l)."""
    return torch.from_numpy(np.stack([item.heat for item in group])).to(device)
