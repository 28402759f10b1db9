"""``nasion reconstruct SKULL --model shape``: faces from a skull's surface, without any training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from nasion.population.template import Template


@dataclass(frozen=True)
class ShapeOptions:
    """What the command takes for ``--model shape`` alone."""

    face_model: Path | None = None
    tissue: Path | None = None
    build: float | None = None
    units: str | None = None
    accept_sides: bool = False

    def given(self) -> list[str]:
        """Return the options that are set."""
        named = {
            "--face-model": self.face_model,
            "--tissue": self.tissue,
            "--build": self.build,
            "--units": self.units,
            "--accept-sides": self.accept_sides or None,
        }
        return [name for name, value in named.items() if value is not None]


def shape_faces(
    source: Path, out: Path, samples: int, landmarks: Path | None, seed: int, force: bool, options: ShapeOptions
) -> None:
    """Write possible faces of a skull's surface: meshes, pictures, overview.png and result.json."""
    from nasion.anatomy.tissue import TissueTable
    from nasion.casework.bare_skull import bare_skull
    from nasion.casework.inputs import load_skull, skull_files
    from nasion.cli.show import progress
    from nasion.readers.files import output_folder, sha256
    from nasion.reconstruction.shape.folder import write_faces
    from nasion.reconstruction.shape.made import make_faces
    from nasion.reconstruction.shape.overview import NOTICE
    from nasion.reconstruction.shape.settings import ShapeSettings

    settings = ShapeSettings(TissueTable.load(options.tissue), options.build)
    template = face_model_template(options.face_model)
    beside = source.with_name(source.stem + ".landmarks.json")
    points = landmarks or (beside if beside.is_file() else None)
    given = [path for path in (source, points, options.tissue) if path is not None]
    with output_folder(out, force, [*given, *([options.face_model] if options.face_model else [])]) as folder:
        skull = load_skull(skull_files(source, points, options.units), options.accept_sides)
        with progress() as advance:
            made = make_faces(
                template, bare_skull(skull), settings, samples, seed, lambda done, all_: advance("faces", done, all_)
            )
        notes = [*skull.notes, *made.notes()]
        write_faces(made, folder, source.name, {path.name: sha256(path) for path in given}, notes)
    for note in notes:
        typer.echo(f"note: {note}", err=True)
    import numpy as np

    typer.echo(f"{out}: {samples} possible faces of {source.name}, median SD {np.median(made.sd_mm):.1f} mm")
    typer.echo(NOTICE)


def face_model_template(data: Path | None) -> Template:
    """Return the built-in template, or the one with the face model of a folder of development data."""
    if data is None:
        from nasion.population.template_source import BUILTIN, load_template

        return load_template(BUILTIN)
    from nasion.population.phantom_ict import phantom_ict_template

    return phantom_ict_template(data).canonicalised()
