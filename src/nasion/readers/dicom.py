"""DICOM CT series: which files belong together, in which order, and where they lie."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

FloatArray = NDArray[np.float64]

LPS_TO_HEAD: Final[FloatArray] = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""DICOM patient axes (left, posterior, superior) to head axes (left, up, front)."""

FEWEST_SLICES: Final = 10
_CT_CLASSES: Final = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1")
_TAGS: Final = [
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "SeriesDescription",
    "Modality",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "Rows",
    "Columns",
    "NumberOfFrames",
]


@dataclass(frozen=True)
class _Slice:
    """One image: its file, identity, place of the first pixel and step to the next column and row, in LPS mm."""

    path: Path
    uid: str
    series_uid: str
    series_number: int | None
    description: str
    shape: tuple[int, int]
    position_mm: FloatArray
    column_step_mm: FloatArray
    row_step_mm: FloatArray

    @property
    def along_normal_mm(self) -> float:
        normal = np.cross(self.column_step_mm, self.row_step_mm)
        return float(self.position_mm @ normal / np.linalg.norm(normal))


def read_dicom_folder(folder: Path, series: int | None) -> tuple[NDArray[np.float32], FloatArray, tuple[str, ...]]:
    """Return values (columns, rows, slices), affine to head axes (4, 4) and warnings of a folder's CT series.

    The affine follows the positions of the slices, so a tilted gantry gives a sheared grid. See ``ct.read_ct`` for
    the faults.
    """
    found, notes = _scanned(folder)
    slices, more_notes = _chosen_series(folder, found, series)
    slices = sorted(slices, key=lambda s: s.along_normal_mm)
    first, last = slices[0], slices[-1]
    _check_uniform(folder, slices)
    _check_spacing(folder, slices)
    affine = np.eye(4)
    affine[:3, 0] = first.column_step_mm
    affine[:3, 1] = first.row_step_mm
    affine[:3, 2] = (last.position_mm - first.position_mm) / (len(slices) - 1)
    affine[:3, 3] = first.position_mm
    values = np.empty((first.shape[1], first.shape[0], len(slices)), dtype=np.float32)
    for k, item in enumerate(slices):
        values[:, :, k] = _pixels(item).T
    return values, LPS_TO_HEAD @ affine, (*notes, *more_notes)


def _pydicom() -> Any:
    try:
        import pydicom
    except ImportError:
        raise NasionError("reading DICOM needs pydicom; run: pip install 'nasion[ct]'") from None
    return pydicom


def _scanned(folder: Path) -> tuple[list[_Slice], tuple[str, ...]]:
    """Return all CT images below a folder, and a warning that counts the files that are not DICOM."""
    pydicom = _pydicom()
    slices: list[_Slice] = []
    others: set[str] = set()
    foreign = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if not _is_dicom(path):
            foreign += 1
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
                claims_ct = str(header.file_meta.get("MediaStorageSOPClassUID", "")) in _CT_CLASSES
                modality = str(header.get("Modality", "")) or ("CT" if claims_ct else "")
                frames = int(header.get("NumberOfFrames", None) or 1)
                is_localizer = "LOCALIZER" in [str(t).upper() for t in header.get("ImageType", None) or []]
        except Exception:  # pydicom raises anything on damaged files
            raise NasionError(
                f"{path}: is a damaged DICOM file; copy it again, or remove it if it is another's"
            ) from None
        if modality != "CT" or is_localizer:
            others.add("CT localizer" if is_localizer else modality)
            continue
        if frames > 1:
            raise NasionError(f"{path}: is a multi-frame DICOM file; convert it to NIfTI (for example with dcm2niix)")
        slices.append(_slice(path, header))
    if not slices:
        found = f" (other images: {', '.join(sorted(o for o in others if o))})" if any(others) else ""
        raise NasionError(f"{folder}: holds no DICOM CT images{found}; give the folder of the CT series")
    return slices, (f"{foreign} files that are not DICOM were passed over",) if foreign else ()


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError as error:
        raise NasionError(f"{path}: cannot be read ({error.strerror}); check the folder") from None


def _slice(path: Path, header: Any) -> _Slice:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            position = np.array([float(v) for v in header.ImagePositionPatient])
            orientation = np.array([float(v) for v in header.ImageOrientationPatient]).reshape(2, 3)
            row_spacing, column_spacing = (float(v) for v in header.PixelSpacing)
            number = header.get("SeriesNumber", None)
            item = _Slice(
                path=path,
                uid=str(header.SOPInstanceUID),
                series_uid=str(header.SeriesInstanceUID),
                series_number=None if number is None else int(number),
                description=str(header.get("SeriesDescription", "")),
                shape=(int(header.Rows), int(header.Columns)),
                position_mm=position,
                column_step_mm=orientation[0] * column_spacing,
                row_step_mm=orientation[1] * row_spacing,
            )
            is_finite = all(np.isfinite(v).all() for v in (position, orientation, item.along_normal_mm))
    except Exception:  # pydicom raises anything on damaged values
        is_finite = False
    if not is_finite or position.shape != (3,):
        raise NasionError(f"{path}: lacks a readable place or pixel spacing; remove it or export the series again")
    return item


def _chosen_series(folder: Path, slices: Sequence[_Slice], number: int | None) -> tuple[list[_Slice], tuple[str, ...]]:
    """Return the slices of the only or the chosen series, each once, and warnings."""
    by_uid: dict[str, dict[str, _Slice]] = defaultdict(dict)
    for item in slices:
        by_uid[item.series_uid].setdefault(item.uid, item)
    groups = sorted(
        (list(group.values()) for group in by_uid.values()), key=lambda g: (g[0].series_number or 0, g[0].series_uid)
    )
    numbers = [group[0].series_number for group in groups]
    if None in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(groups) + 1))
    choices: Mapping[int | None, list[_Slice]] = dict(zip(numbers, groups, strict=True))
    if number is None and len(groups) == 1:
        chosen = groups[0]
    elif number in choices and number is not None:
        chosen = choices[number]
    else:
        listed = "; ".join(f'{n} = "{group[0].description}" ({len(group)} slices)' for n, group in choices.items())
        fault = f"holds {len(groups)} series" if number is None else f"has no series {number}"
        raise NasionError(f"{folder}: {fault}; choose one with --series N: {listed}")
    if len(chosen) < FEWEST_SLICES:
        raise NasionError(f"{folder}: the series has {len(chosen)} slices, at least {FEWEST_SLICES} are needed")
    copies = sum(item.series_uid == chosen[0].series_uid for item in slices) - len(chosen)
    return chosen, (f"{copies} files are copies of other slices and were passed over",) if copies else ()


def _check_uniform(folder: Path, slices: Sequence[_Slice]) -> None:
    first = slices[0]
    for item in slices[1:]:
        if (
            item.shape != first.shape
            or not np.allclose(item.column_step_mm, first.column_step_mm, atol=1e-3)
            or not np.allclose(item.row_step_mm, first.row_step_mm, atol=1e-3)
        ):
            raise NasionError(
                f"{folder}: {item.path.name} differs from {first.path.name} in size, pixel spacing or orientation; "
                "remove the slices that belong to another series"
            )
    determinant = np.linalg.norm(np.cross(first.column_step_mm, first.row_step_mm))
    if not determinant > 1e-6:
        raise NasionError(f"{first.path}: its orientation or pixel spacing is damaged; export the series again")


def _check_spacing(folder: Path, slices: Sequence[_Slice]) -> None:
    """Refuse doubled places, gaps and slices that are not evenly spaced on one line."""
    places = np.array([item.along_normal_mm for item in slices])
    gaps = np.diff(places)
    usual = float(np.median(gaps))
    k = int(np.argmin(gaps))
    if gaps[k] < 0.01 or usual < 0.01:
        raise NasionError(
            f"{folder}: {slices[k].path.name} and {slices[k + 1].path.name} lie at the same place "
            f"({places[k]:.2f} mm); remove the images of the other reconstruction or time"
        )
    k = int(np.argmax(gaps))
    if gaps[k] > 1.5 * usual:
        raise NasionError(
            f"{folder}: slices are missing between {slices[k].path.name} and {slices[k + 1].path.name} "
            f"({places[k]:.1f}, {places[k + 1]:.1f} mm): the gap is {gaps[k]:.2f}, not {usual:.2f}; copy all slices"
        )
    positions = np.array([item.position_mm for item in slices])
    expected = np.linspace(positions[0], positions[-1], len(positions))
    off = np.linalg.norm(positions - expected, axis=1)
    if off.max() > max(0.5, 0.25 * usual):
        k = int(np.argmax(off))
        raise NasionError(
            f"{folder}: the slices are not evenly spaced near {places[k]:.2f} mm ({slices[k].path.name}); "
            "export a series with one slice spacing"
        )


def _pixels(item: _Slice) -> NDArray[np.float32]:
    """Return (rows, columns) rescaled values of one slice."""
    pydicom = _pydicom()
    syntax = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = pydicom.dcmread(item.path)
            uid = image.file_meta.TransferSyntaxUID
            syntax = str(uid.name) if uid.is_compressed else ""
            values = np.asarray(image.pixel_array, dtype=np.float32)
            slope = float(image.get("RescaleSlope", None) or 1)
            intercept = float(image.get("RescaleIntercept", None) or 0)
    except Exception as error:  # decoders raise anything on damaged files
        if syntax and re.search("plugin|decod|handler|missing dependenc", str(error)):
            raise NasionError(
                f"{item.path}: its pixels are compressed as {syntax}, for which no decoder is installed; "
                "run: pip install python-gdcm, or convert the series to NIfTI (for example with dcm2niix)"
            ) from None
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise NasionError(f"{item.path}: its pixels cannot be read ({reason}); copy the series again") from None
    if values.shape != item.shape:
        raise NasionError(f"{item.path}: its pixels are no grey picture; remove it or export the series again")
    return values * np.float32(slope) + np.float32(intercept)
