"""How the local stage learns (PyTorch): from stored pieces of surface, with errors of the estimates drawn anew."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.local_batches import LocalBatch, LocalData, draw_batch
from nasion.landmarks.surface.local_model import LocalNet, local_loss
from nasion.landmarks.surface.settings import LocalSettings
from nasion.networks.checkpoints import (
    CHECKPOINT_FILE,
    CHECKPOINT_SECONDS,
    LOG_FILE,
    damaged,
    read_run,
    write_log,
    write_run,
)
from nasion.networks.epochs import diverged, falling
from nasion.readers.files import claim_folder

_JUDGED_EVERY: Final = 500
_JUDGED_SDS_MM: Final = (1.0, 3.0)
_JUDGED_SEED: Final = 12345

Told = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class TrainedLocal:
    """What a run gives."""

    model: LocalNet
    settings: LocalSettings


@dataclass(frozen=True)
class JudgedRecord:
    """One line of the log.

    Attributes
    ----------
    step
        From 1.
    loss
        Mean of the steps since the line before, or since the run was taken up.
    held_out_error_mm_from_1, held_out_error_mm_from_3
        Of held-out people after one pass, whose estimates missed by 1 and 3 mm (each axis).

    """

    step: int
    loss: float
    held_out_error_mm_from_1: float
    held_out_error_mm_from_3: float


@dataclass
class _State:
    step: int = 0
    seconds: float = 0.0
    log: list[JudgedRecord] = field(default_factory=list)


def local_data(samples: Iterable[Sample], prototype: FloatArray, mirror: np.ndarray[Any, Any]) -> LocalData:
    """Return what the local stage learns from.

    Parameters
    ----------
    samples
        With patches.
    prototype
        (l, 3) mean landmarks, standard units.
    mirror
        (l,) see ``augmentation.mirror_order``.

    Raises
    ------
    NasionError
        There are no samples, or one has no patches.

    """
    pieces, landmarks, scale_mm = [], [], 1.0
    for sample in samples:
        if sample.patches is None:
            raise NasionError(f"{sample.person}: the sample holds no pieces of its surface; remove the samples folder")
        scale_mm = sample.cloud.scale_mm
        pieces.append(sample.patches)
        landmarks.append((sample.landmarks * scale_mm).astype(np.float32))
    if not pieces:
        raise NasionError("there are no training samples; check the folder of people")
    return LocalData(np.stack(pieces), np.stack(landmarks), (prototype * scale_mm).astype(np.float32), mirror)


def train_local(
    folder: Path,
    training: LocalData,
    held_out: LocalData,
    settings: LocalSettings,
    *,
    budget_s: float | None = None,
    told: Told | None = None,
) -> TrainedLocal:
    """Train the local stage, or go on with a run that was stopped.

    Parameters
    ----------
    folder
        The run's folder, with ``log.csv``: mean errors of held-out people, mm, whose estimates missed by 1 and 3 mm
        (each axis), every 500 steps.
    training, held_out
        Of different people.
    settings
        See there.
    budget_s
        Seconds after which learning ends; the rate follows steps or time, whichever is further. None: no limit.
    told
        Called with (steps done, all).

    Raises
    ------
    NasionError
        Learning diverges, or the folder holds something else.

    """
    claim_folder(folder, "run.json", {"settings": asdict(settings)}, "run of the local stage")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        model = LocalNet(len(training.prototype_mm), settings.radius_mm)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    state = _begun(folder / CHECKPOINT_FILE, model, optimiser)
    begun, saved = time.perf_counter() - state.seconds, time.monotonic()
    budget = math.inf if budget_s is None else budget_s
    losses: list[float] = []
    while state.step < settings.steps and state.seconds < budget:
        done = max(state.step / settings.steps, state.seconds / budget)
        losses.append(_step(model, optimiser, training, settings, state.step, done))
        state.step += 1
        state.seconds = time.perf_counter() - begun
        last = state.step == settings.steps or state.seconds >= budget
        if last or state.step % _JUDGED_EVERY == 0:
            loss = sum(losses) / len(losses)
            state.log.append(JudgedRecord(state.step, loss, *_judged(model, held_out, settings)))
            losses = []
        if last or time.monotonic() - saved > CHECKPOINT_SECONDS:
            _save(folder, model, optimiser, state)
            saved = time.monotonic()
        if told is not None:
            told(state.step, settings.steps)
    return TrainedLocal(model.eval(), settings)


def _step(
    model: LocalNet,
    optimiser: torch.optim.Optimizer,
    training: LocalData,
    settings: LocalSettings,
    number: int,
    done: float,
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = falling(settings.learning_rate, settings.final_learning_rate, min(done, 1.0))
    rows = np.random.default_rng([settings.seed, number]).integers(len(training.pieces), size=settings.batch)
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + number)
    batch = draw_batch(training, rows, settings, generator)
    optimiser.zero_grad()
    moves, log_error = model(batch.patches, batch.filled, batch.residual, batch.there)
    loss = local_loss(moves, log_error, batch.target, batch.there)
    loss.backward()  # type: ignore[no-untyped-call]
    value = float(loss.detach())
    if not math.isfinite(value):
        raise diverged()
    optimiser.step()
    return value


def _judged(model: LocalNet, held_out: LocalData, settings: LocalSettings) -> list[float]:
    """Return the mean error after one pass, mm, for estimates that missed by each of two amounts."""
    model.eval()
    errors = []
    for sd in _JUDGED_SDS_MM:
        generator = torch.Generator().manual_seed(_JUDGED_SEED)
        sums, counts = 0.0, 0.0
        for first in range(0, len(held_out.pieces), settings.batch):
            rows = np.arange(first, min(first + settings.batch, len(held_out.pieces)))
            batch = draw_batch(held_out, rows, settings, generator, varied=False, sd_mm=sd)
            distance = _distances(model, batch)
            sums, counts = sums + float(distance.sum()), counts + float(batch.there.sum())
        errors.append(sums / max(counts, 1.0))
    model.train()
    return errors


def _distances(model: LocalNet, batch: LocalBatch) -> torch.Tensor:
    with torch.no_grad():
        moves, _ = model(batch.patches, batch.filled, batch.residual, batch.there)
    distances: torch.Tensor = (moves - batch.target).norm(dim=-1) * batch.there
    return distances


def _begun(path: Path, model: LocalNet, optimiser: torch.optim.Optimizer) -> _State:
    """Return where the run that was stopped stands, or a new one."""
    if not path.exists():
        return _State()
    values = read_run(path, model, optimiser)
    try:
        return _State(values["step"], values["seconds"], [JudgedRecord(*row) for row in values["log"] or []])
    except (KeyError, TypeError):
        raise damaged(path) from None


def _save(folder: Path, model: LocalNet, optimiser: torch.optim.Optimizer, state: _State) -> None:
    values = {**vars(state), "log": [astuple(record) for record in state.log]}
    write_run(folder / CHECKPOINT_FILE, values, model, optimiser)
    write_log(folder / LOG_FILE, state.log)
