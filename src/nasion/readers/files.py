"""Files that are written whole or not at all, and never over others without leave."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nasion.errors import NasionError


def sha256(path: Path | str) -> str:
    """Return the hexadecimal SHA-256 of a file; a file that cannot be read raises NasionError."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise NasionError(f"{path}: cannot be read ({_reason(error)})") from None


def read_bytes(path: Path | str) -> bytes:
    """Return a file's content; a missing, unreadable or empty file raises NasionError."""
    path = Path(path)
    if path.is_dir():
        raise NasionError(f"{path}: is a folder; give a file")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise NasionError(f"{path}: no such file; check the path") from None
    except (OSError, ValueError) as error:
        raise NasionError(f"{path}: cannot be read ({_reason(error)})") from None
    if not content:
        raise NasionError(f"{path}: the file is empty; export or copy it again")
    return content


def read_text(path: Path | str) -> str:
    """Return a UTF-8 text file's content (a byte order mark is dropped); a fault raises NasionError."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NasionError(f"{path}: is not UTF-8 text; save it again as text in UTF-8") from None


def refuse_existing(path: Path | str, force: bool = False) -> None:
    """Raise NasionError where a file to be written exists already and ``force`` is not set."""
    path = Path(path)
    if path.is_dir():
        raise NasionError(f"{path}: is a folder; give a file name")
    if path.exists() and not force:
        raise NasionError(f"{path}: exists already; choose another name or give --force")


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write a file under a temporary name in its folder, then rename it; parents are created.

    What stood at ``path`` is replaced (see ``refuse_existing``); on failure it stays as it was.
    """
    path = Path(path)
    temporary = _temporary_name(path)
    with _parents(path):
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as error:
            raise NasionError(f"{path}: cannot be written ({_reason(error)})") from None
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path | str, data: str) -> None:
    """Write UTF-8 text as ``write_bytes`` does."""
    write_bytes(path, data.encode("utf-8"))


def write_json(path: Path | str, data: object) -> None:
    """Write JSON as ``write_bytes`` does; numpy values and paths are allowed, NaN is not (ValueError)."""
    write_text(path, _json(data) + "\n")


def _json(data: object) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)


@contextmanager
def output_folder(path: Path | str, force: bool = False, inputs: Iterable[Path | str] = ()) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that becomes ``path`` when the block ends well.

    On any failure (Ctrl-C too) it is removed, with the parents that were created for it, and what stood at ``path``
    stays as it was.

    Parameters
    ----------
    path
        The folder to write. An existing folder that is not empty raises NasionError unless ``force`` is set; then it
        is replaced as a whole, after success.
    force
        See ``path``.
    inputs
        Files that the job reads: a folder that holds one of them is never replaced.

    """
    target = Path(path).resolve()
    _refuse_target(target, path, force, inputs)
    temporary = _temporary_name(target)
    with _parents(target):
        try:
            temporary.mkdir()
        except OSError as error:
            raise NasionError(f"{path}: cannot be written ({_reason(error)})") from None
        try:
            yield temporary
            _put_in_place(temporary, target, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def claim_folder(
    path: Path,
    record_name: str,
    record: dict[str, Any],
    kind: str,
    force: bool = False,
    inputs: Iterable[Path | str] = (),
) -> None:
    """Make a folder, or take one that an earlier run with the same record began: such a job goes on where it stopped.

    Parameters
    ----------
    path
        The folder; new, empty, or holding ``record_name``.
    record_name, record
        Name and content of the JSON file that says what the folder holds.
    kind
        What that is, for messages, e.g. ``"population"``.
    force
        Begin anew where the folder holds such a job of other settings.
    inputs
        Files and folders that the job reads: a folder that holds one of them is never emptied.

    Raises
    ------
    NasionError
        The folder holds something else, or cannot be written.

    """
    own = path / record_name
    if force and own.is_file():
        _refuse_target(path.resolve(), path, force, inputs)
        shutil.rmtree(path)
    if own.is_file():
        try:
            same = json.loads(own.read_text(encoding="utf-8")) == json.loads(_json(record))
        except ValueError:
            same = False
        if not same:
            raise NasionError(f"{path} holds a {kind} of other settings or version; give another --out or remove it")
        return
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise NasionError(f"{path} exists and is no {kind}; give another --out")
    write_json(own, record)


def _refuse_target(target: Path, shown: Path | str, force: bool, inputs: Iterable[Path | str]) -> None:
    if target.exists() and not target.is_dir():
        raise NasionError(f"{shown}: is a file; choose another name for the output folder")
    if not target.is_dir() or not any(target.iterdir()):
        return
    if not force:
        raise NasionError(f"{shown}: exists already and is not empty; choose another folder or give --force")
    real = target.resolve()
    if any(place.is_relative_to(real) for place in (Path.cwd().resolve(), Path.home().resolve())):
        raise NasionError(f"{shown}: holds your home or working folder and is never replaced; choose another folder")
    for name in inputs:
        if Path(name).resolve().is_relative_to(real):
            raise NasionError(f"{shown}: holds the input {name} and is not replaced; choose another output folder")


def _put_in_place(temporary: Path, target: Path, shown: Path | str) -> None:
    """Rename ``temporary`` to ``target``; the old folder comes back if that fails."""
    old = _temporary_name(target)
    try:
        if target.exists():
            target.rename(old)
        try:
            temporary.rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise
    except OSError as error:
        raise NasionError(f"{shown}: cannot be written ({_reason(error)})") from None
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _parents(path: Path) -> Iterator[None]:
    """Create the parents of ``path``; remove those that were created if the block fails."""
    created: list[Path] = []
    try:
        created = [parent for parent in path.parents if not parent.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _remove_empty(created)
        raise NasionError(f"{path}: its folder cannot be made ({_reason(error)})") from None
    try:
        yield
    except BaseException:
        _remove_empty(created)
        raise


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _temporary_name(path: Path) -> Path:
    return path.with_name(f".{path.name[:80]}.{secrets.token_hex(4)}.tmp")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _plain(value: object) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
