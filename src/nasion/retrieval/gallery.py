"""A gallery on disk: a folder with ``gallery.sqlite`` and two arrays, of embeddings and of packed features."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import sqlalchemy as sql
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.retrieval import schema
from nasion.retrieval.vectors import Float32, VectorFile

TABLE_FILE: Final = "gallery.sqlite"
EMBEDDINGS_FILE: Final = "embeddings.f32"
PACKED_FILE: Final = "features.f32"


@dataclass(frozen=True)
class GalleryFace:
    """One picture of a gallery.

    Attributes
    ----------
    id
        Its name in the gallery.
    person, view
        Who is shown, and from where.
    picture, picture_sha256
        Absolute path and hash of the file.
    landmarks, landmarks_sha256
        ``"file"`` where they lay beside the picture, and its hash; ``"found"`` and nothing where the program found
        them.
    place
        Row in the arrays.
    model_sha256
        Of the model that made the vectors.
    vectors_sha256
        Of the embedding's and then the features' bytes.
    nasion
        Version that added it.

    """

    id: str
    person: str
    view: str
    picture: str
    picture_sha256: str
    landmarks: str
    landmarks_sha256: str
    place: int
    model_sha256: str
    vectors_sha256: str
    nasion: str


_PAGE: Final = 500
"""Rows in one query."""
_COLUMNS: Final = [schema.faces.c[column.name] for column in fields(GalleryFace)]


def vectors_sha256(embedding: Float32, packed: Float32) -> str:
    """Return the hash of a picture's two vectors."""
    digest = hashlib.sha256(np.ascontiguousarray(embedding, "<f4").tobytes())
    digest.update(np.ascontiguousarray(packed, "<f4").tobytes())
    return digest.hexdigest()


def is_gallery(path: Path) -> bool:
    """Tell whether a path is a gallery's folder or its ``gallery.sqlite``."""
    return (path / TABLE_FILE).is_file() or (path.name == TABLE_FILE and path.is_file())


def gallery_folder(path: Path) -> Path:
    """Return the folder of a gallery that is named by its folder or by its ``gallery.sqlite``."""
    return path.parent if path.name == TABLE_FILE else path


@dataclass(frozen=True, eq=False)
class Gallery:
    """A gallery as it was at one moment; see ``Gallery.read``. Its rows are read when they are asked for.

    Attributes
    ----------
    folder
        Where it lies.
    count
        Pictures in it.
    height
        Rows of the arrays that may be referred to.
    models
        Hashes of the models that made its vectors: one, or none while it is empty.
    arrays
        Embeddings and packed features; None while nothing was ever added.

    """

    folder: Path
    count: int
    height: int
    models: tuple[str, ...]
    arrays: tuple[VectorFile, VectorFile] | None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what a gallery holds.

        Raises
        ------
        NasionError
            There is no gallery, or it is damaged.

        """
        folder = gallery_folder(path)
        if not (folder / TABLE_FILE).is_file():
            raise NasionError(
                f"{path}: is no gallery; make one with 'nasion gallery add {path} PICTURES --model MODEL'"
            )
        with schema.transaction(folder / TABLE_FILE, write=False) as connection:
            return cls.of(folder, connection)

    @classmethod
    def of(cls, folder: Path, connection: sql.Connection) -> Self:
        """Read what a gallery holds over an open connection."""
        if not sql.inspect(connection).has_table(schema.properties.name):
            return cls(folder, 0, 0, (), None)
        known = {row.name: row.value for row in connection.execute(sql.select(schema.properties))}
        if known.get("format") != schema.FORMAT:
            raise NasionError(f"{folder}: is a gallery of another version of nasion; make it again from its pictures")
        table = schema.faces
        count, last = connection.execute(sql.select(sql.func.count(), sql.func.max(table.c.place))).one()
        models = connection.scalars(sql.select(table.c.model_sha256).distinct().order_by(table.c.model_sha256)).all()
        arrays = (
            VectorFile(folder / EMBEDDINGS_FILE, int(known["embedding_width"])),
            VectorFile(folder / PACKED_FILE, int(known["packed_width"])),
        )
        return cls(folder, int(count), 0 if last is None else int(last) + 1, tuple(models), arrays)

    def require_model(self, model_sha256: str) -> None:
        """Raise NasionError where vectors were made by another model than the given one."""
        strange = [sha for sha in self.models if sha != model_sha256]
        if strange:
            raise NasionError(
                f"{self.folder}: its features were made by the model {strange[0][:12]}, this model is "
                f"{model_sha256[:12]}; give that model, or make a new gallery with this one"
            )

    def faces(self) -> Iterator[GalleryFace]:
        """Yield all pictures by id, read in pages, so that no other process has to wait for the reader's work."""
        query = sql.select(*_COLUMNS).order_by(schema.faces.c.id).limit(_PAGE)
        page = self._selected(query)
        while page:
            yield from page
            page = self._selected(query.where(schema.faces.c.id > page[-1].id))

    def places(self, view: str | None = None) -> NDArray[np.int64]:
        """Return the rows of the arrays that belong to pictures (of a view), ascending."""
        if self.arrays is None:
            return np.zeros(0, np.int64)
        query = sql.select(schema.faces.c.place).order_by(schema.faces.c.place)
        if view is not None:
            query = query.where(schema.faces.c.view == view)
        with schema.transaction(self.folder / TABLE_FILE, write=False) as connection:
            return np.fromiter(connection.scalars(query), np.int64)

    def faces_at(self, places: Sequence[int]) -> list[GalleryFace]:
        """Return the pictures whose vectors stand at some places.

        Raises
        ------
        NasionError
            Nothing stands there any more.

        """
        found: dict[int, GalleryFace] = {}
        wanted = [int(place) for place in places]
        for start in range(0, len(wanted), _PAGE):
            part = wanted[start : start + _PAGE]
            query = sql.select(*_COLUMNS).where(schema.faces.c.place.in_(part))
            found |= {face.place: face for face in self._selected(query)}
        if len(found) < len(set(wanted)):
            raise NasionError(f"{self.folder}: was changed while it was being searched; run this again")
        return [found[place] for place in wanted]

    def _selected(self, query: sql.Select[Any]) -> list[GalleryFace]:
        if self.arrays is None:
            return []
        with schema.transaction(self.folder / TABLE_FILE, write=False) as connection:
            return [GalleryFace(*row) for row in connection.execute(query)]

    def embedding_rows(self) -> Float32:
        """Return (height, width): all embeddings, mapped; rows that no picture refers to have no meaning."""
        return np.zeros((0, 0), np.float32) if self.arrays is None else self.arrays[0].rows(self.height)

    def packed_rows(self) -> Float32:
        """Return (height, width): all packed features, mapped, as ``embedding_rows``."""
        return np.zeros((0, 0), np.float32) if self.arrays is None else self.arrays[1].rows(self.height)

    def packed(self, faces: Sequence[GalleryFace]) -> list[Float32]:
        """Return the packed features of pictures, checked against their hashes.

        Raises
        ------
        NasionError
            Vectors are not those that were added: the gallery was changed since it was read, or is damaged.

        """
        embeddings, features = self.embedding_rows(), self.packed_rows()
        found = []
        for face in faces:
            packed = np.array(features[face.place])
            if vectors_sha256(embeddings[face.place], packed) != face.vectors_sha256:
                raise NasionError(
                    f"{self.folder}: the features of {face.id} are not those that were added; if the gallery was being "
                    "changed run this again, else see 'nasion gallery verify'"
                )
            found.append(packed)
        return found
