"""CT: values and places of a synthetic head, from NIfTI and DICOM, and what is wrong with a series."""

import sys
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.readers.ct import CtVolume, read_ct, to_hounsfield

from .conftest import CENTER_LPS, head_volume

Grid = tuple[NDArray[np.float64], tuple[int, int, int]]
Writer = Callable[..., list[Path]]

CENTER_HEAD = np.array([CENTER_LPS[0], CENTER_LPS[2], -CENTER_LPS[1]])
"""Left, up, front."""
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def head(lps_grid: Grid) -> NDArray[np.int16]:
    return head_volume(*lps_grid)


def value_at(ct: CtVolume, offset_mm: tuple[float, float, float]) -> int:
    """The nearest voxel's value at an offset from the head's centre (left, up, front)."""
    place = np.append(CENTER_HEAD + offset_mm, 1.0)
    i, j, k = np.rint(np.linalg.solve(ct.affine, place)[:3]).astype(int)
    return int(ct.hu[i, j, k])


def assert_is_head(ct: CtVolume) -> None:
    """The three bone knobs tell left, up and front from right, down and back."""
    for knob in ((82, 0, 0), (0, 86, 0), (0, 0, 90)):
        opposite = (-knob[0], -knob[1], -knob[2])
        assert value_at(ct, knob) > 600
        assert value_at(ct, opposite) < 200
    assert value_at(ct, (0, 0, 0)) == 40
    assert value_at(ct, (0, -20, 40)) == -1000
    assert value_at(ct, (-100, 0, 0)) == -1000


def save_nifti(path: Path, values: NDArray[np.generic], affine_lps: NDArray[np.float64], unit: str = "mm") -> Path:
    image = nibabel.Nifti1Image(values, LPS_TO_RAS @ affine_lps)
    image.header.set_xyzt_units(unit)
    nibabel.save(image, path)
    return path


@pytest.mark.parametrize("flip", [(), (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_nifti_in_any_storage_order(
    tmp_path: Path, lps_grid: Grid, head: NDArray[np.int16], flip: tuple[int, ...], order: tuple[int, int, int]
) -> None:
    affine = lps_grid[0].copy()
    for axis in flip:
        affine[:3, 3] += affine[:3, axis] * (head.shape[axis] - 1)
        affine[:3, axis] *= -1
    affine[:, :3] = affine[:, order]
    ct = read_ct(save_nifti(tmp_path / "ct.nii", np.flip(head, flip).transpose(order), affine))
    assert ct.hu.dtype == np.int16
    assert_is_head(ct)
    assert ct.warnings == ()


def test_compressed_nifti_in_metres(tmp_path: Path, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    affine = np.diag([1e-3, 1e-3, 1e-3, 1]) @ lps_grid[0]
    ct = read_ct(save_nifti(tmp_path / "ct.nii.gz", head[..., None], affine, "meter"))
    np.testing.assert_allclose(ct.spacing_mm, [2.5, 2.5, 3.0], rtol=1e-5)
    assert_is_head(ct)


def test_values_without_their_offset(tmp_path: Path, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    ct = read_ct(save_nifti(tmp_path / "ct.nii", (head + 1024).astype(np.uint16), lps_grid[0]))
    assert "1024 was taken away" in ct.warnings[0]
    np.testing.assert_array_equal(ct.hu, head)


def test_padding_is_air(head: NDArray[np.int16]) -> None:
    padded = head.astype(np.float32)
    padded[:3] = -3024
    padded[3, 0, 0] = np.nan
    hu, _ = to_hounsfield("x", padded)
    assert (hu[:3] == -1024).all()
    assert hu[3, 0, 0] == -1024


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda hu: np.clip((hu + 200) / 4, 0, 255).astype(np.uint8), "values run from 0 to 255"),
        (lambda hu: np.minimum(hu, 100), "nothing as dense as bone"),
        (lambda hu: np.maximum(hu, -200), "no air"),
        (lambda hu: np.stack([hu, hu], axis=-1), "one time point"),
        (lambda hu: hu[:, :, :4], "a volume"),
    ],
)
def test_what_is_no_head_ct(
    tmp_path: Path,
    lps_grid: Grid,
    head: NDArray[np.int16],
    change: Callable[[NDArray[np.int16]], NDArray[np.generic]],
    message: str,
) -> None:
    with pytest.raises(NasionError, match=message):
        read_ct(save_nifti(tmp_path / "ct.nii", change(head), lps_grid[0]))


def test_wrong_spacing_and_lost_orientation(tmp_path: Path, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    with pytest.raises(NasionError, match="which is no CT"):
        read_ct(save_nifti(tmp_path / "a.nii", head, lps_grid[0] @ np.diag([0.001, 0.001, 0.001, 1])))
    image = nibabel.Nifti1Image(head, np.diag([2.5, 2.5, 3.0, 1.0]))
    image.set_qform(None, 0)
    image.set_sform(None, 0)
    nibabel.save(image, tmp_path / "b.nii")
    assert "left and right may be exchanged" in read_ct(tmp_path / "b.nii").warnings[0]


def test_dicom_series(tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    write_dicom(tmp_path / "sub", head, lps_grid[0])
    (tmp_path / "notes.txt").write_text("not DICOM")
    ct = read_ct(tmp_path)
    np.testing.assert_array_equal(ct.hu, head)
    np.testing.assert_allclose(ct.spacing_mm, [2.5, 2.5, 3.0])
    assert_is_head(ct)
    assert ct.warnings == ("1 files that are not DICOM were passed over",)


def test_tilted_gantry_shears_the_grid(tmp_path: Path, write_dicom: Writer, lps_grid: Grid) -> None:
    affine = lps_grid[0].copy()
    affine[1, 2] = 3.0 * np.tan(np.radians(15))
    affine[1, 3] -= 3.0 * np.tan(np.radians(15)) * lps_grid[1][2] / 2
    write_dicom(tmp_path / "ct", head_volume(affine, lps_grid[1]), affine)
    ct = read_ct(tmp_path / "ct")
    assert_is_head(ct)
    np.testing.assert_allclose(ct.affine[:3, 2], [0, 3, -3 * np.tan(np.radians(15))], atol=1e-5)


def test_slices_from_the_feet_up_and_from_the_head_down_agree(
    tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]
) -> None:
    affine = lps_grid[0].copy()
    affine[:3, 3] += affine[:3, 2] * (head.shape[2] - 1)
    affine[:3, 2] *= -1
    write_dicom(tmp_path / "ct", head[:, :, ::-1], affine)
    np.testing.assert_array_equal(read_ct(tmp_path / "ct").hu, head)


def test_two_series_must_be_chosen(
    tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]
) -> None:
    write_dicom(tmp_path / "ct", head, lps_grid[0], prefix="A")
    other = np.where(head > 500, head + 100, head).astype(np.int16)
    write_dicom(
        tmp_path / "ct", other, lps_grid[0], "B", SeriesInstanceUID="1.2.4", SeriesNumber=5, SeriesDescription="Bone"
    )
    with pytest.raises(NasionError, match=r'2 series.*--series N: 2 = "Head" \(74 slices\); 5 = "Bone" \(74 slices\)'):
        read_ct(tmp_path / "ct")
    with pytest.raises(NasionError, match="no series 3"):
        read_ct(tmp_path / "ct", series=3)
    np.testing.assert_array_equal(read_ct(tmp_path / "ct", series=5).hu, other)


def test_other_images_and_copies_are_passed_over(
    tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]
) -> None:
    paths = write_dicom(tmp_path / "ct", head, lps_grid[0])
    scout = {"SeriesInstanceUID": "1.2.9", "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    write_dicom(tmp_path / "ct", head[:, :, :2], lps_grid[0], prefix="S", **scout)
    write_dicom(tmp_path / "ct", head[:, :, :3], lps_grid[0], prefix="M", SeriesInstanceUID="1.2.8", Modality="MR")
    (tmp_path / "ct" / "copy.dcm").write_bytes(paths[3].read_bytes())
    ct = read_ct(tmp_path / "ct")
    np.testing.assert_array_equal(ct.hu, head)
    assert ct.warnings == ("1 files are copies of other slices and were passed over",)


def test_faults_of_a_series(tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    folder = tmp_path / "ct"
    with pytest.raises(NasionError, match="no such file"):
        read_ct(folder)
    folder.mkdir()
    with pytest.raises(NasionError, match="no DICOM CT images"):
        read_ct(folder)
    paths = write_dicom(folder, head[:, :, :14], lps_grid[0])
    with pytest.raises(NasionError, match="whole DICOM series"):
        read_ct(paths[0])
    missing = paths[7].read_bytes()
    paths[7].unlink()
    with pytest.raises(NasionError, match=rf"missing between {paths[6].name} and {paths[8].name}.*6\.00, not 3\.00"):
        read_ct(folder)
    paths[7].write_bytes(missing[: len(missing) // 2])
    with pytest.raises(NasionError, match=rf"{paths[7].name}: its pixels cannot be read"):
        read_ct(folder)
    paths[7].write_bytes(missing[:200])
    with pytest.raises(NasionError, match=rf"{paths[7].name}: (is a damaged|lacks a readable)"):
        read_ct(folder)
    paths[7].write_bytes(missing)
    write_dicom(folder, head[:, :, :1], lps_grid[0], prefix="Z")
    with pytest.raises(NasionError, match="lie at the same place"):
        read_ct(folder)
    (folder / "Z0000.dcm").unlink()
    for path in paths[5:]:
        path.unlink()
    with pytest.raises(NasionError, match="5 slices"):
        read_ct(folder)


def test_spacing_that_changes(tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    write_dicom(tmp_path, head[:, :, :20], lps_grid[0], "A")
    finer = lps_grid[0] @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0.7, 20], [0, 0, 0, 1]])
    write_dicom(tmp_path, head[:, :, :20], finer, "B")
    with pytest.raises(NasionError, match="not evenly spaced"):
        read_ct(tmp_path)


def test_mixed_sizes(tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]) -> None:
    write_dicom(tmp_path, head[:, :, :20], lps_grid[0], "A")
    affine = lps_grid[0].copy()
    affine[2, 3] += 60
    write_dicom(tmp_path, head[:50, :, :5], affine, "B")
    with pytest.raises(NasionError, match="differs from"):
        read_ct(tmp_path)


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ct.nii").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "nibabel", None)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    for path in (tmp_path / "ct.nii", tmp_path):
        with pytest.raises(NasionError, match=r"pip install 'nasion\[ct\]'"):
            read_ct(path)


def test_unknown_format(tmp_path: Path) -> None:
    (tmp_path / "ct.nrrd").write_bytes(b"NRRD0004")
    with pytest.raises(NasionError, match="convert it to NIfTI"):
        read_ct(tmp_path / "ct.nrrd")
