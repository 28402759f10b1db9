"""Thin and heavy versions of two real heads: how BPE and rank change with the thickness of the tissue.

    python benchmarks/scaled_tissue.py --data DATA [--draws 8] [--others 49]

The facial landmarks of a real head are moved to bone + factor * (tissue vector + 1.5 mm of noise on each axis); no
pictures are drawn: landmarks of the far side are hidden in lateral views by their names. The tissue table is the
built-in one, whose means come from these two heads: this shows what the build factor can do, not how good the table is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS, side
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import Photo
from real_heads import FACIAL, Face, errors, other_faces, real_head

CASES = (
    ("pcir_77654033", 0.6),
    ("pcir_77654033", 1.0),
    ("pcir_77654033", 1.25),
    ("pcir_77654033", 1.5),
    ("invesalius_cranium", 1.0),
    ("invesalius_cranium", 1.5),
)


def shot(
    face: Face, view: str, rng: np.random.Generator, keep: NDArray[np.bool_]
) -> tuple[Camera, NDArray[np.float64], Photo]:
    """Return (camera, true image points, photograph) without a picture."""
    size = (int(rng.integers(600, 1400)), int(rng.integers(600, 1400)))
    yaw = rng.uniform(-20, 20) if view == "frontal" else rng.choice([-1, 1]) * rng.uniform(60, 90)
    rotation = pose_rotation(yaw, rng.uniform(-10, 10), rng.uniform(-10, 10)) @ face.upright
    distance = float(np.exp(rng.uniform(np.log(500), np.log(4000))))
    scale = min(size) * rng.uniform(0.5, 0.8) / 240
    shift = np.array([rng.uniform(-20, 20), rng.uniform(-20, 20), distance])
    camera = Camera(
        rotation,
        shift - rotation @ np.nanmean(face.landmarks_mm, axis=0),
        scale * distance,
        image_center_px(size),
        size,
    )
    points = camera.project(face.landmarks_mm)
    noisy = points + rng.uniform(-1, 1, points.shape) * 0.01 * 118.0 * scale
    far = ("left" if yaw > 0 else "right") if view == "lateral" else "none"
    seen = {n: noisy[j] for j, n in enumerate(FACIAL) if keep[j] and side(n) != far}
    return camera, points, Photo(view, seen, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--others", type=int, default=49)
    options = parser.parse_args()
    gallery = other_faces(options.data, options.others, seed=1)
    for name, factor in CASES:
        skull, face, _ = real_head(options.data, name)
        bone = np.array([skull.landmarks_mm.get(p.cranial, np.full(3, np.nan)) for p in PAIRS])
        keep = ~np.isnan(face.landmarks_mm[:, 0]) & ~np.isnan(bone[:, 0])
        solver = PosteriorSolver(skull, TissueTable.load())
        bpe, ranks, builds = [], [], []
        for draw in range(options.draws):
            rng = np.random.default_rng(draw)
            vectors = face.landmarks_mm - bone + rng.normal(0, 1.5, bone.shape)
            person = Face(face.mesh, bone + factor * vectors, face.upright)
            truth = [shot(person, view, rng, keep) for view in ("frontal", "lateral")]
            solution = solver.solve([t[2] for t in truth])
            people = [[shot(f, view, rng, keep)[2] for view in ("frontal", "lateral")] for f in gallery]
            bpe.append(errors(solution, truth, person))
            ranks.append(1 + int((solver.scores(people) >= solution.score).sum()))
            builds.append(solution.build_factor[0])
        frontal, lateral = np.mean(bpe, axis=0)
        print(
            f"{name:20s} x {factor:4.2f}: BPE {frontal:.2f} / {lateral:.2f} mm, build factor {np.mean(builds):.2f}, "
            f"rank of {options.others + 1}: mean {np.mean(ranks):.1f}, worst {max(ranks)}"
        )


if __name__ == "__main__":
    main()
