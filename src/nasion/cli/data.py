"""``nasion skull`` and ``nasion population``: commands that make surfaces and people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nasion.cli.options import Force, Jobs, Out, Seed
from nasion.errors import NasionError


def skull(
    ct: Annotated[Path, typer.Argument(help="Head CT: a NIfTI file or a folder of DICOM slices.")],
    out: Annotated[Path, typer.Option("--out", help="Bone surface to write (.ply, .stl or .obj).")],
    skin: Annotated[Path | None, typer.Option("--skin", help="Skin surface to write.")] = None,
    triangles: Annotated[int, typer.Option("--triangles", min=1000, help="Of each surface.")] = 60_000,
    bone_hu: Annotated[float, typer.Option("--bone-hu", help="Threshold of bone in Hounsfield units.")] = 226.0,
    series: Annotated[int | None, typer.Option("--series", help="Which series of a DICOM folder.")] = None,
    force: Force = False,
) -> None:
    """Make bone and skin surfaces from a head CT.

    The threshold and the scale come from the file's own units; the head holder is removed, the largest component is
    kept. Bone that touches the skull stays: vertebrae, and amalgam streaks at the teeth. Look at the surface before
    you use it.
    """
    from nasion.readers.ct import read_ct
    from nasion.readers.ct_surfaces import SurfaceSettings, extract_surfaces
    from nasion.readers.files import refuse_existing
    from nasion.readers.meshes import check_ending, write_mesh

    if skin is not None and skin.resolve() == out.resolve():
        raise NasionError(f"{out}: is named for the bone and for the skin; give two names")
    for path in (out, skin):
        if path is not None:
            check_ending(path)
            refuse_existing(path, force)
    volume = read_ct(ct, series)
    surfaces = extract_surfaces(volume, SurfaceSettings(bone_hu=bone_hu, triangles=triangles))
    for note in dict.fromkeys((*volume.warnings, *surfaces.warnings)):
        typer.echo(f"note: {note}", err=True)
    write_mesh(out, surfaces.skull)
    typer.echo(f"{out}: {len(surfaces.skull.faces)} triangles")
    if skin is not None:
        write_mesh(skin, surfaces.skin)
        typer.echo(f"{skin}: {len(surfaces.skin.faces)} triangles")


def population(
    out: Out,
    subjects: Annotated[int, typer.Option("--subjects", min=1, help="Number of people.")] = 17,
    frontal: Annotated[int | None, typer.Option("--frontal", min=0, help="Frontal photographs of each; 30.")] = None,
    lateral: Annotated[int | None, typer.Option("--lateral", min=0, help="Lateral photographs of each; 30.")] = None,
    seed: Seed = 0,
    template: Annotated[
        str, typer.Option("--template", help="'builtin', or a folder with a skull and a face.")
    ] = "builtin",
    matching: Annotated[
        bool, typer.Option("--matching", help="X-rays, portraits and sketches of each instead, with pairs.csv.")
    ] = False,
    test: Annotated[
        int | None,
        typer.Option("--test", min=0, help="With --matching: so many people, the last ones, are for testing."),
    ] = None,
    size: Annotated[int | None, typer.Option("--size", help="With --matching: pixels of a side; 256.")] = None,
    jobs: Jobs = 2,
) -> None:
    """Make virtual people with exact truth: skulls, faces, tissue, photographs; or, for matching, X-rays and portraits.

    A run that was stopped goes on where it was when it is started again with the same options.
    """
    if matching:
        if frontal is not None or lateral is not None:
            raise NasionError("--matching makes one frontal and one lateral view; leave --frontal and --lateral out")
        _matching_population(out, subjects, test or 0, seed, template, 256 if size is None else size, jobs)
        return
    if test is not None or size is not None:
        raise NasionError("--test and --size belong to --matching; add it or leave them out")
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.population.folder import PopulationSettings, generate_population

    views = (30 if frontal is None else frontal, 30 if lateral is None else lateral)
    settings = PopulationSettings(subjects, *views, seed, template)
    with progress() as advance, processes(min(jobs, subjects)) as executor:
        generate_population(settings, out, executor, lambda done, total: advance("people", done, total))
    typer.echo(f"{out}: {subjects} people, {views[0]} frontal and {views[1]} lateral photographs of each")


def _matching_population(out: Path, subjects: int, test: int, seed: int, template: str, size: int, jobs: int) -> None:
    from nasion.casework.parallel import processes
    from nasion.cli.show import progress
    from nasion.population.pictures.folder import KINDS, MatchingSettings, generate_matching
    from nasion.population.pictures.portrait import PortraitSettings
    from nasion.population.pictures.xray import XraySettings

    settings = MatchingSettings(
        subjects, test, seed, template, PortraitSettings(size_px=size), XraySettings(size_px=size)
    ).checked()
    with progress() as advance, processes(min(jobs, subjects)) as executor:
        generate_matching(settings, out, executor, lambda done, total: advance("people", done, total))
    typer.echo(f"{out}: {subjects} people, {len(KINDS)} pictures of each from the front and from the side; pairs.csv")
