"""Head CT from NIfTI files and DICOM folders, as Hounsfield units with a matrix to head axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.readers.files import read_bytes

HuArray = NDArray[np.int16]
FloatArray = NDArray[np.float64]

RAS_TO_HEAD: Final[FloatArray] = np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
"""NIfTI world axes (right, anterior, superior) to head axes (left, up, front)."""

AIR_HU: Final = -1024
_MOST_VOXELS: Final = 1_500_000_000
_VOXEL_RANGE_MM: Final = (0.05, 10.0)
_EXTENT_RANGE_MM: Final = (80.0, 2500.0)


@dataclass(frozen=True)
class CtVolume:
    """A CT.

    Attributes
    ----------
    hu
        (ni, nj, nk) int16 Hounsfield units; nothing below -1024.
    affine
        (4, 4) voxel index (i, j, k, 1) to millimetres in head axes (+X subject's left, +Y up, +Z front); the index
        names the voxel's centre.
    warnings
        What the user should know, one line each.

    """

    hu: HuArray
    affine: FloatArray
    warnings: tuple[str, ...] = ()

    @property
    def spacing_mm(self) -> FloatArray:
        """(3,) distances between voxel centres along i, j and k."""
        spacing: FloatArray = np.linalg.norm(self.affine[:3, :3], axis=0)
        return spacing


def read_ct(path: Path | str, series: int | None = None) -> CtVolume:
    """Read a NIfTI file (``.nii``, ``.nii.gz``) or a folder with a DICOM series.

    Parameters
    ----------
    path
        The file or folder; in a folder, sub-folders are searched and files that are no DICOM images are passed over.
    series
        Number of the series to take where a folder holds several; the message that asks for it lists them.

    Raises
    ------
    NasionError
        Nothing readable, damaged, several series, missing or doubled slices, no Hounsfield units, or an extra package
        that is not installed.

    """
    path = Path(path)
    if path.is_dir():
        from nasion.readers.dicom import read_dicom_folder

        values, affine, notes = read_dicom_folder(path, series)
    elif path.name.lower().endswith((".nii", ".nii.gz")):
        values, affine, notes = _read_nifti(path)
    elif path.is_file() and path.suffix.lower() in (".dcm", ".ima", ""):
        raise NasionError(f"{path}: is one file; give the folder with the whole DICOM series")
    else:
        read_bytes(path)
        raise NasionError(f"{path}: a CT is read from a .nii or .nii.gz file or a DICOM folder; convert it to NIfTI")
    _check_geometry(path, values.shape, affine)
    hu, more_notes = to_hounsfield(path, values)
    return CtVolume(hu, affine, (*notes, *more_notes))


def to_hounsfield(path: Path | str, values: NDArray[Any]) -> tuple[HuArray, tuple[str, ...]]:
    """Return int16 Hounsfield units of stored values, and warnings.

    Values without any below zero whose soft tissue peak lies near 1024 are CT numbers without their offset and are
    lowered by 1024. Where there is then no air below -700 or nothing as dense as bone, this is no CT of a head:
    NasionError.
    """
    values = np.nan_to_num(values, nan=AIR_HU, posinf=32767, neginf=AIR_HU) if values.dtype.kind == "f" else values
    sample = values[
        :: max(1, values.shape[0] // 128), :: max(1, values.shape[1] // 128), :: max(1, values.shape[2] // 64)
    ]
    notes: tuple[str, ...] = ()
    offset = 0
    if sample.min() >= 0:
        counts, edges = np.histogram(sample[(sample > 600) & (sample < 1600)], bins=100, range=(600, 1600))
        if counts.sum() and 950 <= edges[int(np.argmax(counts))] <= 1150:
            offset = 1024
            notes = ("its values look like CT numbers without their offset; 1024 was taken away",)
    air = float(np.mean(sample < offset - 700))
    bone = float(np.mean(sample > offset + 226))
    if air < 0.01 or bone < 0.001:
        lacking = "no air near -1000" if air < 0.01 else "nothing as dense as bone"
        raise NasionError(
            f"{path}: its values run from {sample.min():.5g} to {sample.max():.5g} with {lacking}: these are no "
            "Hounsfield units of a head CT; export the CT again without windowing"
        )
    hu = np.empty(values.shape, dtype=np.int16)
    for k in range(values.shape[2]):
        hu[:, :, k] = np.clip(values[:, :, k].astype(np.float32) - offset, AIR_HU, 32767).round()
    return hu, notes


def _check_geometry(path: Path, shape: tuple[int, ...], affine: FloatArray) -> None:
    """Refuse volumes whose shape or matrix is no head's."""
    if len(shape) != 3 or min(shape) < 8:
        raise NasionError(f"{path}: is {' x '.join(map(str, shape))} voxels; a volume of one time point is needed")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    low, high = _VOXEL_RANGE_MM
    if not np.isfinite(affine).all() or spacing.min() < low or spacing.max() > high:
        sizes = " x ".join(f"{s:.3g}" for s in spacing)
        raise NasionError(f"{path}: its voxels are {sizes} mm, which is no CT; correct the spacing in its header")
    if abs(np.linalg.det(affine[:3, :3])) < 0.2 * spacing.prod():
        raise NasionError(f"{path}: its axes are not independent; the orientation in its header is damaged")
    extent = spacing * shape
    if extent.max() < _EXTENT_RANGE_MM[0] or extent.max() > _EXTENT_RANGE_MM[1]:
        raise NasionError(
            f"{path}: is {extent.max():.3g} mm long, which is no head CT; correct the spacing in its header"
        )


def _read_nifti(path: Path) -> tuple[NDArray[Any], FloatArray, tuple[str, ...]]:
    """Return values (ni, nj, nk), affine to head axes and warnings."""
    try:
        import nibabel
    except ImportError:
        raise NasionError("reading NIfTI needs nibabel; run: pip install 'nasion[ct]'") from None
    read_bytes(path)
    try:
        image: Any = nibabel.load(path)
        header = image.header
        shape = tuple(int(n) for n in image.shape)
        if np.prod(shape, dtype=float) > _MOST_VOXELS:
            raise ValueError(f"{' x '.join(map(str, shape))} voxels are too many")
        values = np.asarray(image.dataobj, dtype=np.float32)
        while values.ndim > 3 and values.shape[-1] == 1:
            values = values[..., 0]
        affine = np.asarray(image.affine, dtype=np.float64)
        unit = header.get_xyzt_units()[0]
        has_orientation = int(header["qform_code"]) > 0 or int(header["sform_code"]) > 0
    except Exception as error:  # nibabel and zlib raise anything on damaged files
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise NasionError(f"{path}: cannot be read as NIfTI ({reason}); export it again") from None
    if values.dtype.kind not in "iuf":
        raise NasionError(f"{path}: holds {values.dtype} values, which is no CT; export the CT in Hounsfield units")
    factor = {"meter": 1000.0, "micron": 0.001}.get(unit, 1.0)
    notes = () if has_orientation else ("it does not tell its orientation: left and right may be exchanged",)
    return values, RAS_TO_HEAD @ np.diag([factor, factor, factor, 1.0]) @ affine, notes
