"""How the network learns (PyTorch).

Nguyen et al., section III-E, with people, not images, kept apart: the held-out people choose the best epoch, and a
person met on both sides stops the run. A run is a folder: ``run.json`` says what it is, ``checkpoint.pt`` lets it go on
where it stopped, ``log.csv`` has a line an epoch. On a CPU with the same number of threads a run that was stopped and
taken up again ends with the very weights of one that was not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.heatmaps import focal_loss, targets
from nasion.landmarks.image.metrics import face_size
from nasion.landmarks.image.model import ImageLandmarkNet, NetOutput, to_cells
from nasion.landmarks.image.prepared import Crops, Prepared, mean_shape
from nasion.landmarks.image.schemes import ImageScheme
from nasion.landmarks.image.settings import ImageNetSettings, LossSettings, TrainSettings
from nasion.networks.checkpoints import damaged, read_checkpoint, torch_device, write_checkpoint, write_log
from nasion.readers.files import claim_folder

_CHECKPOINT_SECONDS: Final = 60.0
_JUDGED_AT_ONCE: Final = 8
_TELL_STEPS: Final = 5


@dataclass(frozen=True)
class EpochRecord:
    """One line of the log.

    Attributes
    ----------
    epoch
        From 1.
    loss, points_loss, heat_loss
        Means over the epoch's steps: all together; of the points (cells); of the heat maps.
    held_out_error, held_out_start_error
        Of the held-out people's points and of their heat maps' soft-argmax: mean distance over face size (see
        ``metrics.face_size``), one plain upright crop each.
    rate
        Share of the learning rates at the end.
    steps, seconds
        Steps and time of the epoch.

    """

    epoch: int
    loss: float
    points_loss: float
    heat_loss: float
    held_out_error: float
    held_out_start_error: float
    rate: float
    steps: int
    seconds: float


@dataclass(frozen=True)
class Progress:
    """Told every few steps; ``record`` is there after an epoch's last one, ``share`` says how much is done."""

    epoch: int
    step: int
    steps: int
    loss: float
    share: float
    record: EpochRecord | None = None


@dataclass
class RunState:
    """The state of a run after some steps of an epoch; it changes as the run goes on."""

    model: dict[str, Any]
    optimiser: dict[str, Any]
    average: dict[str, Any]
    """Running mean of the weights; empty where none is kept."""
    shape: Tensor
    epoch: int = 0
    step: int = 0
    """Finished steps of the epoch under way."""
    steps_done: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    seconds: float = 0.0
    best: dict[str, Any] = field(default_factory=dict)
    best_error: float = math.inf
    best_epoch: int = 0
    history: list[EpochRecord] = field(default_factory=list)


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
        second mode); see ``heat_weights``.
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


def heat_weights(folder: Path) -> dict[str, Any]:
    """Return the best weights of a run's folder, for ``train(frozen=...)``."""
    path = folder / "checkpoint.pt"
    best = read_checkpoint(path).get("best")
    if not best:
        raise NasionError(f"{path}: has no finished epoch yet; let that run go on first")
    return dict(best)


def _check(scheme: ImageScheme, training: Sequence[Prepared], held_out: Sequence[Prepared]) -> None:
    for name, items in (("training", training), ("held-out", held_out)):
        if not items:
            raise NasionError(f"there are no {name} images; give more people")
        for item in items:
            if len(item.points_px) != len(scheme):
                raise NasionError(
                    f"{item.person}: has {len(item.points_px)} landmarks, but {scheme.name} has {len(scheme)}"
                )
    both = sorted({item.person for item in training} & {item.person for item in held_out})
    if both:
        raise NasionError(f"{both[0]} is among the training people and the held-out people; split by person")


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
            _take_heat_network(model, frozen)
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
        path = self.folder / "checkpoint.pt"
        if path.exists():
            values = read_checkpoint(path)
            try:
                values["history"] = [EpochRecord(**record) for record in values["history"]]
                state = RunState(**values)
                self.model.load_state_dict(state.model)
                self.optimiser.load_state_dict(state.optimiser)
            except (KeyError, TypeError, RuntimeError, ValueError):
                raise damaged(path) from None
            state.average = {name: value.to(self.device) for name, value in state.average.items()}
            return state
        points = [item.points_px for item in training]
        shape = torch.from_numpy(mean_shape(points, self.network.input_size_px, self.network.margin))
        average = _copied(self.model) if self.settings.average else {}
        return RunState({}, {}, average, shape)

    def finish(self) -> TrainedNet:
        """Learn until the last epoch, until time is up, or until the held-out people gain no more."""
        state, settings = self.state, self.settings
        while (
            state.epoch < settings.epochs
            and state.epoch - state.best_epoch < settings.patience
            and (self._elapsed_s() < self.budget_s or not state.best)
        ):
            self._epoch()
        model = ImageLandmarkNet(self.network, len(self.scheme), pretrained=False)
        model.load_state_dict(state.best)
        shape: FloatArray = state.shape.numpy()
        return TrainedNet(model.eval(), shape, self.network, settings, state.best_epoch, tuple(state.history))

    def _elapsed_s(self) -> float:
        """Return the seconds of learning so far, those before a stop included."""
        return self.state.seconds + sum(record.seconds for record in self.state.history)

    def _epoch(self) -> None:
        state, size = self.state, self.settings.batch
        order = np.random.default_rng([self.settings.seed, state.epoch]).permutation(len(self.training.items)).tolist()
        groups = [order[first : first + size] for first in range(0, len(order), size)]
        if len(groups) > 1 and len(groups[-1]) < size / 2:
            groups.pop()  # a batch of one or two images makes poor batch statistics
        begun, saved = time.perf_counter() - state.seconds, time.monotonic()
        loss = math.nan
        for images, points in self.training.batches(groups[state.step :], state.epoch):
            done = (state.epoch + state.step / len(groups)) / self.settings.epochs
            share = min(max(done, self._elapsed_s() / self.budget_s), 1.0)
            loss = self._learn(images, points, share)
            state.step += 1
            state.seconds = time.perf_counter() - begun
            if self._elapsed_s() >= self.budget_s:
                break
            if state.step < len(groups):
                if state.step % _TELL_STEPS == 0:
                    self._tell(loss, len(groups), share)
                if time.monotonic() - saved > _CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
        self._close_epoch(loss, len(groups), begun)

    def _rate(self, share: float) -> float:
        """Return the share of the learning rates: a warm-up, then half a cosine wave."""
        settings = self.settings
        warm = min(1.0, (self.state.steps_done + 1) / (settings.warmup_steps + 1))
        return warm * (settings.final_share + (1 - settings.final_share) * (1 + math.cos(math.pi * share)) / 2)

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
            raise _diverged()
        parts[0].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimiser.step()
        state.steps_done += 1
        if state.average:
            decay = min(settings.average, (1 + state.steps_done) / (10 + state.steps_done))
            _average(state.average, self.model, decay)
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
        own = _copied(self.model)
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
        if error < state.best_error or not state.best:
            state.best_error, state.best_epoch = error, record.epoch
            state.best = {name: value.cpu() for name, value in _copied(self.model).items()}
        self.model.load_state_dict(own)
        share = max(record.epoch / self.settings.epochs, self._elapsed_s() / self.budget_s)
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
            raise _diverged()
        true = np.concatenate(truth).astype(float)
        size = face_size(true, self.scheme)
        errors = []
        for points in (np.concatenate(found), np.concatenate(begun)):
            errors.append(float(np.nanmean(np.nanmean(np.linalg.norm(points - true, axis=2), axis=1) / size)))
        return errors[0], errors[1]

    def _save(self) -> None:
        state = self.state
        state.model, state.optimiser = self.model.state_dict(), self.optimiser.state_dict()
        values = {**vars(state), "history": [asdict(record) for record in state.history]}
        write_checkpoint(self.folder / "checkpoint.pt", values)
        if state.history:
            write_log(self.folder / "log.csv", state.history)

    def _tell(self, loss: float, steps: int, share: float, record: EpochRecord | None = None) -> None:
        if self.progress is not None:
            epoch = record.epoch if record else self.state.epoch + 1
            self.progress(Progress(epoch, steps if record else self.state.step, steps, loss, share, record))


def _diverged() -> NasionError:
    return NasionError("the loss is no number any more: learning diverged; take a lower learning rate")


def losses(
    out: NetOutput, truth: Tensor, settings: LossSettings, *, heat: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Return Eq. 9, the points' L1 error (Eq. 7, cells) and the heat maps' focal loss (Eq. 8).

    Parameters
    ----------
    out, truth
        What the network gives, and (n, l, 2) crop pixels, NaN where a point is not marked. A point outside the crop
        teaches its heat map to stay low and no position.
    settings
        See there.
    heat
        Whether the heat maps learn, too.

    """
    height, width = out.logits.shape[-2:]
    true = to_cells(truth)
    limit = true.new_tensor([width - 0.5, height - 0.5])
    marked = torch.isfinite(true).all(dim=-1)
    inside = marked & ((true > -0.5) & (true < limit)).all(dim=-1)
    start = to_cells(out.start)
    near = inside & ((start - torch.nan_to_num(true)).abs().amax(dim=-1) <= settings.near_cells)
    held = torch.where(near[..., None], start, start.detach())
    points_loss = _l1(to_cells(out.points) - start + held, true, inside)
    heat_loss = points_loss.new_zeros(())
    total = settings.points_weight * points_loss
    if heat:
        maps = targets(true, height, width, settings.sigma_cells)
        heat_loss = focal_loss(out.logits, maps, marked.to(maps.dtype), settings.alpha, settings.beta)
        total = total + settings.heat_weight * heat_loss
        total = total + settings.start_weight * _l1(held, true, inside)
    return total, points_loss.detach(), heat_loss.detach()


def _l1(found: Tensor, true: Tensor, used: Tensor) -> Tensor:
    """Return the mean of |dx| + |dy| over the points that are used."""
    off = (found - torch.where(used[..., None], true, found.detach())).abs().sum(dim=-1)
    return (off * used).sum() / used.sum().clamp_min(1)


def as_batch(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return (n, 3, h, w) float32 of (n, h, w, 3) crops."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()


def _take_heat_network(model: ImageLandmarkNet, weights: dict[str, Any]) -> None:
    parts = ("backbone.", "heat.", "soft_argmax.")
    own = model.state_dict()
    heat = {name: value for name, value in weights.items() if name.startswith(parts)}
    fits = all(name in heat and heat[name].shape == own[name].shape for name in own if name.startswith(parts))
    if not fits:
        raise NasionError("the frozen heat maps are of another backbone or scheme; give a run with the same ones")
    model.load_state_dict({**own, **heat})


def _copied(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


@torch.no_grad()
def _average(average: dict[str, Any], model: torch.nn.Module, decay: float) -> None:
    for name, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            average[name].lerp_(value, 1 - decay)
        else:
            average[name].copy_(value)
