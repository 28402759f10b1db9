"""``nasion experiment reconstruction``: FCR's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nasion.cli.options import Device, Force, Jobs, Out, Seed
from nasion.errors import NasionError


def reconstruction(
    out: Out,
    dataset: Annotated[str, typer.Option("--dataset", help="How DIR is laid out: cuhk, population or s2f.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the set.")],
    models: Annotated[
        str, typer.Option("--models", help="Comma-separated; of the population also shape, from the 3D skull.")
    ] = "cyclegan,pix2pix,cut,fastcut",
    folds: Annotated[
        int | None,
        typer.Option("--folds", min=2, help="Of a cross-validation; without it the set's own test part, or 5."),
    ] = None,
    preset: Annotated[
        str, typer.Option("--preset", help="tiny (64 px), small (128), medium or paper (256).")
    ] = "small",
    source: Annotated[
        str, typer.Option("--source", help="Of the population: xray_bone (soft tissue taken out), xray or sketch.")
    ] = "xray_bone",
    minutes: Annotated[
        float | None, typer.Option("--minutes", min=0.01, help="Of learning, for each model and fold.")
    ] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    jobs: Jobs = 2,
    force: Force = False,
) -> None:
    """Make faces of people whom no model has met, judge them (KID, SSIM), look for them among real faces (CMC).

    A stopped run goes on where it stopped; a finished one takes further models.
    """
    from nasion.cli.show import progress
    from nasion.experiments.reconstruction import MODELS_FOLDER, ReconstructionExperiment, run_reconstruction_experiment
    from nasion.experiments.reconstruction_eyes import usual_eyes
    from nasion.experiments.reconstruction_generators import GeneratorMaker
    from nasion.experiments.reconstruction_shape import SHAPE, ShapeScorer
    from nasion.experiments.reconstruction_tables import reconstruction_table_markdown
    from nasion.reconstruction.generators.settings import MODELS, generator_settings

    names = list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
    unknown = [name for name in names if name not in (*MODELS, SHAPE)]
    if unknown or not names:
        raise NasionError(f"--models: {', '.join(unknown) or 'none'} given; use {', '.join((*MODELS, SHAPE))}")
    if SHAPE in names and dataset != "population":
        raise NasionError("--models: shape needs skulls in space, which only --dataset population has")
    side_px = generator_settings(MODELS[0], preset).network.side_px
    experiment = ReconstructionExperiment(dataset, data, source, side_px, folds, preset, minutes, seed)
    eyes = usual_eyes()
    with progress() as advance:
        makers = [
            GeneratorMaker(name, preset, dataset, source, minutes, seed, device, jobs, advance)
            for name in names
            if name != SHAPE
        ]
        scorers = [ShapeScorer(data, out / MODELS_FOLDER / SHAPE, seed)] if SHAPE in names else []
        table = run_reconstruction_experiment(
            experiment, makers, eyes, out, scorers=scorers, force=force, advance=advance
        )
    typer.echo(reconstruction_table_markdown(table))
