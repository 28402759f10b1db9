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
    solvers: Annotated[str, typer.Option("--solvers", help="Comma-separated.")] = "posest,lilium,posterior",
    subjects: Annotated[int, typer.Option("--subjects", min=2, help="Number of people.")] = 17,
    frontal: Annotated[int, typer.Option("--frontal", min=0, help="Frontal photographs of each.")] = 30,
    lateral: Annotated[int, typer.Option("--lateral", min=0, help="Lateral photographs of each.")] = 30,
    seed: Seed = 0,
    noise: Annotated[
        float | None,
        typer.Option("--landmark-noise", min=0, max=0.5, help="Share of the face height, in place of the scenario's."),
    ] = None,
    together: Annotated[int, typer.Option("--together", min=1, help="Photographs of a person solved jointly.")] = 1,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Draws of noise and direction errors.")] = 1,
    pairs: Annotated[int, typer.Option("--lilium-pairs", min=1, help="Lilium: random true pairs.")] = 300,
    photographs: Annotated[
        int, typer.Option("--lilium-photographs", min=1, help="Lilium: how many of them meet all skulls.")
    ] = 20,
    population: Annotated[
        Path | None, typer.Option("--population", help="A folder that 'nasion population' wrote.")
    ] = None,
    template: Annotated[
        str, typer.Option("--template", help="Without --population: 'builtin' or a folder.")
    ] = "builtin",
    shifted_tissue: Annotated[
        bool, typer.Option("--shifted-tissue", help="People whose tissue is not as the solvers' table says.")
    ] = False,
    variety: Annotated[
        float, typer.Option("--variety", min=0, max=2, help="Multiplies how much the skulls differ.")
    ] = 1.0,
    tissue: Tissue = None,
    jobs: Jobs = 2,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="Dask cluster, in place of --jobs.")
    ] = None,
    force: Force = False,
) -> None:
    """Overlay every photograph on every skull (Lilium's protocol) and write table.md and table.json.

    A stopped run goes on where it stopped; a finished one takes further solvers.
    """
    from nasion.casework.parallel import workers
    from nasion.cli.show import progress
    from nasion.experiments.command import OverlayExperiment, run_overlay_experiment
    from nasion.experiments.plan import Subset
    from nasion.experiments.table_text import table_markdown

    names = tuple(dict.fromkeys(name.strip() for name in solvers.split(",") if name.strip()))
    subset = Subset(pairs, min(photographs, pairs))
    experiment = OverlayExperiment(
        scenario,
        names,
        subjects,
        frontal,
        lateral,
        seed,
        noise,
        together,
        runs,
        subset,
        population,
        template,
        tissue,
        shifted_tissue,
        variety,
    )
    with progress() as advance, workers(jobs, scheduler) as executor:
        table = run_overlay_experiment(experiment, out, executor, advance, force)
    typer.echo(table_markdown(table))
