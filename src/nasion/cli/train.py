"""``nasion train``: the networks of the package, trained anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasion.cli.options import Device, FaceModel, Jobs, Out, Preset, Scheme, Seed, Templates, template_names
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.landmarks.surface.card import Card
    from nasion.landmarks.surface.train import Progress
    from nasion.landmarks.surface.training_plan import TrainingPlan

app = typer.Typer(help="Train networks.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _train() -> None:
    pass


@app.command("surface-landmarks")
def surface_landmarks(
    out: Out,
    scheme: Scheme,
    template: Templates = None,
    face_model: FaceModel = None,
    preset: Preset = "small",
    people: Annotated[int, typer.Option("--people", help="Virtual people of each source.")] = 300,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="The preset's by default.")] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="For making people and learning; the test takes a little more.")
    ] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    jobs: Jobs = 2,
) -> None:
    """Train the network that finds landmarks on surfaces, from virtual people, and write OUT/model.

    A run that was stopped goes on where it was when it is started again with the same options.
    """
    needs_torch()
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.landmarks.surface.training_run import MODEL, train_surface_landmarks

    plan = training_plan(scheme, template, face_model, preset, people, epochs, minutes, seed)
    with progress() as advance, processes(jobs) as executor:

        def learnt(at: Progress) -> None:
            advance("learning", (at.epoch - 1) * at.steps + at.step, at.epochs * at.steps)
            if at.record is not None:
                typer.echo(
                    f"epoch {at.record.epoch}: loss {at.record.loss:.3f}, held-out error "
                    f"{at.record.held_out_error_mm:.2f} mm, {at.record.seconds:.0f} s",
                    err=True,
                )

        card = train_surface_landmarks(
            plan,
            out,
            device=device,
            threads=jobs,
            executor=executor,
            made=lambda done, total: advance("scans", done, total),
            learnt=learnt,
        )
    _print_card(card, out / MODEL)


def needs_torch() -> None:
    """Raise NasionError where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise NasionError("training needs PyTorch; install nasion[train]")


def training_plan(
    scheme: str,
    template: list[str] | None,
    face_model: Path | None,
    preset: str,
    people: int,
    epochs: int | None,
    minutes: float | None,
    seed: int,
) -> TrainingPlan:
    """Return the plan that the options describe."""
    from nasion.landmarks.surface.training_plan import TrainingPlan
    from nasion.population.template_source import BUILTIN

    faces = None if face_model is None else str(face_model.resolve())
    return TrainingPlan(scheme, template_names(template or [BUILTIN]), faces, preset, people, epochs, minutes, seed)


def _print_card(card: Card, folder: Path) -> None:
    typer.echo(f"{folder}: {card.scheme}, {card.parameters:,} parameters, best epoch {card.best_epoch}")
    for name, condition in card.conditions.items():
        error = condition.error_mm
        typer.echo(
            f"{name} scans of test people: {condition.samples} ({condition.refused} refused), mean error "
            f"{error.mean_mm:.2f} mm, 95 % within {error.p95_mm:.2f} mm; {error.inside_90:.0%} inside the 90 % radius; "
            f"{error.lost:.0%} wrongly reported missing; nearest to the prototype: {condition.prototype_mm:.2f} mm"
        )
