"""Frames, orientations, hidden hair, landmarks and sets of pairs."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matching.small import face_picture, write_set
from nasion.errors import NasionError
from nasion.matching.datasets import read_cuhk, read_population
from nasion.matching.descriptors import Orientations
from nasion.matching.frames import aligning, framed, mirrored_picture, one_side, standing, turned
from nasion.matching.hair import inner_face, jittered
from nasion.matching.nodes import Nodes, nodes_of
from nasion.matching.point_schemes import SCHEMES, point_scheme, shapes
from nasion.matching.points import aligned_set_points, probe_points, read_points
from nasion.matching.prepared import copies_of_many
from nasion.matching.s2f import read_s2f, s2f_points
from nasion.matching.samples import MatchPair, MatchPicture
from nasion.matching.settings import PRESETS, PictureSettings
from nasion.population.template_source import load_template

IBUG = point_scheme("ibug68")
POINTS = shapes("ibug68")["frontal"] * 80 + (100, 150)


def test_schemes_are_whole() -> None:
    for scheme in SCHEMES.values():
        assert sorted(scheme.mirror) == list(range(len(scheme)))
        assert all(scheme.mirror[scheme.mirror[k]] == k for k in range(len(scheme)))
        assert len(set(scheme.nodes)) == len(scheme.nodes) <= len(scheme)
        assert {scheme.mirror[k] for k in scheme.nodes} == set(scheme.nodes)
    mean = shapes("ibug68")["frontal"]
    assert mean[list(IBUG.mirror)] * (-1, 1) == pytest.approx(mean, abs=0.01)


def test_shapes_of_pairs_are_those_of_the_built_in_template() -> None:
    template, scheme = load_template("builtin"), point_scheme("pairs20")
    middle = [
        (np.asarray(template.facial[f]) + np.asarray(template.cranial[c])) / 2
        for f, c in zip(scheme.names, scheme.probe_names, strict=True)
    ]
    flat = np.array(middle)[:, :2] * (1, -1)
    top, low = flat[scheme.names.index("nasion")], flat[scheme.names.index("gnathion")]
    expected = (flat - (top + low) / 2) / np.linalg.norm(top - low)
    assert shapes("pairs20")["frontal"] == pytest.approx(expected, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.floats(-180, 180), st.floats(0.3, 4), st.floats(-50, 50))
def test_alignment_undoes_any_similarity(angle: float, scale: float, shift: float) -> None:
    turn = np.radians(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = POINTS @ matrix.T + shift
    there = [points @ own[:, :2].T + own[:, 2] for points in (POINTS, moved) for own in [aligning(points, IBUG)[0]]]
    assert there[0] == pytest.approx(there[1], abs=1e-6)


def test_a_turned_picture_is_the_same_when_aligned() -> None:
    picture = face_picture(1)
    other = turned(picture, POINTS, 9.0, 1.08, (0.03, -0.02))
    a, b = (
        framed(own, points, IBUG, "aligned").image
        for own, points in ((picture, POINTS), (other.image, other.points_px))
    )
    inside = np.s_[60:200, 50:150]
    assert np.abs(a[inside].astype(float) - b[inside]).mean() < 2.0


def test_picture_frames_are_640_px_long() -> None:
    own = framed(face_picture(2), POINTS, IBUG, "picture")
    assert own.image.shape == (640, 512, 3)
    assert own.points_px[30] == pytest.approx((POINTS[30] + 0.5) * 2.56 - 0.5)


def test_mirror_twice() -> None:
    picture = face_picture(3)
    once = mirrored_picture(picture, POINTS, IBUG)
    twice = mirrored_picture(once.image, once.points_px, IBUG)
    assert np.array_equal(twice.image, picture) and twice.points_px == pytest.approx(POINTS)
    assert once.points_px[36, 0] < once.points_px[45, 0]  # the right eye stays on the left of the picture


def test_orientations_do_not_know_light_from_dark() -> None:
    picture = face_picture(4)
    own = Orientations()
    assert own.whole(picture) == pytest.approx(own.whole(255 - picture), abs=0.05)
    patch = picture[:64, :64]
    assert own.patches([patch]) == pytest.approx(own.patches([255 - patch]), abs=0.05)
    other = own.whole(face_picture(5))
    first = own.whole(picture)
    assert first @ other < 0.95 * np.linalg.norm(first) * np.linalg.norm(other)


def test_orientations_by_hand() -> None:
    """A vertical step has a gradient along x: all strength is in the first bin."""
    patch = np.zeros((32, 32, 3), np.uint8)
    patch[:, 16:] = 200
    bins = Orientations().patches([patch])[0].reshape(8, 9)
    assert bins[0].sum() > 0.99 * bins.sum()


def test_hidden_hair_is_hidden() -> None:
    """Two pictures that differ outside the inner face only look the same."""
    picture = face_picture(6)
    other = picture.copy()
    shown = inner_face(picture, POINTS, IBUG)
    hidden = (shown != picture).any(axis=2)
    other[hidden] = 255 - other[hidden]
    assert np.array_equal(inner_face(other, POINTS, IBUG), shown)
    assert hidden[:80].all() and hidden[245:].all()  # hair and collar
    assert not hidden[140:160, 90:110].any()


def test_jitter_carries_the_points_along() -> None:
    picture = np.zeros((250, 200, 3), np.uint8)
    x, y = 100, 140
    picture[y - 1 : y + 2, x - 1 : x + 2] = 255
    own = jittered(picture, np.array([[x, y]], float), np.random.default_rng(3))
    bright = np.argwhere(own.image[:, :, 0] > 120).mean(axis=0)[::-1]
    assert bright == pytest.approx(own.points_px[0], abs=0.7)
    assert np.linalg.norm(own.points_px[0] - (x, y)) > 1


def test_missing_landmarks_leave_zeros() -> None:
    points = POINTS.copy()
    points[IBUG.nodes[0]] = np.nan
    describers = (Orientations(), Orientations())
    made = nodes_of(face_picture(7), points, PRESETS["contours"].pictures, describers)
    assert not made.there[0] and made.there[1:].all()
    assert not made.features[0].any() and not made.places[0].any()
    assert (made.places[1:] > 0).all() and (made.places <= 1).all()
    again = Nodes.from_bytes(made.to_bytes())
    assert np.array_equal(again.features, made.features)
    points[10:] = np.nan
    with pytest.raises(NasionError, match="at least 6"):
        nodes_of(face_picture(7), points, PictureSettings(), describers)
    with pytest.raises(NasionError, match="one place"):
        aligning(np.ones((68, 2)), IBUG)


def test_landmark_files(tmp_path: Path) -> None:
    path = tmp_path / "a.landmarks.json"
    path.write_text(json.dumps({"scheme": "ibug68", "units": "px", "landmarks": {"1": [3, 4], "68": [5, 6.5]}}))
    points = read_points(path, IBUG, "face")
    assert points[0].tolist() == [3, 4] and points[67].tolist() == [5, 6.5] and np.isnan(points[1:67]).all()
    pairs = point_scheme("pairs20")
    path.write_text(json.dumps({"landmarks": {"subspinale": [1, 2], "nasion": [3, 4]}}))
    assert read_points(path, pairs, "xray")[4].tolist() == [1, 2]
    assert np.isnan(read_points(path, pairs, "face")[4]).all()  # a face has a subnasale there
    with pytest.raises(NasionError, match="none of the landmarks"):
        read_points(path, IBUG, "face")
    path.write_text("{")
    with pytest.raises(NasionError, match="cannot be read"):
        read_points(path, IBUG, "face")


def test_a_picture_without_landmarks_needs_a_finder(tmp_path: Path) -> None:
    picture = MatchPicture(tmp_path / "x.png", "a", "frontal", "face", None)
    with pytest.raises(NasionError, match="no landmark file"):
        probe_points(picture, face_picture(1), IBUG, None)
    found = probe_points(picture, face_picture(1), IBUG, aligned_set_points(IBUG))
    assert found[36:42].mean(axis=0) == pytest.approx((75, 125), abs=0.6)
    assert found[42:48].mean(axis=0) == pytest.approx((125, 125), abs=0.6)
    with pytest.raises(NasionError, match=r"x\.png.*average points"):
        probe_points(picture, face_picture(1, (100, 100)), IBUG, aligned_set_points(IBUG))


def test_cuhk(shared_data: Path) -> None:
    pairs = read_cuhk(shared_data / "sketches" / "cuhk")
    assert len(pairs) == len({pair.face.person for pair in pairs}) == 88
    assert {pair.split for pair in pairs} == {"train"}
    assert {pair.probe.modality for pair in pairs} == {"sketch"}


def test_faults_of_a_table(tmp_path: Path) -> None:
    write_set(tmp_path, 2)
    table = tmp_path / "pairs.csv"
    text = table.read_text()
    table.write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(NasionError, match="p0 has two pairs"):
        read_cuhk(tmp_path)
    table.write_text(text.replace("photo/1.png", "photo/9.png"))
    with pytest.raises(NasionError, match=r"9\.png: no such picture"):
        read_cuhk(tmp_path)
    table.write_text("a,b\n1,2\n")
    with pytest.raises(NasionError, match="no column split, subject"):
        read_cuhk(tmp_path)
    with pytest.raises(NasionError, match="are no pair"):
        MatchPair(MatchPicture(tmp_path, "a", "v", "sketch"), MatchPicture(tmp_path, "b", "v", "face"))


def test_population(tmp_path: Path) -> None:
    columns = ["split", "subject", "view", "photo", "photo_hair", "xray", "xray_bone", "sketch"]
    with (tmp_path / "pairs.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(columns)
        for view in ("frontal", "lateral"):
            names = [f"{view}-{column}.png" for column in columns[3:]]
            for name in names:
                (tmp_path / name).write_bytes(b"x")
                (tmp_path / name).with_suffix(".landmarks.json").write_text("{}")
            table.writerow(["test", "p1", view, *names])
    pairs = read_population(tmp_path)
    assert [(pair.face.view, pair.split) for pair in pairs] == [("frontal", "test"), ("lateral", "test")]
    assert pairs[0].probe.path.name == "frontal-xray.png" and pairs[0].face.path.name == "frontal-photo.png"
    assert pairs[0].probe.landmarks == tmp_path / "frontal-xray.landmarks.json"
    other = read_population(tmp_path, "sketch", "photo_hair")[0]
    assert (other.probe.modality, other.face.path.name) == ("sketch", "frontal-photo_hair.png")


def test_s2f_look_alike(tmp_path: Path) -> None:
    """Person 007 in two parts and views; Roboflow's second copy is left out; a skull without a face makes no pair."""
    (tmp_path / "data.yaml").write_text(
        "train: ../train/images\nval: ../valid/images\nnames: [face, skull]\nkpt_shape: [18, 3]\n"
    )

    def put(part: str, name: str, kind: int, count: int, start: float) -> None:
        from PIL import Image

        for folder in ("images", "labels"):
            (tmp_path / part / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(face_picture(1)).save(tmp_path / part / "images" / f"{name}.jpg")
        numbers = [v for k in range(count) for v in (start + 0.01 * k, 0.5, 0 if k == 2 else 2)]
        line = " ".join(map(str, [kind, 0.5, 0.5, 1, 1, *numbers]))
        (tmp_path / part / "labels" / f"{name}.txt").write_text(line + "\n")

    put("train", "007_face_front_jpg.rf.aa", 0, 18, 0.1)
    put("train", "007_skull_front_jpg.rf.ab", 1, 18, 0.2)
    put("train", "007_skull_front_jpg.rf.ac", 1, 18, 0.3)
    put("valid", "007_face_side_jpg.rf.ad", 0, 13, 0.1)
    put("valid", "007_skull_side_jpg.rf.ae", 1, 13, 0.2)
    put("valid", "008_skull_side_jpg.rf.af", 1, 13, 0.2)
    pairs = read_s2f(tmp_path)
    assert [(pair.face.person, pair.face.view, pair.split) for pair in pairs] == [
        ("007-jpg", "frontal", "train"),
        ("007-jpg", "lateral", "val"),
    ]
    assert pairs[0].probe.path.name.endswith("ab.jpg")
    assert pairs[1].probe.landmarks is not None
    points = s2f_points(pairs[1].probe.landmarks, (200, 250))
    assert np.isnan(points[:18]).all() and np.isnan(points[20]).all()
    assert points[18].tolist() == pytest.approx([39.5, 124.5]) and points[30, 0] == pytest.approx(0.32 * 200 - 0.5)
    own = probe_points(pairs[0].face, face_picture(1), point_scheme("cranio31"), None)
    assert np.isfinite(own[:18, 0]).sum() == 17


def test_landmarks_of_another_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.landmarks.json"
    points = {name: [10.0, 10.0] for name in point_scheme("pairs20").names}
    path.write_text(json.dumps({"units": "px", "image_size_px": [100, 80], "landmarks": points}))
    assert read_points(path, point_scheme("pairs20"), "face", (100, 80)).shape == (20, 2)
    with pytest.raises(NasionError, match="are for 100 x 80 pixels, the picture is 50 x 40"):
        read_points(path, point_scheme("pairs20"), "face", (50, 40))


def test_a_profile_of_the_right_side_becomes_its_mirror_image() -> None:
    scheme = point_scheme("pairs20")
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 255, (250, 200, 3)).astype(np.uint8)
    left = shapes("pairs20")["lateral_left"] * 60 + 100
    assert standing(left, scheme) == ("lateral", False)
    flipped = mirrored_picture(picture, left, scheme)
    assert standing(flipped.points_px, scheme) == ("lateral", True)
    own, back = one_side(picture, left, scheme), one_side(flipped.image, flipped.points_px, scheme)
    assert np.array_equal(own.image, picture) and np.array_equal(back.image, picture)
    assert np.allclose(own.points_px, back.points_px, equal_nan=True)
    front = shapes("pairs20")["frontal"] * 60 + 100
    assert standing(front, scheme) == ("frontal", False)


def test_many_people_get_fewer_copies() -> None:
    # 4 pictures a pair (two sides, plain and mirrored), each with its copies: 4 x 80 x 7 and 4 x 1000 x 5 fit in 20,000
    assert copies_of_many(80, 6) == (6, True)
    assert copies_of_many(1000, 6) == (4, True)
    assert copies_of_many(3000, 6) == (1, False)
    assert copies_of_many(3000, 0) == (0, False)
