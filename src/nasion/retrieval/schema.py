"""The tables of a gallery's SQLite file, and how it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sql
from sqlalchemy.exc import DatabaseError, OperationalError

from nasion.errors import NasionError

FORMAT: Final = "nasion-gallery-1"
WAIT_S: Final = 60.0
"""How long a reader waits while another process commits, and a writer's commit for readers."""

metadata: Final = sql.MetaData()
properties: Final = sql.Table(
    "properties", metadata, sql.Column("name", sql.String, primary_key=True), sql.Column("value", sql.String)
)
"""``format``, ``embedding_width``, ``packed_width``."""
faces: Final = sql.Table(
    "faces",
    metadata,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("person", sql.String, nullable=False, index=True),
    sql.Column("view", sql.String, nullable=False),
    sql.Column("picture", sql.String, nullable=False),
    sql.Column("picture_sha256", sql.String, nullable=False),
    sql.Column("landmarks", sql.String, nullable=False),
    sql.Column("landmarks_sha256", sql.String, nullable=False),
    sql.Column("place", sql.Integer, nullable=False, unique=True),
    sql.Column("model_sha256", sql.String, nullable=False, index=True),
    sql.Column("vectors_sha256", sql.String, nullable=False),
    sql.Column("nasion", sql.String, nullable=False),
    sql.Index("faces_of_a_view", "view", "place"),
)
"""A row a picture; ``place`` is its row in the arrays of vectors."""


@contextmanager
def transaction(path: Path, *, write: bool) -> Iterator[sql.Connection]:
    """Yield a connection inside one transaction, which is committed where the block ends well and else rolled back.

    Writers exclude one another from their start; readers see the last committed state meanwhile.

    Parameters
    ----------
    path
        The SQLite file; a writer makes it where it is absent.
    write
        Whether the block writes.

    Raises
    ------
    NasionError
        Another process is writing, or the file is no gallery, is damaged or cannot be written.

    """
    engine = _engine(path, write)
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise NasionError(_operational(path, error, write)) from None
    except DatabaseError as error:
        raise NasionError(f"{path}: is damaged or no gallery ({error.orig}); restore it from a copy") from None
    finally:
        engine.dispose()


def _engine(path: Path, write: bool) -> sql.Engine:
    # rw also for readers: after a kill in the middle of a commit SQLite has to roll the file back
    mode = "rwc" if write else "rw"
    engine = sql.create_engine(
        sql.URL.create("sqlite", database=f"{path.absolute().as_uri()}", query={"mode": mode, "uri": "true"}),
        connect_args={"timeout": 0.0 if write else WAIT_S},
        poolclass=sql.pool.NullPool,
    )

    @sql.event.listens_for(engine, "connect")
    def _manual(connection: Any, record: object) -> None:
        # sqlite3's own transactions begin too late to lock, so they are begun below
        connection.isolation_level = None

    @sql.event.listens_for(engine, "begin")
    def _begin(connection: sql.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {1000 * WAIT_S:.0f}")

    return engine


def _operational(path: Path, error: OperationalError, write: bool) -> str:
    reason = str(error.orig)
    if "locked" in reason:
        return f"{path.parent}: another process is changing this gallery; wait until it has ended and run this again"
    action = "written" if write else "read"
    return f"{path}: cannot be {action} ({reason}); check the path, the rights and the space"
