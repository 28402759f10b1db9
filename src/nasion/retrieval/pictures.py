"""Which pictures a folder of photographs holds, who is on each, and what each is called in a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nasion.errors import NasionError
from nasion.matching.samples import MatchPicture
from nasion.readers.photographs import ENDINGS

LANDMARKS_ENDING = ".landmarks.json"
FRONTAL = "frontal"


@dataclass(frozen=True)
class NamedPicture:
    """A face and its name in a gallery: ``NAME`` or ``PERSON/NAME``."""

    id: str
    picture: MatchPicture


@dataclass(frozen=True)
class Problem:
    """A picture that could not be used; the rest went on."""

    id: str
    person: str
    picture: str
    reason: str


def gallery_pictures(source: Path, view: str = FRONTAL) -> list[NamedPicture]:
    """Return the photographs of a folder, or the one that is given, by id.

    A picture directly in the folder is a person of its own, called by the file's name without its ending; pictures in
    a sub-folder (or in its ``photos``) are of the person whom the sub-folder is called after. ``NAME.landmarks.json``
    beside a picture holds its landmarks. Face masks (``NAME.mask.png``) and hidden files are none.

    Raises
    ------
    NasionError
        There are no pictures, or two would have one id.

    """
    if source.is_file():
        found = [_named(source, None, view)]
    elif source.is_dir():
        found = [_named(path, None, view) for path in _pictures(source)]
        for folder in sorted(entry for entry in source.iterdir() if entry.is_dir() and not entry.name.startswith(".")):
            places = (folder, folder / "photos")
            found += [_named(path, folder.name, view) for place in places for path in _pictures(place)]
    else:
        raise NasionError(f"{source}: no such file or folder; give a photograph or a folder of them")
    if not found:
        raise NasionError(f"{source}: holds no pictures ({', '.join(ENDINGS)}); give a folder of photographs")
    by_id: dict[str, NamedPicture] = {}
    for own in found:
        other = by_id.setdefault(own.id, own)
        if other is not own:
            raise NasionError(
                f"{source}: {other.picture.path.name} and {own.picture.path.name} would both be called {own.id}; "
                "rename one"
            )
    return [by_id[name] for name in sorted(by_id)]


def _pictures(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            hidden = path.name.startswith(".")
            if path.suffix.lower() in ENDINGS and path.is_file() and not hidden and not path.stem.endswith(".mask"):
                yield path


def _named(path: Path, person: str | None, view: str) -> NamedPicture:
    landmarks = path.with_name(path.stem + LANDMARKS_ENDING)
    given = landmarks if landmarks.is_file() else None
    name = path.stem if person is None else f"{person}/{path.stem}"
    return NamedPicture(name, MatchPicture(path, person or path.stem, view, "face", given))
