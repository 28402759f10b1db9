"""A folder of photographs as a gallery for one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.retrieval.describing import PairModel, describe, face_fields
from nasion.retrieval.gallery import GalleryFace, vectors_sha256
from nasion.retrieval.pictures import Problem, gallery_pictures
from nasion.retrieval.vectors import Float32


@dataclass(frozen=True, eq=False)
class FolderShelf:
    """The faces of a folder; see ``two_stage.Shelf``.

    Attributes
    ----------
    faces
        Those that can be used; ``place`` is the row.
    embeddings
        (n, d).
    vectors
        Packed features.
    problems
        Those that cannot.
    notes
        What the user should know, one line each.

    """

    faces: tuple[GalleryFace, ...]
    embeddings: Float32
    vectors: tuple[Float32, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(cls, folder: Path, view: str, model: PairModel, progress: Callable[[str, int, int], None]) -> Self:
        """Describe a folder's pictures.

        Raises
        ------
        NasionError
            There are none, two have one id, or none can be used.

        """
        pictures = gallery_pictures(folder, view)
        faces: list[GalleryFace] = []
        embeddings: list[Float32] = []
        vectors: list[Float32] = []
        problems: list[Problem] = []
        notes: list[str] = []
        for number, own in enumerate(pictures, start=1):
            try:
                described = describe(own.picture, model)
            except NasionError as fault:
                problems.append(Problem(own.id, own.picture.person, str(own.picture.path), str(fault)))
            else:
                embedding, packed = model.embed(described.tokens), described.tokens.packed()
                row = face_fields(own, described, model.sha256)
                faces.append(GalleryFace(**row, place=len(faces), vectors_sha256=vectors_sha256(embedding, packed)))
                embeddings.append(embedding)
                vectors.append(packed)
                notes += described.notes
            progress("pictures", number, len(pictures))
        if not faces:
            raise NasionError(
                f"{folder}: none of its {len(pictures)} pictures can be used; the first: {problems[0].reason}"
            )
        return cls(tuple(faces), np.array(embeddings), tuple(vectors), tuple(problems), tuple(notes))

    def embedding_rows(self) -> Float32:
        """Return (n, d) embeddings."""
        return self.embeddings

    def places(self, view: str | None = None) -> NDArray[np.int64]:
        """Return the rows of a view's faces."""
        return np.array([face.place for face in self.faces if view in (None, face.view)], np.int64)

    def faces_at(self, places: Sequence[int]) -> list[GalleryFace]:
        """Return the faces of some rows."""
        return [self.faces[place] for place in places]

    def packed(self, faces: Sequence[GalleryFace]) -> list[Float32]:
        """Return the packed features of faces."""
        return [self.vectors[face.place] for face in faces]
