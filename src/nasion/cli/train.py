"""``nasion train``: the networks of the package, trained anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from nasion.cli.options import Device, FaceModel, Force, Jobs, Out, Preset, Scheme, Seed, Templates, template_names
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.landmarks.image.card import Card as ImageCard
    from nasion.landmarks.image.settings import Connectivity
    from nasion.landmarks.image.train import Progress as ImageProgress
    from nasion.landmarks.surface.card import Card
    from nasion.landmarks.surface.train import Progress
    from nasion.landmarks.surface.training_plan import TrainingPlan
    from nasion.matching.train import EpochRecord as MatchingRecord

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
            local_learnt=lambda done, total: advance("learning the local stage", done, total),
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
    typer.echo(f"{folder}: {card.scheme}, {card.parameters:,} parameters, epoch {card.best_epoch} kept")
    for name, condition in card.conditions.items():
        error = condition.error_mm
        typer.echo(
            f"{name} scans of test people: {condition.samples} ({condition.refused} refused), mean error "
            f"{error.mean_mm:.2f} mm, 95 % within {error.p95_mm:.2f} mm; {error.inside_90:.0%} inside the 90 % radius; "
            f"{error.lost:.0%} wrongly reported missing; nearest to the prototype: {condition.prototype_mm:.2f} mm"
        )


@app.command("image-landmarks")
def image_landmarks(
    out: Out,
    scheme: Annotated[str, typer.Option("--scheme", help="ibug68, wflw98, facial20, cephalo19 or cranio_*.")],
    data: Annotated[
        list[Path],
        typer.Option(
            "--data", help="Folder of a published set, or of images with landmark files; several times for several."
        ),
    ],
    test: Annotated[
        list[Path] | None, typer.Option("--test", help="Folder of a set only to be tested on; nobody in it is learnt.")
    ] = None,
    preset: Annotated[str, typer.Option("--preset", help="small (CPU) or paper (GPU).")] = "small",
    connectivity: Annotated[
        str | None,
        typer.Option("--connectivity", help="shape (ours), image (the paper), task (one for all images) or none."),
    ] = None,
    frozen_heatmap: Annotated[
        Path | None,
        typer.Option("--frozen-heatmap", metavar="RUN", help="Keep this run's heat maps; only the graph learns."),
    ] = None,
    begin_with: Annotated[
        Path | None, typer.Option("--begin-with", metavar="RUN", help="Go on from this run's weights; all learns.")
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="The preset's by default.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="For learning; the test comes after.")] = None,
    seed: Seed = 0,
    device: Annotated[str, typer.Option("--device", help="cpu or cuda.")] = "cpu",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Threads.")] = 2,
) -> None:
    """Train the network that finds landmarks in photographs or radiographs, and write OUT/model.

    A run that was stopped goes on where it was when it is started again with the same options.
    """
    if importlib.util.find_spec("torch") is None:
        raise NasionError("training needs PyTorch; install nasion[train]")
    from typing import get_args

    from nasion.cli.show import progress
    from nasion.landmarks.image.settings import Connectivity
    from nasion.landmarks.image.training_plan import TrainingPlan
    from nasion.landmarks.image.training_run import MODEL, train_image_landmarks

    if connectivity is not None and connectivity not in get_args(Connectivity):
        raise NasionError(f"--connectivity: {connectivity!r} is not one of {', '.join(get_args(Connectivity))}")
    frozen = None if frozen_heatmap is None else str(frozen_heatmap.resolve())
    plan = TrainingPlan(
        scheme,
        tuple(str(folder.resolve()) for folder in data),
        preset,
        cast("Connectivity | None", connectivity),
        frozen,
        epochs,
        minutes,
        seed,
        tuple(str(folder.resolve()) for folder in test or ()),
        None if begin_with is None else str(begin_with.resolve()),
    )
    with progress() as advance:

        def learnt(at: ImageProgress) -> None:
            advance("learning", round(1000 * at.share), 1000)
            if at.record is not None:
                record = at.record
                typer.echo(
                    f"epoch {record.epoch}: loss {record.loss:.3f} (points {record.points_loss:.3f}, heat maps "
                    f"{record.heat_loss:.3f}), held-out error {record.held_out_error:.2%} of face size "
                    f"(heat maps alone {record.held_out_start_error:.2%}), {record.seconds:.0f} s",
                    err=True,
                )

        card = train_image_landmarks(
            plan,
            out,
            device=device,
            threads=jobs,
            read=lambda done, total: advance("images", done, total),
            learnt=learnt,
        )
    _print_image_card(card, out / MODEL)


def _print_image_card(card: ImageCard, folder: Path) -> None:
    typer.echo(f"{folder}: {card.scheme}, {card.parameters:,} parameters, epoch {card.best_epoch} kept")
    for name, test in card.tests.items():
        numbers = "; ".join(f"{key} {own.value:.4g} [{own.low:.4g}, {own.high:.4g}]" for key, own in test.mean.items())
        first = next(iter(test.start))
        typer.echo(
            f"{name}: {test.images} images of {test.people} people; {numbers}; heat maps alone: {first} "
            f"{test.start[first].value:.4g}; gain of the graph {test.gain.value:.1%} [{test.gain.low:.1%}, "
            f"{test.gain.high:.1%}]; {test.inside_90:.0%} inside the 90 % radius; {test.lost:.1%} reported missing"
        )


@app.command("image-completion")
def image_completion(
    data: Annotated[Path, typer.Option("--data", help="Folder with face_models and heads/elshin_phantom.")],
    out: Annotated[Path, typer.Option("--out", help="File to write (.npz).")],
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Learn how the facial twenty follow from the 68 points of a face, from 3D heads; takes about five minutes."""
    import numpy as np

    from nasion.cli.show import progress
    from nasion.landmarks.image.completion import completion_bytes
    from nasion.landmarks.image.completion_making import MakingSettings, make_completion
    from nasion.readers.files import refuse_existing, write_bytes

    refuse_existing(out, force)
    with progress() as advance:
        made = make_completion(data, MakingSettings(seed=seed), lambda done, total: advance("poses", done, total))
    write_bytes(out, completion_bytes(made.model))
    typer.echo(f"{out}: {len(made.model.pose_deg)} poses")
    for kind, test in (("heads of the face model", made.on_model_heads), ("virtual people", made.on_people)):
        typer.echo(
            f"unseen {kind}, 68 points with 2 % noise: mean error {np.nanmean(test.error):.2%} of the distance between "
            f"the eyes' outer corners, {np.nanmean(test.inside_90):.0%} inside the 90 % radius"
        )


@app.command("rendered-faces")
def rendered_faces(
    data: Annotated[Path, typer.Option("--data", help="Folder with face_models and photos/london.")],
    out: Out,
    count: Annotated[int, typer.Option("--count", min=1, help="Pictures.")] = 3000,
    seed: Seed = 0,
) -> None:
    """Draw heads with the 68 points to learn from: skins of the London Set on the face model, in all poses.

    A folder that was begun with the same options is filled up.
    """
    from nasion.cli.show import progress
    from nasion.landmarks.image.rendered.making import FacesPlan, make_faces

    with progress() as advance:
        made = make_faces(FacesPlan(str(data.resolve()), count, seed), out, lambda at, of: advance("pictures", at, of))
    typer.echo(f"{out}: {count} pictures, {made} of them new")


@app.command("matching")
def matching(
    out: Out,
    dataset: Annotated[str, typer.Option("--dataset", help="cuhk, population or s2f.")],
    data: Annotated[Path, typer.Option("--data", help="The set's folder.")],
    preset: Annotated[
        str, typer.Option("--preset", help="contours (ours), offline (the paper, no download) or paper.")
    ] = "contours",
    ablation: Annotated[
        str | None, typer.Option("--ablation", help="Of the paper's Tables 2 to 4, e.g. no-ot or patch-64.")
    ] = None,
    hide_hair: Annotated[
        bool, typer.Option("--hide-hair", help="Learn the inner face alone, in random crops.")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="For learning; the preset's epochs at most.")
    ] = None,
    seed: Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Threads.")] = 2,
) -> None:
    """Train the network that matches sketches or radiographs to photographs, and write OUT/model.

    A run that was stopped goes on where it was when it is started again with the same options.
    """
    needs_torch()
    from nasion.cli.show import progress
    from nasion.matching.training_plan import TrainingPlan
    from nasion.matching.training_run import MODEL, Watch, train_matching
    from nasion.retrieval.describing import finder_of

    plan = TrainingPlan(dataset, str(data.resolve()), preset, ablation, hide_hair, minutes, seed)
    with progress() as advance:

        def learnt(record: MatchingRecord) -> None:
            advance("learning", record.epoch, plan.settings.learning.epochs)
            typer.echo(
                f"epoch {record.epoch}: loss {record.loss:.3f} (triplet {record.triplet:.3f}, transport "
                f"{record.transport:.3f}), held-out triplet {record.held_out_loss:.3f}, held-out R@1 "
                f"{record.held_out_recall:.0%}, {record.seconds:.0f} s",
                err=True,
            )

        watch = Watch(lambda done, total: advance("pictures", done, total), learnt)
        finder = finder_of(plan.settings.pictures.scheme, "face")
        card = train_matching(plan, out, finder, threads=jobs, watch=watch)
    typer.echo(f"{out / MODEL}: {card.data}, best epoch {card.best_epoch}, {card.unusable_pictures} pictures unusable")
    for name, test in card.tests.items():
        recall = ", ".join(f"R@{k} {value:.1%} (chance {test.chance[k]:.1%})" for k, value in test.recall.items())
        typer.echo(f"{name}: {test.n_queries} probes, {test.n_gallery} faces, {test.failures} failures; {recall}")


@app.command("fusion")
def fusion(
    data: Annotated[Path, typer.Option("--data", help="Folder of 'nasion population --matching'.")],
    model: Annotated[Path, typer.Option("--model", help="Model of 'nasion train matching --dataset population'.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; fusion.json in the model's folder.")] = None,
    people: Annotated[int, typer.Option("--people", min=20, help="Strangers to the model that take part.")] = 200,
    seed: Seed = 0,
    jobs: Jobs = 2,
    force: Force = False,
) -> None:
    """Fit the rule by which 'nasion identify' puts overlay and radiographs together, to people the model has not met.

    Needs 'nasion population --matching' folders, whose skulls are made anew.
    """
    from nasion.casework.films import RULE_FILE
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.experiments.fusion import fit_fusion
    from nasion.matching.predict import load_matcher
    from nasion.networks.model_folder import model_in
    from nasion.readers.files import refuse_existing, write_text

    target = out or model_in(model) / RULE_FILE
    refuse_existing(target, force)
    matcher = load_matcher(model)
    with progress() as advance, processes(jobs) as executor:
        fit = fit_fusion(data, matcher, people, seed, executor, advance)
    write_text(target, fit.rule.to_json())
    typer.echo(f"{target}: fitted to {fit.rule.record['people']} people")
    for name, part in fit.rule.parts.items():
        typer.echo(f"{name}: weight {part.weight:.2f} x ({part.slope:.3g} x score {part.offset:+.3g})")
    for name, own in fit.figures.items():
        told = ", ".join(
            f"R@{k} {own['recall'][k]:.1%} [{own['interval95']['recall'][k][0]:.1%}, "
            f"{own['interval95']['recall'][k][1]:.1%}] (chance {own['chance']['recall'][k]:.1%})"
            for k in ("1", "10")
        )
        typer.echo(f"{name}: {told}")
