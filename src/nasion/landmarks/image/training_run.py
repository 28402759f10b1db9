"""A training run from a set of images to a released model (PyTorch).

The folder: ``training.json`` (what it is), ``run`` (checkpoint, ``log.csv``), ``model`` (the result). The same plan
again goes on where it stopped; another plan is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import torch

from nasion.landmarks.image.card import Card, read_model
from nasion.landmarks.image.network_weights import heat_weights
from nasion.landmarks.image.prepared import Prepared, prepare
from nasion.landmarks.image.release import release
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.train import Progress, train
from nasion.landmarks.image.training_plan import TrainingPlan
from nasion.landmarks.image.training_split import split_of
from nasion.networks.checkpoints import torch_device
from nasion.readers.files import claim_folder

MODEL: Final = "model"
RUN: Final = "run"


def train_image_landmarks(
    plan: TrainingPlan,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    read: Callable[[int, int], None] | None = None,
    learnt: Callable[[Progress], None] | None = None,
) -> Card:
    """Read images, learn, calibrate, test, and write ``out/model``; a finished run's card is returned at once.

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
    read
        Called with (images read, all).
    learnt
        Told every few steps.

    Raises
    ------
    NasionError
        The folder holds something else, the set cannot be used, or learning fails; see ``train`` and ``release``.

    """
    import cv2

    model = out / MODEL
    if model.exists():
        claim_folder(out, "training.json", plan.record(), "training")
        return read_model(model).card
    torch_device(device)
    split = split_of(plan)
    frozen = None if plan.frozen is None else heat_weights(Path(plan.frozen) / RUN)
    claim_folder(out, "training.json", plan.record(), "training")
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    samples = [*split.training, *split.held_out]
    items = _prepared(samples, plan, read or (lambda done, total: None))
    trained = train(
        out / RUN,
        plan.points,
        items[: len(split.training)],
        items[len(split.training) :],
        plan.network,
        plan.learning,
        data=split.words,
        device=device,
        frozen=frozen,
        budget_s=None if plan.minutes is None else 60 * plan.minutes,
        progress=learnt,
    )
    return release(trained, model, plan.points, split.held_out, split.tests, data=split.words, terms=split.terms)


def _prepared(samples: Sequence[ImageSample], plan: TrainingPlan, read: Callable[[int, int], None]) -> list[Prepared]:
    network, items = plan.network, []
    for number, sample in enumerate(samples, start=1):
        whole = plan.learning.augment.far > 0
        items.append(prepare(sample, network.input_size_px, network.margin, whole=whole))
        read(number, len(samples))
    return items
