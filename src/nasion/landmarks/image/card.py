"""A trained model as a folder: ``model.onnx`` and ``card.json``, which says what it is and how well it does.

The network's interface, on which training, export and use agree:

=========  ==================  =====================================================================================
name       shape, type         what
=========  ==================  =====================================================================================
image      (n, 3, h, w) float  input: RGB crops, 0 to 255, grey images repeated; ``input_size_px`` is (w, h)
points     (n, l, 2) float     landmarks in crop pixels, origin at the centre of the top left pixel
start      (n, l, 2) float     the heat maps' soft-argmax, before the graph network; same unit
peak       (n, l) float        height of each heat map, 0 to 1: the confidence c of Eq. 6
spread     (n, l) float        standard deviation of each heat map about ``start``, crop pixels
=========  ==================  =====================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from nasion.errors import NasionError
from nasion.landmarks.image.schemes import Subject
from nasion.networks.model_folder import CARD_FILE, MODEL_FILE, read_card, read_checked, write_card
from nasion.readers.files import output_folder, write_bytes

INPUT: Final = "image"
OUTPUTS: Final = ("points", "start", "peak", "spread")
_TAKES: Final = "image (n, 3, h, w) float32: RGB crops, 0 to 255"
_GIVES: Final = "points, start (n, l, 2) crop pixels; peak (n, l) 0 to 1; spread (n, l) crop pixels"


class Interval(BaseModel):
    """A number and the 95 % interval that resampling the people gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    low: float
    high: float


class TestErrors(BaseModel):
    """Errors on images of people whom training has not met; those of points that were found and are marked."""

    __test__ = False
    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    people: int
    mean: dict[str, Interval]
    """By metric, e.g. ``"nme_inter_ocular"`` (share, not per cent) or ``"mean_radial_error_mm"``."""
    start: dict[str, Interval]
    """The same of the heat maps' soft-argmax, without the graph network."""
    gain: Interval
    """Share by which the graph network lowers the first metric of ``mean``, paired by image."""
    per_landmark: dict[str, float]
    """First metric of ``mean``, by landmark."""
    inside_90: float
    """Share of the errors inside the predicted 90 % radius."""
    lost: float
    """Share of the marked points that were reported missing."""


class Card(BaseModel):
    """What a model takes and gives, how it was made, and its measured errors.

    ``network``, ``training`` and ``calibration`` are the plain values of the classes of those names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["nasion-image-landmarks-1"] = "nasion-image-landmarks-1"
    scheme: str
    names: tuple[str, ...]
    subject: Subject
    takes: str = _TAKES
    gives: str = _GIVES
    input_size_px: tuple[int, int]
    """Width and height of a crop."""
    margin: float
    """Crop over the box of the landmarks, see ``crops.frame_of_points``."""
    shape: tuple[tuple[float, float], ...]
    """The training images' mean landmarks, upright, in crop pixels; by it crops are turned upright."""
    mirrored: bool = False
    """Whether it learnt from mirrored crops, so that use takes the mean of a crop and its mirror image."""
    network: dict[str, Any]
    training: dict[str, Any]
    seed: int
    data: str
    terms: str
    """What the terms of the training data allow."""
    best_epoch: int
    parameters: int
    weights: str
    calibration: dict[str, Any]
    held_out_images: int
    tests: dict[str, TestErrors]
    """By test set."""
    code_version: str
    model_sha256: str


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """A model read from its folder; the file is the one that the card was made for."""

    card: Card
    onnx: bytes


def write_model(folder: Path, card: Card, onnx: bytes, *, force: bool = False) -> None:
    """Write a model's folder, whole or not at all.

    Raises
    ------
    NasionError
        The folder holds anything and ``force`` is not set, or cannot be written.

    """
    with output_folder(folder, force) as temporary:
        write_bytes(temporary / MODEL_FILE, onnx)
        write_card(temporary, card)


def read_model(folder: Path) -> ModelFolder:
    """Read a model's folder.

    Raises
    ------
    NasionError
        A file is missing or damaged, or the model is not the one of the card.

    """
    card = read_card(folder, Card)
    onnx = read_checked(folder / MODEL_FILE, card.model_sha256)
    counts = {len(card.names), len(card.shape), len(card.calibration.get("offsets", ()))}
    if len(counts) != 1:
        raise NasionError(f"{folder / CARD_FILE}: names, shape and calibration differ in number; train it again")
    return ModelFolder(card, onnx)
