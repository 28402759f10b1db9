"""One candidate: a skull against the photographs of one person, from files to figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nasion.casework.inputs import face_region_of, load_photograph, load_skull
from nasion.casework.measures import measure_photo
from nasion.casework.records import (
    AutomaticLandmarks,
    Candidate,
    InputFile,
    PhotoFiles,
    Photograph,
    Problem,
    Skull,
    SkullFiles,
)
from nasion.casework.settings import CaseSettings
from nasion.errors import NasionError
from nasion.overlay.problem import OverlayProblem

if TYPE_CHECKING:
    from nasion.anatomy.tissue import TissueTable
    from nasion.casework.records import Films

OUTSIDE_FACE_FLAG_FRACTION = 0.01
"""Flag a photograph where more of the skull's silhouette than this lies outside the face mask."""


def solve_candidate(
    candidate_id: str,
    skull: Skull,
    photographs: Sequence[Photograph],
    *,
    settings: CaseSettings,
    tissue: TissueTable,
    problems: Sequence[Problem] = (),
    inputs: Sequence[InputFile] | None = None,
) -> Candidate:
    """Solve and measure one candidate.

    Raises
    ------
    NasionError
        The landmarks cannot be solved.

    """
    from nasion.overlay import solve

    faces = [face_region_of(photograph, tissue) for photograph in photographs]
    problem = OverlayProblem(
        skull.landmarks,
        [replace(photograph.photo, face=face) for photograph, face in zip(photographs, faces, strict=True)],
        skull.mesh,
    )
    solution = solve(problem, settings.solver, tissue, settings.of_solver())
    if not math.isfinite(solution.score):
        raise NasionError(f"{candidate_id}: the solver found no solution; check the landmarks")
    measures = tuple(
        measure_photo(skull.landmarks, photograph.photo, solved, skull.mesh, face)
        for photograph, solved, face in zip(photographs, solution.photos, faces, strict=True)
    )
    flagged = tuple(
        replace(solved, flags=tuple(dict.fromkeys((*solved.flags, "skull_outside_face"))))
        if (measured.outside_face_fraction or 0) > OUTSIDE_FACE_FLAG_FRACTION
        else solved
        for solved, measured in zip(solution.photos, measures, strict=True)
    )
    own = inputs
    if own is None:
        own = (*skull.inputs, *(file for photograph in photographs for file in photograph.inputs))
    return Candidate(
        candidate_id,
        skull.name,
        skull.files,
        tuple(photographs),
        replace(solution, photos=flagged),
        measures,
        tuple(problems),
        tuple(own),
        (*skull.automatic, *_found(photographs)),
    )


def solve_files(
    item: tuple[str, tuple[PhotoFiles, ...], tuple[Problem, ...]],
    skull: Skull | None,
    settings: CaseSettings,
    tissue: TissueTable,
    films: Films | None = None,
) -> Candidate:
    """Solve one person of a gallery; what cannot be used becomes a problem, never an error.

    Without a skull the person is compared with its radiographs alone.
    """
    from nasion.overlay.checks import check_usable

    person, files, found = item
    problems = list(found)
    photographs: list[Photograph] = []
    for photo in files:
        try:
            wanted = replace(photo, find_face=settings.mask == "auto")
            photograph = load_photograph(wanted, settings.prior, settings.accept_sides, tissue)
            if skull is not None:
                check_usable(skull.landmarks, photograph.photo)
        except NasionError as fault:
            problems.append(Problem(person, photo.name, str(fault)))
        else:
            photographs.append(photograph)
    inputs = [file for photograph in photographs for file in photograph.inputs]
    if skull is None:
        solved = Candidate(
            person, "", None, tuple(photographs), None, (), tuple(problems), tuple(inputs), _found(photographs)
        )
    else:
        solved = _solved_or_failed(
            person, skull, photographs, settings=settings, tissue=tissue, problems=problems, inputs=inputs
        )
    return solved if films is None else _compared(solved, films, with_overlay=skull is not None)


def _compared(candidate: Candidate, films: Films, *, with_overlay: bool) -> Candidate:
    from nasion.casework.films import compare

    overlay = None if candidate.solution is None else candidate.solution.score
    comparison, problems = compare(candidate.id, candidate.photographs, films, overlay, with_overlay=with_overlay)
    return replace(candidate, comparison=comparison, problems=(*candidate.problems, *problems))


def solve_skull(
    item: tuple[str, SkullFiles | Problem],
    photographs: tuple[Photograph, ...],
    settings: CaseSettings,
    tissue: TissueTable,
) -> Candidate:
    """Solve one skull of a collection; what cannot be used becomes a problem, never an error."""
    name, files = item
    if isinstance(files, Problem):
        return Candidate(name, name, None, photographs, None, problems=(files,))
    try:
        skull = load_skull(files, settings.accept_sides)
    except NasionError as fault:
        return Candidate(name, name, files, photographs, None, problems=(Problem(name, None, str(fault)),))
    return _solved_or_failed(
        name, skull, photographs, settings=settings, tissue=tissue, problems=(), inputs=skull.inputs
    )


def _solved_or_failed(
    name: str,
    skull: Skull,
    photographs: Sequence[Photograph],
    *,
    settings: CaseSettings,
    tissue: TissueTable,
    problems: Sequence[Problem],
    inputs: Sequence[InputFile],
) -> Candidate:
    if photographs:
        try:
            return solve_candidate(
                name, skull, photographs, settings=settings, tissue=tissue, problems=problems, inputs=inputs
            )
        except NasionError as fault:
            problems = [*problems, Problem(name, None, str(fault))]
    return Candidate(
        name,
        skull.name,
        skull.files,
        tuple(photographs),
        None,
        (),
        tuple(problems),
        tuple(inputs),
        (*skull.automatic, *_found(photographs)),
    )


def _found(photographs: Sequence[Photograph]) -> tuple[AutomaticLandmarks, ...]:
    return tuple(found for photograph in photographs for found in photograph.automatic)
