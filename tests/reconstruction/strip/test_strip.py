"""The package's outlines on people they were not learnt from, and the command."""

import json
from functools import cache

import cv2
import numpy as np
import pytest

from nasion.cli.main import app
from nasion.errors import NasionError
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.reconstruction.strip.landmarks import XrayLandmarks, of_cephalogram, of_view, read_xray_landmarks
from nasion.reconstruction.strip.learning import strip_cases
from nasion.reconstruction.strip.strip import outline_models, strip_xray

SEED = 909  # the package's outlines were learnt from seed 101


@cache
def cases():
    return list(strip_cases(load_template(BUILTIN), 2, SEED))


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_people_unseen_in_both_views():
    for case in cases():
        stripped = strip_xray(case.xray.image, XrayLandmarks(case.xray.landmarks_px))
        assert stripped.view == case.view  # told by the landmarks
        assert dice(stripped.mask, case.silhouette.mask) > 0.975
        np.testing.assert_array_equal(stripped.image[stripped.mask], case.xray.image[stripped.mask])
        assert not stripped.image[~stripped.mask].any()


def test_a_mirrored_film_gives_the_mirrored_mask_and_a_note():
    for case in cases()[:2]:
        width = case.xray.image.shape[1]
        points = {name: np.array([width - 1 - p[0], p[1]]) for name, p in case.xray.landmarks_px.items()}
        plain = strip_xray(case.xray.image, XrayLandmarks(case.xray.landmarks_px), case.view)
        other = strip_xray(np.ascontiguousarray(case.xray.image[:, ::-1]), XrayLandmarks(points), case.view)
        np.testing.assert_array_equal(other.mask, plain.mask[:, ::-1])
        assert "mirror image" in other.notes[0] and not plain.notes


def test_wrong_landmarks_are_refused():
    case = cases()[1]
    points = case.xray.landmarks_px
    with pytest.raises(NasionError, match="fewer than 4"):
        strip_xray(case.xray.image, XrayLandmarks(dict(list(points.items())[:2])), case.view)
    shuffled = dict(zip(points, reversed(points.values()), strict=True))
    with pytest.raises(NasionError, match="form no skull"):
        strip_xray(case.xray.image, XrayLandmarks(shuffled))
    far = {name: p + 400 for name, p in points.items()}
    with pytest.raises(NasionError, match="outside the picture"):
        strip_xray(case.xray.image, XrayLandmarks(far))


def test_from_the_side_both_sides_become_one_point():
    points = {"gonion_left": np.array([2.0, 4]), "gonion_right": np.array([4.0, 8]), "porion_left": np.array([1.0, 1])}
    assert {name: p.tolist() for name, p in of_view(points, "lateral").items()} == {
        "gonion": [3.0, 6.0],
        "porion": [1.0, 1.0],
    }
    assert set(of_view(points, "frontal")) == set(points)


def test_models_know_all_cranial_landmarks():
    for view, model in outline_models().items():
        for case in cases():
            if case.view == view:
                assert set(of_view(case.xray.landmarks_px, view)) == set(model.names)


def test_landmark_files_of_both_kinds(tmp_path):
    cephalo = tmp_path / "film.json"
    points = {str(k): [10.0 * k, 5.0 * k] for k in range(1, 20)}
    cephalo.write_text(json.dumps({"scheme": "cephalo19", "units": "px", "landmarks": points}))
    read = read_xray_landmarks(cephalo, (200, 150))
    assert read.view == "lateral" and read.points_px["gonion"].tolist() == [100.0, 50.0]
    assert read.on_outline_px.shape == (9, 2)
    cephalo.write_text(json.dumps({"scheme": "cephalo19", "units": "px", "landmarks": {"1": [1.0]}}))
    with pytest.raises(NasionError, match="is no point"):
        read_xray_landmarks(cephalo, (200, 150))
    cranial = tmp_path / "cranial.json"
    write_landmarks(cranial, LandmarkFile("cranial20", "px", {"nasion": np.array([3.0, 4.0])}))
    assert read_xray_landmarks(cranial, (200, 150)).points_px["nasion"].tolist() == [3.0, 4.0]


def test_landmarks_of_another_size_of_film_are_refused(tmp_path):
    cephalo, cranial = tmp_path / "film.json", tmp_path / "cranial.json"
    points = {str(k): [10.0 * k, 5.0 * k] for k in range(1, 20)}
    content = {"scheme": "cephalo19", "units": "px", "image_size_px": [100, 75], "landmarks": points}
    cephalo.write_text(json.dumps(content))
    write_landmarks(cranial, LandmarkFile("cranial20", "px", {"nasion": np.array([3.0, 4.0])}, image_size_px=(100, 75)))
    for path in (cephalo, cranial):
        read_xray_landmarks(path, (100, 75))
        with pytest.raises(NasionError, match="are for 100 x 75 pixels, the picture is 200 x 150"):
            read_xray_landmarks(path, (200, 150))


def test_the_command(tmp_path, capsys):
    case = cases()[1]
    film, marks = tmp_path / "film.png", tmp_path / "film.landmarks.json"
    cv2.imwrite(str(film), case.xray.image)
    helpers = {"porion_left", "porion_right", "orbitale_left", "orbitale_right"}
    points = case.xray.landmarks_px
    known = {name: points[name] for name in ("nasion", "subspinale", "pogonion", "gnathion", "bregma", "glabella")}
    write_landmarks(marks, LandmarkFile("cranial20", "px", known, {name: points[name] for name in helpers}))
    out, picture = tmp_path / "out" / "skull.png", tmp_path / "check.png"
    call = ["xray", "strip", str(film), "--out", str(out), "--landmarks", str(marks), "--picture", str(picture)]
    app(call, standalone_mode=False)
    made = cv2.imread(str(out), 0)
    assert dice(made > 0, (case.silhouette.mask) & (case.xray.image > 0)) > 0.96
    assert cv2.imread(str(picture)).shape[1] > 2 * 600
    assert "lateral" in capsys.readouterr().out
    with pytest.raises(NasionError, match="exists already"):
        app(call, standalone_mode=False)
    (tmp_path / "file").write_text("in the way")
    lost, second = tmp_path / "file" / "skull.png", tmp_path / "second.png"
    with pytest.raises(NasionError, match="folder cannot be made"):
        app([*call[:4], str(lost), *call[5:7], "--picture", str(second)], standalone_mode=False)
    assert not second.exists()
    before = film.read_bytes()
    for option in ("--out", "--picture"):
        changed = [*call, "--force"]
        changed[changed.index(option) + 1] = str(film)
        with pytest.raises(NasionError, match="is the radiograph itself"):
            app(changed, standalone_mode=False)
    assert film.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--view", "top"], "neither lateral nor frontal"),
        (["--view", "frontal"], "give --landmarks"),
        ([], "too unsurely|landmarks are seen"),
        (["--landmarks", "none.json"], "no such file"),
    ],
)
def test_the_commands_faults(tmp_path, more, words):
    film, out = tmp_path / "film.png", tmp_path / "skull.png"
    cv2.imwrite(str(film), cases()[0].xray.image)
    with pytest.raises(NasionError, match=words):
        app(["xray", "strip", str(film), "--out", str(out), *more], standalone_mode=False)
    assert not out.exists()


def test_a_real_cephalogram_by_itself(shared_data, tmp_path):
    import csv

    folder = shared_data / "xray" / "cephalograms"
    with (folder / "landmarks.csv").open() as stream:
        row = next(row for row in csv.DictReader(stream) if row["image"] == "images/201.jpg")
    points = {str(k): np.array([float(row[f"l{k}_x"]), float(row[f"l{k}_y"])]) for k in range(1, 20)}
    out = tmp_path / "skull.png"
    app(["xray", "strip", str(folder / row["image"]), "--out", str(out)], standalone_mode=False)
    found = cv2.imread(str(out), 0) > 0
    # lips are gone, sella and the jaws' inside stay
    assert not any(found[round(y), round(x)] for x, y in (points[n] for n in ("13", "14", "15", "16")))
    assert found[round(points["1"][1]), round(points["1"][0])] and found[round(points["17"][1]), round(points["17"][0])]
    given = strip_xray(cv2.imread(str(folder / row["image"]), 0), of_cephalogram(points))
    assert dice(given.mask & (cv2.imread(str(folder / row["image"]), 0) > 0), found) > 0.97
