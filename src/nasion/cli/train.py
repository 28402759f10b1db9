"""``nasion train``: the networks of the package, trained anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasion.cli.options import Jobs, Out, Seed
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.landmarks.surface.card import Card
    from nasion.landmarks.surface.train import Progress

app = typer.Typer(help="Train networks.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _train() -> None:
    pass


@app.command("surface-landmarks")
def surface_landmarks(
    out: Out,
    scheme: Annotated[str, typer.Option("--scheme", help="cranial20, facial20 or ibug68.")],
    template: Annotated[
        list[str] | None,
        typer.Option("--template", help="'builtin' (the default) or a template folder; several times for several."),
    ] = None,
    face_model: Annotated[
        Path | None, typer.Option("--face-model", help="Folder of the face model, for faces with expressions.")
    ] = None,
    preset: Annotated[str, typer.Option("--preset", help="small (CPU) or paper (GPU).")] = "small",
    people: Annotated[int, typer.Option("--people", help="Virtual people of each source.")] = 300,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="The preset's by default.")] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="For making people and learning; the test takes a little more.")
    ] = None,
    seed: Seed = 0,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    jobs: Jobs = 2,
) -> None:
    """Train the network that finds landmarks on surfaces, from virtual people, and write OUT/model.

    A run that was stopped goes on where it was when it is started again with the same options.
    """
    if importlib.util.find_spec("torch") is None:
        raise NasionError("training needs PyTorch; install nasion[train]")
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.landmarks.surface.training_plan import TrainingPlan
    from nasion.landmarks.surface.training_run import MODEL, train_surface_landmarks
    from nasion.population.template_source import BUILTIN

    templates = tuple(name if name == BUILTIN else str(Path(name).resolve()) for name in template or [BUILTIN])
    faces = None if face_model is None else str(face_model.resolve())
    plan = TrainingPlan(scheme, templates, faces, preset, people, epochs, minutes, seed)
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


def _print_card(card: Card, folder: Path) -> None:
    typer.echo(f"{folder}: {card.scheme}, {card.parameters:,} parameters, best epoch {card.best_epoch}")
    for name, condition in card.conditions.items():
        error = condition.error_mm
        typer.echo(
            f"{name} scans of test people: {condition.samples} ({condition.refused} refused), mean error "
            f"{error.mean_mm:.2f} mm, 95 % within {error.p95_mm:.2f} mm; {error.inside_90:.0%} inside the 90 % radius; "
            f"{error.lost:.0%} wrongly reported missing; nearest to the prototype: {condition.prototype_mm:.2f} mm"
        )
