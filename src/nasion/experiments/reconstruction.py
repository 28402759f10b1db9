"""The reconstruction experiment (FCR, judged honestly): faces made from skulls or sketches of people never met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from nasion.errors import NasionError
from nasion.experiments.reconstruction_folds import (
    MEAN_FACE,
    Advance,
    FaceMaker,
    Fold,
    MeanFaceMaker,
    folds_of,
    made_faces,
)
from nasion.experiments.reconstruction_people import SOURCE_ITSELF, Judged
from nasion.experiments.reconstruction_pictures import cmc_of, sheet_of
from nasion.experiments.reconstruction_retrieval import Descriptor, FaceScorer, Ranked, ranked, retrieval
from nasion.experiments.reconstruction_scores import Extractor, quality
from nasion.experiments.reconstruction_tables import reconstruction_table_markdown
from nasion.matching.datasets import FRONTAL
from nasion.matching.point_schemes import point_scheme
from nasion.matching.samples import MatchPair
from nasion.matching.training_plan import SCHEME_OF
from nasion.readers.files import claim_folder, write_bytes, write_json, write_text
from nasion.reconstruction.generators.pairs import PairSet, framed_pairs, read_pairs
from nasion.reconstruction.scores.kernel_distance import LEAST
from nasion.version import __version__

RECORD: Final = "experiment.json"
MODELS_FOLDER: Final = "models"
DESCRIBED_PX: Final = 256
"""Side of the real pictures that are described: generated ones are compared with faces as sharp as the set has them."""


@dataclass(frozen=True)
class ReconstructionExperiment:
    """What is judged, and on whom.

    Attributes
    ----------
    dataset, data
        How the folder is laid out (``"cuhk"``, ``"population"`` or ``"s2f"``), and the folder.
    source
        Of the population: what faces are made from.
    side_px
        Of the generated faces.
    folds
        See ``reconstruction_folds.folds_of``.
    preset, minutes
        Of the generators, in each fold.
    seed
        Of folds, learning and intervals.

    """

    dataset: str
    data: Path
    source: str = "xray_bone"
    side_px: int = 128
    folds: int | None = None
    preset: str = "small"
    minutes: float | None = None
    seed: int = 0

    def record(self) -> dict[str, Any]:
        """Return what the result rests on, but for the models: a finished result takes further ones."""
        return {
            "nasion": __version__,
            "dataset": self.dataset,
            "data": str(self.data.resolve()),
            "source": self.source if self.dataset == "population" else None,
            "side_px": self.side_px,
            "folds": self.folds,
            "preset": self.preset,
            "minutes": self.minutes,
            "seed": self.seed,
        }


@dataclass(frozen=True, eq=False)
class Eyes:
    """What looks at the faces.

    Attributes
    ----------
    extractor
        Of KID, FID and IS.
    descriptors
        Of identity; those of ``frontal_only`` see no other view.
    left_out
        What could not be had, by name, and why.

    """

    extractor: Extractor
    descriptors: tuple[Descriptor, ...]
    frontal_only: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)


def run_reconstruction_experiment(
    experiment: ReconstructionExperiment,
    makers: Sequence[FaceMaker],
    eyes: Eyes,
    out: Path,
    *,
    scorers: Sequence[FaceScorer] = (),
    force: bool = False,
    advance: Advance = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Make everybody's face without having met the person; write ``table.json``, ``table.md`` and pictures.

    Each tested person's face is looked for among the photographs of all tested people of the same view. A stopped run
    goes on where it stopped; a finished one takes further models.

    Parameters
    ----------
    experiment
        See there.
    makers
        What makes faces; the mean face is added as the floor.
    eyes
        What looks at them.
    out
        New, empty, or of the same experiment.
    scorers
        What scores skulls against photographs in other ways.
    force
        Begin anew where ``out`` holds anything.
    advance
        Told (stage, done, all).

    Raises
    ------
    NasionError
        The data cannot be read or used, or ``out`` holds something else.

    """
    pairs = read_pairs(experiment.dataset, experiment.data, experiment.source)
    folds = folds_of(pairs, experiment.folds, experiment.seed)
    claim_folder(out, RECORD, experiment.record(), "reconstruction experiment", force, [experiment.data])
    scheme = point_scheme(SCHEME_OF[experiment.dataset])
    small = framed_pairs(pairs, scheme, experiment.side_px, told=partial(advance, "pictures"))
    tested = frozenset[str]().union(*(fold.tests for fold in folds))
    judged = [pair for pair in pairs if pair.face.person in tested]
    whole = framed_pairs(judged, scheme, DESCRIBED_PX, told=partial(advance, "tested people's pictures"))
    usable = {(pair.person, pair.view): pair for pair in small.pairs}
    _check_counts(small, judged)
    every = [MeanFaceMaker(), *makers]
    faces = {maker.name: made_faces(maker, folds, usable, out / MODELS_FOLDER / maker.name, advance) for maker in every}
    large = {(pair.person, pair.view): pair for pair in whole.pairs}
    views = [
        Judged.of(view, judged, folds, usable, large, faces)
        for view in dict.fromkeys(pair.face.view for pair in judged)
    ]
    table = _empty_table(experiment, folds, views, eyes)
    table["taught_by_extractor"] = [own.name for own in makers if own.taught_by == eyes.extractor.name]
    table["failures"] = {str(path): reason for path, reason in small.faults.items()}
    for own in views:
        _judge(own, experiment, eyes, scorers, table, out, advance)
    write_json(out / "table.json", table)
    write_text(out / "table.md", reconstruction_table_markdown(table))
    return table


def _check_counts(usable: PairSet, judged: Sequence[MatchPair]) -> None:
    """Raise NasionError where a view has too few usable pairs to be judged."""
    there = {(pair.person, pair.view) for pair in usable.pairs}
    counts = Counter(pair.face.view for pair in judged if (pair.face.person, pair.face.view) in there)
    for view in dict.fromkeys(pair.face.view for pair in judged):
        if counts[view] < LEAST:
            raise NasionError(f"{counts[view]} usable {view} pairs are too few to judge; give at least {LEAST}")


def _empty_table(
    experiment: ReconstructionExperiment, folds: Sequence[Fold], views: Sequence[Judged], eyes: Eyes
) -> dict[str, Any]:
    """Return the table before anybody has been judged."""
    return {
        "nasion": __version__,
        "dataset": experiment.dataset,
        "protocol": _protocol(experiment, folds, views),
        "extractor": eyes.extractor.name,
        "side_px": experiment.side_px,
        "people": {own.view: len(own.people) for own in views},
        "table1": {},
        "table2": {},
        "left_out": dict(eyes.left_out),
        "record": experiment.record(),
    }


def _judge(
    judged: Judged,
    experiment: ReconstructionExperiment,
    eyes: Eyes,
    scorers: Sequence[FaceScorer],
    table: dict[str, Any],
    out: Path,
    advance: Advance,
) -> None:
    """Add a view to both tables and draw its pictures."""
    view, seed = judged.view, experiment.seed
    complete = judged.complete()
    truth = [pair.target for pair in complete.small if pair is not None]
    made = {name: [face for face in own if face is not None] for name, own in complete.faces.items()}
    table["table1"][view] = quality(made, truth, complete.people, complete.folds, MEAN_FACE, eyes.extractor, seed)
    probes, gallery = judged.probes(), [None if pair is None else pair.target for pair in judged.whole]
    found: dict[str, dict[str, Ranked]] = {}
    seeing = [own for own in eyes.descriptors if view == FRONTAL or own.name not in eyes.frontal_only]
    table["left_out"] |= {
        f"{own.name}, {view}": "it finds frontal faces only" for own in eyes.descriptors if own not in seeing
    }
    for number, descriptor in enumerate(seeing, start=1):
        found |= retrieval(descriptor, probes, gallery, judged.people, judged.folds, seed)
        advance(f"{view}: descriptors", number, len(seeing))
    for scorer in scorers:
        scores = scorer.scores(judged.pairs, partial(advance, f"{view}: {scorer.name}"))
        found[scorer.measure] = {scorer.name: ranked(scores, judged.people, seed)}
    table["table2"][view] = {name: _plain(rows) for name, rows in found.items()}
    if seeing:
        write_bytes(out / f"cmc_{view}.png", cmc_of(found, seeing[-1].name, f"{experiment.dataset}, {view}"))
    write_bytes(out / f"sheet_{view}.png", sheet_of(complete, MEAN_FACE, f"{experiment.dataset}, {view}", seed))


def _plain(rows: Mapping[str, Ranked]) -> dict[str, Any]:
    """Return rows as plain values; each with its R@1 over that of the source itself, where this found anybody."""
    source = rows.get(SOURCE_ITSELF)
    table = {name: own.plain() for name, own in rows.items()}
    if source is not None and source.figures.recall[1] > 0:
        for name, own in rows.items():
            table[name]["recall1_over_source"] = own.figures.recall[1] / source.figures.recall[1]
    return table


def _protocol(experiment: ReconstructionExperiment, folds: Sequence[Fold], views: Sequence[Judged]) -> str:
    counts = ", ".join(f"{len(own.people)} {own.view}" for own in views)
    first = folds[0]
    if len(folds) == 1:
        how = f"learnt from the set's training part ({len(first.training)} people), judged on its test part"
    else:
        how = (
            f"{len(folds)} folds by person, each person's face made by a model that has not met the person, but others "
            "of the gallery: what knows nothing of a person lies near to those, and below the row of chance"
        )
    source = f" from {experiment.source}" if experiment.dataset == "population" else ""
    limit = "" if experiment.minutes is None else f", {experiment.minutes:g} minutes of learning a model and fold"
    return (
        f"{counts} faces{source}; {how}; preset {experiment.preset} ({experiment.side_px} px){limit}. Each probe meets "
        f"the photographs of all {len(views[0].people)} people of its view, one each, at {DESCRIBED_PX} px in the same "
        "frame; no augmented copy is in a gallery or a test. SSIM and retrieval are of the mean of eight samples, KID, "
        "FID and IS of one sample. Equal scores count as in random order. Centred: cosines after the mean of the "
        "fold's other probes and that of the gallery have been taken off."
    )
