"""How the network learns (PyTorch).

Burger et al., section 5.2, with people, not files, kept apart: the held-out people choose the best epoch, and a person
met on both sides stops the run. A run is a folder: ``run.json`` says what it is, ``checkpoint.pt`` lets it go on where
it stopped, ``log.csv`` has a line an epoch. On a CPU with the same number of threads a run that was stopped and taken
up again ends with the very weights of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.batches import Prepared, batches, by_size, predicted, prepare, target
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.graphs import mean_landmarks
from nasion.landmarks.surface.model import SurfaceNet, adaptive_wing_loss
from nasion.landmarks.surface.refinement import highest_points, weighted_mean
from nasion.landmarks.surface.run_state import EpochRecord, RunState
from nasion.landmarks.surface.settings import SurfaceNetSettings, TrainSettings
from nasion.networks.checkpoints import CHECKPOINT_FILE, CHECKPOINT_SECONDS, read_state, torch_device, write_state
from nasion.networks.epochs import diverged, falling, shuffled
from nasion.networks.split import check_apart
from nasion.readers.files import claim_folder

TrainingData = Callable[[int], Sequence[Sample]]
"""Epoch number from 0 to that epoch's samples; fresh augmentation an epoch is the caller's. The same number must give
the same samples, or a run that goes on differs from one that was not stopped. The sequence may be lazy."""

_PROTOTYPE_SAMPLES: Final = 128
"""Training samples averaged for the prototype; ten times more move no landmark by a tenth of its own spread."""


@dataclass(frozen=True)
class Progress:
    """Told after every step; ``record`` is there after an epoch's last one."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    record: EpochRecord | None = None


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """What a run gives.

    Attributes
    ----------
    model
        With the weights of the best epoch, on the CPU.
    prototype
        (l, 3) mean landmarks of the training people.
    network, settings
        What it was made with.
    best_epoch, history
        From 1; one record an epoch.

    """

    model: SurfaceNet
    prototype: FloatArray
    network: SurfaceNetSettings
    settings: TrainSettings
    best_epoch: int
    history: tuple[EpochRecord, ...]


def train(
    folder: Path,
    names: Sequence[str],
    training: TrainingData,
    held_out: Sequence[Sample],
    network: SurfaceNetSettings,
    settings: TrainSettings,
    *,
    data: str = "",
    device: str = "cpu",
    workers: int = 0,
    budget_s: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> TrainedNet:
    """Train a network, or go on with a run that was stopped.

    Parameters
    ----------
    folder
        The run's folder; new, or of a run with the same names, data and settings.
    names
        The landmarks in the samples' order.
    training
        See ``TrainingData``.
    held_out
        Samples of other people; they choose the best epoch and stop the run early.
    network, settings
        See there.
    data
        The training data in words, for the record.
    device
        ``"cpu"`` or ``"cuda"``.
    workers
        Processes that make samples ahead.
    budget_s
        Seconds of learning, stops not counted, after which the epoch under way ends and learning with it. The learning
        rate follows the epochs or the time, whichever is further, so that it is small when time is up. May differ
        between a run and its continuation. None: no limit.
    progress
        Told after every step.

    Raises
    ------
    NasionError
        A person is on both sides, samples are of another scheme or absent, learning diverges, there is no such device,
        or the folder holds something else.

    """
    if not held_out:
        raise NasionError("there are no held-out people; give at least one person for early stopping")
    record = {"names": list(names), "data": data, "network": asdict(network), "settings": asdict(settings)}
    claim_folder(folder, "run.json", record, "training run")
    run = _Run(
        folder, len(names), training, held_out, network, settings, torch_device(device), workers, budget_s, progress
    )
    return run.finish()


class _Run:
    """A run under way."""

    def __init__(
        self,
        folder: Path,
        landmarks: int,
        training: TrainingData,
        held_out: Sequence[Sample],
        network: SurfaceNetSettings,
        settings: TrainSettings,
        device: torch.device,
        workers: int,
        budget_s: float | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.folder, self.training, self.network, self.settings = folder, training, network, settings
        self.device, self.workers, self.progress = device, workers, progress
        self.budget_s = math.inf if budget_s is None else budget_s
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.model = SurfaceNet(network, landmarks).to(device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=settings.learning_rate)
        self.held_people = {sample.person for sample in held_out}
        self.state = self._begin(landmarks)
        self.prototype: FloatArray = self.state.prototype.numpy()
        self.held_out = [prepare(sample, self.prototype, network) for sample in held_out]

    def _begin(self, landmarks: int) -> RunState:
        """Return the state of the run that was stopped, or that of a new one."""
        path = self.folder / CHECKPOINT_FILE
        if path.exists():
            return read_state(path, RunState, EpochRecord, self.model, self.optimiser)
        samples = self.training(0)
        chosen = np.unique(np.linspace(0, max(len(samples) - 1, 0), _PROTOTYPE_SAMPLES).astype(int))
        some = [samples[index] for index in chosen.tolist() if index < len(samples)]
        self._check_people(sample.person for sample in some)
        for sample in some:
            if len(sample.landmarks) != landmarks:
                raise NasionError(f"{sample.person}: has {len(sample.landmarks)} landmarks, but {landmarks} are named")
        return RunState(prototype=torch.from_numpy(mean_landmarks(sample.landmarks for sample in some)))

    def finish(self) -> TrainedNet:
        """Learn until the last epoch or until the held-out people gain no more."""
        state, settings = self.state, self.settings
        while state.goes_on(settings.epochs, settings.patience, self.budget_s):
            self._epoch()
        model = SurfaceNet(self.network, len(self.prototype))
        model.load_state_dict(state.best)
        return TrainedNet(model.eval(), self.prototype, self.network, settings, state.best_epoch, tuple(state.history))

    def _epoch(self) -> None:
        state = self.state
        samples = self.training(state.epoch)
        groups = shuffled(len(samples), self.settings.batch, self.settings.seed, state.epoch)
        if not groups:
            raise NasionError("there are no training samples; check the folder of people")
        begun = time.perf_counter() - state.seconds
        saved = time.monotonic()
        for batch in batches(samples, groups[state.step :], self.prototype, self.network, self.workers):
            done = (state.epoch + state.step / len(groups)) / self.settings.epochs
            loss = self._learn(batch, min(max(done, state.elapsed_s() / self.budget_s), 1.0))
            state.step += 1
            state.loss_sum += loss
            state.seconds = time.perf_counter() - begun
            if state.elapsed_s() >= self.budget_s:
                break
            if state.step < len(groups):
                self._tell(loss, len(groups), None)
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
        self._close_epoch(loss, state.step, begun)

    def _learn(self, batch: list[Prepared], done: float) -> float:
        """Take one step of Adam; return the batch's mean loss."""
        self._check_people(item.person for item in batch)
        for group in self.optimiser.param_groups:
            group["lr"] = falling(self.settings.learning_rate, self.settings.final_learning_rate, done)
        self.model.train()
        self.optimiser.zero_grad()
        total = 0.0
        for part in by_size(batch):
            heat = predicted(self.model, part, self.device)
            loss = adaptive_wing_loss(heat, target(part, self.device), self.settings.loss) * (len(part) / len(batch))
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach())
        if not math.isfinite(total):
            raise diverged()
        self.optimiser.step()
        return total

    def _close_epoch(self, loss: float, steps: int, begun: float) -> None:
        state = self.state
        held_loss, error_mm = self._judge()
        state.seconds = time.perf_counter() - begun
        rate = float(self.optimiser.param_groups[0]["lr"])
        record = EpochRecord(state.epoch + 1, state.loss_sum / steps, held_loss, error_mm, rate, state.seconds)
        state.history.append(record)
        if error_mm < state.best_error_mm or not state.best:
            state.best_error_mm, state.best_epoch = error_mm, record.epoch
            state.best = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}
        self._tell(loss, steps, record)
        state.epoch, state.step, state.loss_sum, state.seconds = record.epoch, 0, 0.0, 0.0
        self._save()

    def _judge(self) -> tuple[float, float]:
        """Return mean loss and mean error, mm, over the held-out people."""
        self.model.eval()
        losses, errors = [], []
        with torch.no_grad():
            for item in self.held_out:
                heat = predicted(self.model, [item], self.device)
                losses.append(float(adaptive_wing_loss(heat, target([item], self.device), self.settings.loss)))
                errors.append(_errors_mm(item, heat[0].cpu().numpy(), self.network.top_points))
        present = np.concatenate(errors)
        present = present[np.isfinite(present)]
        return float(np.mean(losses)), float(present.mean()) if len(present) else math.inf

    def _save(self) -> None:
        write_state(self.folder, self.state, self.model, self.optimiser)

    def _tell(self, loss: float, steps: int, record: EpochRecord | None) -> None:
        if self.progress is not None:
            told = Progress(self.state.epoch + 1, self.settings.epochs, self.state.step, steps, loss, record)
            self.progress(told)

    def _check_people(self, people: Iterable[str]) -> None:
        check_apart("training", people, "held-out", self.held_people)


def _errors_mm(item: Prepared, heat: FloatArray, top_points: int) -> FloatArray:
    """Return each landmark's distance from the weighted mean of its heat map, (l,) mm; NaN where it is absent."""
    points = item.graph.features[:, :3].astype(np.float64)
    found = []
    for column in heat.T.astype(np.float64):
        top = highest_points(column, top_points)
        found.append(weighted_mean(points[top], column[top]))
    errors: FloatArray = np.linalg.norm(np.stack(found) - item.landmarks, axis=1) * item.scale_mm
    return errors
