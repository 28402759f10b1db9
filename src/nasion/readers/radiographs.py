"""Plain radiographs, DICOM or any picture format, as grey pictures in which bone is bright and air is dark."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.readers.files import read_bytes
from nasion.readers.photographs import decoded_picture, form_notes, rgb_of

_DARKER_THAN_AIR: Final = -15.0
"""Vault minus air, grey levels of 255, below which a picture is a negative (300 lateral cephalograms: all above 27)."""
_SHOWN_SHARE: Final = (0.005, 0.995)
"""Quantiles of a DICOM picture that become black and white."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """A radiograph.

    Attributes
    ----------
    image
        (h, w, 3) uint8, three equal channels, bone bright.
    warnings
        What the user should know, one line each.

    """

    image: NDArray[np.uint8]
    warnings: tuple[str, ...] = ()


def read_radiograph(path: Path | str) -> Radiograph:
    """Read a lateral radiograph of a head; an inverted one (bone dark) is turned back.

    DICOM files need pydicom; MONOCHROME1 is obeyed, and grey levels are spread from the 0.5 % to the 99.5 % quantile.

    Raises
    ------
    NasionError
        The file is missing, damaged, empty of contrast or no picture.

    """
    path = Path(path)
    if read_bytes(path)[128:132] == b"DICM":
        grey, notes = _dicom(path)
    else:
        stored = decoded_picture(path)
        grey, notes = rgb_of(stored, path).astype(np.float32).mean(axis=2), form_notes(stored)
    if np.ptp(grey) < 1:
        raise NasionError(f"{path}: all its pixels are alike; export the radiograph again")
    if bone_contrast(grey) < _DARKER_THAN_AIR:
        grey, notes = 255 - grey, (*notes, "its grey levels are inverted (bone dark, air bright); it was turned back")
    return Radiograph(np.repeat(np.rint(grey).astype(np.uint8)[:, :, None], 3, axis=2), notes)


def bone_contrast(grey: NDArray[np.float32]) -> float:
    """Return how much brighter the vault is than what lies beside the jaws, of a lateral head, grey levels.

    Parameters
    ----------
    grey
        (h, w); the face may look to either side: the mean over both is taken.

    """
    return (_vault_over_air(grey) + _vault_over_air(grey[:, ::-1])) / 2


def _vault_over_air(grey: NDArray[np.float32]) -> float:
    h, w = grey.shape
    vault = grey[int(0.1 * h) : int(0.4 * h) + 1, int(0.1 * w) : int(0.6 * w) + 1]
    air = grey[int(0.45 * h) : int(0.9 * h) + 1, int(0.86 * w) : int(0.97 * w) + 1]
    return float(np.median(vault) - np.median(air))


def _dicom(path: Path) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return (h, w) grey levels from 0 to 255 and notes."""
    try:
        import pydicom
    except ImportError:
        raise NasionError("reading DICOM needs pydicom; run: pip install 'nasion[ct]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header: Any = pydicom.dcmread(path)
            values = np.asarray(header.pixel_array, dtype=np.float32)
            meaning = str(header.get("PhotometricInterpretation", ""))
            slope, frames = float(header.get("RescaleSlope", None) or 1), int(header.get("NumberOfFrames", None) or 1)
            samples = int(header.get("SamplesPerPixel", None) or 1)
    except Exception as error:  # decoders raise anything on damaged files
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise NasionError(f"{path}: its pixels cannot be read ({reason}); export it as PNG or TIFF") from None
    notes: tuple[str, ...] = ()
    if frames > 1:
        values, notes = values[0], (f"it holds {frames} pictures; the first is used",)
    if samples > 1:
        values = values.mean(axis=-1)
    if meaning == "MONOCHROME1":
        slope, notes = -slope, (*notes, "it is a DICOM picture of type MONOCHROME1 (0 is white); it was inverted")
    low, high = np.quantile(values * slope, _SHOWN_SHARE)
    return np.clip((values * slope - low) / max(high - low, 1e-6), 0, 1).astype(np.float32) * 255, notes
