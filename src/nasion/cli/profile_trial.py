"""``nasion experiment profile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nasion.cli.options import Force, Out


def profile(
    out: Out,
    train: Annotated[
        Path, typer.Option("--train", help="Cephalograms to learn from: landmarks.csv and the images that it names.")
    ],
    test: Annotated[
        Path,
        typer.Option("--test", help="Cephalograms to be judged on, laid out alike; the same folder: its other splits."),
    ],
    find_landmarks: Annotated[
        bool,
        typer.Option("--find-landmarks", help="Judge a second time with bony landmarks that a network finds; slower."),
    ] = False,
    generators: Annotated[
        str, typer.Option("--generators", help="Train as well, comma-separated: cyclegan, pix2pix, cut, fastcut.")
    ] = "",
    preset: Annotated[
        str, typer.Option("--preset", help="Of the generators: tiny (64 px), small (128), medium or paper (256).")
    ] = "tiny",
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Of learning, for each generator; all epochs without it.")
    ] = None,
    force: Force = False,
) -> None:
    """Tell the face's profile from the bone of real lateral X-rays; write table.json, table.md and pictures.

    Test films of patients who are also in the training films are left out (same_patient_pairs.csv).
    Training of generators that was stopped goes on.
    """
    from nasion.cli.show import progress
    from nasion.experiments.profile import run_profile_experiment
    from nasion.experiments.profile_tables import profile_table_markdown

    names = tuple(dict.fromkeys(name.strip() for name in generators.split(",") if name.strip()))
    with progress() as advance:
        table = run_profile_experiment(
            train,
            test,
            out,
            find_landmarks=find_landmarks,
            generators=names,
            preset=preset,
            minutes=minutes,
            force=force,
            advance=advance,
        )
    typer.echo(profile_table_markdown(table))
