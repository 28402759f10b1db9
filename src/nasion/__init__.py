"""Nasion: craniofacial identification, from an unknown skull to a ranked, explained list of candidates.

::

    import nasion
    skull = nasion.read_skull("skull.ply", "skull.landmarks.json")
    photo = nasion.read_photo("frontal.jpg", "frontal.landmarks.json")
    case = nasion.superimpose(skull, [photo])
    nasion.write_report(case, "out")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from nasion.version import __version__

if TYPE_CHECKING:
    from nasion.api import (
        identify,
        possible_faces,
        read_photo,
        read_radiographs,
        read_skull,
        superimpose,
        write_possible_faces,
        write_report,
    )
    from nasion.errors import NasionError

__all__ = [
    "NasionError",
    "__version__",
    "identify",
    "possible_faces",
    "read_photo",
    "read_radiographs",
    "read_skull",
    "superimpose",
    "write_possible_faces",
    "write_report",
]

_HOMES: Final = {
    "NasionError": "nasion.errors",
    "identify": "nasion.api",
    "superimpose": "nasion.api",
    "read_photo": "nasion.api",
    "read_radiographs": "nasion.api",
    "read_skull": "nasion.api",
    "possible_faces": "nasion.api",
    "write_possible_faces": "nasion.api",
    "write_report": "nasion.api",
}


def __getattr__(name: str) -> Any:
    # loaded when first used: the command line starts without numpy
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
