"""How the network learns (PyTorch).

Nguyen et al., section III-E, with people, not images, kept apart: a person met on both sides stops the run. A run is a
folder: ``run.json`` says what it is, ``checkpoint.pt`` lets it go on where it stopped, ``log.csv`` has a line an epoch.
On a CPU with the same number of threads a run that was stopped and taken up again ends with the very weights of one
that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.losses import losses
from nasion.landmarks.image.metrics import face_size
from nasion.landmarks.image.model import ImageLandmarkNet, as_batch
from nasion.landmarks.image.network_weights import copied, move_average, take_heat_network
from nasion.landmarks.image.prepared import Crops, Prepared, mean_shape, upright_shapes
from nasion.landmarks.image.run_state import EpochRecord, RunState
from nasion.landmarks.image.schemes import ImageScheme
from nasion.landmarks.image.settings import ImageNetSettings, TrainSettings
from nasion.networks.checkpoints import CHECKPOINT_FILE, CHECKPOINT_SECONDS, read_state, torch_device, write_state
from nasion.networks.epochs import diverged, falling, shuffled
from nasion.networks.split import check_apart
from nasion.readers.files import claim_folder

_JUDGED_AT_ONCE: Final = 8
_TELL_STEPS: Final = 5


@dataclass(frozen=True)
class Progress:
    """Told every few steps; ``record`` is there after an epoch's last one, ``share`` says how much is done."""

    epoch: int
    step: int
    steps: int
    loss: float
    share: float
    record: EpochRecord | None = None


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """What a run gives: the model of the best epoch on the CPU, and the training images' mean shape (l, 2)."""

    model: ImageLandmarkNet
    shape: FloatArray
    network: ImageNetSettings
    settings: TrainSettings
    best_epoch: int
    history: tuple[EpochRecord, ...]


def train(
    folder: Path,
    scheme: ImageScheme,
    training: Sequence[Prepared],
    held_out: Sequence[Prepared],
    network: ImageNetSettings,
    settings: TrainSettings,
    *,
    data: str = "",
    device: str = "cpu",
    frozen: dict[str, Any] | None = None,
    budget_s: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> TrainedNet:
    """Train a network, or go on with a run that was stopped.

    Parameters
    ----------
    folder
        The run's folder; new, or of a run with the same scheme, data and settings.
    scheme
        The points in the samples' order.
    training, held_out
        Images to learn from, and of other people, who choose the best epoch and stop the run early.
    network, settings
        See there.
    data
        The training data in words, for the record.
    device
        ``"cpu"`` or ``"cuda"``.
    frozen
        Weights of a finished run, whose heat map network stays as it is while the graph network learns (the paper's
        second mode); see ``network_weights.heat_weights``.
    budget_s
        Seconds of learning, stops not counted, after which learning ends. The learning rate follows the epochs or the
        time, whichever is further, so that it is small when time is up. None: no limit.
    progress
        Told every few steps.

    Raises
    ------
    NasionError
        A person is on both sides, images are absent or of another scheme, learning diverges, there is no such device,
        or the folder holds something else.

    """
    _check(scheme, training, held_out)
    place = torch_device(device)
    record = {
        "scheme": scheme.name,
        "data": data,
        "frozen": frozen is not None,
        "network": asdict(network),
        "settings": asdict(settings),
    }
    claim_folder(folder, "run.json", record, "training run")
    return _Run(folder, scheme, training, held_out, network, settings, place, frozen, budget_s, progress).finish()


def _check(scheme: ImageScheme, training: Sequence[Prepared], held_out: Sequence[Prepared]) -> None:
    for name, items in (("training", training), ("held-out", held_out)):
        if not items:
            raise NasionError(f"there are no {name} images; give more people")
        for item in items:
            if len(item.points_px) != len(scheme):
                raise NasionError(
                    f"{item.person}: has {len(item.points_px)} landmarks, but {scheme.name} has {len(scheme)}"
                )
    check_apart("training", (item.person for item in training), "held-out", (item.person for item in held_out))


class _Run:
    """A run under way."""

    def __init__(
        self,
        folder: Path,
        scheme: ImageScheme,
        training: Sequence[Prepared],
        held_out: Sequence[Prepared],
        network: ImageNetSettings,
        settings: TrainSettings,
        device: torch.device,
        frozen: dict[str, Any] | None,
        budget_s: float | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.folder, self.scheme, self.network, self.settings = folder, scheme, network, settings
        self.device, self.progress, self.frozen = device, progress, frozen is not None
        self.budget_s = math.inf if budget_s is None else budget_s
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            model = ImageLandmarkNet(network, len(scheme))
        if frozen is not None:
            take_heat_network(model, frozen)
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = self._optimiser()
        self.state = self._begin(training)
        shape = self.state.shape.numpy()
        size, margin = network.input_size_px, network.margin
        self.training = Crops(training, scheme, size, margin, shape, settings.augment, settings.seed)
        self.held_out = Crops(held_out, scheme, size, margin, shape, None)

    def _optimiser(self) -> torch.optim.Optimizer:
        settings = self.settings
        groups = [{"params": self.model.graph_parameters(), "rate": settings.graph_rate}]
        if self.frozen:
            for parameter in self.model.heat_parameters():
                parameter.requires_grad_(False)
        else:
            groups.append({"params": self.model.heat_parameters(), "rate": settings.heat_rate})
        groups = [group for group in groups if group["params"]]
        if not groups:
            raise NasionError("nothing is left to learn: the heat maps are frozen and there is no graph network")
        return torch.optim.AdamW(groups, lr=settings.heat_rate, weight_decay=settings.weight_decay)

    def _begin(self, training: Sequence[Prepared]) -> RunState:
        """Return the state of the run that was stopped, or that of a new one."""
        path = self.folder / CHECKPOINT_FILE
        if path.exists():
            state = read_state(path, RunState, EpochRecord, self.model, self.optimiser)
            state.average = {name: value.to(self.device) for name, value in state.average.items()}
            return state
        points = [item.points_px for item in training]
        size, margin = self.network.input_size_px, self.network.margin
        shape = torch.from_numpy(mean_shape(points, size, margin))
        shapes = upright_shapes(points, size, margin)
        if self.settings.augment.mirrored:
            other = shapes[:, self.scheme.flip_index] * (-1.0, 1.0) + (size[0] - 1.0, 0.0)
            shapes = np.concatenate([shapes, other])
        self.model.learn_shapes(shapes)
        return RunState(average=copied(self.model) if self.settings.average else {}, shape=shape)

    def finish(self) -> TrainedNet:
        """Learn until the last epoch, until time is up, or until the held-out people gain no more."""
        state, settings = self.state, self.settings
        while state.goes_on(settings.epochs, settings.patience, self.budget_s):
            self._epoch()
        model = ImageLandmarkNet(self.network, len(self.scheme), pretrained=False)
        model.load_state_dict(state.best)
        shape: FloatArray = state.shape.numpy()
        return TrainedNet(model.eval(), shape, self.network, settings, state.best_epoch, tuple(state.history))

    def _epoch(self) -> None:
        state, size = self.state, self.settings.batch
        groups = shuffled(len(self.training.items), size, self.settings.seed, state.epoch)
        if len(groups) > 1 and len(groups[-1]) < size / 2:
            groups.pop()  # a batch of one or two images makes poor batch statistics
        begun, saved = time.perf_counter() - state.seconds, time.monotonic()
        loss = math.nan
        for images, points in self.training.batches(groups[state.step :], state.epoch):
            done = (state.epoch + state.step / len(groups)) / self.settings.epochs
            share = min(max(done, state.elapsed_s() / self.budget_s), 1.0)
            loss = self._learn(images, points, share)
            state.step += 1
            state.seconds = time.perf_counter() - begun
            if state.elapsed_s() >= self.budget_s:
                break
            if state.step < len(groups):
                if state.step % _TELL_STEPS == 0:
                    self._tell(loss, len(groups), share)
                if time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
        self._close_epoch(loss, len(groups), begun)

    def _rate(self, share: float) -> float:
        """Return the share of the learning rates: a warm-up, then half a cosine wave."""
        settings = self.settings
        warm = min(1.0, (self.state.steps_done + 1) / (settings.warmup_steps + 1))
        return warm * falling(1.0, settings.final_share, share)

    def _learn(self, images: NDArray[np.uint8], points: NDArray[np.float32], share: float) -> float:
        """Take one step; return the batch's loss."""
        state, settings = self.state, self.settings
        self._train_mode()
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * self._rate(share)
        self.optimiser.zero_grad()
        with self._precision():
            out = self.model(as_batch(images, self.device))
        truth = torch.from_numpy(points).to(self.device)
        parts = losses(out, truth, settings.loss, heat=not self.frozen)
        values = [float(part.detach()) for part in parts]
        if not math.isfinite(values[0]):
            raise diverged()
        parts[0].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimiser.step()
        state.steps_done += 1
        if state.average:
            decay = min(settings.average, (1 + state.steps_done) / (10 + state.steps_done))
            move_average(state.average, self.model, decay)
        state.sums = [total + value for total, value in zip(state.sums, values, strict=True)]
        return values[0]

    def _train_mode(self) -> None:
        self.model.train()
        if self.frozen:
            self.model.backbone.eval()

    def _precision(self) -> Any:
        if self.settings.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _close_epoch(self, loss: float, steps: int, begun: float) -> None:
        state = self.state
        own = copied(self.model)
        if state.average:
            self.model.load_state_dict(state.average)
        error, start_error = self._judge()
        state.seconds = time.perf_counter() - begun
        loss_mean, points_mean, heat_mean = (total / state.step for total in state.sums)
        rate = self.optimiser.param_groups[0]["lr"] / self.optimiser.param_groups[0]["rate"]
        record = EpochRecord(
            state.epoch + 1,
            loss_mean,
            points_mean,
            heat_mean,
            error,
            start_error,
            rate,
            state.step,
            state.seconds,
        )
        state.history.append(record)
        if error < state.best_error or self.settings.keep_last or not state.best:
            state.best_error, state.best_epoch = error, record.epoch
            state.best = {name: value.cpu() for name, value in copied(self.model).items()}
        self.model.load_state_dict(own)
        share = max(record.epoch / self.settings.epochs, state.elapsed_s() / self.budget_s)
        state.epoch, state.step, state.sums, state.seconds = record.epoch, 0, [0.0, 0.0, 0.0], 0.0
        self._save()
        self._tell(loss, steps, min(share, 1.0), record)

    def _judge(self) -> tuple[float, float]:
        """Return the held-out people's mean error and that of the soft-argmax, over face size."""
        self.model.eval()
        rows = list(range(len(self.held_out.items)))
        groups = [rows[first : first + _JUDGED_AT_ONCE] for first in range(0, len(rows), _JUDGED_AT_ONCE)]
        found, begun, truth = [], [], []
        with torch.no_grad():
            for images, points in self.held_out.batches(groups):
                out = self.model(as_batch(images, self.device))
                found.append(out.points.cpu().numpy())
                begun.append(out.start.cpu().numpy())
                truth.append(points)
        if not np.isfinite(np.concatenate(found)).all():
            raise diverged()
        true = np.concatenate(truth).astype(float)
        size = face_size(true, self.scheme)
        errors = []
        for points in (np.concatenate(found), np.concatenate(begun)):
            errors.append(float(np.nanmean(np.nanmean(np.linalg.norm(points - true, axis=2), axis=1) / size)))
        return errors[0], errors[1]

    def _save(self) -> None:
        write_state(self.folder, self.state, self.model, self.optimiser)

    def _tell(self, loss: float, steps: int, share: float, record: EpochRecord | None = None) -> None:
        if self.progress is not None:
            epoch = record.epoch if record else self.state.epoch + 1
            self.progress(Progress(epoch, steps if record else self.state.step, steps, loss, share, record))
