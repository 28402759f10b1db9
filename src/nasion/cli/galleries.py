"""``nasion gallery`` and ``nasion match``: faces kept for searching, and a probe ranked against them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nasion.cli.options import Force, Out
from nasion.errors import NasionError

if TYPE_CHECKING:
    from nasion.retrieval.match import Match
    from nasion.retrieval.pictures import Problem

PARTIAL = 3
"""Exit code of a run that could not use a part of its input."""
_MOST_TOLD = 20
_OF_THE_CARD = {"preset", "ablation", "data", "landmarks", "training_people", "tests", "code_version"}
"""What a result says of its model."""

Gallery = Annotated[Path, typer.Argument(help="Folder of the gallery.")]
View = Annotated[str, typer.Option("--view", help="What the pictures show; pictures of one view are compared.")]
Model = Annotated[Path, typer.Option("--model", help="Folder of a model that 'nasion train matching' wrote.")]

app = typer.Typer(help="Galleries of faces, kept for searching.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _gallery() -> None:
    pass


@app.command("add")
def add(
    gallery: Gallery,
    pictures: Annotated[Path, typer.Argument(help="A folder of photographs, or one photograph.")],
    model: Model,
    view: View = "frontal",
    update: Annotated[bool, typer.Option("--update", help="Replace pictures of the same name.")] = False,
) -> None:
    """Add photographs; all of them or, where the command is stopped, none. A new gallery is made where there is none.

    NAME.jpg is a person called NAME; PERSON/NAME.jpg is a picture of PERSON. Landmarks are read from
    NAME.landmarks.json beside it, else they are found. Pictures that cannot be used are named, and the command ends
    with 3.
    """
    from nasion.cli.show import counted, progress
    from nasion.matching.predict import load_matcher
    from nasion.retrieval.pictures import gallery_pictures
    from nasion.retrieval.upkeep import add_pictures

    found = gallery_pictures(pictures, view)
    matcher = load_matcher(model)
    with progress() as advance:
        added = add_pictures(gallery, found, matcher, update=update, progress=advance)
    for note in added.notes:
        typer.echo(f"note: {note}", err=True)
    told = [f"{counted(len(added.added), 'picture')} added"]
    told += [f"{len(added.replaced)} replaced"] if added.replaced else []
    told += [f"{len(added.present)} there already"] if added.present else []
    told += [f"{len(added.problems)} not used"] if added.problems else []
    typer.echo(f"{gallery}: {', '.join(told)}")
    _leave_if_partial(added.problems)


@app.command("remove")
def remove(
    gallery: Gallery,
    names: Annotated[list[str], typer.Argument(help="Pictures or people, as 'nasion gallery list' names them.")],
) -> None:
    """Take pictures out, by their names or by those of the people; all that are named, or none."""
    from nasion.cli.show import counted
    from nasion.retrieval.upkeep import remove_pictures

    gone = remove_pictures(gallery, names)
    typer.echo(f"{gallery}: {counted(len(gone), 'picture')} removed: {', '.join(gone)}")


@app.command("list")
def list_pictures(gallery: Gallery) -> None:
    """List the pictures: name, person, view, where its landmarks are from, file; one line each, with tabs between."""
    from nasion.cli.show import counted
    from nasion.retrieval.gallery import Gallery as Stored

    read = Stored.read(gallery)
    typer.echo("picture\tperson\tview\tlandmarks\tfile")
    for face in read.faces():
        typer.echo("\t".join((face.id, face.person, face.view, face.landmarks, face.picture)))
    made_by = f", features of the model {read.models[0][:12]}" if read.models else ""
    typer.echo(f"{gallery}: {counted(read.count, 'picture')}{made_by}", err=True)


@app.command("verify")
def verify(
    gallery: Gallery,
    model: Annotated[Path | None, typer.Option("--model", help="The model that should have made the features.")] = None,
) -> None:
    """Check each picture against its file and its features; name what does not agree, and end with 3 if anything is."""
    from nasion.cli.show import counted, progress
    from nasion.matching.predict import load_matcher
    from nasion.retrieval.gallery import Gallery as Stored
    from nasion.retrieval.upkeep import verify as check

    expected = None if model is None else load_matcher(model).sha256
    count = Stored.read(gallery).count
    with progress() as advance:
        problems = list(check(gallery, expected, advance))
    agreed = "all agree with their files, features and model" if not problems else f"{len(problems)} faults"
    typer.echo(f"{gallery}: {counted(count, 'picture')}, {agreed}")
    _leave_if_partial(problems)


def match(
    probe: Annotated[Path, typer.Option("--probe", help="A skull's radiograph or a sketch.")],
    gallery: Annotated[Path, typer.Option("--gallery", help="A gallery, or a folder of photographs.")],
    model: Model,
    out: Out,
    kind: Annotated[str, typer.Option("--kind", help="What the probe is: xray or sketch.")] = "xray",
    view: View = "frontal",
    shortlist: Annotated[
        int, typer.Option("--shortlist", min=1, help="Faces that the pair model scores, after a first search.")
    ] = 200,
    force: Force = False,
) -> None:
    """Rank the people of a gallery for a radiograph or a sketch; write result.json and contact_sheet.png.

    An embedding that knows no partner shortlists the gallery, the pair model orders the shortlist. Photographs of a
    folder that cannot be used are named, and the command ends with 3.
    """
    from nasion.cli.show import progress
    from nasion.matching.predict import load_matcher
    from nasion.matching.samples import MatchPicture
    from nasion.readers.files import output_folder
    from nasion.retrieval.match import match as search
    from nasion.retrieval.match_result import write_match
    from nasion.retrieval.pictures import LANDMARKS_ENDING

    if kind not in ("xray", "sketch"):
        raise NasionError(f"--kind: {kind!r} is neither xray nor sketch")
    beside = probe.with_name(probe.stem + LANDMARKS_ENDING)
    picture = MatchPicture(probe, probe.stem, view, kind, beside if beside.is_file() else None)
    matcher = load_matcher(model)
    with output_folder(out, force, (probe, gallery, model)) as folder:
        with progress() as advance:
            found = search(picture, gallery, matcher, shortlist=shortlist, progress=advance)
        write_match(found, {"folder": str(model), **matcher.card.model_dump(include=_OF_THE_CARD)}, folder)
    _print_match(found)
    _leave_if_partial(found.problems)


def _print_match(found: Match, most: int = 20) -> None:
    """Print the people in order; notes go to the error stream."""
    from rich.box import SIMPLE_HEAVY
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    title = f"{found.probe.path.name}: {found.compared} pictures compared, {found.re_ranked} scored as pairs"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAVY, pad_edge=False)
    table.add_column("rank", justify="right")
    table.add_column("person", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("similarity", justify="right")
    table.add_column("best picture", overflow="fold")
    for candidate in found.candidates[:most]:
        best = candidate.faces[0] if candidate.faces else None
        score = "-" if candidate.score is None else f"{candidate.score:.3f}"
        similarity = "-" if best is None else f"{best.similarity:.3f}"
        table.add_row(
            str(candidate.rank), escape(candidate.person), score, similarity, escape(best.face.id if best else "-")
        )
    console = Console()
    console.print(table)
    if len(found.candidates) > most:
        console.print(f"... and {len(found.candidates) - most} more in result.json")
    for note in found.notes[:_MOST_TOLD]:
        typer.echo(f"note: {note}", err=True)


def _leave_if_partial(problems: Iterable[Problem]) -> None:
    """Name what could not be used and end with 3, if there is any."""
    told = [f"nasion: not used: {' '.join(problem.reason.split())}" for problem in problems]
    for line in told[:_MOST_TOLD]:
        typer.echo(line, err=True)
    if len(told) > _MOST_TOLD:
        typer.echo(f"nasion: ... and {len(told) - _MOST_TOLD} more", err=True)
    if told:
        raise typer.Exit(PARTIAL)
