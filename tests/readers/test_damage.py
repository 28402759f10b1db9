"""Whatever happens to a file: a valid answer or one line for the user, nothing else."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from nasion.errors import NasionError
from nasion.readers.ct import read_ct
from nasion.readers.face_masks import read_face_mask
from nasion.readers.landmarks import read_landmarks
from nasion.readers.meshes import read_mesh, write_mesh
from nasion.readers.photographs import read_photograph

from .conftest import head_volume
from .test_landmarks import FORMATS, HEAD
from .test_meshes import ball, vtp_file


def check_mesh(path: Path) -> None:
    mesh = read_mesh(path).mesh
    assert np.isfinite(mesh.vertices).all()
    assert 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices)
    assert 80 <= np.ptp(mesh.vertices, axis=0).max() <= 500


def check_landmarks(path: Path) -> None:
    for point in read_landmarks(path, "cranial", 3).landmarks.values():
        assert point.shape == (3,)
        assert np.isfinite(point).all()


def check_photograph(path: Path) -> None:
    photo = read_photograph(path)
    assert photo.image.ndim == 3
    assert photo.focal_px is None or photo.focal_px > 0


def check_mask(path: Path) -> None:
    mask = read_face_mask(path, (30, 20))
    assert mask.places.shape == (20, 30)
    assert set(np.unique(mask.places)) <= {0, 1, 2}
    assert all(np.isfinite(curve).all() for curve in mask.contours.values())


def check_ct(path: Path) -> None:
    ct = read_ct(path)
    assert ct.hu.ndim == 3
    assert np.isfinite(ct.affine).all()


READERS: dict[str, Callable[[Path], None]] = {
    **dict.fromkeys(
        ("m.ply", "m.stl", "m.obj", "ascii.vtp", "base64.vtp", "appended.vtp", "compressed.vtp"), check_mesh
    ),
    **dict.fromkeys((*FORMATS, "p.pts"), check_landmarks),
    **dict.fromkeys(("i.png", "i.jpg", "i.tif", "i.webp", "i.bmp"), check_photograph),
    **dict.fromkeys(("p.mask.png", "p.face.json", "labelme.json"), check_mask),
    **dict.fromkeys(("c.nii", "c.nii.gz"), check_ct),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    for ending in ("ply", "stl", "obj"):
        write_mesh(folder / f"m.{ending}", ball(100, 1))
    for form in ("ascii", "base64", "appended", "compressed"):
        (folder / f"{form}.vtp").write_bytes(vtp_file(form))
    for name, text in FORMATS.items():
        (folder / name).write_text(text(HEAD))
    rows = "\n".join(f"{k} {k}" for k in range(68))
    (folder / "p.pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 50
    for ending in ("png", "jpg", "tif", "webp", "bmp"):
        picture.save(folder / f"i.{ending}", **({} if ending == "bmp" else {"exif": exif}))
    grey = np.zeros((20, 30), np.uint8)
    grey[3:15, 5:20], grey[3:6, 5:20] = 255, 128
    Image.fromarray(grey).save(folder / "p.mask.png")
    (folder / "p.face.json").write_text(
        '{"image_size_px": [30, 20], "polygons": [{"place": "face", "points_px": [[3, 3], [20, 4], [9.5, 15]]}], '
        '"contours": {"chin_jaw": [[3, 12], [9, 15], [15, 12]]}}'
    )
    (folder / "labelme.json").write_text(
        '{"imageWidth": 30, "imageHeight": 20, "shapes": [{"label": "head", "points": [[3, 3], [20, 4], [9.5, 15]]}]}'
    )
    affine = np.diag([12.0, 12.0, 12.0, 1.0]) / 1.3
    affine[:3, 3], affine[3, 3] = [-90, -220, -40], 1
    image = nibabel.Nifti1Image(head_volume(affine, (20, 20, 20)), affine)
    nibabel.save(image, folder / "c.nii")
    nibabel.save(image, folder / "c.nii.gz")
    return {name: (folder / name).read_bytes() for name in READERS}


def test_the_originals_are_valid(tmp_path: Path, originals: dict[str, bytes]) -> None:
    for name, content in originals.items():
        if name == "p.pts":
            continue
        (tmp_path / name).write_bytes(content)
        READERS[name](tmp_path / name)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files(tmp_path: Path, originals: dict[str, bytes], name: str, data: st.DataObject) -> None:
    content = bytearray(originals[name])
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    # Headers are where damage hurts most.
    for _ in range(data.draw(st.integers(0, 4)) if content else 0):
        place = data.draw(st.integers(0, min(len(content), 400) - 1) | st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(content)
    try:
        READERS[name](path)
    except NasionError as error:
        assert "\n" not in str(error)
        assert str(path) in str(error)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_dicom_slice(tmp_path: Path, write_dicom: Callable[..., list[Path]], data: st.DataObject) -> None:
    affine = np.diag([9.5, 9.5, 9.5, 1.0])
    affine[:3, 3] = [-90, -220, -40]
    folder = tmp_path / "ct"
    paths = sorted(folder.glob("*")) or write_dicom(folder, head_volume(affine, (20, 20, 20)), affine)
    path = paths[data.draw(st.integers(0, len(paths) - 1))]
    original = path.read_bytes()
    content = bytearray(original)
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(0, 4)) if content else 0):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        check_ct(folder)
    except NasionError as error:
        assert "\n" not in str(error)
    finally:
        path.write_bytes(original)
