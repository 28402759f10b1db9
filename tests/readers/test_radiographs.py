"""Plain radiographs: bone is bright whatever the file says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nasion.errors import NasionError
from nasion.readers.radiographs import read_radiograph
from readers.films import dicom


def film() -> NDArray[np.uint8]:
    """A bright vault at the upper left, jaws below it, and dark air: the scheme of a lateral radiograph."""
    grey = np.full((240, 200), 20, np.uint8)
    grey[10:110, 10:150] = 200
    grey[110:220, 50:130] = 140
    return grey


def test_a_positive_stays_as_it_is(tmp_path: Path) -> None:
    Image.fromarray(film()).save(tmp_path / "film.png")
    read = read_radiograph(tmp_path / "film.png")
    assert read.warnings == ()
    assert (read.image == film()[:, :, None]).all()


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_negative_is_turned_back(tmp_path: Path, mirrored: bool) -> None:
    shown = film()[:, ::-1] if mirrored else film()
    Image.fromarray(255 - shown).save(tmp_path / "negative.png")
    read = read_radiograph(tmp_path / "negative.png")
    assert read.warnings == ("its grey levels are inverted (bone dark, air bright); it was turned back",)
    assert (read.image == shown[:, :, None]).all()


def test_a_real_film_is_told_from_its_negative(shared_data: Path, tmp_path: Path) -> None:
    for path in sorted((shared_data / "xray/cephalograms").rglob("*.jpg"))[::30]:
        positive = read_radiograph(path)
        assert positive.warnings == (), path.name
        Image.fromarray(255 - positive.image).save(tmp_path / "negative.png")
        assert (read_radiograph(tmp_path / "negative.png").image == positive.image).all()


def test_16_bit_grey_keeps_its_order(tmp_path: Path) -> None:
    Image.fromarray(film().astype(np.uint16) * 16).save(tmp_path / "film.tif")
    read = read_radiograph(tmp_path / "film.tif")
    assert "reduced to 8 bits" in read.warnings[0]
    assert (read.image == film()[:, :, None]).all()


def test_monochrome1_and_2_give_the_same_picture(tmp_path: Path) -> None:
    values = film().astype(np.uint16) * 16
    dicom(tmp_path / "two.dcm", values, "MONOCHROME2")
    dicom(tmp_path / "one.dcm", np.uint16(4095) - values, "MONOCHROME1")
    two, one = read_radiograph(tmp_path / "two.dcm"), read_radiograph(tmp_path / "one.dcm")
    assert two.warnings == ()
    assert one.warnings == ("it is a DICOM picture of type MONOCHROME1 (0 is white); it was inverted",)
    assert (one.image == two.image).all()
    assert two.image[60, 80, 0] == 255 and two.image[200, 10, 0] == 0


def test_a_monochrome1_film_that_lies_about_itself_is_turned_back(tmp_path: Path) -> None:
    dicom(tmp_path / "lying.dcm", film().astype(np.uint16) * 16, "MONOCHROME1")
    read = read_radiograph(tmp_path / "lying.dcm")
    assert len(read.warnings) == 2
    assert read.image[60, 80, 0] > read.image[200, 190, 0]


def test_faults(tmp_path: Path) -> None:
    Image.fromarray(np.full((40, 40), 77, np.uint8)).save(tmp_path / "even.png")
    (tmp_path / "cut.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"junk")
    with pytest.raises(NasionError, match="all its pixels are alike"):
        read_radiograph(tmp_path / "even.png")
    with pytest.raises(NasionError, match="its pixels cannot be read"):
        read_radiograph(tmp_path / "cut.dcm")
