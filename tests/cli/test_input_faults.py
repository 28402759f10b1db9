"""Bad input gets one line that says what to do, exit code 2, and leaves nothing behind."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from casework.case_folder import TRUE_PERSON, CaseFolder, read_json, write_json
from cli.command import nasion
from nasion.anatomy.landmarks import mirrored
from nasion.geometry.surface import Mesh
from nasion.readers import meshes
from nasion.readers.meshes import read_mesh, write_mesh


def overlay(case: CaseFolder, out: Path, *more: object, **replaced: object) -> list[object]:
    files: dict[str, object] = {
        "skull": case.mesh,
        "skull_landmarks": case.cranial,
        "photo": case.photo(),
        "photo_landmarks": case.facial(),
        "photo_mask": case.mask(),
        "out": out,
    }
    files |= replaced
    options = [part for name, value in files.items() for part in (f"--{name.replace('_', '-')}", value) if value]
    return ["overlay", *options, *more]


def identify(case: CaseFolder, out: Path, *more: object) -> list[object]:
    files = ("--skull", case.mesh, "--skull-landmarks", case.cranial, "--gallery", case.gallery, "--out", out)
    return ["identify", *files, "--jobs", 1, "--details", 1, *more]


def refusal(arguments: list[object], out: Path) -> str:
    """Run a command that must be refused; return its line."""
    before = sorted(out.parent.iterdir())
    ended = nasion(*arguments)
    assert ended.code == 2, ended
    lines = ended.err.splitlines()
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("nasion: ")
    assert "Traceback" not in ended.err
    assert ended.out == ""
    assert sorted(out.parent.iterdir()) == before, "something was left behind"
    return lines[0]


def change(path: Path, **changes: Any) -> None:
    write_json(path, read_json(path) | changes)


def change_points(path: Path, move: Callable[[str, list[float]], list[float]]) -> None:
    data = read_json(path)
    for part in ("landmarks", "helpers"):
        data[part] = {name: move(name, point) for name, point in data.get(part, {}).items()}
    write_json(path, data)


def keep_points(path: Path, names: set[str]) -> None:
    data = read_json(path)
    data["landmarks"] = {name: point for name, point in data["landmarks"].items() if name in names}
    write_json(path, data)


def swap_sides(path: Path) -> None:
    data = read_json(path)
    for part in ("landmarks", "helpers"):
        data[part] = {mirrored(name): point for name, point in data.get(part, {}).items()}
    write_json(path, data)


@pytest.fixture
def out(own_case: CaseFolder) -> Path:
    return own_case.root / "the result"


# --- landmarks that cannot fix a camera ---


def test_fewer_than_four_landmarks(own_case: CaseFolder, out: Path) -> None:
    keep_points(own_case.facial(), {"nasion", "gnathion", "glabella"})
    message = refusal(overlay(own_case, out), out)
    assert "3 landmarks are shared with the skull, 4 are needed; place more landmarks" in message


def test_fewer_than_four_shared_landmarks(own_case: CaseFolder, out: Path) -> None:
    keep_points(own_case.cranial, {"nasion", "gnathion", "ectoconchion_left", "zygion_left", "zygion_right"})
    keep_points(own_case.facial(), {"nasion", "gnathion", "exocanthion_left", "glabella", "pogonion", "metopion"})
    assert "3 landmarks are shared" in refusal(overlay(own_case, out), out)


def test_no_landmarks_at_all(own_case: CaseFolder, out: Path) -> None:
    change(own_case.facial(), landmarks={})
    assert "landmarks" in refusal(overlay(own_case, out), out)


def test_collinear_landmarks(own_case: CaseFolder, out: Path) -> None:
    names = {"nasion", "glabella", "metopion", "gnathion", "pogonion"}
    keep_points(own_case.cranial, names)
    data = read_json(own_case.cranial)
    data["landmarks"] = {name: [0, 20 * k, 90] for k, name in enumerate(sorted(names))}
    write_json(own_case.cranial, data)
    assert "lie on one line; " in refusal(overlay(own_case, out, skull=None), out)


def test_coplanar_landmarks(own_case: CaseFolder, out: Path) -> None:
    # the midline alone
    midline = {"nasion", "glabella", "metopion", "bregma", "gnathion", "pogonion", "prosthion", "subspinale"}
    change_points(own_case.cranial, lambda name, p: [0.0, p[1], p[2]] if name in midline else p)
    keep_points(own_case.cranial, midline)
    message = refusal(overlay(own_case, out, skull=None), out)
    assert "lie in one plane; add one off it" in message


def test_landmarks_on_one_line_in_the_picture(own_case: CaseFolder, out: Path) -> None:
    change_points(own_case.facial(), lambda name, p: [250.0, p[1]])
    assert "on one line" in refusal(overlay(own_case, out), out)


# --- left and right ---


def test_sides_of_the_skull_exchanged(own_case: CaseFolder, out: Path) -> None:
    swap_sides(own_case.cranial)
    message = refusal(overlay(own_case, out), out)
    assert own_case.cranial.name in message
    assert "left and right landmarks are exchanged" in message
    assert "--accept-sides" in message


def test_sides_of_the_photograph_exchanged(own_case: CaseFolder, out: Path) -> None:
    swap_sides(own_case.facial())
    message = refusal(overlay(own_case, out), out)
    assert own_case.facial().name in message or own_case.photo().name in message
    assert "left and right landmarks are exchanged" in message


def test_exchanged_sides_can_be_accepted(own_case: CaseFolder, out: Path) -> None:
    swap_sides(own_case.facial())
    swap_sides(own_case.cranial)
    ended = nasion(*overlay(own_case, out, "--accept-sides"))
    assert ended.code == 0, ended
    assert read_json(out / "result.json")["settings"]["accept_sides"] is True


# --- places ---


def test_landmark_outside_the_picture(own_case: CaseFolder, out: Path) -> None:
    change_points(own_case.facial(), lambda name, p: [620.0, p[1]] if name == "gnathion" else p)
    message = refusal(overlay(own_case, out), out)
    assert "outside the photograph (500 x 600): gnathion; place them again" in message


def test_landmark_far_off_the_mesh(own_case: CaseFolder, out: Path) -> None:
    change_points(own_case.cranial, lambda name, p: [p[0], p[1], p[2] + 30] if name == "nasion" else p)
    message = refusal(overlay(own_case, out), out)
    assert "nasion lies" in message
    assert "at most 5 mm are allowed" in message


@pytest.mark.parametrize("which", ["cranial", "facial"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", '"12"', "null", "1e400"])
def test_coordinate_that_is_no_number(own_case: CaseFolder, out: Path, which: str, value: str) -> None:
    path = own_case.cranial if which == "cranial" else own_case.facial()
    data = read_json(path)
    first = next(iter(data["landmarks"]))
    data["landmarks"][first][0] = "here"
    path.write_text(json.dumps(data).replace('"here"', value), encoding="utf-8")
    message = refusal(overlay(own_case, out), out)
    assert path.name in message
    assert first in message


# --- meshes ---


def test_empty_mesh(own_case: CaseFolder, out: Path) -> None:
    own_case.mesh.write_text(
        "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 0\nproperty list uchar int vertex_indices\nend_header\n"
    )
    assert "holds no triangles; export a surface mesh" in refusal(overlay(own_case, out), out)


def test_truncated_mesh(own_case: CaseFolder, out: Path) -> None:
    content = own_case.mesh.read_bytes()
    own_case.mesh.write_bytes(content[: len(content) // 2])
    assert "cut off" in refusal(overlay(own_case, out), out)


def test_file_that_is_no_mesh(own_case: CaseFolder, out: Path) -> None:
    own_case.mesh.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    assert "cannot be read as PLY" in refusal(overlay(own_case, out), out)


def test_huge_mesh_is_reduced_and_the_report_says_so(
    own_case: CaseFolder, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meshes, "MOST_TRIANGLES", 600)
    monkeypatch.setattr(meshes, "DECIMATED_TRIANGLES", 500)
    ended = nasion(*overlay(own_case, out))
    assert ended.code == 0, ended
    assert "triangles were reduced to" in ended.err
    assert any("triangles were reduced to" in note for note in read_json(out / "result.json")["notes"])
    assert "triangles were reduced to" in (out / "report.html").read_text(encoding="utf-8")


def test_non_manifold_mesh_is_noted(own_case: CaseFolder, out: Path) -> None:
    mesh = read_mesh(own_case.mesh).mesh
    a, b, _ = mesh.faces[0]
    fin = np.array([[a, b, len(mesh.vertices)]], dtype=np.int32)
    tip = mesh.vertices[[a]] + [0.0, 0.0, 5.0]
    write_mesh(own_case.mesh, Mesh(np.concatenate([mesh.vertices, tip]), np.concatenate([mesh.faces, fin])))
    ended = nasion(*overlay(own_case, out))
    assert ended.code == 0, ended
    assert any("not manifold" in note for note in read_json(out / "result.json")["notes"])
    assert "not manifold" in ended.err


@pytest.mark.parametrize(("unit", "name", "factor"), [("m", "metres", 0.001), ("in", "inches", 1 / 25.4)])
def test_other_units(own_case: CaseFolder, out: Path, unit: str, name: str, factor: float) -> None:
    mesh = read_mesh(own_case.mesh).mesh
    write_mesh(own_case.mesh, mesh.moved(mesh.vertices * factor))
    change_points(own_case.cranial, lambda _, p: [v * factor for v in p])
    data = read_json(own_case.cranial)
    del data["units"]
    write_json(own_case.cranial, data)
    message = refusal(overlay(own_case, out), out)
    assert f"looks like {name}" in message
    assert f"give --units {unit}" in message
    assert nasion(*overlay(own_case, out, "--units", unit)).code == 0
    assert read_json(out / "result.json")["candidates"][0]["photos"][0]["residual_rms_px"] < 1


# --- pictures ---


def test_landmarks_placed_without_exif_orientation(own_case: CaseFolder, out: Path) -> None:
    turned = own_case.photo().with_suffix(".jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(own_case.photo()).rotate(90, expand=True).save(turned, exif=exif)
    assert nasion(*overlay(own_case, out, photo=turned)).code == 0
    shutil.rmtree(out)
    change_points(own_case.facial(), lambda _, p: [p[1], 499 - p[0]])
    change(own_case.facial(), image_size_px=[600, 500])
    message = refusal(overlay(own_case, out, photo=turned), out)
    assert "without its EXIF orientation" in message
    assert "place them on the upright picture" in message


def test_truncated_picture(own_case: CaseFolder, out: Path) -> None:
    content = own_case.photo().read_bytes()
    own_case.photo().write_bytes(content[: len(content) // 2])
    assert "damaged or cut off" in refusal(overlay(own_case, out), out)


def test_picture_that_is_none(own_case: CaseFolder, out: Path) -> None:
    own_case.photo().write_text("no picture")
    assert "no picture that can be read" in refusal(overlay(own_case, out), out)


def test_mask_of_another_size(own_case: CaseFolder, out: Path) -> None:
    Image.new("L", (50, 60), 255).save(own_case.mask())
    assert "the mask is 50 x 60 pixels, but its photograph is 500 x 600" in refusal(overlay(own_case, out), out)


# --- files and folders ---


@pytest.mark.parametrize("option", ["skull", "skull_landmarks", "photo", "photo_landmarks", "photo_mask"])
def test_missing_file_and_folder_for_file(own_case: CaseFolder, out: Path, option: str) -> None:
    suffix = {"skull": ".ply", "photo": ".jpg", "photo_mask": ".png"}.get(option, ".json")
    absent = own_case.root / f"absent{suffix}"
    assert "no such file; check the path" in refusal(overlay(own_case, out, **{option: absent}), out)
    absent.mkdir()
    assert "is a folder; give a file" in refusal(overlay(own_case, out, **{option: absent}), out)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "3", '{"landmarks": 3}', '{"landmarks": {"nasion": 3}}'])
@pytest.mark.parametrize("which", ["cranial", "facial"])
def test_unreadable_landmark_file(own_case: CaseFolder, out: Path, which: str, content: str) -> None:
    path = own_case.cranial if which == "cranial" else own_case.facial()
    path.write_text(content, encoding="utf-8")
    assert path.name in refusal(overlay(own_case, out), out)


def test_landmark_files_exchanged(own_case: CaseFolder, out: Path) -> None:
    message = refusal(overlay(own_case, out, photo_landmarks=own_case.cranial), out)
    assert "its scheme is 'cranial20', but 'facial20' is needed" in message


def test_text_that_is_not_utf8(own_case: CaseFolder, out: Path) -> None:
    own_case.facial().write_bytes(b'{"scheme": "\xff\xfe"}')
    assert "is not UTF-8 text" in refusal(overlay(own_case, out), out)


def test_file_for_a_folder(own_case: CaseFolder, out: Path) -> None:
    arguments = identify(own_case, out)
    arguments[arguments.index(own_case.gallery)] = own_case.mesh
    assert "no such folder; give a gallery with one sub-folder for each" in refusal(arguments, out)


def test_empty_gallery(own_case: CaseFolder, out: Path) -> None:
    shutil.rmtree(own_case.gallery)
    own_case.gallery.mkdir()
    assert "the gallery is empty" in refusal(identify(own_case, out), out)


def test_a_file_stands_where_the_result_should_go(own_case: CaseFolder, out: Path) -> None:
    out.write_text("mine")
    assert "give another --out" in refusal(overlay(own_case, out), out)
    assert "choose another name" in refusal(overlay(own_case, out, "--force"), out)
    assert out.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written(own_case: CaseFolder, out: Path) -> None:
    locked = own_case.root / "locked"
    locked.mkdir(mode=0o555)
    assert "cannot be" in refusal(overlay(own_case, locked / "result"), out)


def test_a_result_inside_a_file(own_case: CaseFolder, out: Path) -> None:
    assert "its folder cannot be made" in refusal(overlay(own_case, own_case.mesh / "result"), out)


# --- options ---


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--solver", "magic"), "there is no solver 'magic'; choose one of posterior, lilium, posest"),
        (("--solver", "lilium", "--terms", "some"), "terms cannot be 'some'; choose one of base, skof, par, all"),
        (("--terms", "all"), "--terms belongs to --solver lilium; posterior has none"),
        (("--solver", "posest", "--terms", "base"), "--terms belongs to --solver lilium; posest has none"),
        (("--units", "ft"), "unknown unit 'ft'"),
        (("--focal", "wide"), "--focal: 'wide' is not a number"),
        (("--focal", "-50"), "--focal: value and SD must be above 0"),
        (("--focal", "50:0"), "--focal: value and SD must be above 0"),
        (("--focal", "nan"), "--focal: 'nan' is not a number"),
        (("--distance", "inf"), "--distance: 'inf' is not a number"),
        (("--distance", "0"), "--distance: value and SD must be above 0"),
        (("--pose", "1,2"), "three angles in degrees"),
        (("--pose", "1,2,x"), "--pose: 'x' is not a number"),
        (("--pose", "1,2,3:-1"), "an SD above 0"),
        (("--seed", "-1"), "--seed"),
        (("--seed", "many"), "--seed"),
        (("--tissue", "absent.json"), "absent.json: cannot be read as a tissue file"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_bad_options(own_case: CaseFolder, out: Path, options: tuple[str, ...], says: str) -> None:
    assert says in refusal(overlay(own_case, out, *options), out)


@pytest.mark.parametrize("options", [("--jobs", "0"), ("--details", "0"), ("--jobs", "two")])
def test_numbers_out_of_range(own_case: CaseFolder, out: Path, options: tuple[str, ...]) -> None:
    assert options[0] in refusal([*identify(own_case, out), *options], out)


def test_a_bad_solver_is_refused_for_a_gallery_too(own_case: CaseFolder, out: Path) -> None:
    message = refusal(identify(own_case, out, "--solver", "magic"), out)
    assert message.startswith("nasion: there is no solver 'magic'")


def test_neither_gallery_nor_skulls(own_case: CaseFolder, out: Path) -> None:
    assert "identify needs either" in refusal(["identify", "--out", out], out)
    both = identify(own_case, out, "--photo", own_case.photo())
    assert "identify needs either" in refusal(both, out)


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"name": "x"}', '{"name": "x", "build_factor_log_sd": -1, "left_right_correlation": 0, "pairs": []}'],
)
def test_bad_tissue_table(own_case: CaseFolder, out: Path, content: str) -> None:
    table = own_case.root / "table.json"
    table.write_text(content)
    assert "table.json" in refusal(overlay(own_case, out, "--tissue", table), out)


# --- a part of a gallery ---


def test_person_without_photographs_is_reported(own_case: CaseFolder, out: Path) -> None:
    (own_case.gallery / "nobody").mkdir()
    ended = nasion(*identify(own_case, out))
    assert ended.code == 3, ended
    (line,) = ended.err.splitlines()
    assert line.startswith("nasion: not used: ")
    assert "nobody: no photograph" in line
    assert "nobody" in ended.out
    result = read_json(out / "result.json")
    assert result["candidates"][0]["id"] == TRUE_PERSON
    last = result["candidates"][-1]
    assert (last["id"], last["rank"], last["score"], last["photos"]) == ("nobody", 5, None, [])
    assert result["problems"] == [{"id": "nobody", "photo": None, "reason": last["problems"][0]["reason"]}]
    assert "nobody: no photograph" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", ["cut off", "no landmarks", "outside", "sides", "one line", "mask"])
def test_bad_photograph_of_a_gallery_is_reported(own_case: CaseFolder, out: Path, fault: str) -> None:
    person = "person_0"
    photo, facial = own_case.photo("frontal", person), own_case.facial("frontal", person)
    if fault == "cut off":
        photo.write_bytes(photo.read_bytes()[:300])
    elif fault == "no landmarks":
        facial.unlink()
    elif fault == "outside":
        change_points(facial, lambda name, p: [-100.0, p[1]])
    elif fault == "sides":
        swap_sides(facial)
    elif fault == "one line":
        change_points(facial, lambda name, p: [250.0, p[1]])
    else:
        own_case.mask("frontal", person).write_bytes(b"no mask")
    ended = nasion(*identify(own_case, out))
    assert ended.code == 3, ended
    result = read_json(out / "result.json")
    assert [(problem["id"], problem["photo"]) for problem in result["problems"]] == [(person, "frontal.png")]
    by_id = {candidate["id"]: candidate for candidate in result["candidates"]}
    assert [photo["photo"] for photo in by_id[person]["photos"]] == ["lateral.png"]
    assert by_id[TRUE_PERSON]["rank"] == 1


def test_bad_skull_of_a_collection_is_reported(own_case: CaseFolder, out: Path) -> None:
    (own_case.skulls / "person_1" / "skull.ply").write_bytes(b"ply\n")
    (own_case.skulls / "person_3" / "cranial.landmarks.json").unlink()
    files = ("--photo", own_case.photo(), "--photo-landmarks", own_case.facial(), "--skulls", own_case.skulls)
    ended = nasion("identify", *files, "--out", out, "--jobs", 1)
    assert ended.code == 3, ended
    assert len(ended.err.splitlines()) == 2
    ranks = {candidate["id"]: candidate["rank"] for candidate in read_json(out / "result.json")["candidates"]}
    assert ranks == {TRUE_PERSON: 1, "person_0": 2, "person_1": 3, "person_3": 3}


# --- damage of any kind ---


def _damaged(draw: Callable[[Any], Any], value: Any) -> Any:
    """Return JSON with one entry, at any depth, replaced, lost or added."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        return value | {key: _damaged(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        k = draw(st.integers(0, len(value) - 1))
        return [*value[:k], _damaged(draw, value[k]), *value[k + 1 :]]
    if isinstance(value, dict) and value and draw(st.booleans()):
        lost = draw(st.sampled_from(sorted(value)))
        return {key: entry for key, entry in value.items() if key != lost}
    numbers = st.floats() | st.integers() | st.integers(-1000, 1000)
    anything = st.none() | st.booleans() | numbers | st.text(max_size=5) | st.lists(numbers, max_size=4)
    return draw(anything | st.dictionaries(st.text(max_size=8), anything, max_size=2))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), which=st.sampled_from(["cranial", "facial"]), solver=st.sampled_from(["posterior", "posest"]))
def test_damaged_landmark_files_never_give_a_traceback(
    case_folder: CaseFolder, tmp_path: Path, data: st.DataObject, which: str, solver: str
) -> None:
    source = case_folder.cranial if which == "cranial" else case_folder.facial()
    damaged = tmp_path / "damaged.landmarks.json"
    content = read_json(source)
    for _ in range(data.draw(st.integers(1, 3))):
        content = _damaged(data.draw, content)
    write_json(damaged, content)
    out = tmp_path / "out"
    replaced = {"skull_landmarks" if which == "cranial" else "photo_landmarks": damaged}
    more = ("--accept-sides", "--solver", solver)
    ended = nasion(*overlay(case_folder, out, *more, photo_mask=None, skull=None, **replaced))
    assert ended.code in (0, 2), ended
    assert "Traceback" not in ended.err
    assert out.exists() == (ended.code == 0)
    if ended.code == 2:
        (line,) = ended.err.splitlines()
        assert line.startswith("nasion: ")
    shutil.rmtree(out, ignore_errors=True)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_landmark_places_give_an_answer_or_a_line(
    case_folder: CaseFolder, tmp_path: Path, data: st.DataObject
) -> None:
    # places that no face has: the solvers must stay on their feet
    names = data.draw(st.sets(st.sampled_from(sorted(read_json(case_folder.facial())["landmarks"])), min_size=4))
    place = st.tuples(st.floats(0, 499), st.floats(0, 599))
    content = read_json(case_folder.facial()) | {"landmarks": {name: data.draw(place) for name in sorted(names)}}
    damaged = tmp_path / "places.landmarks.json"
    write_json(damaged, content)
    solver = data.draw(st.sampled_from(["posterior", "posest"]))
    more = ("--accept-sides", "--solver", solver, "--force")
    ended = nasion(*overlay(case_folder, tmp_path / "out", *more, photo_mask=None, skull=None, photo_landmarks=damaged))
    assert ended.code in (0, 2), ended
    assert "Traceback" not in ended.err
