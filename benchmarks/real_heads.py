"""Real skulls against photographs rendered from their own skin and from other heads.

    python benchmarks/real_heads.py --data DATA --out OUT [--repeats 20] [--others 49]

DATA is the folder of real data (``heads``, ``face_models``). Each real head is judged with a tissue table that knows
nothing of it: the vectors measured on the other real head, the T-Table's depths for chin and gonion, and the built-in
spread. Photographs have 1 % landmark noise; nothing else is known of camera, pose or tissue. "All terms" has the face's
mask as well, unknown (as under a hat and a scarf) where the scans are cut: near the vertex, and below the lips.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS, SCHEMES
from nasion.anatomy.planes import head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, back_projection_error_mm, image_center_px, pose_rotation
from nasion.geometry.raster import silhouette_of
from nasion.geometry.shading import SKIN, render
from nasion.geometry.surface import Mesh
from nasion.geometry.visibility import visible_points
from nasion.overlay import solve
from nasion.overlay.face_contours import with_contours
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.head_pose import head_pose
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import OverlayProblem, OverlaySolution, Photo, SkullLandmarks
from nasion.readers.meshes import read_mesh

FloatArray = NDArray[np.float64]

HEADS = {"pcir_77654033": "invesalius_cranium", "invesalius_cranium": "pcir_77654033"}
"""Real heads with cranial and facial landmarks, each with the one whose tissue vectors it may use."""

DEPTH_MM = {"pogonion": (0.0, 0.0, 11.0), "gnathion": (0.0, -5.3, 5.3), "gonion": (12.5, 0.0, 0.0)}
"""T-Table 2023 means (Hona & Stephan 2024, second-hand) along assumed directions: no other head has these points."""

Taken = tuple[Camera, FloatArray, Photo]
"""True camera, true image points (20, 2), and what a solver sees."""

FACIAL = SCHEMES["facial20"]

HAT_MM = 15.0
"""So much below the skin's highest point the mask begins: one scan lacks 5 mm of scalp."""
LAST_LEVEL = "labiale_superius"
"""The mask ends at this landmark's level: one scan ends there, the other lacks the edge of the chin."""


@dataclass(frozen=True)
class Face:
    """Skin, facial landmarks (20, 3) with NaN where absent, and the rotation into upright axes."""

    mesh: Mesh
    landmarks_mm: FloatArray
    upright: FloatArray


def read_points(path: Path) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    data = json.loads(path.read_text())
    return tuple({n: np.array(p, float) for n, p in data[k].items()} for k in ("landmarks", "helpers"))


def real_head(data: Path, name: str) -> tuple[SkullLandmarks, Face, Mesh]:
    folder = data / "heads" / name
    cranial, helpers = read_points(folder / "cranial.landmarks.json")
    facial, _ = read_points(folder / "facial.landmarks.json")
    skull = SkullLandmarks(cranial, helpers_mm=helpers)
    points = np.array([facial.get(n, np.full(3, np.nan)) for n in FACIAL])
    face = Face(read_mesh(folder / "skin.ply").mesh, points, head_frame(cranial, helpers).rotation)
    return skull, face, read_mesh(folder / "skull.ply").mesh


def other_faces(data: Path, count: int, seed: int) -> list[Face]:
    model = np.load(data / "face_models" / "ict_facekit_head.npz")
    index = json.loads((data / "face_models" / "ict_facial_landmarks.json").read_text())["vertex"]
    rows = [index[n] for n in FACIAL]
    modes = model["identity_modes"].astype(np.float64)
    rng = np.random.default_rng(seed)
    faces = []
    for _ in range(count):
        vertices = model["mean"] + np.tensordot(rng.normal(size=len(modes)), modes, 1)
        faces.append(Face(Mesh(vertices, model["faces"]), vertices[rows], np.eye(3)))
    return faces


def tissue_of(data: Path, name: str) -> TissueTable:
    """Return the built-in table with the mean vectors of one real head, both sides averaged."""
    skull, face, _ = real_head(data, name)
    frame = head_frame(skull.landmarks_mm, skull.helpers_mm)
    table = TissueTable.load()
    measured: dict[str, list[FloatArray]] = {}
    for j, pair in enumerate(PAIRS):
        base = pair.cranial.removesuffix("_left").removesuffix("_right")
        if pair.cranial in skull.landmarks_mm and not np.isnan(face.landmarks_mm[j, 0]):
            vector = frame.rotation @ (face.landmarks_mm[j] - skull.landmarks_mm[pair.cranial])
            measured.setdefault(base, []).append(vector * [-1, 1, 1] if pair.cranial.endswith("_right") else vector)
    mean = []
    for pair in PAIRS:
        base = pair.cranial.removesuffix("_left").removesuffix("_right")
        vector = np.mean(measured[base], axis=0) if base in measured else np.array(DEPTH_MM[base])
        if pair.cranial == base:
            vector = vector * [0, 1, 1]
        mean.append(vector * [-1, 1, 1] if pair.cranial.endswith("_right") else vector)
    return replace(table, name=f"{name} and T-Table", mean_mm=np.array(mean))


def photograph(face: Face, view: str, rng: np.random.Generator, keep: NDArray[np.bool_]) -> Taken:
    """Return (camera, true image points (20, 2), photograph with 1 % noise of the visible landmarks in ``keep``)."""
    size = (int(rng.integers(600, 1400)), int(rng.integers(600, 1400)))
    yaw = rng.uniform(-20, 20) if view == "frontal" else rng.choice([-1, 1]) * rng.uniform(60, 90)
    rotation = pose_rotation(yaw, rng.uniform(-10, 10), rng.uniform(-10, 10)) @ face.upright
    distance = float(np.exp(rng.uniform(np.log(500), np.log(4000))))
    scale = min(size) * rng.uniform(0.5, 0.8) / 240
    center = np.nanmean(face.landmarks_mm, axis=0)
    shift = np.array([rng.uniform(-20, 20), rng.uniform(-20, 20), distance])
    camera = Camera(rotation, shift - rotation @ center, scale * distance, image_center_px(size), size)
    points = camera.project(face.landmarks_mm)
    seen = keep.copy()
    seen[keep] = visible_points(face.landmarks_mm[keep], face.mesh, camera, tolerance_mm=6.0)
    noisy = points + rng.uniform(-1, 1, points.shape) * 0.01 * 118.0 * scale
    photo = Photo(view, {n: noisy[j] for j, n in enumerate(FACIAL) if seen[j]}, size)
    region = FaceRegion(visible_mask(face, camera))
    pose = head_pose(photo)
    if pose is not None and view == "lateral":
        region = with_contours(region, photo.landmarks_px, pose)
    return camera, points, replace(photo, face=region)


def visible_mask(face: Face, camera: Camera) -> NDArray[np.uint8]:
    """Return the skin's silhouette, unknown near the vertex and below the lips."""
    mask = np.where(silhouette_of(face.mesh, camera), Place.FACE, Place.OUTSIDE).astype(np.uint8)
    up = face.upright[1]
    heights = face.mesh.vertices @ up
    top = face.mesh.vertices[np.argmax(heights)] - HAT_MM * up
    lip = face.landmarks_mm[FACIAL.index(LAST_LEVEL)]
    height, width = mask.shape
    rows, columns = np.mgrid[:height, :width]
    for point, above in ((top, True), (lip, False)):
        at, beyond = camera.project(np.array([point, point + up]))
        along = (columns - at[0]) * (beyond - at)[0] + (rows - at[1]) * (beyond - at)[1]
        mask[(along > 0) == above] = Place.UNKNOWN
    return mask


def errors(solution: OverlaySolution, truth: list[Taken], face: Face) -> list[float]:
    there = ~np.isnan(face.landmarks_mm[:, 0])
    return [
        back_projection_error_mm(found.camera, face.landmarks_mm[there], points[there])
        for found, (_, points, _) in zip(solution.photos, truth, strict=True)
    ]


def picture(path: Path, solution: OverlaySolution, truth: list[Taken], face: Face, skull: Mesh) -> None:
    """Draw the overlays side by side: the rendered photograph, and the skull blended in with predicted landmarks."""
    panels = []
    for found, (camera, _, photo) in zip(solution.photos, truth, strict=True):
        image = render(face.mesh, camera, albedo=SKIN).image
        bone = render(skull, found.camera)
        blend = np.where(bone.mask[..., None], (0.35 * image + 0.65 * bone.image), image).astype(np.uint8)
        edge = silhouette_of(face.mesh, camera)
        border, _ = cv2.findContours(edge.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        blend = np.ascontiguousarray(blend)
        cv2.drawContours(blend, border, -1, (40, 120, 220), 2)
        for name, expected in zip(found.names, found.predicted_px, strict=True):
            a, b = (tuple(round(float(v)) for v in p) for p in (photo.landmarks_px[name], expected))
            cv2.line(blend, a, b, (220, 40, 40), 2)
            cv2.circle(blend, a, 4, (30, 160, 60), -1)
        rows, columns = np.flatnonzero(edge.any(axis=1)), np.flatnonzero(edge.any(axis=0))
        box = np.s_[max(rows[0] - 25, 0) : rows[-1] + 25, max(columns[0] - 25, 0) : columns[-1] + 25]
        pair = np.hstack([image[box], blend[box]])
        panels.append(cv2.resize(pair, (round(pair.shape[1] * 420 / pair.shape[0]), 420)))
    cv2.imwrite(str(path), cv2.cvtColor(np.hstack(panels), cv2.COLOR_RGB2BGR))


def judge(data: Path, name: str, repeats: int, others: int, out: Path) -> dict[str, object]:
    skull, face, mesh = real_head(data, name)
    keep = ~np.isnan(face.landmarks_mm[:, 0]) & np.array([p.cranial in skull.landmarks_mm for p in PAIRS])
    gallery = other_faces(data, others, seed=1)
    alone, single, whole = (
        "posterior, landmarks, jointly",
        "posterior, landmarks, singly",
        "posterior, all terms, jointly",
    )
    bpe: dict[str, list[list[float]]] = {alone: [], single: [], whole: [], "posest": []}
    ranks: dict[str, list[int]] = {alone: [], whole: [], "posest": []}
    outside = 0
    factors = []
    tissue = tissue_of(data, HEADS[name])
    solver, full_solver = PosteriorSolver(skull, tissue), PosteriorSolver(skull, tissue, mesh=mesh)
    for repeat in range(repeats):
        rng = np.random.default_rng(repeat)
        truth = [photograph(face, view, rng, keep) for view in ("frontal", "lateral")]
        own = [t[2] for t in truth]
        joint = solver.solve(own)
        factors.append(joint.build_factor[0])
        bpe[alone].append(errors(joint, truth, face))
        bpe[single].append([errors(solver.solve([t[2]]), [t], face)[0] for t in truth])
        full = full_solver.solve(own)
        bpe[whole].append(errors(full, truth, face))
        outside += sum(
            bool((silhouette_of(mesh, found.camera) & photo.face.outside).any())
            for found, photo in zip(full.photos, own, strict=True)
        )
        baseline = solve(OverlayProblem(skull, own), "posest", tissue)
        bpe["posest"].append(errors(baseline, truth, face))
        people = [[photograph(f, view, rng, keep)[2] for view in ("frontal", "lateral")] for f in gallery]
        ranks[alone].append(1 + int((solver.scores(people) >= joint.score).sum()))
        ranks[whole].append(1 + sum(full_solver.solve(p).score >= full.score for p in people))
        rivals = [solve(OverlayProblem(skull, p), "posest", tissue).score for p in people]
        ranks["posest"].append(1 + sum(r >= baseline.score for r in rivals))
        if repeat < 2:
            picture(out / f"{name}_{repeat}.png", full, truth, face, mesh)
    return {
        "head": name,
        "tissue": tissue.name,
        "repeats": repeats,
        "people": others + 1,
        "build_factor": float(np.mean(factors)),
        "true_overlays_outside": outside / (2 * repeats),
        "bpe_mm": {k: np.mean(v, axis=0).round(2).tolist() for k, v in bpe.items()},
        "bpe_mm_sd": {k: np.std(v, axis=0).round(2).tolist() for k, v in bpe.items()},
        "rank_mean_worst": {k: [float(np.mean(v)), int(np.max(v))] for k, v in ranks.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--others", type=int, default=49)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = [judge(options.data, name, options.repeats, options.others, options.out) for name in HEADS]
    (options.out / "real_heads.json").write_text(json.dumps(results, indent=1))
    for row in results:
        print(
            f"\n{row['head']}: {row['repeats']} draws, {row['people']} people, build factor {row['build_factor']:.2f}, "
            f"all terms: skull outside the face in {row['true_overlays_outside']:.0%} of the true overlays"
        )
        for solver, (frontal, lateral) in row["bpe_mm"].items():
            mean, worst = row["rank_mean_worst"].get(solver, (float("nan"), "-"))
            print(f"  {solver:30s} BPE {frontal:.2f} / {lateral:.2f} mm   rank {mean:.2f} (worst {worst})")


if __name__ == "__main__":
    main()
