"""Learn the skull outlines of ``nasion xray strip`` and judge them: Dice against exact silhouettes of people unseen.

    python benchmarks/strip.py learn [--people 220] [--seed 101]        writes the package's models
    python benchmarks/strip.py judge [--people 60] [--seed 202] [--heads DATA/heads]

``judge`` strips virtual X-rays with all their landmarks and, from the side, with the seven that a cephalogram of the
ISBI 2015 challenge has too; and, with ``--heads``, X-rays taken of a real head's CT.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.raster import silhouette_of
from nasion.geometry.surface import Mesh
from nasion.population.photograph import VIEWS, View
from nasion.population.pictures.ct_xray import take_ct_xray
from nasion.population.template import frankfurt_motion
from nasion.population.template_source import BUILTIN, load_template
from nasion.readers.ct import CtVolume
from nasion.readers.ct_surfaces import head_alone
from nasion.readers.meshes import read_mesh
from nasion.reconstruction.profile.samples import HARD
from nasion.reconstruction.strip import strip
from nasion.reconstruction.strip.landmarks import XrayLandmarks
from nasion.reconstruction.strip.learning import learn_outlines, strip_cases

MODELS = Path(strip.__file__).parent / "data"


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Return twice the common area over the sum of both."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def learn(people: int, seed: int) -> None:
    """Write the package's models."""
    MODELS.mkdir(exist_ok=True)
    for view, model in learn_outlines(load_template(BUILTIN), people, seed).items():
        (MODELS / f"{view}.npz").write_bytes(model.to_bytes())
        print(MODELS / f"{view}.npz")


def judge(people: int, seed: int, heads: Path | None) -> None:
    """Print mean and least Dice of each view and set of landmarks."""
    found: dict[str, list[float]] = {}
    for case in strip_cases(load_template(BUILTIN), people, seed):
        points = case.xray.landmarks_px
        sets = {"all landmarks": points}
        if case.view == "lateral":
            sets["seven landmarks"] = {
                name: p for name, p in points.items() if name.removesuffix("_left").removesuffix("_right") in HARD
            }
        for label, own in sets.items():
            mask = strip.strip_xray(case.xray.image, XrayLandmarks(own), case.view).mask
            found.setdefault(f"virtual, {case.view}, {label}", []).append(dice(mask, case.silhouette.mask))
    for view, image, points, exact in real_cases(heads) if heads else ():
        mask = strip.strip_xray(image, XrayLandmarks(points), view).mask
        found[f"real head, {view}, all landmarks"] = [dice(mask, exact)]
    for label, values in found.items():
        print(f"{label}: mean Dice {np.mean(values):.4f}, least {np.min(values):.4f}, X-rays {len(values)}")


Case = tuple[View, NDArray[np.uint8], dict[str, NDArray[np.float64]], NDArray[np.bool_]]


def real_cases(heads: Path) -> Iterator[Case]:
    """Yield view, X-ray, landmarks and silhouette of the real head ``pcir_77654033``."""
    head = heads / "pcir_77654033"
    with np.load(head / "ct.npz") as data:
        ct = CtVolume(np.ascontiguousarray(data["hu"].transpose(2, 1, 0)), data["affine_ijk_to_mesh_mm"])
    marks = json.loads((head / "cranial.landmarks.json").read_text(encoding="utf-8"))
    points = {name: np.array(point) for name, point in {**marks["landmarks"], **marks["helpers"]}.items()}
    rotation, translation = frankfurt_motion(points)
    alone = head_alone(ct)
    parts = [read_mesh(head / name).mesh for name in ("cranium.ply", "mandible.ply")]
    for number, view in enumerate(VIEWS):
        rngs = [np.random.default_rng([number, film]) for film in range(2)]
        xray, _ = take_ct_xray(alone, points, view, *rngs)
        exact = np.zeros(xray.image.shape, bool)
        for part in parts:
            exact |= silhouette_of(Mesh(part.vertices @ rotation.T + translation, part.faces), xray.shot.camera)
        yield view, xray.image, xray.landmarks_px, exact


def main() -> None:
    """Read the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("learn", "judge"))
    parser.add_argument("--people", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--heads", type=Path)
    given = parser.parse_args()
    if given.what == "learn":
        learn(given.people or 220, given.seed or 101)
    else:
        judge(given.people or 60, given.seed or 202, given.heads)


if __name__ == "__main__":
    main()
