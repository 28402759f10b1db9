"""A training run from a set of images to a released model (PyTorch).

The folder: ``training.json`` (what it is), ``run`` (checkpoint, ``log.csv``), ``model`` (the result). The same plan
again goes on where it stopped; another plan is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from nasion.errors import NasionError
from nasion.landmarks.image.card import Card, read_model
from nasion.landmarks.image.network_weights import heat_weights
from nasion.landmarks.image.prepared import Prepared, prepare
from nasion.landmarks.image.release import release
from nasion.landmarks.image.samples import ImageSample
from nasion.landmarks.image.train import Progress, train
from nasion.landmarks.image.training_plan import TrainingPlan, read_plan
from nasion.landmarks.image.training_split import Split, split_of
from nasion.networks.checkpoints import torch_device
from nasion.networks.model_folder import RUN_MODEL
from nasion.readers.files import claim_folder

MODEL: Final = RUN_MODEL
RUN: Final = "run"
_RECORD: Final = "training.json"


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
        claim_folder(out, _RECORD, plan.record(), "training")
        return read_model(model).card
    torch_device(device)
    split = split_of(plan)
    frozen = None if plan.frozen is None else heat_weights(Path(plan.frozen) / RUN)
    begin = None if plan.begin is None else _weights_to_begin_with(Path(plan.begin), split)
    claim_folder(out, _RECORD, plan.record(), "training")
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
        begin=begin,
        budget_s=None if plan.minutes is None else 60 * plan.minutes,
        progress=learnt,
    )
    return release(trained, model, plan.points, split.held_out, split.tests, data=split.words, terms=split.terms)


def _weights_to_begin_with(folder: Path, split: Split) -> dict[str, Any]:
    """Return another run's weights, if nobody who is held out or tested on here was learnt from there.

    People are told by name and by picture, as sets may give them other names.
    """
    plan = read_plan(folder / _RECORD)
    learnt = {key for sample in split_of(plan).training for key in (sample.person, _picture(sample))}
    judged = [*split.held_out, *(sample for part in split.tests.values() for sample in part)]
    both = sorted({sample.person for sample in judged if {sample.person, _picture(sample)} & learnt})
    if both:
        raise NasionError(
            f"{both[0]} was learnt from in {folder}, but is held out or tested on here; begin with a run of the same "
            "sets and seed"
        )
    return heat_weights(folder / RUN)


def _picture(sample: ImageSample) -> str:
    return str(sample.image.resolve()) if isinstance(sample.image, Path) else ""


def _prepared(samples: Sequence[ImageSample], plan: TrainingPlan, read: Callable[[int, int], None]) -> list[Prepared]:
    network, items = plan.network, []
    for number, sample in enumerate(samples, start=1):
        whole = plan.learning.augment.far > 0
        items.append(prepare(sample, network.input_size_px, network.margin, whole=whole))
        read(number, len(samples))
    return items
