"""A training run from a set of pairs to a model's folder (PyTorch).

The folder: ``training.json`` (what it is), ``run`` (checkpoint, ``log.csv``, ``sheets``), ``model``. The same plan
again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from nasion.errors import NasionError
from nasion.matching.point_schemes import point_scheme
from nasion.matching.points import PointFinder
from nasion.matching.training_plan import SCHEME_OF, Split, split_pairs
from nasion.networks.model_folder import RUN_MODEL, hash_of
from nasion.readers.files import claim_folder
from nasion.reconstruction.generators.card import Card, ModelFolder, read_model, write_model
from nasion.reconstruction.generators.export import generator_onnx
from nasion.reconstruction.generators.likeness import likeness
from nasion.reconstruction.generators.pairs import DATASETS, PairSet, framed_pairs, read_pairs
from nasion.reconstruction.generators.predict import Generator, generator_of
from nasion.reconstruction.generators.progress import Progress
from nasion.reconstruction.generators.settings import GeneratorSettings, generator_settings
from nasion.reconstruction.generators.train import Trained, learn
from nasion.version import __version__

MODEL: Final = RUN_MODEL
RUN: Final = "run"
_HELD_OUT: Final = 0.1


@dataclass(frozen=True)
class TrainingPlan:
    """A training run; the same plan gives the same split.

    Attributes
    ----------
    model, preset
        See ``settings.generator_settings``.
    dataset, data
        One of ``pairs.DATASETS`` and its folder.
    source
        Of the population: what the generator starts from, one of ``pairs.SOURCES``.
    minutes
        Of learning; None: the preset's epochs.
    seed
        Of split and learning.

    """

    model: str
    dataset: str
    data: str
    preset: str = "small"
    source: str = "xray"
    minutes: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        generator_settings(self.model, self.preset)
        if self.dataset not in DATASETS:
            raise NasionError(f"there is no dataset {self.dataset!r}; use one of {', '.join(DATASETS)}")
        if self.minutes is not None and not 0 < self.minutes < np.inf:
            raise NasionError(f"{self.minutes} minutes cannot be kept to; give a number above 0")

    @property
    def scheme(self) -> str:
        """Of the set's landmarks."""
        return SCHEME_OF[self.dataset]

    def settings(self, views: Sequence[str]) -> GeneratorSettings:
        """Return all settings of a run on pictures of some views."""
        return for_views(generator_settings(self.model, self.preset), views, self.seed)


def for_views(settings: GeneratorSettings, views: Sequence[str], seed: int) -> GeneratorSettings:
    """Return settings whose generator is told the view where there are several, and their seed."""
    network = replace(settings.network, by_view=len(set(views)) > 1)
    return replace(settings, network=network, learning=replace(settings.learning, seed=seed))


@dataclass(frozen=True)
class Watch:
    """Who is told: of (pairs read, all), and of each step."""

    read: Callable[[int, int], None] | None = None
    learnt: Callable[[Progress], None] | None = None


def train_reconstruction(
    plan: TrainingPlan,
    out: Path,
    finder: PointFinder | None = None,
    *,
    device: str = "cpu",
    threads: int = 1,
    watch: Watch | None = None,
) -> Card:
    """Read, learn, test, and write ``out/model``; a finished run's card is returned at once.

    People of the set's training part learn, but for a tenth, on whom sheets and card show how it does; so they do for
    the people of its other parts.

    Parameters
    ----------
    plan
        What to train.
    out
        The run's folder; new, empty, or of the same plan.
    finder
        Of landmarks where no files hold them, see ``pairs.framed_pairs``.
    device, threads
        ``"cpu"`` or ``"cuda"``; of the CPU.
    watch
        See ``Watch``.

    Raises
    ------
    NasionError
        The folder holds something else, the set cannot be used, or learning fails.

    """
    watch = watch or Watch()
    pairs = read_pairs(plan.dataset, Path(plan.data), plan.source)
    split = split_pairs(pairs, _HELD_OUT, plan.seed)
    settings = plan.settings([pair.face.view for pair in split.training])
    claim_folder(out, "training.json", {"nasion": __version__, "plan": asdict(plan)}, "training")
    if (out / MODEL).exists():
        return read_model(out / MODEL).card
    torch.set_num_threads(threads)
    scheme, side = point_scheme(plan.scheme), settings.network.side_px
    training = framed_pairs(split.training, scheme, side, finder, watch.read)
    others = {name: framed_pairs(own, scheme, side, finder) for name, own in _others(split).items()}
    trained = learn(
        out / RUN,
        training.pairs,
        settings,
        shown=others["held out"].pairs,
        budget_s=None if plan.minutes is None else 60 * plan.minutes,
        device=device,
        told=watch.learnt,
    )
    packed = packed_model(trained, settings, training, plan.scheme, split.training[0].probe.modality, plan.dataset)
    generator = generator_of(packed)
    known = {name: [pair for pair in own.pairs if pair.view in packed.card.views] for name, own in others.items()}
    tests = {name: likeness(generator, own, training.pairs) for name, own in known.items() if own}
    card = packed.card.model_copy(update={"tests": tests})
    write_model(out / MODEL, ModelFolder(card, packed.onnx))
    return card


def fit(
    folder: Path,
    training: PairSet,
    settings: GeneratorSettings,
    dataset: str,
    *,
    source: str = "xray",
    budget_s: float | None = None,
    device: str = "cpu",
    told: Callable[[Progress], None] | None = None,
) -> Generator:
    """Train on given pairs, without a plan, and return the generator in memory; the same call again goes on.

    Parameters
    ----------
    folder
        Of the run, see ``train.learn``.
    training
        All of whom learn.
    settings
        See ``for_views``.
    dataset, source
        Which set, and where it is the population, which kind of source.
    budget_s, device, told
        See ``train.learn``.

    """
    modality = "sketch" if dataset == "cuhk" or source == "sketch" else "xray"
    trained = learn(folder, training.pairs, settings, budget_s=budget_s, device=device, told=told)
    return generator_of(packed_model(trained, settings, training, SCHEME_OF[dataset], modality, dataset))


def packed_model(
    trained: Trained, settings: GeneratorSettings, training: PairSet, scheme: str, modality: str, data: str
) -> ModelFolder:
    """Return the model, in memory, without tests."""
    onnx = generator_onnx(trained.generator, settings.network)
    values: dict[str, Any] = asdict(settings)
    card = Card(
        settings=values,
        scheme=scheme,
        modality=modality,
        views=tuple(sorted({pair.view for pair in training.pairs})),
        noise_size=trained.generator.noise_size,
        parameters=sum(weight.numel() for weight in trained.generator.parameters()),
        data=f"{len(training.pairs)} pairs of {data}",
        learnt_from=tuple(sorted({mark for pair in training.pairs for mark in pair.marks})),
        training_people=len({pair.person for pair in training.pairs}),
        training_pairs=len(training.pairs),
        unusable_pictures=len(training.faults),
        epochs=len(trained.records),
        seconds=sum(record.seconds for record in trained.records),
        tests={},
        code_version=__version__,
        model_sha256=hash_of(onnx),
    )
    return ModelFolder(card, onnx)


def _others(split: Split) -> dict[str, Sequence[Any]]:
    return {"held out": split.held_out, **split.tests}
