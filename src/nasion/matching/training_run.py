"""A training run from a set of pairs to a model's folder (PyTorch).

The folder: ``training.json`` (what it is), ``features`` (described pictures), ``run`` (checkpoint, ``log.csv``),
``model``. The same plan again goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from nasion.matching.backbones import describers
from nasion.matching.card import Card, picture_mark, read_model
from nasion.matching.points import PointFinder
from nasion.matching.prepared import PreparedPair, Preparing, prepare_pairs
from nasion.matching.release import Origin, packed_matcher, packed_model, write_tested
from nasion.matching.samples import MatchPair
from nasion.matching.scoring import gallery_scores, retrieval
from nasion.matching.settings import MatchSettings
from nasion.matching.train import EpochRecord, Trained, learn
from nasion.matching.training_plan import TrainingPlan, split_pairs
from nasion.networks.model_folder import RUN_MODEL
from nasion.readers.files import claim_folder

MODEL: Final = RUN_MODEL
RUN: Final = "run"
FEATURES: Final = "features"


@dataclass(frozen=True)
class Watch:
    """Who is told: of (pictures described, all), and of each epoch."""

    described: Callable[[int, int], None] | None = None
    learnt: Callable[[EpochRecord], None] | None = None


def train_matching(
    plan: TrainingPlan, out: Path, finder: PointFinder | None = None, *, threads: int = 1, watch: Watch | None = None
) -> Card:
    """Describe, learn, test, and write ``out/model``; a finished run's card is returned at once.

    Parameters
    ----------
    plan
        What to train.
    out
        The run's folder; new, empty, or of the same plan.
    finder
        Of landmarks where no files hold them.
    threads
        Of the CPU.
    watch
        See ``Watch``.

    Raises
    ------
    NasionError
        The folder holds something else, the set cannot be used, or learning fails.

    """
    watch = watch or Watch()
    model = out / MODEL
    pairs = plan.pairs()
    settings = plan.settings
    split = split_pairs(pairs, settings.learning.held_out, plan.seed)
    claim_folder(out, "training.json", plan.record(), "training")
    if model.exists():
        return read_model(model).card
    torch.set_num_threads(threads)
    preparing = preparing_of(settings, finder, out / FEATURES)
    training, faults = prepare_pairs(split.training, preparing, settings.learning.copies, watch.described)
    held_out, more = prepare_pairs(split.held_out, preparing, 0, None)
    trained = learn(
        out / RUN,
        usable(training),
        usable(held_out),
        settings,
        budget_s=None if plan.minutes is None else 60 * plan.minutes,
        told=watch.learnt,
    )
    people = [len({pair.face.person for pair in part}) for part in (split.training, split.held_out)]
    origin = Origin(
        plan.preset,
        plan.ablation,
        f"{len(split.training)} pairs of {plan.dataset}" + (", hair hidden" if plan.hide_hair else ""),
        "files" if finder is None else f"files, else {finder.name}",
        people[0],
        people[1],
        len(faults | more),
        learnt_marks([*split.training, *split.held_out]),
    )
    packed = packed_model(trained, settings, origin)
    matcher = packed_matcher(packed)
    tests = {}
    for part, own in split.tests.items():
        prepared, _ = prepare_pairs(own, preparing, 0, None)
        tests[part] = retrieval(gallery_scores(matcher, prepared), range(len(own)))
    return write_tested(model, packed, tests)


def preparing_of(settings: MatchSettings, finder: PointFinder | None, store: Path) -> Preparing:
    """Return how a run's pictures become graphs."""
    return Preparing(
        settings.pictures,
        describers(settings.pictures),
        finder,
        settings.learning.hide_hair,
        settings.learning.seed,
        store,
    )


def learnt_marks(pairs: Sequence[MatchPair]) -> tuple[str, ...]:
    """Return the marks of all pictures of some pairs, by which experiments know their people again."""
    return tuple(sorted({picture_mark(picture.path) for pair in pairs for picture in (pair.probe, pair.face)}))


def usable(pairs: Sequence[PreparedPair | None]) -> list[PreparedPair]:
    """Return the pairs both of whose pictures could be used."""
    return [pair for pair in pairs if pair is not None]


def fit(
    folder: Path,
    training: Sequence[MatchPair],
    held_out: Sequence[MatchPair],
    settings: MatchSettings,
    preparing: Preparing,
) -> Trained:
    """Train on given pairs, without a plan; see ``train.learn``."""
    own, _ = prepare_pairs(training, preparing, settings.learning.copies)
    others, _ = prepare_pairs(held_out, preparing)
    return learn(folder, usable(own), usable(others), settings)
