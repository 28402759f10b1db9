"""Where a training run stands, what is told of it, and how its rate falls (PyTorch)."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from nasion.reconstruction.generators.settings import LearningSettings


@dataclass(frozen=True)
class EpochRecord:
    """One line of the log: means over an epoch's steps, 0 where a model has no such term.

    Attributes
    ----------
    epoch
        Its number, from 1.
    rate
        Learning rate of its last step.
    adversarial, critic
        Of generators and critics.
    l1, perceptual, cycle, identity, nce
        See ``settings.LossSettings``.
    seconds
        It took.

    """

    epoch: int
    rate: float
    adversarial: float
    critic: float
    l1: float
    perceptual: float
    cycle: float
    identity: float
    nce: float
    seconds: float


@dataclass(kw_only=True)
class RunState:
    """Where a run stands; it changes as the run goes on."""

    epoch: int = 0
    """Finished epochs."""
    step: int = 0
    """Finished steps of the epoch under way."""
    seconds: float = 0.0
    """Of the epoch under way."""
    sums: dict[str, float] = field(default_factory=dict)
    """Of the losses of the epoch under way."""
    rate: float = 0.0
    history: list[EpochRecord] = field(default_factory=list)
    average: dict[str, Tensor] = field(default_factory=dict)
    """Running mean of the generator's weights; empty without one."""

    def elapsed_s(self) -> float:
        """Return the seconds of learning so far, those before a stop included."""
        return self.seconds + sum(record.seconds for record in self.history)


@dataclass(frozen=True)
class Progress:
    """What is told after each step; ``record`` after the last one of an epoch."""

    share: float
    record: EpochRecord | None


def linear_rate(learning: LearningSettings, share: float) -> float:
    """Return the learning rate when a share (0 to 1) of a run is done: full at first, then down to 0 in a line."""
    done = share * (learning.epochs + learning.decay_epochs)
    if done <= learning.epochs:
        return learning.rate
    return learning.rate * (1 - (done - learning.epochs) / learning.decay_epochs)
