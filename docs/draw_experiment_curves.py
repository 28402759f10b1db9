"""Draw docs/images/overlay_curves.jpg from finished overlay experiments (docs/experiments.md has their commands).

    python docs/draw_experiment_curves.py FOLDER...

Needs matplotlib, which the ``docs`` extra brings.
"""

from __future__ import annotations

import sys
from pathlib import Path

from figures.experiment_curves import draw_experiment_curves, read_run

IMAGE = Path(__file__).parent / "images" / "overlay_curves.jpg"


def main() -> None:
    """Draw the curves."""
    folders = [Path(name) for name in sys.argv[1:]]
    if not folders:
        raise SystemExit("give the folders of finished experiments")
    draw_experiment_curves([read_run(folder) for folder in folders], IMAGE)
    print(IMAGE)


if __name__ == "__main__":
    main()
