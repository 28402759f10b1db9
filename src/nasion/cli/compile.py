"""Compile the hot loops once and keep them, so that the first case is not the slow one.

``python -m nasion.cli.compile`` runs a demo of two people and throws it away; Numba keeps what it compiled.
``make install`` does it; without it the first overlay takes about half a minute longer.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from nasion.casework.demo import run_demo
from nasion.report.folder import write_case


def main() -> None:
    """Run every compiled loop of the main job once."""
    with TemporaryDirectory() as name:
        case, _ = run_demo(Path(name), people=2)
        write_case(case, Path(name), details=1)


if __name__ == "__main__":
    main()
