"""What the commands print: progress bars and the ranked table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
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
    """Print the ranked candidates as a table; notes, and what could not be used, go to the error stream."""
    from rich.box import SIMPLE_HEAVY
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from nasion.report.wording import score_words

    title = f"{case.question}: {counted(len(case.candidates), 'candidate')}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAVY, pad_edge=False)
    table.add_column("rank", justify="right")
    table.add_column("candidate", overflow="fold")
    table.add_column("degree of support")
    table.add_column("score", justify="right")
    table.add_column("residual, %\nof face height", justify="right")
    table.add_column("flags", overflow="fold")
    for candidate in case.candidates[:most]:
        degree = "" if candidate.support is None else candidate.support.degree.value
        rms = ", ".join(f"{100 * m.rms_face_height:.1f}" for m in candidate.measures)
        flags = [flag.replace("_", " ") for flag in candidate.flags]
        flags += [f"{problem.photo} not used" if problem.photo else "not compared" for problem in candidate.problems]
        table.add_row(
            str(candidate.rank), escape(candidate.id), degree, score_words(candidate), rms, escape(", ".join(flags))
        )
    console = Console()
    console.print(table)
    if len(case.candidates) > most:
        console.print(f"... and {len(case.candidates) - most} more in result.json")
    _print_lines([f"note: {note}" for note in case.notes], most)
    _print_lines([f"nasion: not used: {problem.reason}" for problem in case.problems], most)


def counted(number: int, what: str) -> str:
    """Return "1 candidate", "2 candidates"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _print_lines(lines: Sequence[str], most: int) -> None:
    for line in lines[:most]:
        print(" ".join(line.split()), file=sys.stderr)
    if len(lines) > most:
        print(f"... and {len(lines) - most} more in result.json", file=sys.stderr)
