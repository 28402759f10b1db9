"""A trained model as a folder: a network and its card, whose hash says which file it was made for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from nasion.errors import NasionError
from nasion.readers.files import read_bytes, read_text, write_text

MODEL_FILE: Final = "model.onnx"
CARD_FILE: Final = "card.json"

RUN_MODEL: Final = "model"
"""Where a training run's folder holds its model."""

CardT = TypeVar("CardT", bound=BaseModel)


def model_in(folder: Path) -> Path:
    """Return the folder of a model's files: ``folder`` itself, or its ``model`` where it is that of a training run."""
    own = folder / RUN_MODEL
    return own if not (folder / CARD_FILE).is_file() and (own / CARD_FILE).is_file() else folder


def write_card(folder: Path, card: BaseModel) -> None:
    """Write a model's card."""
    write_text(folder / CARD_FILE, card.model_dump_json(indent=1) + "\n")


def read_card(folder: Path, kind: type[CardT]) -> CardT:
    """Read a model's card; one that is missing, damaged or of another kind raises NasionError."""
    try:
        return kind.model_validate_json(read_text(folder / CARD_FILE))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise NasionError(f"{folder / CARD_FILE}: {place}: {first['msg']}; install or train the model again") from None


def hash_of(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of a model's file, as its card has it."""
    return hashlib.sha256(content).hexdigest()


def read_checked(path: Path, sha256: str) -> bytes:
    """Return a model's file; one that is missing or not the one of its card raises NasionError."""
    content = read_bytes(path)
    if hash_of(content) != sha256:
        raise NasionError(f"{path}: is not the file of its card (SHA-256 differs); install it again")
    return content


def stamps_of(folder: Path) -> tuple[int, ...]:
    """Return when a model's card and network were written, ns; a folder without them raises NasionError."""
    try:
        return tuple((folder / name).stat().st_mtime_ns for name in (CARD_FILE, MODEL_FILE))
    except OSError:
        raise NasionError(
            f"{folder}: holds no trained model; give a folder with {MODEL_FILE} and {CARD_FILE}"
        ) from None


def shipped_folder(places: Sequence[Path], scheme: str, command: str) -> Path:
    """Return the folder of a scheme's weights in the first place that has them.

    Parameters
    ----------
    places
        Folders of the package.
    scheme
        Of the model.
    command
        Of ``nasion train``, which makes such weights.

    Raises
    ------
    NasionError
        The package has no weights of the scheme.

    """
    for place in places:
        if (place / scheme).is_dir():
            return place / scheme
    raise NasionError(
        f"this installation has no weights for {scheme}; train them (nasion train {command} --scheme {scheme} "
        "--out FOLDER) and give --model FOLDER/model"
    )
