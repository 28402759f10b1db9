"""The built-in case: an unknown skull against twelve virtual people, one of them the right one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from nasion.casework.identify import identify_gallery
from nasion.casework.records import Case, SkullFiles
from nasion.population.folder import PopulationSettings, generate_population, subject_name

PEOPLE: Final = 12
UNKNOWN: Final = 1
SEED: Final = 2026


def make_demo_case(
    folder: Path, executor: Executor | None, progress: Callable[[int, int], None], people: int = PEOPLE
) -> tuple[SkullFiles, Path]:
    """Write the unknown skull and the gallery, as a user's case would lie on disk; return both.

    The gallery holds, for each person, a frontal and a lateral photograph with landmarks and face mask, and nothing
    else.
    """
    population = folder / "population"
    generate_population(PopulationSettings(people, 1, 1, SEED), population, executor, progress)
    skull, gallery = folder / "skull", folder / "gallery"
    skull.mkdir()
    source = population / subject_name(UNKNOWN)
    for name in ("skull.ply", "cranial.landmarks.json"):
        shutil.copyfile(source / name, skull / name)
    for index in range(people):
        person = gallery / subject_name(index)
        person.mkdir(parents=True)
        for view in ("frontal", "lateral"):
            for ending in ("png", "landmarks.json", "mask.png"):
                taken = population / subject_name(index) / "photos" / f"{view}_00.{ending}"
                shutil.copyfile(taken, person / f"{view}.{ending}")
    shutil.rmtree(population)
    return SkullFiles("skull.ply", skull / "cranial.landmarks.json", skull / "skull.ply"), gallery


def run_demo(
    folder: Path,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    people: int = PEOPLE,
) -> tuple[Case, str]:
    """Make the case in ``folder / "case"`` and rank the gallery; return the case and the right person's name."""
    report = progress or (lambda stage, done, total: None)
    skull, gallery = make_demo_case(
        folder / "case", executor, lambda done, total: report("making people", done, total), people
    )
    case = identify_gallery(
        skull, gallery, executor=executor, progress=lambda done, total: report("comparing", done, total)
    )
    truth = subject_name(UNKNOWN)
    (folder / "case" / "truth.json").write_text(json.dumps({"unknown_skull_is": truth}) + "\n", encoding="utf-8")
    return case, truth
