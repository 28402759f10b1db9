"""The overlay experiment as one call: people, overlays, ``table.md`` and ``table.json``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasion.anatomy.tissue import TissueTable
from nasion.experiments.overlay import Setup, run, summarise, table_markdown
from nasion.experiments.people import make_people, read_people
from nasion.population.person import PersonSettings
from nasion.population.template_source import BUILTIN, load_template
from nasion.population.tissue_sampling import TissueDraw
from nasion.readers.files import output_folder, write_json, write_text
from nasion.version import __version__


@dataclass(frozen=True)
class OverlayExperiment:
    """What is run and on whom.

    Attributes
    ----------
    scenario, solvers, seed
        See ``experiments.overlay.Setup``; the seed also draws the people.
    subjects, frontal, lateral
        Number of people and of photographs of each.
    population
        A population folder; None makes the people from the template.
    template
        ``"builtin"`` or a template folder.
    tissue
        The table that the people are drawn from and that the solvers are given; the built-in one where None.

    """

    scenario: str = "C"
    solvers: tuple[str, ...] = ("posest", "posterior")
    subjects: int = 17
    frontal: int = 30
    lateral: int = 30
    seed: int = 0
    population: Path | None = None
    template: str = BUILTIN
    tissue: Path | None = None


def run_overlay_experiment(
    experiment: OverlayExperiment,
    out: Path,
    executor: Executor | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    force: bool = False,
) -> dict[str, Any]:
    """Run the experiment, write ``table.md`` and ``table.json`` into ``out`` and return the table.

    Parameters
    ----------
    experiment
        What is run.
    out
        Folder of the tables.
    executor
        Any ``concurrent.futures`` executor; None works in this process.
    progress
        Called with (stage, done, all).
    force
        Replace an earlier ``out``.

    Raises
    ------
    NasionError
        Unknown names, an unusable population or template, or ``out`` exists.

    """
    tissue = TissueTable.load(experiment.tissue)
    setup = Setup(experiment.scenario, experiment.solvers, experiment.seed, tissue)
    report = progress or (lambda stage, done, total: None)
    with output_folder(out, force) as folder:
        counts = (experiment.subjects, experiment.frontal, experiment.lateral)
        if experiment.population is not None:
            people = read_people(experiment.population, *counts)
        else:
            people = make_people(
                load_template(experiment.template),
                *counts,
                experiment.seed,
                PersonSettings(tissue=TissueDraw(tissue)),
                lambda done, total: report("people", done, total),
            )
        outcomes = run(people, setup, executor, lambda done, total: report("photographs", done, total))
        source = experiment.template if experiment.population is None else str(experiment.population)
        table = {"nasion": __version__, "population": source, **summarise(outcomes, len(people), setup)}
        write_json(folder / "table.json", table)
        write_text(folder / "table.md", table_markdown(table))
    return table
