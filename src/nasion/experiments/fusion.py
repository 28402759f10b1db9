"""The fusion rule from virtual people: overlay and radiographs of skulls against everybody's photographs, with errors.

Landmarks get errors as a case's have: those of photographs and radiographs as a detector's
(``matching.prepared.displaced``), those of the skull ``SKULL_SD_MM``. People whom the matcher has learnt from do not
take part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.evidence.fusion import OVERLAY, FusionRule, crossvalidated, fit_rule
from nasion.experiments.matching_features import people_learnt_from
from nasion.experiments.matching_scores import by_view
from nasion.matching.datasets import read_population
from nasion.matching.point_schemes import point_scheme
from nasion.matching.points import read_points
from nasion.matching.predict import Matcher
from nasion.matching.prepared import displaced, read_pixels
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.overlay.problem import OverlayProblem, Photo, SkullLandmarks
from nasion.retrieval.figures import retrieval_figures
from nasion.version import __version__

FloatArray = NDArray[np.float64]
Advance = Callable[[str, int, int], None]

SKULL_SD_MM: Final = 1.0
FOLDS: Final = 5
_STREAM: Final = 8


@dataclass(frozen=True, eq=False)
class FusionFit:
    """What was fitted, and what it is good for.

    Attributes
    ----------
    rule
        Fitted to all people.
    figures
        By part, and ``"fused"``: recall at depths, chance and intervals; the fused ones by rules that were fitted
        without the person (``FOLDS`` folds).

    """

    rule: FusionRule
    figures: Mapping[str, Any]


def fit_fusion(
    folder: Path,
    matcher: Matcher,
    most: int,
    seed: int = 0,
    executor: Executor | None = None,
    advance: Advance = lambda stage, done, total: None,
) -> FusionFit:
    """Score everybody against everybody and fit the rule.

    Parameters
    ----------
    folder
        A folder of ``nasion population --matching``.
    matcher
        A matcher of skulls.
    most
        People that take part, at most: the last ones of those whom the matcher has not learnt from.
    seed
        Of the landmarks' errors.
    executor
        For the overlays.
    advance
        Called with (what is done, done, total).

    Raises
    ------
    NasionError
        Too few strangers are there, or the folder cannot be used.

    """
    pairs = read_population(folder)
    known = people_learnt_from(matcher, pairs)
    views = by_view(pairs)
    of_person = {view: {pair.face.person: pair for pair in own} for view, own in views.items()}
    everybody = dict.fromkeys(pair.face.person for pair in pairs)
    strangers = [p for p in everybody if p not in known and all(p in own for own in of_person.values())][-most:]
    if not strangers:
        raise NasionError(f"{folder}: the model has learnt from all of these people; give others, with another seed")
    chosen = {view: [own[person] for person in strangers] for view, own in of_person.items()}
    scores = {OVERLAY: _overlay_scores(folder, strangers, chosen, seed, executor, advance)}
    for view, own in chosen.items():
        scores[f"xray_{view}"] = _matching_scores(matcher, view, own, seed, advance)
    figures = {name: _figures(own, strangers, seed) for name, own in scores.items()}
    figures["radiographs"] = _figures(
        np.nanmean([own for name, own in scores.items() if name != OVERLAY], axis=0), strangers, seed
    )
    figures["fused"] = _figures(crossvalidated(scores, FOLDS, seed), strangers, seed)
    record = {"nasion": __version__, "people": len(strangers), "solver": "posterior", "seed": seed}
    recall = {name: {str(k): own["recall"][str(k)] for k in (1, 10)} for name, own in figures.items()}
    return FusionFit(fit_rule(scores, matcher.sha256, {**record, "recall_of_strangers": recall}), figures)


def _figures(scores: FloatArray, people: Sequence[str], seed: int) -> dict[str, Any]:
    found = retrieval_figures(scores, np.eye(len(scores), dtype=bool), np.array(people), seed=seed)
    plain: dict[str, Any] = found.plain()
    return plain


def _rng(seed: int, picture: MatchPicture) -> np.random.Generator:
    letters = [ord(letter) for letter in f"{picture.person}/{picture.path.name}"]
    return np.random.default_rng([seed, _STREAM, *letters])


def _points(picture: MatchPicture, seed: int) -> FloatArray:
    """Return a picture's points of ``pairs20`` with a detector's errors."""
    if picture.landmarks is None:
        raise NasionError(f"{picture.path}: has no landmark file; make the people again with 'nasion population'")
    return displaced(read_points(picture.landmarks, point_scheme("pairs20"), picture.modality), _rng(seed, picture))


def _matching_scores(
    matcher: Matcher, view: str, pairs: Sequence[MatchPair], seed: int, advance: Advance
) -> FloatArray:
    tokens = []
    for number, pair in enumerate(pairs, start=1):
        own = [matcher.features(read_pixels(p), _points(p, seed), p.modality) for p in (pair.probe, pair.face)]
        tokens.append(own)
        advance(f"{view} pictures", number, len(pairs))
    faces = [own[1] for own in tokens]
    rows = []
    for number, own in enumerate(tokens, start=1):
        rows.append(matcher.score(own[0], faces))
        advance(f"{view} pairs", number * len(pairs), len(pairs) ** 2)
    return np.array(rows)


def _overlay_scores(
    folder: Path,
    people: Sequence[str],
    pairs: Mapping[str, Sequence[MatchPair]],
    seed: int,
    executor: Executor | None,
    advance: Advance,
) -> FloatArray:
    """Return (n, n) scores of the posterior solver: skull landmarks against all photographs of a person jointly."""
    names = point_scheme("pairs20").names
    photographs: list[list[Photo]] = [[] for _ in people]
    for own in pairs.values():
        for k, pair in enumerate(own):
            size = read_pixels(pair.face).shape[1::-1]
            points = _points(pair.face, seed)
            seen = {name: point for name, point in zip(names, points, strict=True) if np.isfinite(point).all()}
            photographs[k].append(Photo(pair.face.path.stem, seen, (int(size[0]), int(size[1]))))
    work = partial(_overlay_row, folder=folder, photographs=photographs, seed=seed)
    rows = []
    for row in (map if executor is None else executor.map)(work, people):
        rows.append(row)
        advance("overlays", len(rows), len(people))
    return np.array(rows)


def _overlay_row(person: str, folder: Path, photographs: Sequence[Sequence[Photo]], seed: int) -> FloatArray:
    from nasion.anatomy.tissue import TissueTable
    from nasion.overlay import solve
    from nasion.population.pictures.folder import person_in

    true = person_in(folder, person)
    rng = np.random.default_rng([seed, _STREAM, *map(ord, person)])
    placed = {name: point + rng.normal(0, SKULL_SD_MM, 3) for name, point in true.cranial.items()}
    skull = SkullLandmarks(placed, {}, true.cranial_helpers)
    tissue = TissueTable.load()
    scores = []
    for own in photographs:
        try:
            scores.append(solve(OverlayProblem(skull, own, None), "posterior", tissue, None).score)
        except NasionError:
            scores.append(np.nan)
    return np.array(scores, np.float64)
