"""The three jobs: one overlay, one skull against a gallery, one person's photographs against several skulls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nasion.casework.candidates import solve_candidate, solve_files, solve_skull
from nasion.casework.folders import gallery_people, skull_collection
from nasion.casework.inputs import input_file, load_skull
from nasion.casework.parallel import Progress, work_through
from nasion.casework.records import Candidate, Case, InputFile, PhotoFiles, Photograph, Problem, Skull, SkullFiles
from nasion.casework.settings import CaseSettings
from nasion.errors import NasionError
from nasion.evidence.support import degrees_of_support, residual_misfit
from nasion.retrieval.ranking import competition_ranks

if TYPE_CHECKING:
    from nasion.anatomy.tissue import TissueTable
    from nasion.casework.records import Films


def overlay_case(skull: Skull, photographs: Sequence[Photograph], settings: CaseSettings | None = None) -> Case:
    """Overlay one skull on the photographs of one person, jointly.

    Raises
    ------
    NasionError
        The landmarks cannot be solved; nothing is left out silently.

    """
    settings = settings or CaseSettings()
    started = time.perf_counter()
    tissue = _tissue(settings)
    name = photographs[0].photo.name if photographs else ""
    candidate = solve_candidate(name, skull, photographs, settings=settings, tissue=tissue)
    return _case(
        "overlay",
        "one skull, one person",
        settings=settings,
        tissue=tissue,
        candidates=[candidate],
        skull=skull,
        shared_inputs=(),
        started=started,
    )


def identify_gallery(
    skull: Skull | SkullFiles | None,
    gallery: Path,
    settings: CaseSettings | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
    films: Films | None = None,
) -> Case:
    """Rank the people of a gallery by how well their photographs fit a skull, its radiographs, or both.

    A photograph or a person that cannot be used is recorded under ``problems`` and the others go on; such a person is
    ranked last.

    Parameters
    ----------
    skull
        The unknown skull; None where there are radiographs alone.
    gallery
        See ``folders.gallery_people``.
    settings
        Of the run.
    executor
        Where the work is done; in this process where it is None.
    progress
        Called with (done, total).
    films
        The skull's radiographs, see ``films.load_films``.

    Raises
    ------
    NasionError
        The skull or the gallery cannot be used at all.

    """
    if skull is None and films is None:
        raise NasionError("there is nothing to compare the gallery with; give a skull, its radiographs or both")
    settings = settings or CaseSettings()
    started = time.perf_counter()
    tissue = _tissue(settings)
    unknown = load_skull(skull, settings.accept_sides) if isinstance(skull, SkullFiles) else skull
    people = gallery_people(Path(gallery))
    # what was found of the mesh need not travel to the workers
    plain = None if unknown is None else replace(unknown, found=None, automatic=())
    work = partial(solve_files, skull=plain, settings=settings, tissue=tissue, films=films)
    items: list[tuple[str, tuple[PhotoFiles, ...], tuple[Problem, ...]]] = [
        (person, photos, problems) for person, (photos, problems) in people.items()
    ]
    candidates = work_through(work, items, executor, progress)
    _need_one(candidates)
    shared = () if unknown is None else unknown.inputs
    return _case(
        "identify",
        "one skull, several people",
        settings=settings,
        tissue=tissue,
        candidates=candidates,
        skull=unknown,
        shared_inputs=(*shared, *(file for film in (films.films if films else ()) for file in film.inputs)),
        started=started,
        films=films,
    )


def identify_skulls(
    photographs: Sequence[Photograph],
    skulls: Path,
    settings: CaseSettings | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Case:
    """Rank several skulls by how well they fit one person's photographs; see ``identify_gallery``."""
    settings = settings or CaseSettings()
    started = time.perf_counter()
    tissue = _tissue(settings)
    collection = skull_collection(Path(skulls), settings.units)
    work = partial(solve_skull, photographs=tuple(photographs), settings=settings, tissue=tissue)
    candidates = work_through(work, list(collection.items()), executor, progress)
    _need_one(candidates)
    shared = tuple(file for photograph in photographs for file in photograph.inputs)
    return _case(
        "identify",
        "one person, several skulls",
        settings=settings,
        tissue=tissue,
        candidates=candidates,
        skull=None,
        shared_inputs=shared,
        started=started,
    )


def _tissue(settings: CaseSettings) -> TissueTable:
    from nasion.anatomy.tissue import TissueTable

    return TissueTable.load(settings.tissue)


def _need_one(candidates: Sequence[Candidate]) -> None:
    if any(candidate.score is not None for candidate in candidates):
        return
    reasons = [problem.reason for candidate in candidates for problem in candidate.problems]
    first = reasons[0] if reasons else "no photograph shows the view of a radiograph"
    raise NasionError(f"none of the {len(candidates)} candidates could be used; the first reason: {first}")


def _case(
    command: str,
    question: str,
    *,
    settings: CaseSettings,
    tissue: TissueTable,
    candidates: Sequence[Candidate],
    skull: Skull | None,
    shared_inputs: Sequence[InputFile],
    started: float,
    films: Films | None = None,
) -> Case:
    ranked = rank_candidates(candidates)
    inputs = [*shared_inputs, *(file for candidate in candidates for file in candidate.inputs)]
    if settings.tissue is not None:
        inputs.append(input_file(settings.tissue))
    radiographs = films.films if films else ()
    notes = [*(skull.notes if skull else ()), *(note for film in radiographs for note in film.notes)]
    notes += [note for c in candidates for p in c.photographs for note in p.notes]
    notes += _unlike_terms(candidates)
    automatic = [*(skull.automatic if skull else ()), *(found for c in candidates for found in c.automatic)]
    return Case(
        command=command,
        question=question,
        settings={**settings.to_dict(), **_film_settings(films)},
        candidates=tuple(ranked),
        skull=skull,
        inputs=tuple(dict.fromkeys(inputs)),
        problems=tuple(problem for candidate in candidates for problem in candidate.problems),
        notes=tuple(dict.fromkeys(notes)),
        automatic=tuple({found.path: found for found in automatic}.values()),
        tissue=_tissue_record(tissue),
        seconds=time.perf_counter() - started,
        films=tuple(radiographs),
        fusion=films.rule if films else None,
    )


def rank_candidates(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with rank and degree of support, best first; equal ranks go by id."""
    ranks = competition_ranks([candidate.score for candidate in candidates])
    # of the overlay alone: fused scores have no residuals to be judged with
    comparable = [None if c.solution is None or c.log_likelihood is None else c.solution.score for c in candidates]
    misfits = [residual_misfit([m.residuals_sd for m in c.measures]) for c in candidates]
    supports = degrees_of_support(comparable, misfits)
    ranked = [
        replace(candidate, rank=rank, support=support)
        for candidate, rank, support in zip(candidates, ranks, supports, strict=True)
    ]
    return sorted(ranked, key=lambda candidate: (candidate.rank, candidate.id))


def _unlike_terms(candidates: Sequence[Candidate]) -> list[str]:
    """Return notes where masks or contours were compared in a larger share of some candidates' photographs."""
    solved = [candidate for candidate in candidates if candidate.solution is not None and candidate.measures]
    uses_masks = any(c.solution is not None and c.solution.solver == "posterior" for c in solved)
    unmasked = {_share([m.outside_face_fraction is None for m in c.measures]) for c in solved}
    without_contour = {_share(["no_contour" in photo.flags for photo in c.photos]) for c in solved}
    notes = []
    if uses_masks and len(unmasked) > 1:
        notes.append(
            "some candidates' photographs have a face mask and others' have none: a mask can only count against a "
            "skull, so give masks for all or for none"
        )
    if len(without_contour) > 1:
        notes.append(
            "contours were compared for some candidates more than for others, who rank the better for it: with --terms "
            "skof or base all are judged alike"
        )
    return notes


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found)


def _film_settings(films: Films | None) -> Mapping[str, object]:
    if films is None:
        return {}
    return {
        "radiographs": ", ".join(film.files.view for film in films.films),
        "model": str(films.model),
        "model_sha256": films.model_sha256,
        "fusion_rule": "one part, none needed" if films.rule is None else dict(films.rule.record),
    }


def _tissue_record(tissue: TissueTable) -> Mapping[str, object]:
    return {
        "name": tissue.name,
        "build_factor_log_sd": tissue.build_factor_log_sd,
        "left_right_correlation": tissue.left_right_correlation,
        "assumed_rows": int(sum(tissue.assumed)),
        "rows": len(tissue.assumed),
    }
