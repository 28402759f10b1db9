"""Landmarks of a whole folder: which of its files are taken, and a landmark file of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeVar

from nasion.errors import NasionError
from nasion.readers.files import output_folder

FILE_ENDING: Final = ".landmarks.json"

FoundT = TypeVar("FoundT")


def one_of_each_name(folder: Path, paths: Iterable[Path], what: str, endings: Sequence[str]) -> list[Path]:
    """Return a folder's files to be taken, by name.

    Parameters
    ----------
    folder, paths
        The folder, and those of its files that have the right form.
    what, endings
        What they are, in words, and the endings they may have.

    Raises
    ------
    NasionError
        There are none, or two of one name with different endings, whose landmark files would be the same.

    """
    ordered = sorted(paths)
    if not ordered:
        raise NasionError(f"{folder}: holds no {what}; give a folder with {', '.join(endings)} files")
    for one, other in pairwise(ordered):
        if one.stem == other.stem:
            raise NasionError(f"{folder}: {one.name} and {other.name} would have one landmark file; rename one")
    return ordered


def find_in_each(
    folder: Path,
    paths: Sequence[Path],
    what: str,
    out: Path,
    force: bool,
    find: Callable[[Path, Path], FoundT],
    each: Callable[[Path, FoundT | NasionError], None],
) -> int:
    """Find the landmarks of a folder's files; return how many files could not be used.

    Parameters
    ----------
    folder, paths, what
        See ``one_of_each_name``.
    out, force
        Folder for ``NAME.landmarks.json``; whether what it holds is replaced.
    find
        Finds the landmarks of one file and writes them to another.
    each
        Told after each file: what was found, or why not.

    Raises
    ------
    NasionError
        None can be used, or the folder cannot be written.

    """
    failed = 0
    with output_folder(out, force, list(paths)) as temporary:
        for path in paths:
            try:
                each(path, find(path, temporary / f"{path.stem}{FILE_ENDING}"))
            except NasionError as fault:
                failed += 1
                each(path, fault)
        if failed == len(paths):
            raise NasionError(f"{folder}: the landmarks of none of its {failed} {what} were found; nothing was written")
    return failed
