"""The ``nasion`` command: its sub-commands, and what becomes of errors.

Exit codes: 0 done; 1 a fault of the program; 2 a fault of the input (one line says what to do); 3 done, but a part of
the input could not be used; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated

import typer

from nasion.cli import data, galleries, landmarks, overlays, reconstructions, train, trials, xray
from nasion.errors import NasionError
from nasion.version import __version__

STOPPED = "stopped; nothing was left half-written"

app = typer.Typer(
    name="nasion",
    help="Craniofacial identification: from an unknown skull to a ranked, explained list of candidates.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("overlay")(overlays.overlay)
app.command("identify")(overlays.identify)
app.command("demo")(overlays.demo)
app.command("match")(galleries.match)
app.command("reconstruct")(reconstructions.reconstruct)
app.command("skull")(data.skull)
app.command("population")(data.population)
train.app.command("reconstruction")(reconstructions.train)
app.add_typer(galleries.app, name="gallery")
app.add_typer(landmarks.app, name="landmarks")
app.add_typer(train.app, name="train")
app.add_typer(trials.app, name="experiment")
app.add_typer(xray.app, name="xray")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nasion {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line and turn every fault into one line and an exit code."""
    # a scheduler's or a shell's kill ends as tidily as Ctrl-C: workers stopped, nothing half-written
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except NasionError as fault:
        _leave(str(fault), 2)
    except (typer.Abort, KeyboardInterrupt):
        _leave(STOPPED, 130)
    except OSError as fault:
        _leave(
            f"{fault.filename or 'file system'}: {fault.strerror or fault}; check the path, the rights and the space", 2
        )
    except Exception as fault:
        _leave_if_usage(fault)
        if os.environ.get("NASION_DEBUG"):
            raise
        _leave(
            f"a fault of the program ({type(fault).__name__}: {fault}); NASION_DEBUG=1 shows where, please report it", 1
        )
    if code == 130:
        # typer turns Ctrl-C into this exit code and is silent
        _leave(STOPPED, 130)
    sys.exit(code if isinstance(code, int) else 0)


def _leave_if_usage(fault: Exception) -> None:
    """Leave where the fault is one of usage: typer's own or click's, by their common method."""
    if not hasattr(fault, "format_message"):
        return
    message = fault.format_message()
    if message.startswith("Usage:"):
        print(message, file=sys.stderr)
        sys.exit(2)
    _leave(f"{message} (see --help)", 2)


def _leave(message: str, code: int) -> None:
    print("nasion: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)
