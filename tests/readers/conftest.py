"""A synthetic head as CT: skin and skull are spheres, with marks that tell left, up and front apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

SKIN_MM, OUTER_MM, INNER_MM = 95.0, 80.0, 70.0
CENTER_LPS = np.array([4.0, -130.0, 55.0])
"""Left, posterior, superior."""


def _ramp(inside_mm: NDArray[np.float64], width_mm: float = 3.0) -> NDArray[np.float64]:
    """From 0 outside to 1 inside over a width, as a scanner blurs an edge."""
    return np.clip(inside_mm / width_mm + 0.5, 0.0, 1.0)


def head_hu(points_lps: NDArray[np.float64]) -> NDArray[np.int16]:
    """HU of a head at points (..., 3) in DICOM patient axes: edges are ramps about the true radii.

    Bone knobs of 8 mm radius stand on the skull at the subject's left, on top and in front, with centres at 76, 80 and
    84 mm from the head's centre. A cavity of air lies in the head; a head rest (a thin plate behind) touches nothing.
    """
    p = points_lps - CENTER_LPS
    r = np.linalg.norm(p, axis=-1)
    hu = -1000 + 1040 * _ramp(SKIN_MM - r)
    bone = _ramp(OUTER_MM - r) * _ramp(r - INNER_MM)
    for center in ([76.0, 0, 0], [0, 0, 80.0], [0, -84.0, 0]):
        bone = np.maximum(bone, _ramp(8.0 - np.linalg.norm(p - np.array(center), axis=-1)))
    hu = hu + bone * (1000 - hu)
    cavity = _ramp(15.0 - np.linalg.norm(p - np.array([0, -40.0, -20.0]), axis=-1))
    hu = hu - cavity * (hu + 1000)
    rest = (np.abs(p[..., 1] - 104) < 2.5) & (np.abs(p[..., 0]) < 60)
    return np.where(rest, 300, hu).round().astype(np.int16)


def head_volume(affine_lps: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.int16]:
    """Sample the head on a grid: index to DICOM patient axes by a (4, 4) matrix."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    return head_hu(index @ affine_lps[:3, :3].T + affine_lps[:3, 3])


@pytest.fixture(scope="session")
def lps_grid() -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Index to patient axes and shape of an uneven grid round the head."""
    affine = np.diag([2.5, 2.5, 3.0, 1.0])
    affine[:3, 3] = CENTER_LPS - [110, 110, 110]
    return affine, (89, 91, 74)


def _write_slice(path: Path, pixels: NDArray[np.int16], affine: NDArray[np.float64], k: int, **tags: object) -> None:
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.Modality = "CT"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SeriesInstanceUID, image.SeriesNumber, image.SeriesDescription = "1.2.3", 2, "Head"
    columns, rows = pixels.shape
    image.Rows, image.Columns = rows, columns
    spacing = np.linalg.norm(affine[:3, :2], axis=0)
    image.PixelSpacing = [float(spacing[1]), float(spacing[0])]
    image.ImageOrientationPatient = [float(v) for v in (affine[:3, :2] / spacing).T.ravel()]
    image.ImagePositionPatient = [round(float(v), 6) for v in affine[:3, 2] * k + affine[:3, 3]]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    image.RescaleSlope, image.RescaleIntercept = 1, -1024
    image.PixelData = (pixels.T.astype(np.int32) + 1024).astype("<u2").tobytes()
    for tag, value in tags.items():
        setattr(image, tag, value)
    pydicom.dcmwrite(path, image, enforce_file_format=True)


@pytest.fixture(scope="session")
def write_dicom() -> Callable[..., list[Path]]:
    """Write hu[i, j, k] as a series, one file a slice, in an order of names that is not the order of places."""

    def write(
        folder: Path, hu: NDArray[np.int16], affine_lps: NDArray[np.float64], prefix: str = "IM", **tags: object
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for k in range(hu.shape[2]):
            paths.append(folder / f"{prefix}{(k * 37) % 1009:04d}.dcm")
            _write_slice(paths[-1], hu[:, :, k], affine_lps, k, **tags)
        return paths

    return write
