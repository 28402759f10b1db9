"""Published sets: drawn copies of each format, faults, and the real ones where they are at hand."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.landmarks.image.published.folder import read_published
from nasion.landmarks.image.schemes import SCHEMES
from nasion.landmarks.image.training_plan import TrainingPlan
from nasion.landmarks.image.training_split import split_of


def picture(path: Path, width: int = 40, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


def wflw(folder: Path, fields: int = 196) -> None:
    lists = folder / "WFLW_annotations" / "list_98pt_rect_attr_train_test"
    lists.mkdir(parents=True)
    for part in ("train", "test"):
        picture(folder / "WFLW_images" / "0--Parade" / f"{part} 1.png")
        numbers = " ".join(str(k / 2) for k in range(fields))
        (lists / f"list_98pt_rect_attr_{part}.txt").write_text(
            f"{numbers} 1 2 30 28 0 0 1 0 1 0 0--Parade/{part} 1.png\n"
        )


def test_wflw(tmp_path: Path) -> None:
    wflw(tmp_path)
    made = read_published(tmp_path, SCHEMES["wflw98"])
    assert [own.part for own in made.samples] == ["test", "train"]
    own = made.samples[1]
    assert own.points_px[3].tolist() == [3.0, 3.5] and own.box_px == (1, 2, 30, 28)
    assert own.conditions == {"illumination", "occlusion"}
    assert own.pixels().shape == (30, 40, 3)


def pts(path: Path, shift: float = 0.0) -> None:
    picture(path.with_suffix(".jpg"))
    rows = "\n".join(f"{k + 1 + shift} {2 * k + 1}" for k in range(68))
    path.write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")


def test_300w_counts_from_one_and_knows_its_parts(tmp_path: Path) -> None:
    for name in ("helen/trainset/a", "helen/testset/b", "ibug/c", "afw/d", "afw/d_mirror", "300W/01_Indoor/e"):
        path = tmp_path / f"{name}.pts"
        path.parent.mkdir(parents=True, exist_ok=True)
        pts(path)
    made = {own.person: own for own in read_published(tmp_path, SCHEMES["ibug68"]).samples}
    assert {name: own.part for name, own in made.items()} == {
        "a": "train", "b": "common", "c": "challenging", "d": "train", "e": "300w_indoor",
    }  # fmt: skip
    assert made["a"].points_px[:2].tolist() == [[0, 0], [1, 2]]


def yolo(folder: Path, **changes: object) -> None:
    scheme = SCHEMES["cranio_lateral13"]
    for part in ("train", "valid"):
        picture(folder / part / "images" / "s1_jpg.rf.abc.jpg")
        (folder / part / "labels").mkdir()
        points = " ".join(f"0.5 {k / 20} {2 if k else 0}" for k in range(13))
        (folder / part / "labels" / "s1_jpg.rf.abc.txt").write_text(f"1 0.5 0.5 0.5 0.4 {points}\n")
    values = {
        "train": "../train/images", "val": "../valid/images", "kpt_shape": [13, 3], "names": ["face", "skull"],
        "flip_idx": list(scheme.mirror), **changes,
    }  # fmt: skip
    (folder / "data.yaml").write_text(json.dumps(values))


def test_yolo(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    yolo(tmp_path)
    made = read_published(tmp_path, SCHEMES["cranio_lateral13"])
    assert [own.part for own in made.samples] == ["train", "val"]
    own = made.samples[0]
    assert np.isnan(own.points_px[0]).all()  # visibility 0
    assert own.points_px[10] == pytest.approx([19.5, 14.5])  # the image's middle, in pixels whose first centre is 0
    assert own.box_px == pytest.approx((9.5, 8.5, 29.5, 20.5))
    assert own.person == "s1_jpg" and own.conditions == {"skull"}


def test_yolo_in_another_order_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("yaml")
    yolo(tmp_path, flip_idx=[1, 0, *range(2, 13)])
    with pytest.raises(NasionError, match="flip_idx is not that of cranio_lateral13"):
        read_published(tmp_path, SCHEMES["cranio_lateral13"])
    with pytest.raises(NasionError, match=r"kpt_shape is \[13, 3\], but ibug68 needs \[68"):
        read_published(tmp_path, SCHEMES["ibug68"])


def plain(folder: Path, name: str, landmarks: dict[str, list[float]], **more: str) -> None:
    picture(folder / f"{name}.png")
    (folder / f"{name}.landmarks.json").write_text(json.dumps({"landmarks": landmarks, **more}))


def test_plain_folder(tmp_path: Path) -> None:
    plain(tmp_path, "anna__1", {"2": [3, 4], "1": [1.5, 2]})
    own = read_published(tmp_path, SCHEMES["cephalo19"]).samples[0]
    assert own.person == "anna" and own.points_px[:2].tolist() == [[1.5, 2], [3, 4]]
    assert np.isnan(own.points_px[2:]).all()
    plain(tmp_path, "anna__2", {"nasion": [1, 2]})
    with pytest.raises(NasionError, match="names 'nasion', but cephalo19 is wanted"):
        read_published(tmp_path, SCHEMES["cephalo19"])


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda f: wflw(f, 190), "line 1: not 196 coordinates"),
        (lambda f: plain(f, "x", {"1": [1, 2, 3]}), "points in space"),
        (lambda f: (plain(f, "x", {"1": [1, 2]}), (f / "x.png").unlink()), "there is no image x"),
        (lambda f: (f / "landmarks68.csv").write_text("image,subset\na,b\n"), "no column 'x0'"),
        (lambda f: (f / "y.pts").write_text("n_points: 2\n{\n1 2\n3 4\n}"), "68"),
        (lambda f: None, "no known format"),
    ],
)
def test_faults(tmp_path: Path, make: Callable[[Path], object], match: str) -> None:
    make(tmp_path)
    with pytest.raises(NasionError, match=match):
        read_published(tmp_path, SCHEMES["wflw98"] if "196" in match else SCHEMES["cephalo19"])


def test_cephalograms_by_patient(shared_data: Path) -> None:
    """No patient of the training part is held out or tested on; the list names 16 such films and 6 more."""
    split = split_of(TrainingPlan("cephalo19", (str(shared_data / "xray" / "cephalograms"),)))
    people = [{own.person for own in part} for part in (split.training, split.held_out, split.tests["test1"])]
    assert not people[0] & people[1] and not people[0] & people[2] and not people[1] & people[2]
    assert len(split.training) + len(split.held_out) == 150
    assert 120 < len(split.tests["test1"]) < 150
    assert {own.mm_per_px for own in split.training} == {0.25}
    assert f"{150 - len(split.tests['test1'])} test images left out" in split.words


def test_faces_by_photograph(shared_data: Path) -> None:
    split = split_of(TrainingPlan("ibug68", (str(shared_data / "photos" / "helen_afw"),)))
    assert len(split.training) + len(split.held_out) == 870 and len(split.tests["afw"]) == 337
    assert not {own.person for own in split.training} & {own.person for own in split.held_out}
    assert all("afw" not in str(own.image.parent.name) for own in (*split.training, *split.held_out))
    assert "non-commercial" in split.terms
    again = split_of(TrainingPlan("ibug68", (str(shared_data / "photos" / "helen_afw"),)))
    assert [own.person for own in again.held_out] == [own.person for own in split.held_out]
    with pytest.raises(NasionError, match="68 landmarks, but wflw98 has 98"):
        split_of(TrainingPlan("wflw98", (str(shared_data / "photos" / "helen_afw"),)))


def test_set_without_parts_is_split_by_person(tmp_path: Path) -> None:
    for person in range(30):
        for number in range(2):
            plain(tmp_path, f"p{person}__{number}", {"1": [1, 2], "2": [3, 4]})
    split = split_of(TrainingPlan("cephalo19", (str(tmp_path),)))
    parts = (split.training, split.held_out, split.tests["test"])
    assert [len(part) for part in parts] == [40, 10, 10]
    assert sum(len({own.person for own in part}) for part in parts) == 30


def test_plan_faults() -> None:
    for values, match in (
        ({"scheme": "ibug70"}, "no scheme"),
        ({"preset": "huge"}, "no preset 'huge'"),
        ({"minutes": 0.0}, "0.0 minutes"),
    ):
        with pytest.raises(NasionError, match=match):
            TrainingPlan(**{"scheme": "ibug68", "data": ("x",), **values})
