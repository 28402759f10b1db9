"""``nasion experiment``: the papers' experiments by name."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from nasion.cli.options import (
    Device,
    FaceModel,
    Force,
    Jobs,
    Out,
    Preset,
    Scheme,
    Seed,
    Templates,
    Tissue,
    template_names,
)
from nasion.cli.profile_trial import profile
from nasion.cli.reconstruction_trial import reconstruction
from nasion.errors import NasionError

app = typer.Typer(help="The papers' experiments by name.", no_args_is_help=True, rich_markup_mode=None)


app.command("reconstruction")(reconstruction)
app.command("profile")(profile)


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


@app.command("surface-landmarks")
def surface_landmarks(
    out: Out,
    scheme: Scheme = "cranial20",
    template: Templates = None,
    other: Annotated[
        list[str] | None,
        typer.Option("--other", help="'builtin' or a template folder, whose people are for the test only."),
    ] = None,
    face_model: FaceModel = None,
    preset: Preset = "small",
    people: Annotated[int, typer.Option("--people", help="Virtual people of each source.")] = 150,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Of learning, for each of two networks.")] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    jobs: Jobs = 2,
) -> None:
    """Train 2S-SGCN and its ablations on the same scans, judge all on other people, write table.md and table.json.

    A stopped run goes on where it stopped.
    """
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.cli.train import needs_torch, training_plan
    from nasion.experiments.table_text import surface_table_markdown

    needs_torch()
    from nasion.experiments.surface_landmarks import SurfaceExperiment, run_surface_experiment

    plan = training_plan(scheme, template, face_model, preset, people, None, minutes, seed)
    experiment = SurfaceExperiment(plan, template_names(other or []))
    with progress() as advance, processes(jobs) as executor:
        table = run_surface_experiment(experiment, out, device=device, threads=jobs, executor=executor, advance=advance)
    typer.echo(surface_table_markdown(table))


@app.command("matching")
def matching(
    out: Out,
    dataset: Annotated[str, typer.Option("--dataset", help="How DIR is laid out: cuhk, population or s2f.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the set.")],
    model: Annotated[
        Path | None, typer.Option("--model", help="Folder of a model that 'nasion train matching' wrote.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option("--cross-validate", min=2, help="In place of --model: so many models, each judged on others."),
    ] = None,
    hide_hair: Annotated[bool, typer.Option("--hide-hair", help="Show the inner face alone, in random crops.")] = False,
    seed: Seed = 0,
    jobs: Jobs = 2,
    force: Force = False,
) -> None:
    """Score every probe against every face as its own pair; write table.json, table.md and pictures.

    A stopped run goes on where it stopped.
    """
    from nasion.cli.show import progress
    from nasion.experiments.matching import MatchingExperiment, cross_validate, run_matching_experiment
    from nasion.experiments.matching_features import describe_by, people_learnt_from
    from nasion.experiments.matching_tables import matching_table_markdown
    from nasion.matching.predict import load_matcher

    if (model is None) == (folds is None):
        raise NasionError("give either --model or --cross-validate")
    experiment = MatchingExperiment(dataset, data, hide_hair, seed)
    with progress() as advance:
        if model is not None:
            matcher = load_matcher(model)
            describe = describe_by(matcher, out / "features", hide_hair, seed)
            seen = partial(people_learnt_from, matcher)
            table = run_matching_experiment(
                experiment, matcher, describe, out, learnt_from=seen, force=force, advance=advance
            )
        elif folds is not None:
            table = cross_validate(experiment, folds, out, threads=jobs, force=force, advance=advance)
    typer.echo(matching_table_markdown(table))
