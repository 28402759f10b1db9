"""Radiographs of the unknown skull: compared with photographs by a trained matcher, and fused with the overlay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from nasion.casework.records import Comparison, Film, FilmFiles, Films, InputFile, Photograph, Problem
from nasion.errors import NasionError
from nasion.evidence.fusion import OVERLAY, FusionRule

if TYPE_CHECKING:
    from nasion.matching.predict import Matcher
    from nasion.matching.tokens import Tokens

SCHEME: Final = "pairs20"
"""Of the matchers that compare skulls with faces: cranial names on films, facial ones on photographs."""
RULE_FILE: Final = "fusion.json"
"""Beside a matcher's own files."""


def load_films(files: Sequence[FilmFiles], model: Path, rule: Path | None, *, with_overlay: bool) -> Films:
    """Read the radiographs and the fusion rule.

    Parameters
    ----------
    files
        At least one, of different views.
    model
        Folder of a matcher for skulls, see ``nasion train matching --dataset population``.
    rule
        The fusion rule's file; None takes ``fusion.json`` of the model's folder.
    with_overlay
        The overlay is a part as well.

    Raises
    ------
    NasionError
        A file cannot be read, the model is for other pictures, or the rule is missing, damaged or of another model.

    """
    from nasion.matching.predict import load_matcher

    if not files:
        raise NasionError("give at least one radiograph, frontal or lateral")
    matcher = load_matcher(model)
    if matcher.scheme != SCHEME:
        raise NasionError(
            f"{model}: compares pictures by points of {matcher.scheme}; a radiograph of a skull needs a model of "
            "'nasion train matching --dataset population'"
        )
    films = tuple(_film(own, matcher) for own in files)
    several = len(films) + with_overlay > 1
    return Films(model, matcher.sha256, films, _rule(model, rule, films, matcher.sha256) if several else None)


def _rule(model: Path, given: Path | None, films: Sequence[Film], sha256: str) -> FusionRule:
    from nasion.networks.model_folder import model_in
    from nasion.readers.files import read_text

    path = given or model_in(model) / RULE_FILE
    if not path.is_file():
        raise NasionError(
            f"{path}: no fusion rule; overlay and radiographs are put together by one: make it with "
            "'nasion train fusion' and give it with --fusion"
        )
    try:
        rule = FusionRule.from_json(read_text(path))
    except NasionError as fault:
        raise NasionError(f"{path}: {fault}") from None
    if rule.model_sha256 != sha256:
        raise NasionError(f"{path}: was fitted to scores of another model; fit it anew with 'nasion train fusion'")
    missing = [film.part for film in films if film.part not in rule.parts]
    if missing:
        raise NasionError(f"{path}: has no part {missing[0]}; fit it anew with 'nasion train fusion'")
    return rule


def _film(files: FilmFiles, matcher: Matcher) -> Film:
    from nasion.readers.files import sha256
    from nasion.retrieval.describing import describe
    from nasion.retrieval.pictures import LANDMARKS_ENDING

    if not files.image.is_file():
        raise NasionError(f"{files.image}: no such radiograph; give a picture or a DICOM file")
    beside = files.image.with_name(files.image.stem + LANDMARKS_ENDING)
    landmarks = files.landmarks or (beside if beside.is_file() else None)
    if landmarks is None:
        raise NasionError(f"{files.image}: has no landmarks; place the skull's landmarks in {beside.name} beside it")
    own = FilmFiles(files.view, files.image, landmarks)
    described = describe(own.picture, matcher)
    inputs = tuple(InputFile(str(path), sha256(path)) for path in (files.image, landmarks))
    return Film(own, described.tokens, inputs, described.notes)


def compare(
    person: str, photographs: Sequence[Photograph], films: Films, overlay: float | None, *, with_overlay: bool
) -> tuple[Comparison, list[Problem]]:
    """Return one person's scores with the radiographs, fused with the overlay's; photographs that cannot be used.

    Parameters
    ----------
    person
        For problems.
    photographs
        With landmarks; each is compared with the radiograph of its view, and a person's best one counts.
    films
        Of the skull.
    overlay
        The solver's score; None where it failed.
    with_overlay
        The overlay is a part; False where there are radiographs alone.

    """
    from nasion.matching.predict import load_matcher

    matcher = load_matcher(films.model)
    if matcher.sha256 != films.model_sha256:
        raise NasionError(f"{films.model}: was changed while it was in use; run the comparison again")
    seen: dict[str, list[tuple[str, Tokens]]] = {}
    problems: list[Problem] = []
    for photograph in photographs:
        try:
            view, tokens = _described(photograph, matcher)
        except NasionError as fault:
            problems.append(Problem(person, photograph.photo.name, str(fault)))
        else:
            seen.setdefault(view, []).append((photograph.photo.name, tokens))
    scores: dict[str, float | None] = {OVERLAY: overlay} if with_overlay else {}
    best: dict[str, str] = {}
    for film in films.films:
        faces = seen.get(film.files.view, [])
        scores[film.part] = None
        if faces:
            found = matcher.score(film.tokens, [tokens for _, tokens in faces])
            scores[film.part] = float(found.max())
            best[film.part] = faces[int(found.argmax())][0]
    return _fused(scores, films.rule, best), problems


def _described(photograph: Photograph, matcher: Matcher) -> tuple[str, Tokens]:
    """Return a photograph's view and features."""
    from nasion.matching.frames import one_side, standing
    from nasion.matching.point_schemes import point_scheme
    from nasion.readers.photographs import read_photograph

    if photograph.files is None:
        raise NasionError(
            f"{photograph.photo.name}: a radiograph is compared with pictures; give the photograph's file"
        )
    scheme = point_scheme(matcher.scheme)
    missing = np.full(2, np.nan)
    points = np.array([photograph.photo.landmarks_px.get(name, missing) for name in scheme.names])
    try:
        own = one_side(read_photograph(photograph.files.image).image, points, scheme)
        return standing(points, scheme)[0], matcher.features(own.image, own.points_px, "face")
    except NasionError as fault:
        raise NasionError(f"{photograph.files.image}: {fault}") from None


def _fused(scores: dict[str, float | None], rule: FusionRule | None, photos: dict[str, str]) -> Comparison:
    if rule is not None:
        return Comparison(scores, rule.shares(scores), rule.fused(scores), photos)
    ((name, score),) = scores.items()
    return Comparison(scores, {} if score is None else {name: score}, score, photos)
