"""How well Lilium's fast terms agree with its exact ones: 1,000 random poses of built-in people. Prints docs' table.

python benchmarks/lilium_agreement.py
"""

from __future__ import annotations

import time

import numpy as np
from scipy.stats import spearmanr

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.decimation import decimate
from nasion.geometry.raster import depth_of
from nasion.overlay.face_region import FaceRegion
from nasion.overlay.lilium.curves import cut_region, exact_parallelism
from nasion.overlay.lilium.fitness import exact_outside_pixels, make_scratch, outside_penalty, parallel_penalty
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.solve import SEARCH_TRIANGLES
from nasion.overlay.lilium.task import find_start, make_judge
from nasion.overlay.problem import Photo, SkullLandmarks
from nasion.population.builtin import builtin_template
from nasion.population.person import Person, PersonSampler
from nasion.population.photograph import VIEWS, face_contours, landmark_truth, sample_shot

PEOPLE, PHOTOGRAPHS, POSES = 5, 2, 50
SPREADS_DEG = (1.0, 3.0, 8.0)


def main() -> None:
    """Print the agreement a view."""
    sampler, rng = PersonSampler(builtin_template()), np.random.default_rng(0)
    rows: dict[str, list[tuple[float, ...]]] = {view: [] for view in VIEWS}
    for seed in range(PEOPLE):
        person = sampler.sample(1000 + seed)
        for view in VIEWS:
            for _ in range(PHOTOGRAPHS):
                rows[view] += _poses(person, view, rng)
    for view, found in rows.items():
        _print(view, np.array(found))


def _poses(person: Person, view: str, rng: np.random.Generator) -> list[tuple[float, ...]]:
    shot = sample_shot(person, view, rng)  # type: ignore[arg-type]
    true, settings, tissue = shot.camera, LiliumSettings(), TissueTable.load()
    depth, _ = depth_of(person.face, true)
    truth = landmark_truth(person, true, depth)
    seen = {pair.facial: truth.points_px[pair.facial] for pair in PAIRS if pair.facial in truth.visible}
    face = FaceRegion(np.isfinite(depth).astype(np.uint8), face_contours(person, shot))
    photo = Photo(view, seen, true.image_size_px, face=face)
    skull = SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers)
    frame = head_frame(skull.landmarks_mm, skull.helpers_mm)
    start = find_start(skull, frame, tissue, photo, settings)
    kind = next(iter(face.contours), None)
    region = None if kind is None else cut_region(kind, person.skull, skull, frame)  # type: ignore[arg-type]
    coarse = decimate(person.skull, SEARCH_TRIANGLES)
    judge = make_judge(start, photo, skull, frame, tissue, settings, person.skull, coarse, region)
    scratch = make_scratch(judge.landmarks, judge.outside, judge.parallel)
    found = []
    for _ in range(POSES):
        camera = _near(true, frame.origin_mm, rng)
        pose = camera.rotation, camera.translation_mm + camera.rotation @ start.origin_mm, float(camera.focal_px)
        at = time.perf_counter()
        outside = outside_penalty(*pose, judge.outside, scratch) / settings.outside_weight
        parallel = np.nan if region is None else parallel_penalty(*pose, judge.parallel, scratch)
        seconds = time.perf_counter() - at
        exact = exact_outside_pixels(person.skull, camera, face)
        terms = None if region is None else exact_parallelism(region, camera, face.contours[region.kind], settings)
        found.append(
            (
                float(outside),
                float(exact),
                float(parallel) if parallel >= 0 else np.nan,
                np.nan if terms is None else float(sum(terms)),
                seconds,
                np.count_nonzero(face.mask),
            )
        )
    return found


def _near(true: Camera, center: np.ndarray, rng: np.random.Generator) -> Camera:
    spread = float(rng.choice(SPREADS_DEG))
    turn = pose_rotation(*rng.normal(0, spread, 3)) @ pose_rotation(0, 0, 0).T
    rotation = turn @ true.rotation
    middle = true.to_camera(center[None])[0] + rng.normal(0, 1.5 * spread, 3)
    focal = true.focal_px * float(np.exp(rng.normal(0, 0.01 * spread)))
    return Camera(rotation, middle - rotation @ center, focal, true.principal_point_px, true.image_size_px)


def _print(view: str, rows: np.ndarray) -> None:
    fast, exact, fast_par, exact_par, seconds, face = rows.T
    error = np.abs(fast - exact)
    both = np.isfinite(fast_par) & np.isfinite(exact_par)
    par_error = np.abs(fast_par - exact_par)[both]
    print(f"{view}: {len(rows)} poses, {np.mean(exact > 0):.0%} with a pixel outside, median {np.median(exact):.0f} px")
    print(
        f"  P_skof: rank correlation {spearmanr(fast, exact).statistic:.5f}; error median {np.median(error):.1f} px, "
        f"95 % below {np.percentile(error, 95):.0f} px ({np.percentile(error / face, 95):.3%} of the face); "
        f"agree whether any pixel is outside: {np.mean((fast > 0) == (exact > 0)):.1%}"
    )
    free = exact_par[both] < 900
    print(
        f"  P_par: {both.sum()} poses; rank correlation {spearmanr(fast_par[both], exact_par[both]).statistic:.4f}; "
        f"without crossing ({free.sum()}): "
        f"{spearmanr(fast_par[both][free], exact_par[both][free]).statistic:.4f}, "
        f"error median {np.median(par_error[free]):.2f} px of median {np.median(exact_par[both][free]):.2f} px"
    )
    print(f"  both terms: {np.median(seconds) * 1e6:.0f} us from Python")


if __name__ == "__main__":
    main()
