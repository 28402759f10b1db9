"""``nasion experiment``: the papers' experiments by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nasion.cli.options import Force, Jobs, Out, Seed, Tissue

app = typer.Typer(help="The papers' experiments by name.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _experiments() -> None:
    pass


@app.command("overlay")
def overlay(
    out: Out,
    scenario: Annotated[str, typer.Option("--scenario", help="A ideal, B landmark noise, C realistic.")] = "C",
    solvers: Annotated[str, typer.Option("--solvers", help="Comma-separated.")] = "posest,posterior",
    subjects: Annotated[int, typer.Option("--subjects", min=2, help="Number of people.")] = 17,
    frontal: Annotated[int, typer.Option("--frontal", min=0, help="Frontal photographs of each.")] = 30,
    lateral: Annotated[int, typer.Option("--lateral", min=0, help="Lateral photographs of each.")] = 30,
    seed: Seed = 0,
    population: Annotated[
        Path | None, typer.Option("--population", help="A folder that 'nasion population' wrote.")
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="Without --population: 'builtin' or a folder.")
    ] = "builtin",
    tissue: Tissue = None,
    jobs: Jobs = 2,
    force: Force = False,
) -> None:
    """Overlay every photograph on every skull (Lilium's protocol) and write table.md and table.json."""
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.experiments.command import OverlayExperiment, run_overlay_experiment
    from nasion.experiments.overlay import table_markdown

    names = tuple(dict.fromkeys(name.strip() for name in solvers.split(",") if name.strip()))
    experiment = OverlayExperiment(scenario, names, subjects, frontal, lateral, seed, population, template, tissue)
    with progress() as advance, processes(jobs) as executor:
        table = run_overlay_experiment(experiment, out, executor, advance, force)
    typer.echo(table_markdown(table))
