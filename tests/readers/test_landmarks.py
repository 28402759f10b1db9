"""Landmarks of every format come out under the right names, in the right frame."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nasion.anatomy.landmarks import CRANIAL_HELPERS, FACIAL_HELPERS, SCHEMES
from nasion.errors import NasionError
from nasion.readers.landmarks import LandmarkFile, read_landmarks, write_landmarks
from nasion.readers.names import resolve

Points = dict[str, list[float]]
HEAD: Points = {"nasion": [1.0, 2.0, 100.0], "gonion_left": [45.0, -80.5, 20.0], "porion_right": [-60.0, -10.0, 0.25]}


def as_json(points: Points) -> str:
    return json.dumps({"scheme": "cranial20", "units": "mm", "landmarks": points})


def as_markups(points: Points, system: str = "LPS") -> str:
    controls = [
        {"id": str(k), "label": name, "position": xyz, "positionStatus": "defined", "locked": True}
        for k, (name, xyz) in enumerate(points.items())
    ]
    controls.append({"id": "x", "label": "bregma", "position": [0.0, 0.0, 0.0], "positionStatus": "undefined"})
    fiducial = {"type": "Fiducial", "coordinateSystem": system, "coordinateUnits": "mm", "controlPoints": controls}
    line = {"type": "Line", "controlPoints": [{"label": "L-1", "position": [1.0, 1.0, 1.0]}]}
    return json.dumps({"@schema": "markups-schema-v1.0.3.json#", "markups": [line, fiducial]})


def as_fcsv(points: Points, system: str | None = "LPS") -> str:
    lines = ["# Markups fiducial file version = 5.0"]
    if system:
        lines.append(f"# CoordinateSystem = {system}")
    lines.append("# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID")
    for k, (name, (x, y, z)) in enumerate(points.items()):
        lines.append(f'{k},{x!r},{y!r},{z!r},0,0,0,1,1,1,0,{name},"a, b",,2,0')
    lines.append("9,0,0,0,0,0,0,1,1,1,0,bregma,,,0,0")
    return "\n".join(lines) + "\n"


def as_pp(points: Points) -> str:
    rows = [f'<point x="{x!r}" y="{y!r}" z="{z!r}" active="1" name="{n}"/>' for n, (x, y, z) in points.items()]
    rows.append('<point x="0" y="0" z="0" active="0" name="bregma"/>')
    return f"<!DOCTYPE PickedPoints><PickedPoints><DocumentData/>{''.join(rows)}</PickedPoints>"


def as_csv(points: Points, delimiter: str = ",") -> str:
    rows = [["name", "x", "y", "z"], *([name, *map(repr, xyz)] for name, xyz in points.items()), ["bregma", "", "", ""]]
    return "\r\n".join(delimiter.join(row) for row in rows)


FORMATS: dict[str, Callable[[Points], str]] = {
    "p.json": as_json,
    "p.mrk.json": as_markups,
    "p.fcsv": as_fcsv,
    "p.pp": as_pp,
    "p.csv": as_csv,
}


def assert_same(file: LandmarkFile, points: Points) -> None:
    found = {**file.landmarks, **file.helpers}
    assert set(found) == set(points)
    for name, xyz in points.items():
        np.testing.assert_allclose(found[name], xyz, rtol=1e-12)


@pytest.mark.parametrize("name", FORMATS)
def test_formats(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("\ufeff" + FORMATS[name](HEAD), encoding="utf-8")
    file = read_landmarks(tmp_path / name, "cranial", 3)
    assert_same(file, HEAD)
    assert set(file.helpers) == {"porion_right"}
    assert file.units == "mm"
    assert file.warnings == ()


names = st.sampled_from(sorted(SCHEMES["cranial20"] + CRANIAL_HELPERS))
coordinates = st.lists(st.floats(-240, 240, allow_subnormal=False), min_size=3, max_size=3)


@settings(max_examples=40, deadline=None)
@given(points=st.dictionaries(names, coordinates, min_size=1), form=st.sampled_from(sorted(FORMATS)))
def test_any_plausible_points_come_through(tmp_path_factory: pytest.TempPathFactory, points: Points, form: str) -> None:
    size = np.ptp(np.array(list(points.values())), axis=0).max()
    path = tmp_path_factory.mktemp("any") / form
    path.write_text(FORMATS[form](points))
    if len(points) > 1 and size < 20:
        with pytest.raises(NasionError):
            read_landmarks(path, "cranial", 3)
    else:
        assert_same(read_landmarks(path, "cranial", 3), points)


@settings(max_examples=40, deadline=None)
@given(
    points=st.dictionaries(
        st.sampled_from(sorted(SCHEMES["facial20"] + FACIAL_HELPERS)),
        st.lists(st.floats(0, 4000), min_size=2, max_size=2),
    ),
    sigma=st.floats(0.01, 100),
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, points: Points, sigma: float) -> None:
    path = tmp_path_factory.mktemp("own") / "x.landmarks.json"
    arrays = {name: np.array(uv) for name, uv in points.items()}
    file = LandmarkFile(
        scheme="facial20",
        units="px",
        landmarks={n: uv for n, uv in arrays.items() if n in SCHEMES["facial20"]},
        helpers={n: uv for n, uv in arrays.items() if n not in SCHEMES["facial20"]},
        sigma=dict.fromkeys(list(points)[:1], sigma),
        missing={"bregma": "under the hair"},
        image_size_px=(4000, 3000),
        found_by="a program",
    )
    write_landmarks(path, file)
    read = read_landmarks(path, "facial", 2)
    assert_same(read, points)
    assert set(read.landmarks) == set(file.landmarks)
    assert (dict(read.sigma), dict(read.missing)) == (dict(file.sigma), dict(file.missing))
    assert read.image_size_px == (4000, 3000)
    assert read.found_by == "a program"


@pytest.mark.parametrize(
    ("entry", "found_by"),
    [({}, None), ({"found_by": None}, None), ({"found_by": " "}, None), ({"found_by": "a\nb"}, "a b")],
)
def test_who_found_the_points(tmp_path: Path, entry: dict[str, object], found_by: str | None) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"landmarks": HEAD, **entry}))
    assert read_landmarks(tmp_path / "p.json", "cranial", 3).found_by == found_by


@pytest.mark.parametrize(("system", "sign"), [("LPS", 1), ("1", 1), ("RAS", -1), ("0", -1), (None, -1)])
def test_slicer_frames(tmp_path: Path, system: str | None, sign: int) -> None:
    """The subject's left is +x in LPS and -x in RAS, the front is -y in LPS and +y in RAS; without a statement: RAS."""
    (tmp_path / "p.fcsv").write_text(as_fcsv(HEAD, system))
    points = read_landmarks(tmp_path / "p.fcsv", "cranial", 3).landmarks
    np.testing.assert_array_equal(points["gonion_left"], [sign * 45.0, sign * -80.5, 20.0])
    if system in ("LPS", "RAS"):
        (tmp_path / "p.mrk.json").write_text(as_markups(HEAD, system))
        again = read_landmarks(tmp_path / "p.mrk.json", "cranial", 3).landmarks
        np.testing.assert_array_equal(again["gonion_left"], points["gonion_left"])


@pytest.mark.parametrize(
    ("label", "kind", "name"),
    [
        ("Gonion L", "cranial", "gonion_left"),
        ("gonion-left", "cranial", "gonion_left"),
        ("left gonion", "facial", "gonion_left"),
        ("goR", "cranial", "gonion_right"),
        ("Go (R)", "facial", "gonion_right"),
        ("Mental Foramen Rt", "cranial", "mental_foramen_right"),
        ("L_zygion", "cranial", "zygion_left"),
        ("NASION", "facial", "nasion"),
        ("n'", "facial", "nasion"),
        ("pog", "cranial", "pogonion"),
        ("sn", "facial", "subnasale"),
        ("sn", "cranial", None),
        ("ss", "cranial", "subspinale"),
        ("gonion", "cranial", None),
        ("nasion left", "cranial", None),
        ("left", "cranial", None),
        ("F-1", "cranial", None),
        ("", "cranial", None),
        ("Porion", "cranial", None),
        ("cheilion.left", "facial", "cheilion_left"),
    ],
)
def test_labels(label: str, kind: str, name: str | None) -> None:
    assert resolve(label, kind) == name  # type: ignore[arg-type]


@given(st.text(max_size=30))
def test_no_label_means_what_is_not_in_the_vocabulary(label: str) -> None:
    assert resolve(label, "cranial") in {None, *SCHEMES["cranial20"], *CRANIAL_HELPERS}


def test_every_name_means_itself() -> None:
    for kind, known in (
        ("cranial", SCHEMES["cranial20"] + CRANIAL_HELPERS),
        ("facial", SCHEMES["facial20"] + FACIAL_HELPERS),
    ):
        for name in known:
            assert resolve(name, kind) == name  # type: ignore[arg-type]
            assert resolve(name.replace("_", " ").title(), kind) == name  # type: ignore[arg-type]


def test_unknown_labels_are_left_out_and_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(as_csv({**HEAD, "F-1": [1.0, 2.0, 3.0], "opisthion": [0.0, 0.0, 0.0]}))
    file = read_landmarks(tmp_path / "p.csv", "cranial", 3)
    assert_same(file, HEAD)
    assert file.warnings == ("labels that are no cranial landmark were left out: F-1, opisthion",)


@pytest.mark.parametrize("units", ["m", "cm", "in"])
def test_units(tmp_path: Path, units: str) -> None:
    factor = {"m": 1000.0, "cm": 10.0, "in": 25.4}[units]
    small = {name: [v / factor for v in xyz] for name, xyz in HEAD.items()}
    (tmp_path / "p.csv").write_text(as_csv(small))
    with pytest.raises(NasionError, match=rf"give .*--units {units}\b"):
        read_landmarks(tmp_path / "p.csv", "cranial", 3)
    assert_same(read_landmarks(tmp_path / "p.csv", "cranial", 3, units=units), HEAD)
    (tmp_path / "p.json").write_text(json.dumps({"units": units, "landmarks": small, "sigma_mm": {"nasion": 2}}))
    file = read_landmarks(tmp_path / "p.json", "cranial", 3)
    assert_same(file, HEAD)
    assert file.sigma["nasion"] == pytest.approx(2)


def test_pts_counts_from_one(tmp_path: Path) -> None:
    rows = "\n".join(f"{10 * k + 0.5} {k}" for k in range(1, 69))
    (tmp_path / "p.pts").write_text(f"version: 1\nn_points: 68\n{{\n{rows}\n}}\n")
    file = read_landmarks(tmp_path / "p.pts", "facial", 2)
    # iBUG point 37 is the outer corner of the eye at the picture's left, which is the subject's right.
    np.testing.assert_allclose(file.landmarks["exocanthion_right"], [369.5, 36])
    np.testing.assert_allclose(file.landmarks["subnasale"], [339.5, 33])
    np.testing.assert_allclose(file.helpers["pronasale"], [309.5, 30])
    assert "nasion" not in file.landmarks


def changed(**entries: object) -> str:
    return json.dumps({"scheme": "cranial20", "units": "mm", "landmarks": HEAD, **entries})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.json", "", "empty"),
        ("p.json", "{", "no valid JSON"),
        ("p.json", "[" * 100_000, "JSON"),
        ("p.json", "[]", "cannot be read as landmarks"),
        ("p.json", "{}", "landmarks: field required"),
        ("p.json", changed(scheme="facial20"), "other side's landmarks"),
        ("p.json", changed(scheme="face68"), "no known scheme"),
        ("p.json", changed(units="px"), "pixels"),
        ("p.json", changed(units="parsec"), "unknown unit"),
        ("p.json", changed(landmarks={**HEAD, "bregma": [1, 2, math.nan]}), "bregma.*finite"),
        ("p.json", changed(landmarks={**HEAD, "bregma": [1, 2, math.inf]}), "bregma.*finite"),
        ("p.json", changed(landmarks={**HEAD, "bregma": [1, 2, True]}), "bregma"),
        ("p.json", changed(landmarks={**HEAD, "bregma": [1, 2, "3"]}), "bregma"),
        ("p.json", changed(landmarks={**HEAD, "bregma": [1, 2]}), "bregma has 2 coordinates"),
        ("p.json", changed(landmarks={**HEAD, "bregma": [1, 2, 3, 4]}), "bregma"),
        ("p.json", changed(landmarks={**HEAD, "bregma": None}), "bregma"),
        ("p.json", changed(landmarks={**HEAD, "Gonion L": [1, 2, 3]}), "stands there twice: gonion_left"),
        ("p.json", changed(sigma_mm={"nasion": -1}), "sigma_mm.nasion"),
        ("p.json", changed(found_by=["me"]), "found_by"),
        ("p.json", changed(image_size_px=[0, 4]), "image_size_px"),
        ("p.json", '{"landmarks": {"nasion": [1,2,3], "nasion": [1,2,3]}}', "'nasion' stands there twice"),
        ("p.json", json.dumps({"landmarks": {"F-1": [1, 2, 3]}}), "none of its labels"),
        (
            "p.json",
            json.dumps({"landmarks": {"subnasale": [1, 2, 3], "nasion": [0, 50, 50]}}),
            "holds facial landmarks",
        ),
        ("p.fcsv", as_fcsv(HEAD, "IJK"), "coordinate system 'IJK'"),
        ("p.fcsv", as_fcsv(HEAD).replace("100.0", "nan"), "nasion.*finite"),
        ("p.fcsv", as_fcsv(HEAD).replace("100.0", "west"), "'nasion' has a coordinate that is no number"),
        ("p.mrk.json", '{"markups": 3}', "markups"),
        ("p.mrk.json", as_markups(HEAD).replace("100.0", "false"), "'nasion' has a coordinate that is no number"),
        ("p.pp", as_pp(HEAD)[:-9], "XML"),
        ("p.pp", "<a/>", "PickedPoints"),
        ("p.pp", as_pp(HEAD).replace("100.0", ""), "no number"),
        ("p.csv", as_csv(HEAD).replace("name", "wrong"), "first line must be"),
        ("p.csv", as_csv(HEAD, ";").replace(".0", ",0"), "no number"),
        ("p.csv", as_csv(HEAD).replace(",100.0", ""), "no number"),
        ("p.pts", "version: 1\nn_points: 68\n{\n1 2\n", "no complete"),
        ("p.pts", "version: 1\nn_points: 68\n{\n1 2\n}", "holds 1"),
        ("p.xyz", "1 2 3", "save them in one of these"),
        ("p.json", "\udcff", "UTF-8"),
    ],
)
def test_faults(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(NasionError, match=message) as caught:
        read_landmarks(tmp_path / name, "cranial", 3)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_space_and_picture_are_not_confused(tmp_path: Path) -> None:
    write_landmarks(tmp_path / "f.json", LandmarkFile("facial20", "px", {"nasion": np.array([10.0, 20.0])}))
    with pytest.raises(NasionError, match="landmarks in space are needed"):
        read_landmarks(tmp_path / "f.json", "facial", 3)
    write_landmarks(tmp_path / "s.json", LandmarkFile("facial20", "mm", {"nasion": np.array([10.0, 20.0, 30.0])}))
    with pytest.raises(NasionError, match="in pixels"):
        read_landmarks(tmp_path / "s.json", "facial", 2)


def test_real_landmarks(shared_data: Path) -> None:
    file = read_landmarks(shared_data / "heads" / "pcir_77654033" / "cranial.landmarks.json", "cranial", 3)
    assert set(file.landmarks) == set(SCHEMES["cranial20"])
    assert file.landmarks["gonion_left"][0] > 30 > -30 > file.landmarks["gonion_right"][0]
