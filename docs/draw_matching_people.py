"""Draw docs/images/matching_people.jpg: a folder for matching, and below X-rays of a real head's CT on the same films.

    python docs/draw_matching_people.py DATA

DATA is the folder of development data; its ``heads/pcir_77654033`` is the CT of a man who gave it to the public domain
(Patient Contributed Image Repository).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nasion.population.photograph import VIEWS
from nasion.population.pictures.ct_xray import take_ct_xray
from nasion.population.pictures.folder import KINDS, MatchingSettings, generate_matching
from nasion.readers.ct import CtVolume
from nasion.readers.ct_surfaces import head_alone

IMAGE = Path(__file__).parent / "images" / "matching_people.jpg"
PEOPLE = 2
SEED = 5


def virtual_rows() -> list[NDArray[np.uint8]]:
    """Return a row of pictures for each person and view."""
    with TemporaryDirectory() as name:
        out = Path(name) / "people"
        generate_matching(MatchingSettings(subjects=PEOPLE, seed=SEED), out)
        stems = [out / f"subject_{k:03d}" for k in range(PEOPLE)]
        return [
            np.hstack([np.asarray(Image.open(stem / f"{view}_{kind}.png").convert("RGB")) for kind in KINDS])
            for stem in stems
            for view in VIEWS
        ]


def real_row(head: Path) -> NDArray[np.uint8]:
    """Return X-rays of a head's CT, frontal and lateral, each with and without soft tissue."""
    with np.load(head / "ct.npz") as data:
        ct = CtVolume(np.ascontiguousarray(data["hu"].transpose(2, 1, 0)), data["affine_ijk_to_mesh_mm"])
    marks = json.loads((head / "cranial.landmarks.json").read_text(encoding="utf-8"))
    points = {name: np.array(point) for name, point in {**marks["landmarks"], **marks["helpers"]}.items()}
    alone = head_alone(ct)
    films = []
    for number, view in enumerate(VIEWS):
        rngs = [np.random.default_rng([number, film]) for film in range(2)]
        films += [film.image for film in take_ct_xray(alone, points, view, *rngs)]
    return np.repeat(np.hstack(films)[:, :, None], 3, axis=2)


def main() -> None:
    """Draw the picture."""
    if len(sys.argv) != 2:
        raise SystemExit("give the folder of development data")
    rows = virtual_rows()
    real = real_row(Path(sys.argv[1]) / "heads" / "pcir_77654033")
    white = np.full((real.shape[0], rows[0].shape[1] - real.shape[1], 3), 255, dtype=np.uint8)
    Image.fromarray(np.vstack([*rows, np.hstack([real, white])])).save(IMAGE, quality=85)
    print(IMAGE)


if __name__ == "__main__":
    main()
