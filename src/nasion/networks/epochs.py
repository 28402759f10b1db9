"""Learning in epochs: where a run stands, its batches, and how the learning rate falls."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from nasion.errors import NasionError


class TimedRecord(Protocol):
    """One line of the log, a dataclass."""

    @property
    def seconds(self) -> float:
        """Time of the epoch."""


RecordT = TypeVar("RecordT", bound=TimedRecord)


@dataclass(kw_only=True)
class EpochState(Generic[RecordT]):
    """Where a run stands after some steps of an epoch; it changes as the run goes on.

    The order of samples follows from seed and epoch, so no state of a random generator has to be kept.
    """

    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    """Finished steps of the epoch under way."""
    seconds: float = 0.0
    """Of the epoch under way."""
    best: dict[str, Any] = field(default_factory=dict)
    """The weights with the smallest error on the held-out people so far."""
    best_epoch: int = 0
    history: list[RecordT] = field(default_factory=list)

    def elapsed_s(self) -> float:
        """Return the seconds of learning so far, those before a stop included."""
        return self.seconds + sum(record.seconds for record in self.history)

    def goes_on(self, epochs: int, patience: int, budget_s: float) -> bool:
        """Tell whether another epoch is due: not the last, in time (or the first), and the held-out people still gain.

        Parameters
        ----------
        epochs, patience
            Of all, and those without gain after which learning ends.
        budget_s
            See ``elapsed_s``.

        """
        in_time = self.elapsed_s() < budget_s or not self.best
        return self.epoch < epochs and self.epoch - self.best_epoch < patience and in_time


def shuffled(count: int, size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the numbers of ``count`` samples in an epoch's order, batch by batch; the last may be smaller."""
    order = np.random.default_rng([seed, epoch]).permutation(count).tolist()
    return [order[first : first + size] for first in range(0, count, size)]


def falling(first: float, last: float, share: float) -> float:
    """Return a rate that falls along half a cosine wave; ``share`` says how much of the run is done, 0 to 1."""
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def diverged() -> NasionError:
    """Return the error of a run whose loss is no number any more."""
    return NasionError("the loss is no number any more: learning diverged; take a lower learning rate")
