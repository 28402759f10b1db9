"""Compile the hot loops once and keep them, so that the first case is not the slow one.

``python -m nasion.cli.compile`` runs a demo of two people with every solver and throws it away; Numba keeps what it
compiled. ``make install`` does it; without it the first overlay takes about half a minute longer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from nasion.casework.demo import make_demo_case
from nasion.casework.identify import identify_gallery
from nasion.casework.inputs import load_skull
from nasion.casework.settings import CaseSettings
from nasion.overlay.problem import SOLVERS
from nasion.report.folder import write_case


def main() -> None:
    """Run every compiled loop of the solvers, of the report and of landmarks on surfaces once."""
    with TemporaryDirectory() as name:
        skull, gallery = make_demo_case(Path(name) / "case", None, lambda done, total: None, people=2)
        for solver in SOLVERS:
            case = identify_gallery(skull, gallery, CaseSettings(solver))
            write_case(case, Path(name), details=1)
        load_skull(replace(skull, landmarks=None))


if __name__ == "__main__":
    main()
