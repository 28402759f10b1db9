"""What the commands print: progress bars and the ranked table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nasion.casework.records import Case

Advance = Callable[[str, int, int], None]


@contextmanager
def progress() -> Iterator[Advance]:
    """Yield a function (stage, done, all) that draws a progress bar on the error stream, if that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    tasks: dict[str, TaskID] = {}

    def advance(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=total)
        bar.update(tasks[stage], completed=done, total=total)

    with bar:
        yield advance


def print_ranking(case: Case, most: int = 20) -> None:
    """Print the ranked candidates as a table, and what could not be used."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{case.question}: {len(case.candidates)} candidate{'s' if len(case.candidates) != 1 else ''}")
    for name, align in (("rank", "right"), ("candidate", "left"), ("score", "right"), ("rms of face height", "right")):
        table.add_column(name, justify="right" if align == "right" else "left")
    table.add_column("degree of support")
    table.add_column("flags")
    for candidate in case.candidates[:most]:
        score = "failed" if candidate.score is None else f"{candidate.score:.2f}"
        rms = ", ".join(f"{m.rms_face_height:.1%}" for m in candidate.measures)
        support = "" if candidate.support is None else candidate.support.degree.value
        flags = ", ".join(candidate.flags)
        table.add_row(str(candidate.rank), escape(candidate.id), score, rms, escape(support), flags)
    console = Console()
    console.print(table)
    if len(case.candidates) > most:
        console.print(f"... and {len(case.candidates) - most} more in result.json")
    for problem in case.problems:
        print(f"not used: {' '.join(problem.reason.split())}", file=sys.stderr)
