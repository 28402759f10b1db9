"""``nasion skull``: surfaces from a CT, and CTs that must be refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cli.command import nasion
from nasion.readers.meshes import read_mesh
from readers.conftest import CENTER_LPS, OUTER_MM, SKIN_MM, head_volume, lps_grid, write_dicom

__all__ = ["lps_grid", "write_dicom"]

Grid = tuple[NDArray[np.float64], tuple[int, int, int]]
Writer = Callable[..., list[Path]]


@pytest.fixture(scope="session")
def head(lps_grid: Grid) -> NDArray[np.int16]:
    return head_volume(*lps_grid)


@pytest.fixture
def series(tmp_path: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]) -> Path:
    folder = tmp_path / "CT of Dr. Müller"
    write_dicom(folder, head, lps_grid[0])
    return folder


def refusal(folder: Path, *more: object) -> str:
    out = folder.parent / "skull.ply"
    ended = nasion("skull", folder, "--out", out, *more)
    assert ended.code == 2, ended
    (line,) = ended.err.splitlines()
    assert line.startswith("nasion: ")
    assert not list(folder.parent.glob("*.ply")) + list(folder.parent.glob(".*"))
    return line


def test_bone_and_skin_of_a_dicom_series(series: Path) -> None:
    skull, skin = series.parent / "skull.ply", series.parent / "skin.stl"
    ended = nasion("skull", series, "--out", skull, "--skin", skin, "--triangles", 5000)
    assert ended.code == 0, ended
    center = np.array([CENTER_LPS[0], CENTER_LPS[2], -CENTER_LPS[1]])
    for path, kind, radius in ((skull, "skull", OUTER_MM), (skin, "face", SKIN_MM)):
        mesh = read_mesh(path, kind).mesh
        assert abs(len(mesh.faces) - 5000) < 300
        # spheres about the head's centre, in head axes; bone has a knob at the left, on top and in front
        distance = np.linalg.norm(mesh.vertices - center, axis=1)
        assert np.median(distance[distance > 75]) == pytest.approx(radius, abs=2.0)
    assert "triangles" in ended.out


def test_two_series_are_listed_and_one_can_be_chosen(
    series: Path, write_dicom: Writer, lps_grid: Grid, head: NDArray[np.int16]
) -> None:
    write_dicom(series, head, lps_grid[0], "B", SeriesInstanceUID="1.2.4", SeriesNumber=5, SeriesDescription="Bone")
    message = refusal(series)
    assert "Head" in message
    assert "Bone" in message
    assert "--series" in message
    assert nasion("skull", series, "--out", series.parent / "skull.ply", "--series", 5).code == 0


def test_missing_slices(series: Path) -> None:
    for path in sorted(series.iterdir())[10:14]:
        path.unlink()
    assert "missing" in refusal(series)


def test_truncated_slice(series: Path) -> None:
    victim = sorted(series.iterdir())[5]
    victim.write_bytes(victim.read_bytes()[:2000])
    assert victim.name in refusal(series)


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_nothing_to_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert name in refusal(tmp_path / name)


def test_truncated_nifti(tmp_path: Path) -> None:
    scan = tmp_path / "ct.nii.gz"
    scan.write_bytes(b"\x1f\x8b\x08" + bytes(50))
    assert "cannot be read as NIfTI" in refusal(scan)


def test_existing_surfaces_are_kept_without_force(series: Path) -> None:
    skull, skin = series.parent / "skull.ply", series.parent / "skin.ply"
    skin.write_text("mine")
    ended = nasion("skull", series, "--out", skull, "--skin", skin)
    assert ended.code == 2
    assert "skin.ply: exists already" in ended.err
    assert skin.read_text() == "mine"
    assert not skull.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--out", "skull.gltf"), "written as .ply, .stl or .obj"),
        (("--out", "skull.ply", "--skin", "./skull.ply"), "give two names"),
        (("--out", "skull.ply", "--skin", "skin.gltf"), "written as .ply, .stl or .obj"),
        (("--out", "skull.ply", "--triangles", "10"), "--triangles"),
        (("--out", "skull.ply", "--bone-hu", "nan"), "no skull above nan HU"),
        (("--out", "skull.ply", "--bone-hu", "30000"), "no skull above 30000 HU"),
    ],
)
def test_bad_options(series: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], says: str) -> None:
    monkeypatch.chdir(series.parent)
    ended = nasion("skull", series, *options)
    assert ended.code == 2, ended
    (line,) = ended.err.splitlines()
    assert says in line
    assert [path.name for path in series.parent.iterdir()] == [series.name]
