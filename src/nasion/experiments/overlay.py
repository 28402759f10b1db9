"""The overlay experiment: every photograph against every skull (Lilium, sections III-A and III-B)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Executor, as_completed
from pathlib import Path

from nasion.errors import NasionError
from nasion.experiments.judging import Part, judge_parcel
from nasion.experiments.people import People
from nasion.experiments.plan import Parcel, Setup, parcels
from nasion.readers.files import write_json

Progress = Callable[[int, int], None]


def run(
    people: People,
    setup: Setup,
    parts: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Part]:
    """Return the parts of all parcels, in their order.

    Parameters
    ----------
    people
        Who takes part.
    setup
        Scenario and solvers.
    parts
        Folder in which each part is kept as soon as it is there; what lies there already is not made again. None
        keeps nothing.
    executor
        Any ``concurrent.futures`` executor; None works in this process.
    progress
        Called with (parcels done, all).

    Raises
    ------
    NasionError
        A part cannot be read or written.

    """
    every = parcels(setup, people.subjects)
    found: dict[Parcel, Part] = {}
    if parts is not None:
        found = {parcel: part for parcel in every if (part := _read(parts / _file(parcel))) is not None}
    report = progress or (lambda done, total: None)
    report(len(found), len(every))

    def keep(parcel: Parcel, part: Part) -> None:
        found[parcel] = part
        if parts is not None:
            write_json(parts / _file(parcel), part.to_dict())
        report(len(found), len(every))

    waiting = [parcel for parcel in every if parcel not in found]
    if executor is None:
        for parcel in waiting:
            keep(parcel, judge_parcel(parcel, people, setup))
    else:
        futures = {executor.submit(judge_parcel, parcel, people, setup): parcel for parcel in waiting}
        for future in as_completed(futures):
            keep(futures[future], future.result())
    return [found[parcel] for parcel in every]


def _file(parcel: Parcel) -> str:
    return f"{parcel.solver}.run_{parcel.run:02d}.subject_{parcel.person:03d}.json"


def _read(path: Path) -> Part | None:
    if not path.is_file():
        return None
    try:
        return Part.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError):
        raise NasionError(f"{path} is damaged; remove it and run again") from None
