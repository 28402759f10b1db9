"""``nasion population --matching``: a whole folder, and options that do not go together."""

import csv
from pathlib import Path

import pytest
from PIL import Image

from cli.command import nasion


def test_a_folder_for_matching(tmp_path: Path) -> None:
    out = tmp_path / "people"
    command = ["population", "--matching", "--subjects", 2, "--test", 1, "--size", 64, "--jobs", 1, "--out", out]
    ended = nasion(*command)
    assert (ended.code, ended.err) == (0, "")
    assert "2 people" in ended.out
    with (out / "pairs.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["split"] for row in rows] == ["train", "train", "test", "test"]
    with Image.open(out / rows[0]["xray"]) as picture:
        assert picture.size == (64, 64)
    (out / "pairs.csv").unlink()
    again = nasion(*command)  # goes on: nothing is left to do but the table
    assert again.code == 0
    assert (out / "pairs.csv").is_file()
    other = nasion(*command, "--seed", 1)
    assert other.code == 2
    assert "other settings" in other.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--matching", "--frontal", 3), "--frontal"),
        (("--matching", "--test", 5, "--subjects", 5), "cannot be for testing"),
        (("--matching", "--size", 8), "8 pixels"),
        (("--test", 3), "--matching"),
        (("--size", 128), "--matching"),
    ],
)
def test_options_that_do_not_go_together(options: tuple[object, ...], message: str, tmp_path: Path) -> None:
    ended = nasion("population", *options, "--out", tmp_path / "new")
    assert ended.code == 2
    assert message in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "new").exists()
