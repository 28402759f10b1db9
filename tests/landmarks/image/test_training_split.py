"""Several sets in one run: whose images are learnt from, held out and tested on, and what the record says."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.landmarks.image.training_plan import TrainingPlan
from nasion.landmarks.image.training_split import Split, split_of

ABOUT = {"name": "drawn faces", "terms": "free", "people": ""}


def plain(folder: Path, people: int, images: int = 1, about: dict[str, str] | None = None, first: int = 0) -> str:
    """Write people ``p0``, ``p1`` ... of the scheme cephalo19; return the folder."""
    folder.mkdir()
    for person in range(first, first + people):
        for number in range(images):
            stem = folder / f"p{person}__{number}"
            cv2.imwrite(f"{stem}.png", np.full((8, 8, 3), 90, np.uint8))
            Path(f"{stem}.landmarks.json").write_text(json.dumps({"landmarks": {"1": [1, 2], "2": [3, 4]}}))
    if about is not None:
        (folder / "set.json").write_text(json.dumps(about))
    return str(folder)


def people(split: Split) -> list[set[str]]:
    return [{own.person for own in part} for part in (split.training, split.held_out, *split.tests.values())]


def apart(sides: list[set[str]]) -> bool:
    return sum(len(side) for side in sides) == len(set.union(*sides))


def test_people_of_different_folders_are_different_people(tmp_path: Path) -> None:
    """Both folders have the same name and the same names of people."""
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    data = plain(tmp_path / "x" / "faces", 30), plain(tmp_path / "y" / "faces", 20)
    split = split_of(TrainingPlan("cephalo19", data))
    sides = people(split)
    assert apart(sides) and len(set.union(*sides)) == 50
    assert {name: len(own) for name, own in split.tests.items()} == {"test of faces": 5, "test of faces (2)": 5}
    learnt = [len([own for own in split.training if f"/{kind}/" in str(own.image)]) for kind in "xy"]
    assert split.words == f"{learnt[0]} images of faces, {learnt[1]} images of faces; 5 of other people held out"
    assert split.terms == "faces: own data; faces: own data"


def test_a_set_made_of_anothers_people_shares_them(tmp_path: Path) -> None:
    photographs = plain(tmp_path / "photographs", 40, about={**ABOUT, "name": "studio", "terms": "CC BY"})
    pictures = plain(tmp_path / "pictures", 50, 3, about={**ABOUT, "people": "studio"})
    split = split_of(TrainingPlan("cephalo19", (photographs, pictures)))
    assert apart(people(split)) is False  # the two tests show the same people
    tested = {own.person for part in split.tests.values() for own in part}
    assert len(tested) == 5 and apart([*people(split)[:2], tested])
    for person in {own.person for own in split.training}:
        number = int(person.removeprefix("studio/p"))
        assert sum(own.person == person for own in split.training) == (4 if number < 40 else 3)
    assert split.terms == "studio: CC BY; drawn faces: free"


def test_nobody_of_a_test_set_is_learnt_from(tmp_path: Path) -> None:
    photographs = plain(tmp_path / "photographs", 10, about={**ABOUT, "name": "studio", "terms": "CC BY"})
    pictures = plain(tmp_path / "pictures", 50, 2, about={**ABOUT, "people": "studio"})
    split = split_of(TrainingPlan("cephalo19", (pictures,), tests=(photographs,)))
    known = {own.person for own in (*split.training, *split.held_out)}
    assert {own.person for own in split.tests["studio"]} == {f"studio/p{k}" for k in range(10)}
    assert not known & {f"studio/p{k}" for k in range(10)} and apart(people(split))
    assert len(known) == 35  # the forty others less five, the pictures' own test
    assert split.words.endswith("tested on, never learnt from: studio (CC BY)") and split.terms == "free"


def test_photographs_that_may_not_be_learnt_from_are_a_test(shared_data: Path) -> None:
    london, faces = (str(shared_data / "photos" / name) for name in ("london", "helen_afw"))
    split = split_of(TrainingPlan("ibug68", (london,), tests=(faces,)))
    assert {name: len(own) for name, own in split.tests.items()} == {"test": 10, "afw": 337, "helen_train": 870}
    assert all("london" in str(own.image) for own in (*split.training, *split.held_out, *split.tests["test"]))
    assert len(split.training) + len(split.held_out) == 92
    assert "non-commercial" not in split.terms and "CC BY 4.0" in split.terms
    assert "HELEN and AFW (non-commercial" in split.words
    both = split_of(TrainingPlan("ibug68", (london, faces)))
    assert set(both.tests) == {"test", "afw"} and "non-commercial" in both.terms and "CC BY 4.0" in both.terms
    assert len(both.training) + len(both.held_out) == 92 + 870 and apart(people(both))


def test_records_of_one_set_are_as_they_were() -> None:
    assert TrainingPlan("ibug68", ("a",)).record()["plan"] == {
        "scheme": "ibug68", "data": "a", "preset": "small", "connectivity": None, "frozen": None, "epochs": None,
        "minutes": None, "seed": 0,
    }  # fmt: skip
    several = TrainingPlan("ibug68", ("a", "b"), tests=("c",)).record()["plan"]
    assert several["data"] == ("a", "b") and several["tests"] == ("c",)


def test_faults(tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="nothing to learn from"):
        TrainingPlan("ibug68", ())
    with pytest.raises(NasionError, match="b: is given twice"):
        TrainingPlan("ibug68", ("a", "b"), tests=("b",))
    folder = plain(tmp_path / "faces", 2, about={"name": "x"})
    with pytest.raises(NasionError, match=r"set\.json: terms: Field required; give name"):
        split_of(TrainingPlan("cephalo19", (folder,)))
