"""Changes of a gallery that come true as a whole or not at all.

SQLite's commit is the only moment at which anything changes. A picture's vectors are first written to a place that no
committed row refers to and flushed to the disk; whatever interrupts a run before the commit leaves the gallery as it
was. Places of removed pictures are used again by later changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import sqlalchemy as sql

from nasion.errors import NasionError
from nasion.retrieval import schema
from nasion.retrieval.gallery import TABLE_FILE, Gallery, GalleryFace, gallery_folder, vectors_sha256
from nasion.retrieval.vectors import Float32, VectorFile


class GalleryChange:
    """An open change; see ``changing``.

    Attributes
    ----------
    before
        The gallery as it is committed.
    known
        Id to the hashes of picture and landmark file, of the committed gallery.

    """

    def __init__(self, folder: Path, connection: sql.Connection) -> None:
        self._connection = connection
        self.before = Gallery.of(folder, connection)
        own = schema.faces.c
        columns = (own.id, own.picture_sha256, own.landmarks_sha256, own.place)
        rows = [] if self.before.arrays is None else connection.execute(sql.select(*columns)).all()
        self.known: dict[str, tuple[str, str]] = {name: (picture, landmarks) for name, picture, landmarks, _ in rows}
        used = np.zeros(self.before.height, dtype=bool)
        used[[row[-1] for row in rows]] = True
        self._free = np.flatnonzero(~used).tolist()
        self._end = self.before.height
        self._arrays = self.before.arrays
        self._new: dict[str, GalleryFace] = {}
        self._removed: set[str] = set()

    def add(self, face: Mapping[str, str], embedding: Float32, packed: Float32) -> None:
        """Write a picture's vectors and note its row; a picture of the same id is replaced.

        Parameters
        ----------
        face
            Fields of ``GalleryFace`` without ``place`` and ``vectors_sha256``.
        embedding, packed
            Its vectors.

        Raises
        ------
        NasionError
            The vectors are of another length than the gallery's.

        """
        embeddings, features = self._fitting(embedding, packed)
        place = self._free.pop() if self._free else self._end
        self._end = max(self._end, place + 1)
        embeddings.write(place, embedding)
        features.write(place, packed)
        new = GalleryFace(**face, place=place, vectors_sha256=vectors_sha256(embedding, packed))
        self._new[new.id] = new
        if new.id in self.known:
            self._removed.add(new.id)

    def remove(self, ids: Iterable[str]) -> None:
        """Take pictures out; ids that are not there do nothing."""
        for name in ids:
            self._new.pop(name, None)
            if name in self.known:
                self._removed.add(name)

    def settle(self) -> None:
        """Write what was noted; the transaction's commit makes it true."""
        if self._new and self._arrays is not None:
            for array in self._arrays:
                array.settle()
        table = schema.faces
        if self._removed:
            gone = [{"gone": name} for name in sorted(self._removed)]
            self._connection.execute(sql.delete(table).where(table.c.id == sql.bindparam("gone")), gone)
        if self._new:
            self._connection.execute(sql.insert(table), [asdict(face) for face in self._new.values()])

    def _fitting(self, embedding: Float32, packed: Float32) -> tuple[VectorFile, VectorFile]:
        if self._arrays is None:
            schema.metadata.create_all(self._connection)
            values = {"format": schema.FORMAT, "embedding_width": len(embedding), "packed_width": len(packed)}
            rows = [{"name": name, "value": str(value)} for name, value in values.items()]
            self._connection.execute(sql.insert(schema.properties), rows)
            self._arrays = Gallery.of(self.before.folder, self._connection).arrays
        if self._arrays is None or [array.width for array in self._arrays] != [len(embedding), len(packed)]:
            raise NasionError(
                f"{self.before.folder}: this model's features are of another length than the gallery's; make a new "
                "gallery with this model"
            )
        return self._arrays


@contextmanager
def changing(path: Path) -> Iterator[GalleryChange]:
    """Yield a change of a gallery that comes true when the block ends well; a new gallery is made where there is none.

    Raises
    ------
    NasionError
        Another process is changing it, the folder holds something else, or the gallery is damaged.

    """
    folder = gallery_folder(path)
    table = folder / TABLE_FILE
    new = not table.is_file()
    if new and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NasionError(f"{folder}: exists and is no gallery; choose another name for the gallery")
    folder.mkdir(parents=True, exist_ok=True)
    with schema.transaction(table, write=True) as connection:
        try:
            change = GalleryChange(folder, connection)
            yield change
            change.settle()
        except BaseException:
            if new:
                shutil.rmtree(folder, ignore_errors=True)
            raise
