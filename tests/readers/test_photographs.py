"""Photographs come upright, with the focal length that EXIF means."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasion.errors import NasionError
from nasion.readers.landmarks import LandmarkFile
from nasion.readers.photographs import Photograph, check_image_size, read_photograph

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners() -> np.ndarray:
    """A picture of 60 x 40 pixels whose quarters tell how it is turned: red, green above blue, white."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, :30], image[:20, 30:], image[20:, :30], image[20:, 30:] = RED, GREEN, BLUE, WHITE
    return image


def save(path: Path, image: np.ndarray, **exif: object) -> Path:
    tags = Image.Exif()
    numbers = {"focal_mm": 0x920A, "f35": 0xA405, "res": 0xA20E, "unit": 0xA210, "width": 0xA002, "height": 0xA003}
    if "orientation" in exif:
        tags[0x0112] = exif.pop("orientation")
    for name, value in exif.items():
        tags.get_ifd(0x8769)[numbers[name]] = value
    Image.fromarray(image).save(path, exif=tags, quality=95)
    return path


# EXIF 2.3, tag 274: (the upright side where row 0 of the stored picture lies, the side where its column 0 lies).
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(tmp_path: Path, orientation: int) -> None:
    upright = corners()
    stored = upright[::-1] if "bottom" in SIDES[orientation] else upright
    stored = stored[:, ::-1] if "right" in SIDES[orientation] else stored
    stored = stored.transpose(1, 0, 2) if SIDES[orientation][0] in ("left", "right") else stored
    photo = read_photograph(save(tmp_path / "p.png", np.ascontiguousarray(stored), orientation=orientation))
    np.testing.assert_array_equal(photo.image, upright)
    assert photo.size_px == (60, 40)
    assert photo.stored_size_px == ((40, 60) if orientation > 4 else (60, 40))


def test_focal_length_of_35_mm_equivalent(tmp_path: Path) -> None:
    """A 3:2 picture 3600 pixels wide at 50 mm equivalent: 36 mm are 3600 pixels, so 50 mm are 5000 pixels."""
    image = np.zeros((240, 360, 3), np.uint8)
    assert read_photograph(save(tmp_path / "p.jpg", image, f35=50)).focal_px == pytest.approx(500)
    turned = read_photograph(save(tmp_path / "q.jpg", image, f35=50, orientation=6))
    assert turned.focal_px == pytest.approx(500)
    # 4:3 at the same diagonal of 43.27 mm
    square = read_photograph(save(tmp_path / "r.jpg", np.zeros((300, 400, 3), np.uint8), f35=50))
    assert square.focal_px == pytest.approx(50 * 500 / math.hypot(36, 24))


def test_focal_length_of_focal_plane_resolution(tmp_path: Path) -> None:
    """8 mm behind 254 pixels per mm in a picture scaled to a tenth: 8 * 254 / 10 pixels."""
    image = np.zeros((300, 400, 3), np.uint8)
    for unit, density in ((2, 6451.6), (3, 2540.0)):
        path = save(tmp_path / "p.jpg", image, focal_mm=8.0, res=density, unit=unit, width=4000, height=3000)
        assert read_photograph(path).focal_px == pytest.approx(203.2, rel=1e-3)


def test_focal_length_that_cannot_be_trusted(tmp_path: Path) -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    cropped = read_photograph(save(tmp_path / "p.jpg", image, f35=50, width=4000, height=3000))
    assert cropped.focal_px is None
    assert "cropped" in cropped.warnings[0]
    absurd = read_photograph(save(tmp_path / "q.jpg", image, f35=1))
    assert absurd.focal_px is None
    assert "field of view" in absurd.warnings[0]
    turned = read_photograph(save(tmp_path / "r.jpg", np.zeros((400, 300, 3), np.uint8), f35=50, width=400, height=300))
    assert turned.focal_px == pytest.approx(50 * 500 / math.hypot(36, 24))
    assert read_photograph(save(tmp_path / "s.jpg", image, f35=0)).focal_px is None
    assert read_photograph(save(tmp_path / "t.png", image)).focal_px is None


@pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "CMYK", "I;16"])
def test_modes(tmp_path: Path, mode: str) -> None:
    grey = np.full((20, 30), 255, np.uint8)
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert("RGB").convert(mode)
    image.save(tmp_path / "p.tif")
    photo = read_photograph(tmp_path / "p.tif")
    assert photo.image.dtype == np.uint8
    np.testing.assert_array_equal(photo.image, np.full((20, 30, 3), 255))


def test_broken_pictures(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (80, 80, 3), np.uint8)
    for ending in ("jpg", "png", "tif"):
        path = save(tmp_path / f"p.{ending}", noise)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(NasionError, match=r"damaged or cut off|no picture"):
            read_photograph(path)
    (tmp_path / "x.jpg").write_text("no picture at all")
    with pytest.raises(NasionError, match="is no picture"):
        read_photograph(tmp_path / "x.jpg")
    with pytest.raises(NasionError, match="no such file"):
        read_photograph(tmp_path / "absent.jpg")
    Image.fromarray(np.zeros((9, 9), np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(NasionError, match="real numbers"):
        read_photograph(tmp_path / "f.tif")


def landmarks(size: tuple[int, int] | None, point: tuple[float, float] = (5.0, 5.0)) -> LandmarkFile:
    return LandmarkFile("facial20", "px", {"nasion": np.array(point)}, image_size_px=size)


def test_landmarks_must_be_of_the_upright_picture() -> None:
    upright = Photograph(np.zeros((60, 40, 3), np.uint8), None, stored_size_px=(60, 40))
    check_image_size("p.json", landmarks((40, 60)), upright)
    check_image_size("p.json", landmarks(None), upright)
    for size, message in (
        ((60, 40), "without its EXIF orientation"),
        ((80, 120), r"multiply the coordinates by 0\.5"),
        ((50, 60), "another crop"),
    ):
        with pytest.raises(NasionError, match=message):
            check_image_size("p.json", landmarks(size), upright)
    plain = Photograph(np.zeros((60, 40, 3), np.uint8), None, stored_size_px=(40, 60))
    with pytest.raises(NasionError, match="turned by 90"):
        check_image_size("p.json", landmarks((60, 40)), plain)


@pytest.mark.parametrize(
    ("point", "is_inside"), [((-0.5, 59.5), True), ((39.5, -0.5), True), ((-3.0, 5.0), False), ((20.0, 62.0), False)]
)
def test_landmarks_outside_the_picture(point: tuple[float, float], is_inside: bool) -> None:
    photo = Photograph(np.zeros((60, 40, 3), np.uint8), None, stored_size_px=(40, 60))
    if is_inside:
        check_image_size("p.json", landmarks(None, point), photo)
    else:
        with pytest.raises(NasionError, match=r"outside the photograph.*nasion"):
            check_image_size("p.json", landmarks(None, point), photo)


def test_damaged_exif_does_not_hide_the_picture(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(corners()).save(stream, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    (tmp_path / "p.jpg").write_bytes(stream.getvalue())
    assert read_photograph(tmp_path / "p.jpg").size_px == (60, 40)


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 4), np.uint8)
    image[:, :, 3] = 255
    image[:4, :, :] = (10, 20, 30, 0)
    Image.fromarray(image).save(tmp_path / "p.png")
    read = read_photograph(tmp_path / "p.png").image
    assert (read[:4] == 255).all() and (read[4:] == 0).all()


@pytest.mark.parametrize(("factor", "dtype"), [(1, np.uint16), (16, np.uint16), (257, np.uint16)])
def test_more_than_8_bits_keep_their_order(tmp_path: Path, factor: int, dtype: type) -> None:
    levels = np.arange(256, dtype=dtype).reshape(16, 16)
    Image.fromarray(levels * dtype(factor)).save(tmp_path / "p.tif")
    read = read_photograph(tmp_path / "p.tif")
    assert (read.image == levels.astype(np.uint8)[:, :, None]).all()
    assert "reduced to 8 bits" in read.warnings[0]


def test_an_animation_gives_its_first_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "p.gif", save_all=True, append_images=frames[1:])
    read = read_photograph(tmp_path / "p.gif")
    assert (read.image == np.array(RED)).all()
    assert read.warnings == ("it holds 3 pictures (an animation or pages); the first is used",)


def test_a_photograph_of_100_megapixels_is_read_and_larger_ones_are_refused(tmp_path: Path) -> None:
    Image.new("1", (10_000, 10_000), 1).save(tmp_path / "large.png")
    read = read_photograph(tmp_path / "large.png")
    assert read.size_px == (10_000, 10_000) and read.warnings == () and read.image[-1, -1].tolist() == [255, 255, 255]
    Image.new("1", (20_000, 20_000)).save(tmp_path / "larger.png")
    with pytest.raises(NasionError, match="is too large; scale it below 100 megapixels"):
        read_photograph(tmp_path / "larger.png")


def test_print_colours_become_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "p.tif")
    read = read_photograph(tmp_path / "p.tif")
    assert (np.abs(read.image.astype(int) - np.array(RED)) <= 40).all()
    assert "print (CMYK)" in read.warnings[0]
