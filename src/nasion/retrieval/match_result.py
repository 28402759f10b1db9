"""What ``nasion match`` leaves behind: ``result.json``, on which scripts rely, and a contact sheet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nasion.retrieval.contact_sheet import SheetRow, Tile, contact_sheet_png
from nasion.retrieval.match import SCORE_CAVEAT, Candidate, Match
from nasion.version import __version__

_SHOWN = 10


def result_dict(found: Match, model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of ``result.json``.

    Parameters
    ----------
    found
        What became of the probe.
    model
        What should stand of the model beside its hash: its folder and what its card says.

    """
    probe = found.probe
    return {
        "nasion": __version__,
        "command": "match",
        "probe": {
            "picture": str(probe.path),
            "sha256": found.described.picture_sha256,
            "modality": probe.modality,
            "view": probe.view,
            "landmarks": found.described.landmarks,
            "landmarks_sha256": found.described.landmarks_sha256,
        },
        "gallery": str(found.gallery),
        "model": {"sha256": found.model_sha256, **model},
        "compared": found.compared,
        "re_ranked": found.re_ranked,
        "shortlist": found.shortlist,
        "other_views": found.other_views,
        "search": found.engine,
        "candidates": [_candidate(candidate) for candidate in found.candidates],
        "listed": sum(len(candidate.faces) for candidate in found.candidates),
        "problems": [
            {"id": problem.id, "picture": problem.picture, "reason": problem.reason} for problem in found.problems
        ],
        "notes": list(found.notes),
        "score_caveat": SCORE_CAVEAT,
        "seconds": found.seconds,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "rank": candidate.rank,
        "person": candidate.person,
        "score": candidate.score,
        "faces": [
            {
                "id": own.face.id,
                "score": own.score,
                "similarity": own.similarity,
                "picture": own.face.picture,
                "picture_sha256": own.face.picture_sha256,
                "landmarks": own.face.landmarks,
            }
            for own in candidate.faces
        ],
    }


def match_sheet_png(found: Match) -> bytes:
    """Return the probe and the best pictures of the first ten people as a PNG."""
    probe = Tile(found.probe.path, (f"probe ({found.probe.modality})", found.probe.path.stem))
    shown = [candidate for candidate in found.candidates if candidate.faces][:_SHOWN]
    tiles = tuple(
        Tile(Path(own.faces[0].face.picture), (f"{own.rank}  {own.person}", _score_words(own))) for own in shown
    )
    people = len(found.candidates)
    title = f"{found.probe.path.name}: the first {len(shown)} of {people} {'person' if people == 1 else 'people'}"
    counted = f"{found.compared} pictures compared by embedding, {found.re_ranked} of them scored as pairs."
    return contact_sheet_png([SheetRow(probe, tiles)], title, f"{counted} {SCORE_CAVEAT}")


def _score_words(candidate: Candidate) -> str:
    own = candidate.faces[0]
    return f"score {own.score:.3f}" if own.score is not None else f"not scored; {own.similarity:.3f}"


def write_match(found: Match, model: Mapping[str, Any], folder: Path) -> None:
    """Write ``result.json`` and ``contact_sheet.png`` into an existing folder."""
    from nasion.readers.files import write_bytes, write_json

    write_json(folder / "result.json", result_dict(found, model))
    write_bytes(folder / "contact_sheet.png", match_sheet_png(found))
