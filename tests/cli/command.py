"""Calls the ``nasion`` command in this process."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from unittest import mock

from nasion.cli.main import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def nasion(*arguments: object) -> Outcome:
    """Run ``nasion ARGUMENTS`` and return its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["nasion", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
    return Outcome(code, out.getvalue(), err.getvalue())
