"""The built-in case, with fewer people."""

import json
from pathlib import Path

from nasion.casework import demo


def test_demo_case_lies_on_disk_as_a_users_would(tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    case, truth = demo.run_demo(
        tmp_path, None, lambda stage, done, total: stages.append((stage, done, total)), people=3
    )
    assert [stage for stage in stages if stage[1] == stage[2]] == [("making people", 3, 3), ("comparing", 3, 3)]
    assert {entry.name for entry in (tmp_path / "case").iterdir()} == {"skull", "gallery", "truth.json"}
    people = sorted(entry.name for entry in (tmp_path / "case" / "gallery").iterdir())
    assert people == ["subject_000", "subject_001", "subject_002"]
    endings = ("png", "landmarks.json", "mask.png")
    expected = sorted(f"{view}.{ending}" for view in ("frontal", "lateral") for ending in endings)
    for person in people:
        # nothing in the gallery tells the answer
        assert sorted(path.name for path in (tmp_path / "case" / "gallery" / person).iterdir()) == expected
    assert json.loads((tmp_path / "case" / "truth.json").read_text()) == {"unknown_skull_is": truth}
    assert case.best.id == truth
    assert all(len(candidate.photos) == 2 for candidate in case.candidates)
