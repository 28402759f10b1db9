"""A training run from people to a released model (PyTorch).

The folder: ``training.json`` (what it is), ``samples`` (made once), ``run`` and ``local`` (checkpoint, ``log.csv``),
``model`` (the result). The same plan again goes on where it stopped; another plan is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch

from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.augmentation import AugmentSettings, mirror_order
from nasion.landmarks.surface.card import ORIENTATION_FILE, Card, read_model
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.local_train import TrainedLocal, local_data, train_local
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.landmarks.surface.patches import landmark_patches
from nasion.landmarks.surface.release import TestSet, release
from nasion.landmarks.surface.sample_making import check_sources, make_samples
from nasion.landmarks.surface.settings import SurfaceNetSettings
from nasion.landmarks.surface.stored_samples import StoredSamples, refused_in
from nasion.landmarks.surface.train import Progress, TrainedNet, train
from nasion.landmarks.surface.training_plan import TrainingPlan
from nasion.networks.checkpoints import torch_device
from nasion.networks.model_folder import RUN_MODEL
from nasion.readers.files import claim_folder

MODEL: Final = RUN_MODEL
_LOCAL_SHARE: Final = 0.4
"""Of the time for learning, for the local stage."""
_LEAST_LEARNING: Final = 0.25
"""Share of the minutes that learning gets, however long the samples took."""

SamplesMade = Callable[[int, int], None]


def train_surface_landmarks(
    plan: TrainingPlan,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    executor: Executor | None = None,
    made: SamplesMade | None = None,
    learnt: Callable[[Progress], None] | None = None,
    local_learnt: Callable[[int, int], None] | None = None,
) -> Card:
    """Make samples, learn, calibrate, test, and write ``out/model``; a finished run's card is returned at once.

    Parameters
    ----------
    plan
        What to train.
    out
        The run's folder; new, empty, or of the same plan.
    device
        ``"cpu"`` or ``"cuda"``.
    threads
        Of learning on the CPU.
    executor
        Makes samples; None makes them in this process.
    made
        Called with (samples done, all).
    learnt, local_learnt
        Told after every step of the network and of the local stage.

    Raises
    ------
    NasionError
        The folder holds something else, a source cannot be used, or learning fails; see ``train`` and ``release``.

    """
    model = out / MODEL
    if not model.exists():
        torch_device(device)
        check_sources(plan)
    claim_folder(out, "training.json", plan.record(), "training")
    if model.exists():
        return read_model(model).card
    samples = out / "samples"
    took_s = make_samples(plan, samples, executor, made or (lambda done, total: None))
    heat_s, local_s = _budgets(plan.minutes, took_s)
    trained = learn_from(
        plan, samples, out / "run", plan.network, device=device, threads=threads, budget_s=heat_s, learnt=learnt
    )
    local = learn_local(plan, samples, out / "local", trained.prototype, local_s, local_learnt)
    return _released(plan, samples, model, trained, local)


def _budgets(minutes: float | None, took_s: float) -> tuple[float | None, float | None]:
    """Return the seconds of learning for the network and for the local stage, after samples that took ``took_s``."""
    if minutes is None:
        return None, None
    left_s = max(60.0 * minutes - took_s, _LEAST_LEARNING * 60.0 * minutes)
    return (1 - _LOCAL_SHARE) * left_s, _LOCAL_SHARE * left_s


def _released(plan: TrainingPlan, samples: Path, model: Path, trained: TrainedNet, local: TrainedLocal) -> Card:
    tests = {part: TestSet(_stored(plan, samples, part), refused_in(samples / part)) for part in ("clean", "raw")}
    return release(
        trained,
        model,
        plan.scheme,
        plan.names,
        _stored(plan, samples, "held_out"),
        tests,
        data=plan.in_words(),
        orientation=OrientationTemplate.read(samples / ORIENTATION_FILE),
        local=local,
    )


def learn_from(
    plan: TrainingPlan,
    samples: Path,
    run: Path,
    network: SurfaceNetSettings,
    *,
    device: str,
    threads: int,
    budget_s: float | None,
    learnt: Callable[[Progress], None] | None,
) -> TrainedNet:
    """Learn from the samples that ``make_samples`` left in a folder; see ``train`` for the other parameters."""

    def training(epoch: int) -> StoredSamples:
        return StoredSamples.of(samples / "training", plan.names, AugmentSettings(), plan.seed, epoch)

    torch.set_num_threads(threads)
    return train(
        run,
        plan.names,
        training,
        [_without_mesh(sample) for sample in _stored(plan, samples, "held_out")],
        network,
        plan.learning,
        data=plan.in_words(),
        device=device,
        budget_s=budget_s,
        progress=learnt,
    )


def learn_local(
    plan: TrainingPlan,
    samples: Path,
    run: Path,
    prototype: FloatArray,
    budget_s: float | None,
    told: Callable[[int, int], None] | None,
) -> TrainedLocal:
    """Train the local stage from the samples that ``make_samples`` left in a folder; see ``train_local``."""
    mirror = mirror_order(plan.names)
    rng = np.random.default_rng(plan.seed)
    held = (replace(s, patches=landmark_patches(s, rng)) for s in _stored(plan, samples, "held_out"))
    training = StoredSamples.of(samples / "training", plan.names, patches=True)
    return train_local(
        run,
        local_data(training, prototype, mirror),
        local_data(held, prototype, mirror),
        plan.local,
        budget_s=budget_s,
        told=told,
    )


def _without_mesh(sample: Sample) -> Sample:
    return Sample(sample.cloud, sample.landmarks, sample.person)


def _stored(plan: TrainingPlan, samples: Path, part: str) -> StoredSamples:
    return StoredSamples.of(samples / part, plan.names)
