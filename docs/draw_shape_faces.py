"""Draw docs/images/shape_faces.jpg: a real skull, its own skin, and the faces that its bone allows by two face models.

    python docs/draw_shape_faces.py DATA

DATA is the folder of development data. The head is that of a man who gave it to the public domain (Patient Contributed
Image Repository); the second face model is ICT-FaceKit (MIT). The tissue table knows nothing of this head.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from nasion.population.phantom_ict import phantom_ict_template
from nasion.population.template import Template
from nasion.population.template_source import load_template
from nasion.reconstruction.shape.made import make_faces
from nasion.reconstruction.shape.overview import MAP_TITLE, stage_of
from nasion.reconstruction.shape.pictures import PAPER, VIEWS, scale_bar
from nasion.reconstruction.shape.registration import BareSkull
from nasion.reconstruction.shape.settings import ShapeSettings
from real_heads import HEADS, real_head, tissue_of

IMAGE = Path(__file__).parent / "images" / "shape_faces.jpg"
HEAD = "pcir_77654033"
TILE_PX = 380
SEED = 3


def rows_of(data: Path, template: Template) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the row of the head itself and the row of its faces by a template."""
    landmarks, own, mesh = real_head(data, HEAD)
    skull = BareSkull(mesh, landmarks.landmarks_mm, landmarks.helpers_mm)
    made = make_faces(template, skull, ShapeSettings(tissue=tissue_of(data, HEADS[HEAD])), samples=3, seed=SEED)
    stage = stage_of(made, TILE_PX)
    end = made.scale_mm
    truth = [stage.skull(mesh, view) for view in VIEWS] + [stage.face(own.mesh, view) for view in VIEWS]
    faces = [stage.face(made.mean.mesh, view) for view in VIEWS]
    faces += [stage.map(made.mean.mesh, made.sd_mm, end, view) for view in VIEWS]
    faces += [stage.face(face.mesh, "frontal") for face in made.samples[:2]]
    row = np.hstack([*faces[:4], scale_bar(end, TILE_PX, MAP_TITLE), *faces[4:]])
    return _widened(np.hstack(truth), row.shape[1]), row


def _widened(row: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    blank = np.tile(np.rint(255 * np.array(PAPER)).astype(np.uint8), (len(row), width - row.shape[1], 1))
    return np.hstack([row, blank])


def main() -> None:
    """Draw the picture."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    data = Path(sys.argv[1])
    truth, builtin = rows_of(data, load_template("builtin"))
    _, other = rows_of(data, phantom_ict_template(data).canonicalised())
    picture = Image.fromarray(np.vstack([truth, builtin, other]))
    picture.resize((1500, round(picture.height * 1500 / picture.width)), Image.Resampling.LANCZOS).save(
        IMAGE, quality=86, optimize=True
    )
    print(IMAGE)


if __name__ == "__main__":
    main()
