"""What is done to galleries: pictures added, replaced and removed, and everything checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nasion.errors import NasionError
from nasion.readers.files import sha256
from nasion.retrieval.changes import GalleryChange, changing
from nasion.retrieval.describing import PairModel, describe, face_fields
from nasion.retrieval.gallery import Gallery, vectors_sha256
from nasion.retrieval.pictures import NamedPicture, Problem

Progress = Callable[[str, int, int], None]


def _silent(stage: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Added:
    """What an addition did, by id.

    Attributes
    ----------
    added, replaced
        New ones, and those whose picture or landmarks had changed.
    present
        Those that were there already with the same picture and landmark file.
    problems
        Those that could not be used.
    notes
        What the user should know, one line each.

    """

    added: tuple[str, ...]
    replaced: tuple[str, ...]
    present: tuple[str, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()


def add_pictures(
    gallery: Path,
    pictures: Sequence[NamedPicture],
    model: PairModel,
    *,
    update: bool = False,
    progress: Progress = _silent,
) -> Added:
    """Add photographs to a gallery, all in one change; a new gallery is made where there is none.

    Parameters
    ----------
    gallery
        Its folder.
    pictures
        See ``pictures.gallery_pictures``.
    model
        Must be the one that made the gallery's other features.
    update
        Replace pictures of the same id.
    progress
        Called with (stage, done, all).

    Raises
    ------
    NasionError
        Another process is changing the gallery; its features are another model's; an id is taken by another picture
        and ``update`` is not set; none of the pictures can be used. The gallery stays as it was.

    """
    with changing(gallery) as change:
        change.before.require_model(model.sha256)
        present = () if update else _present(gallery, pictures, change)
        wanted = [own for own in pictures if own.id not in set(present)]
        problems: list[Problem] = []
        notes: list[str] = []
        done: list[str] = []
        for number, own in enumerate(wanted, start=1):
            try:
                notes += _add(change, own, model)
                done.append(own.id)
            except NasionError as fault:
                problems.append(Problem(own.id, own.picture.person, str(own.picture.path), str(fault)))
            progress("pictures", number, len(wanted))
        if wanted and not done:
            raise NasionError(f"none of {len(wanted)} pictures can be used; the first: {problems[0].reason}")
        replaced = tuple(name for name in done if name in change.known)
    added = tuple(name for name in done if name not in change.known)
    return Added(added, replaced, tuple(present), tuple(problems), tuple(notes))


def _present(gallery: Path, pictures: Sequence[NamedPicture], change: GalleryChange) -> tuple[str, ...]:
    """Return the ids that stand in the gallery with the same picture; another picture of the same id is refused."""
    known = [own for own in pictures if own.id in change.known]
    changed = [own for own in known if _hashes(own) != change.known[own.id]]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise NasionError(
            f"{gallery}: {changed[0].id}{more} stands in it with another picture or other landmarks; rename the new "
            "one, or give --update to replace it"
        )
    return tuple(own.id for own in known)


def _hashes(own: NamedPicture) -> tuple[str, str]:
    landmarks = own.picture.landmarks
    return sha256(own.picture.path), "" if landmarks is None else sha256(landmarks)


def _add(change: GalleryChange, own: NamedPicture, model: PairModel) -> tuple[str, ...]:
    described = describe(own.picture, model)
    change.add(face_fields(own, described, model.sha256), model.embed(described.tokens), described.tokens.packed())
    return described.notes


def remove_pictures(gallery: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Take pictures out of a gallery, by id or by person, all in one change; return their ids.

    Raises
    ------
    NasionError
        A name is not in the gallery (nothing is removed), or another process is changing it.

    """
    Gallery.read(gallery)
    with changing(gallery) as change:
        by_person: dict[str, list[str]] = {}
        for face in change.before.faces():
            by_person.setdefault(face.person, []).append(face.id)
        gone: list[str] = []
        for name in names:
            own = [name] if name in change.known else by_person.get(name, [])
            if not own:
                raise NasionError(f"{gallery}: holds no picture and no person {name!r}; see 'nasion gallery list'")
            gone += own
        change.remove(gone)
    return tuple(sorted(set(gone)))


def verify(gallery: Path, model_sha256: str | None = None, progress: Progress = _silent) -> Iterator[Problem]:
    """Check every picture of a gallery against its file, its vectors and its model; yield what does not agree.

    Parameters
    ----------
    gallery
        Its folder.
    model_sha256
        Of the model that should have made its features; None asks only that all are one model's.
    progress
        Called with (stage, done, all).

    Raises
    ------
    NasionError
        There is no gallery, or its table or arrays are damaged as a whole.

    """
    read = Gallery.read(gallery)
    expected = model_sha256 or (read.models[0] if read.models else "")
    embeddings, packed = read.embedding_rows(), read.packed_rows()
    for number, face in enumerate(read.faces(), start=1):
        try:
            if sha256(face.picture) != face.picture_sha256:
                yield Problem(
                    face.id,
                    face.person,
                    face.picture,
                    "its picture has changed since it was added; add it with --update",
                )
        except NasionError as fault:
            yield Problem(face.id, face.person, face.picture, str(fault))
        if vectors_sha256(embeddings[face.place], packed[face.place]) != face.vectors_sha256:
            yield Problem(face.id, face.person, face.picture, "its features are damaged; add it again with --update")
        if face.model_sha256 != expected:
            reason = f"its features are those of the model {face.model_sha256[:12]}, not {expected[:12]}"
            yield Problem(face.id, face.person, face.picture, reason)
        progress("pictures", number, read.count)
