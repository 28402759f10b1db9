"""The matching experiment: every probe against every gallery face as its own pair (Cranio-ID, judged honestly).

Each probe's score with a face depends on these two pictures alone. Embedding a probe together with its true partner
and ranking afterwards, as the paper does, finds the partner even where the features are random.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.experiments.matching_pictures import cmc_of, embedded, sheet_of
from nasion.experiments.matching_scores import Describe, Failure, ViewScores, score_views, views_of
from nasion.experiments.matching_tables import matching_table_markdown, summarise
from nasion.matching.samples import MatchPair
from nasion.matching.settings import DEFAULT_PRESET, match_settings
from nasion.matching.training_plan import DATASETS, dataset_settings
from nasion.readers.files import claim_folder, write_bytes, write_json, write_text
from nasion.retrieval.describing import PairModel, finder_of
from nasion.retrieval.embedding_chart import embedding_png
from nasion.version import __version__

RECORD: Final = "experiment.json"
TEST: Final = "test"

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True)
class MatchingExperiment:
    """What is judged, and on whom.

    Attributes
    ----------
    dataset
        A key of ``matching.training_plan.DATASETS``: how the folder is laid out.
    data
        The folder.
    hide_hair
        Cover what lies outside the face, in probes and faces.
    seed
        Of the bootstrap and of the probes that are drawn for the contact sheet.

    """

    dataset: str
    data: Path
    hide_hair: bool = False
    seed: int = 0

    def pairs(self) -> list[MatchPair]:
        """Return all pairs of the set.

        Raises
        ------
        NasionError
            The dataset is unknown, or the folder is not laid out like it.

        """
        if self.dataset not in DATASETS:
            raise NasionError(f"--dataset: {self.dataset!r} is not one of {', '.join(DATASETS)}")
        return DATASETS[self.dataset](self.data)

    def record(self) -> dict[str, Any]:
        """Return what the result rests on."""
        return {
            "nasion": __version__,
            "dataset": self.dataset,
            "data": str(self.data.resolve()),
            "hide_hair": self.hide_hair,
            "seed": self.seed,
        }


def run_matching_experiment(
    experiment: MatchingExperiment,
    model: PairModel,
    describe: Describe,
    out: Path,
    *,
    learnt_from: Callable[[Sequence[MatchPair]], set[str]] = lambda pairs: set(),
    force: bool = False,
    advance: Advance = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Judge a trained model; write ``table.json``, ``table.md`` and pictures. A stopped run goes on where it stopped.

    Parameters
    ----------
    experiment
        See there.
    model
        The matcher.
    describe
        Its features of a picture, see ``matching_features``.
    out
        New, empty, or of the same experiment and model.
    learnt_from
        Tells which of the people of some pairs the model has learnt from.
    force
        Begin anew where ``out`` holds anything.
    advance
        Called with (what is done, done, total).

    Raises
    ------
    NasionError
        The data cannot be read, ``out`` holds something else, or no picture can be used.

    """
    every = experiment.pairs()
    pairs = [pair for pair in every if pair.split == TEST] or every
    record = {**experiment.record(), "model_sha256": model.sha256}
    claim_folder(out, RECORD, record, "matching experiment", force, [experiment.data])
    seen = learnt_from(pairs)
    views, failures = score_views(pairs, model, describe, out, advance)
    if len(failures) == 2 * len(pairs):
        raise NasionError(f"{experiment.data}: none of its pictures can be used; the first: {failures[0].reason}")
    whose = "of the set's test part" if len(pairs) < len(every) else "of the whole set"
    return _written(experiment, record, views, failures, seen, whose, out)


def cross_validate(
    experiment: MatchingExperiment,
    folds: int,
    out: Path,
    *,
    threads: int = 1,
    force: bool = False,
    advance: Advance = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Train a model for each fold of the people and judge it on them; write what ``run_matching_experiment`` writes.

    Nobody of a fold is in its model's training, statistics or choice of epoch. The gallery is the whole set in any
    case. A stopped run goes on where it stopped.

    Raises
    ------
    NasionError
        PyTorch is not installed, the data cannot be read or used, or ``out`` holds something else.

    """
    pairs = experiment.pairs()
    if importlib.util.find_spec("torch") is None:
        raise NasionError("training needs PyTorch; install nasion[train]")
    from nasion.matching.cross_validation import cross_validated_scores

    settings = dataset_settings(
        experiment.dataset, match_settings(DEFAULT_PRESET), hide_hair=experiment.hide_hair, seed=experiment.seed
    )
    record = {**experiment.record(), "folds": folds, "preset": DEFAULT_PRESET}
    claim_folder(out, RECORD, record, "matching experiment", force, [experiment.data])
    scores = cross_validated_scores(
        pairs,
        settings,
        folds,
        experiment.seed,
        out=out / "folds",
        finder=finder_of(settings.pictures.scheme, pairs[0].probe.modality),
        threads=threads,
        told=advance,
    )
    lost = "this picture or its pair's other one could not be used; see their landmarks"
    failures = [
        Failure(str(pair.probe.path), "probe", lost)
        for pair, score in zip(pairs, scores.diagonal(), strict=True)
        if np.isnan(score)
    ]
    whose = f"of the whole set, {folds} models, each judged on people whom it has not met"
    return _written(experiment, record, views_of(pairs, scores), failures, set(), whose, out)


def _written(
    experiment: MatchingExperiment,
    record: dict[str, Any],
    views: Sequence[ViewScores],
    failures: Sequence[Failure],
    seen: set[str],
    whose: str,
    out: Path,
) -> dict[str, Any]:
    figures = summarise(views, seen)
    left_out = sorted(seen) if len(seen) < len({person for view in views for person in view.people}) else []
    first = views[0]
    stages = (("before training", first.untrained), ("after training", first.embeddings))
    panels = [embedded(name, *stage) for name, stage in stages if stage is not None]
    table = {
        "nasion": __version__,
        "dataset": experiment.dataset,
        "protocol": _protocol(experiment, views, whose),
        **figures,
        "failures": _failures(failures),
        "modality_gap": {panel.title: panel.modality_gap() for panel in panels},
        "record": record,
    }
    title = f"{experiment.dataset}{', hair hidden' if experiment.hide_hair else ''}"
    write_bytes(out / "cmc.png", cmc_of(views, left_out, title))
    write_bytes(out / "contact_sheet.png", sheet_of(views, left_out, title, experiment.seed))
    if panels:
        write_bytes(out / "embeddings.png", embedding_png(panels, f"{first.pairs[0].probe.modality} probes"))
    write_json(out / "table.json", table)
    write_text(out / "table.md", matching_table_markdown(table))
    return table


def _protocol(experiment: MatchingExperiment, views: Sequence[ViewScores], whose: str) -> str:
    counts = ", ".join(f"{len(view.pairs)} {view.view}" for view in views)
    hair = " Hair is hidden in probes and faces." if experiment.hide_hair else ""
    several = (
        " Headline: all views of a person together (the mean of their pair scores), people against people."
        if len(views) > 1
        else ""
    )
    return (
        f"{counts} probes {whose}; each against every face of its view as its own pair; one face a person and view."
        f"{hair}{several} Equal scores count as in random order."
    )


def _failures(failures: Sequence[Failure]) -> dict[str, Any]:
    return {
        "probes": sum(failure.side != "face" for failure in failures),
        "faces": sum(failure.side == "face" for failure in failures),
        "pictures": [{"picture": failure.picture, "reason": failure.reason} for failure in failures],
    }
