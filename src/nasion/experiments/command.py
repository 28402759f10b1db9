"""The overlay experiment as one call: overlays that are kept as they come, then ``table.md`` and ``table.json``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.experiments.overlay import run
from nasion.experiments.people import SHIFT_SD, SHIFTED_BUILDS, MadePeople, People, PopulationFolder
from nasion.experiments.plan import Setup, Subset
from nasion.experiments.table_text import table_markdown
from nasion.experiments.tables import summarise
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.files import claim_folder, sha256, write_json, write_text
from nasion.version import __version__

RECORD: Final = "experiment.json"
PARTS: Final = "outcomes"


@dataclass(frozen=True)
class OverlayExperiment:
    """What is run and on whom.

    Attributes
    ----------
    scenario, solvers, seed, landmark_noise, together, runs, subset
        See ``experiments.plan.Setup``; the seed also draws the people.
    subjects, frontal, lateral
        Number of people and of photographs of each.
    population
        A population folder; None makes the people from the template.
    template, shifted_tissue, variety
        See ``experiments.people.MadePeople``.
    tissue
        The table that the people are drawn from and that the solvers are given; the built-in one where None.

    """

    scenario: str = "C"
    solvers: tuple[str, ...] = ("posest", "lilium", "posterior")
    subjects: int = 17
    frontal: int = 30
    lateral: int = 30
    seed: int = 0
    landmark_noise: float | None = None
    together: int = 1
    runs: int = 1
    subset: Subset = field(default_factory=Subset)
    population: Path | None = None
    template: str = BUILTIN
    tissue: Path | None = None
    shifted_tissue: bool = False
    variety: float = 1.0

    def people(self) -> People:
        """Return who takes part.

        Raises
        ------
        NasionError
            The population or the template cannot be used, or the people's options contradict each other.

        """
        counts = (self.subjects, self.frontal, self.lateral)
        if self.frontal + self.lateral < self.together:
            raise NasionError(f"{self.together} photographs a case need as many of each person; raise --frontal")
        if self.population is None:
            load_template(self.template)
            return MadePeople(*counts, self.seed, self.template, self.tissue, self.shifted_tissue, self.variety)
        if self.shifted_tissue or self.variety != 1.0 or self.template != BUILTIN:
            raise NasionError("--population brings its own people; leave out --template, --shifted-tissue, --variety")
        return PopulationFolder(self.population, *counts)

    def record(self) -> dict[str, Any]:
        """Return what every part of the result rests on: all settings but the solvers, each of which stands alone."""
        settings = {key: value for key, value in asdict(self).items() if key != "solvers"}
        settings |= {
            key: None if path is None else str(path)
            for key, path in (("population", self.population), ("tissue", self.tissue))
        }
        table = None if self.tissue is None else sha256(self.tissue)
        return {"nasion": __version__, "settings": settings, "tissue_sha256": table}

    def people_words(self) -> str:
        """Return where the people come from, and how their tissue relates to the solvers' table."""
        if self.population is not None:
            return f"People: {self.population}, whose tissue is that of the table it was made with."
        who = f"People: template {self.template}, seed {self.seed}, variety of skulls x {self.variety:g}."
        if self.shifted_tissue:
            low, high = SHIFTED_BUILDS
            return (
                f"{who} Their tissue is NOT that of the solvers' table: every landmark's mean vector is off by "
                f"{SHIFT_SD:g} SD in a direction of its own, the same for all people; build factors {low} to {high}."
            )
        return f"{who} Their tissue is drawn from the very table that the solvers are given, which flatters them all."


def run_overlay_experiment(
    experiment: OverlayExperiment,
    out: Path,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Run the experiment, write ``table.md`` and ``table.json`` into ``out`` and return the table.

    A run that was stopped goes on where it stopped; further solvers can be added to a finished one.

    Parameters
    ----------
    experiment
        What is run.
    out
        Folder of the tables and of ``outcomes/``, one file for each solver, run and person.
    executor
        Any ``concurrent.futures`` executor; None works in this process.
    progress
        Called with (stage, done, all).
    force
        Replace an experiment of other settings.

    Raises
    ------
    NasionError
        Unknown names, an unusable population or template, or ``out`` holds something else.

    """
    e = experiment
    tissue = TissueTable.load(e.tissue)
    setup = Setup(e.scenario, e.solvers, e.seed, tissue, e.landmark_noise, e.together, e.runs, e.subset)
    people = e.people()
    claim_folder(out, RECORD, e.record(), "experiment", force, [path for path in (e.population, e.tissue) if path])
    report = progress or (lambda stage, done, total: None)
    parts = run(people, setup, out / PARTS, executor, lambda done, total: report("overlays", done, total))
    table = {"nasion": __version__, "people": e.people_words(), **summarise(parts, people.subjects, setup)}
    write_json(out / "table.json", table)
    write_text(out / "table.md", table_markdown(table))
    return table
