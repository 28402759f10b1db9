"""A trained model as a folder.

``model.onnx``, ``local.onnx`` (its local stage), ``card.json``, which says what it is and how well it does, and
``orientation.npz``, by which scans are brought into the standard frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from nasion.errors import NasionError
from nasion.landmarks.surface.orientation_template import OrientationTemplate
from nasion.networks.model_folder import CARD_FILE, MODEL_FILE, read_card, read_checked, write_card
from nasion.readers.files import output_folder, write_bytes

LOCAL_FILE: Final = "local.onnx"
ORIENTATION_FILE: Final = "orientation.npz"
_TAKES: Final = (
    "features (n, 6) float32: positions and outward unit normals in the standard frame; neighbours (n, k) int64: each "
    "point's nearest points, itself first; coarse (n,) float32: 1 at the points nearest to the prototype"
)
_GIVES: Final = "heat (n, l) float32: one heat map a landmark, in the order of names"


class LandmarkErrors(BaseModel):
    """Errors on test people, mm; over all samples that have the landmark and in which it was found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    mean_mm: float
    median_mm: float
    p95_mm: float
    inside_90: float
    """Share of the errors inside the predicted 90 % radius."""
    lost: float
    """Share of the samples with the landmark in which it was reported missing."""


class ConditionErrors(BaseModel):
    """Errors on the test people under one condition, e.g. clean or raw scans; all landmarks together."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    samples: int
    refused: int
    """Scans that could not be oriented; they are in no other number."""
    error_mm: LandmarkErrors
    prototype_mm: float
    """Mean error without a network: the point of the surface nearest to the prototype's landmark."""


class Card(BaseModel):
    """What a model takes and gives, how it was made, and its measured errors.

    ``network``, ``training``, ``local`` and ``calibration`` are the plain values of the classes of those names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["nasion-surface-landmarks-1"] = "nasion-surface-landmarks-1"
    scheme: str
    names: tuple[str, ...]
    takes: str = _TAKES
    gives: str = _GIVES
    network: dict[str, Any]
    training: dict[str, Any]
    local: dict[str, Any] | None = None
    """Settings of the local stage; None where the model has none."""
    seed: int
    data: str
    best_epoch: int
    parameters: int
    weights: str
    prototype: tuple[tuple[float, float, float], ...]
    calibration: dict[str, Any]
    test_people: int
    test_samples: int
    error_mm: LandmarkErrors
    errors_mm: dict[str, LandmarkErrors]
    absent_invented: float | None
    """Share of the landmarks absent from test samples that were found all the same."""
    conditions: dict[str, ConditionErrors] = {}
    code_version: str
    model_sha256: str
    local_sha256: str | None = None


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """A model read from its folder; the files are those that the card was made for."""

    card: Card
    onnx: bytes
    local: bytes | None = None


def write_model(
    folder: Path,
    model: ModelFolder,
    orientation: OrientationTemplate | None = None,
    *,
    force: bool = False,
) -> None:
    """Write a model's folder, whole or not at all; without an orientation it serves clouds only.

    Raises
    ------
    NasionError
        The folder holds anything and ``force`` is not set, or cannot be written.

    """
    with output_folder(folder, force) as temporary:
        write_bytes(temporary / MODEL_FILE, model.onnx)
        if model.local is not None:
            write_bytes(temporary / LOCAL_FILE, model.local)
        write_card(temporary, model.card)
        if orientation is not None:
            orientation.write(temporary / ORIENTATION_FILE)


def read_model(folder: Path) -> ModelFolder:
    """Read a model's folder.

    Raises
    ------
    NasionError
        A file is missing or damaged, or the model is not the one of the card.

    """
    card = read_card(folder, Card)
    onnx = read_checked(folder / MODEL_FILE, card.model_sha256)
    local = None if card.local_sha256 is None else read_checked(folder / LOCAL_FILE, card.local_sha256)
    if len(card.prototype) != len(card.names):
        raise NasionError(f"{folder / CARD_FILE}: names and prototype differ in number; install or train it again")
    return ModelFolder(card, onnx, local)
