"""What finding in pictures and on surfaces shares: a folder's files one by one, landmark files, models and cards."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, ConfigDict

from nasion.errors import NasionError
from nasion.landmarks.input_folder import find_in_each, one_of_each_name
from nasion.landmarks.landmark_file import file_of
from nasion.networks.model_folder import (
    CARD_FILE,
    MODEL_FILE,
    hash_of,
    read_card,
    read_checked,
    shipped_folder,
    stamps_of,
    write_card,
)


class Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: str
    seed: int


def test_files_are_taken_by_name_and_each_name_once() -> None:
    folder = Path("heads")
    taken = one_of_each_name(folder, (folder / name for name in ("b.ply", "a.stl", "a.b.ply")), "meshes", (".ply",))
    assert [path.name for path in taken] == ["a.b.ply", "a.stl", "b.ply"]
    with pytest.raises(NasionError, match=r"heads: holds no meshes; give a folder with \.ply, \.stl files"):
        one_of_each_name(folder, [], "meshes", (".ply", ".stl"))
    with pytest.raises(NasionError, match=r"a\.ply and a\.stl would have one landmark file"):
        one_of_each_name(folder, [folder / "a.stl", folder / "a.ply"], "meshes", (".ply",))


def found_in(path: Path, target: Path) -> str:
    if "bad" in path.name:
        raise NasionError(f"{path.name}: is bad")
    target.write_text(path.name, encoding="utf-8")
    return path.name.upper()


def test_what_cannot_be_used_is_told_and_the_rest_is_written(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    paths = [tmp_path / "in" / name for name in ("a.ply", "bad.ply", "c.ply")]
    out = tmp_path / "out"
    failed = find_in_each(
        tmp_path / "in", paths, "meshes", out, False, found_in, lambda path, got: told.append((path.name, str(got)))
    )
    assert failed == 1
    assert told == [("a.ply", "A.PLY"), ("bad.ply", "bad.ply: is bad"), ("c.ply", "C.PLY")]
    assert sorted(path.name for path in out.iterdir()) == ["a.landmarks.json", "c.landmarks.json"]


def test_nothing_is_written_where_none_can_be_used(tmp_path: Path) -> None:
    paths = [tmp_path / "bad 1.ply", tmp_path / "bad 2.ply"]
    with pytest.raises(NasionError, match="none of its 2 meshes were found; nothing was written"):
        find_in_each(tmp_path, paths, "meshes", tmp_path / "out", False, found_in, lambda path, got: None)
    assert not list(tmp_path.iterdir())


def test_helpers_stand_apart_and_what_is_missing_has_no_sd() -> None:
    names = ("nasion", "porion_left", "gnathion")
    there = {"nasion": np.array([1.0, 2, 3]), "porion_left": np.array([4.0, 5, 6])}
    file = file_of("cranial20", "mm", names, there, np.array([0.5, 0.7, np.nan]))
    assert (list(file.landmarks), list(file.helpers)) == (["nasion"], ["porion_left"])
    assert file.sigma == {"nasion": 0.5, "porion_left": 0.7}
    other = file_of("ibug68", "px", ("ibug00",), {"ibug00": np.zeros(2)}, np.array([1.0]))
    assert (list(other.landmarks), list(other.helpers)) == (["ibug00"], [])


def test_a_card_comes_back_and_tells_what_is_wrong(tmp_path: Path) -> None:
    card = Card(scheme="cranial20", seed=3)
    write_card(tmp_path, card)
    assert read_card(tmp_path, Card) == card
    for content, place in (('{"scheme": "x", "seed": "one"}', "seed"), ('{"scheme": "x"}', "seed"), ("{", "")):
        (tmp_path / CARD_FILE).write_text(content, encoding="utf-8")
        with pytest.raises(NasionError, match=rf"{CARD_FILE}: {place}.*install or train the model again"):
            read_card(tmp_path, Card)


def test_a_file_that_is_not_the_cards(tmp_path: Path) -> None:
    path = tmp_path / MODEL_FILE
    path.write_bytes(b"abc")
    # the example of FIPS 180-2, appendix B.1
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert hash_of(b"abc") == known
    assert read_checked(path, known) == b"abc"
    path.write_bytes(b"abd")
    with pytest.raises(NasionError, match="not the file of its card"):
        read_checked(path, known)


def test_a_folder_without_model(tmp_path: Path) -> None:
    (tmp_path / MODEL_FILE).write_bytes(b"abc")
    with pytest.raises(NasionError, match=r"holds no trained model; give a folder with model\.onnx and card\.json"):
        stamps_of(tmp_path)


def test_the_first_place_with_weights_is_taken(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    (second / "ibug68").mkdir(parents=True)
    assert shipped_folder([first, second], "ibug68", "image-landmarks") == second / "ibug68"
    (first / "ibug68").mkdir(parents=True)
    assert shipped_folder([first, second], "ibug68", "image-landmarks") == first / "ibug68"
    with pytest.raises(NasionError, match="nasion train image-landmarks --scheme discs4 --out FOLDER"):
        shipped_folder([first, second], "discs4", "image-landmarks")
