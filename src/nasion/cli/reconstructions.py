"""``nasion reconstruct`` and ``nasion train reconstruction``: faces from radiographs, sketches and skulls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nasion.cli.options import AcceptSides, Device, Force, Out, Seed, Tissue, Units
from nasion.cli.shape_faces import ShapeOptions, shape_faces
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.reconstruction.generators.card import Card
    from nasion.reconstruction.generators.progress import EpochRecord, Progress

SHAPE: Final = "shape"
"""Name of the model that needs a skull's surface and no training."""


def reconstruct(
    source: Annotated[Path, typer.Argument(help="A skull's radiograph or surface (PLY, STL, OBJ, VTP), or a sketch.")],
    model: Annotated[
        str, typer.Option("--model", help="Folder of a model of 'nasion train reconstruction'; shape for a surface.")
    ],
    out: Out,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Possible faces.")] = 8,
    view: Annotated[str | None, typer.Option("--view", help="frontal or lateral; the landmarks tell it.")] = None,
    landmarks: Annotated[
        Path | None, typer.Option("--landmarks", help="By default NAME.landmarks.json beside it, else found.")
    ] = None,
    face_model: Annotated[
        Path | None, typer.Option("--face-model", help="Shape: folder of the face model; built-in face without it.")
    ] = None,
    tissue: Tissue = None,
    build: Annotated[
        float | None, typer.Option("--build", help="Shape: known build factor, 1 average, 0.6 thin, 1.6 heavy.")
    ] = None,
    units: Units = None,
    accept_sides: AcceptSides = False,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Make possible faces: samples, mean, a map of where they disagree, overview.png and result.json.

    A skull does not determine a face: a reconstruction is one of many, and no photograph.
    """
    options = ShapeOptions(face_model, tissue, build, units, accept_sides)
    if model == SHAPE:
        if view is not None:
            raise NasionError(f"--view: --model {SHAPE} draws both views; leave it out")
        shape_faces(source, out, samples, landmarks, seed, force, options)
        return
    if options.given():
        raise NasionError(f"{', '.join(options.given())}: only --model {SHAPE} takes this; leave it out")
    _by_generator(source, Path(model), out, samples, view, landmarks, seed, force)


def _by_generator(
    source: Path, model: Path, out: Path, samples: int, view: str | None, landmarks: Path | None, seed: int, force: bool
) -> None:
    from nasion.matching.datasets import LANDMARKS_ENDING
    from nasion.matching.samples import MatchPicture
    from nasion.readers.files import output_folder
    from nasion.reconstruction.generators.predict import open_generator
    from nasion.reconstruction.generators.reconstruct import NOTICE, reconstruct_file, write_reconstruction
    from nasion.retrieval.describing import finder_of

    generator = open_generator(model)
    card = generator.card
    beside = source.with_name(source.stem + LANDMARKS_ENDING)
    points = landmarks or (beside if beside.is_file() else None)
    picture = MatchPicture(source, source.stem, view or "", card.modality, points)
    inputs = [path for path in (source, model, points) if path is not None]
    with output_folder(out, force, inputs) as folder:
        found = reconstruct_file(picture, generator, finder_of(card.scheme, card.modality), samples, seed)
        write_reconstruction(found, generator, folder)
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(f"{out}: {samples} possible faces of {source.name}, mean SD {found.faces.spread.mean():.1f} grey levels")
    typer.echo(NOTICE)


def train(
    out: Out,
    model: Annotated[str, typer.Option("--model", help="cyclegan, pix2pix, cut or fastcut.")],
    dataset: Annotated[str, typer.Option("--dataset", help="population, cuhk or s2f.")],
    data: Annotated[Path, typer.Option("--data", help="The set's folder.")],
    preset: Annotated[
        str, typer.Option("--preset", help="tiny (64 px), small (128), medium or paper (256).")
    ] = "small",
    source: Annotated[
        str, typer.Option("--source", help="Of the population: xray, xray_bone (without soft tissue) or sketch.")
    ] = "xray",
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="For learning; the preset's epochs at most.")
    ] = None,
    seed: Seed = 0,
    device: Device = "cpu",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Threads.")] = 2,
) -> None:
    """Train a generator of faces and write OUT/model; OUT/run/sheets shows how it goes.

    A run that was stopped goes on where it was when it is started again with the same options.
    """
    from nasion.cli.show import progress
    from nasion.cli.train import needs_torch

    needs_torch()
    from nasion.reconstruction.generators.training_run import MODEL, TrainingPlan, Watch, train_reconstruction

    plan = TrainingPlan(model, dataset, str(data.resolve()), preset, source, minutes, seed)
    with progress() as advance:

        def learnt(at: Progress) -> None:
            advance("learning", round(1000 * at.share), 1000)
            if at.record is not None:
                typer.echo(f"{_told(at.record)} ({at.share:.0%} of the run)", err=True)

        watch = Watch(lambda done, total: advance("pairs", done, total), learnt)
        card = train_reconstruction(plan, out, device=device, threads=jobs, watch=watch)
    _print_card(card, out / MODEL)


def _told(record: EpochRecord) -> str:
    """Return an epoch in words; terms that the model does not have are 0 and left out."""
    terms = {
        name: getattr(record, name)
        for name in ("adversarial", "critic", "l1", "perceptual", "cycle", "identity", "nce")
    }
    told = ", ".join(f"{name} {value:.3f}" for name, value in terms.items() if value)
    return f"epoch {record.epoch}: {told}, {record.seconds:.0f} s"


def _print_card(card: Card, folder: Path) -> None:
    typer.echo(
        f"{folder}: {card.settings['model']}, {card.parameters:,} parameters, {card.data} of {card.training_people} "
        f"people, {card.epochs} epochs, {card.unusable_pictures} pictures unusable"
    )
    for name, test in card.tests.items():
        typer.echo(
            f"{name}: {test.pairs} pairs of {test.people} people, SSIM {test.ssim:.3f} (mean face "
            f"{test.ssim_of_mean_face:.3f})"
        )
