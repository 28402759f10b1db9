"""Draw the pictures of docs/lilium.md into docs/images, from real runs on built-in virtual people (half a minute).

    make figures        or        python docs/make_figures.py

Needs matplotlib, which the ``docs`` extra brings. Prints the figures' numbers.
"""

from __future__ import annotations

from pathlib import Path

from figures.cast import load_subjects
from figures.cones import draw_cones
from figures.curves import draw_curves
from figures.overlays import draw_overlays
from figures.workflow import draw_workflow

IMAGES = Path(__file__).parent / "images"
FIGURES = {"cones": draw_cones, "workflow": draw_workflow, "curves": draw_curves, "overlays": draw_overlays}


def main() -> None:
    """Draw every figure."""
    subjects = load_subjects(2)
    for name, draw in FIGURES.items():
        path = IMAGES / f"lilium_{name}.jpg"
        print(path.name, *draw(subjects, path), sep="\n  ")


if __name__ == "__main__":
    main()
