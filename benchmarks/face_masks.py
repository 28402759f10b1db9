"""What a face mask gives the ``posterior`` solver: none, the automatic one, the true one; and how often it is found.

    python benchmarks/face_masks.py [--people 10] [--first 900] [--data DATA]

Virtual people are photographed as the population does it (``plain``), and with hair, hat or beard of another colour
over the head's border before a structured background (``covered``; every third one has the colour of skin). Landmarks
have 1 % noise of the face height and those under hair or beard are left out. DATA is the folder of real photographs:
there the share of pictures with an automatic mask is told, and how many of the head's hand-placed outline points it
puts outside by more than 3 mm (no picture is written).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import back_projection_error_mm
from nasion.geometry.raster import depth_of
from nasion.geometry.surface import Mesh
from nasion.overlay.face_contours import with_contours
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.face_segmentation import segment_face
from nasion.overlay.head_pose import head_pose
from nasion.overlay.posterior import PosteriorSolver
from nasion.overlay.problem import Photo, SkullLandmarks
from nasion.overlay.settings import FACE_HEIGHT_MM
from nasion.population.person import Person, PersonSampler
from nasion.population.photograph import VIEWS, VirtualPhotograph, take_photograph
from nasion.population.template_source import load_template
from nasion.readers.photographs import read_photograph

FloatArray = NDArray[np.float64]
FACIAL = SCHEMES["facial20"]
NOISE_FACE_HEIGHT = 0.01
COVERS = ("hair", "hat", "beard")


@dataclass(frozen=True)
class Outcome:
    """One photograph: back-projection errors in mm by what the solver was given; the mask's faults."""

    view: str
    condition: str
    person: int
    bpe_mm: Mapping[str, float]
    found: bool
    head_lost: float


def cover(person: Person, kind: str) -> Mesh:
    """Return hair, a hat or a beard as a shell over the face's surface."""
    face, points = person.face, person.facial
    normals = _vertex_normals(face)
    v = face.vertices
    glabella, metopion, lip = points["glabella"], points["metopion"], points["labiale_superius"]
    ear = (points["gonion_left"] + points["gonion_right"]) / 2
    if kind == "beard":
        chosen, thick = (v[:, 1] < lip[1] - 18) & (v[:, 2] > ear[2]) & (v[:, 1] > points["gnathion"][1] - 30), 9.0
    else:
        line = metopion if kind == "hair" else (glabella + metopion) / 2
        slope = 0.6 if kind == "hair" else 0.0
        behind = np.maximum(line[2] - v[:, 2], 0)
        chosen, thick = v[:, 1] > line[1] - slope * behind, 18.0 if kind == "hair" else 12.0
    faces = face.faces[chosen[face.faces].all(axis=1)]
    return Mesh(v + thick * normals, faces)


def _vertex_normals(mesh: Mesh) -> FloatArray:
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(mesh.vertices)
    for k in range(3):
        np.add.at(normals, mesh.faces[:, k], across)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def covered(
    person: Person, photo: VirtualPhotograph, number: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return the picture before another background with a cover painted over it, and where the cover is."""
    image = photo.image.astype(np.float64)
    height, width = photo.face_mask.shape
    skin = np.median(image[photo.face_mask], axis=0)
    base = skin * rng.uniform(0.85, 1.15) if number % 3 == 0 else rng.uniform(40, 220, 3)
    noise = sum(
        cv2.resize(rng.normal(0, amount, (cells, cells, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
        for cells, amount in ((3, 25), (12, 15), (60, 8))
    )
    behind = base + noise + rng.normal(0, 4, image.shape)
    image = np.where(photo.face_mask[..., None], image, behind)
    shell = depth_of(cover(person, COVERS[number % len(COVERS)]), photo.shot.camera)[0]
    face = depth_of(person.face, photo.shot.camera)[0]
    painted = np.isfinite(shell) & ~(face < shell)
    color = rng.uniform(15, 110, 3) if number % 2 else rng.uniform(60, 200, 3)
    strands = cv2.resize(rng.normal(0, 14, (height, max(width // 3, 1))), (width, height))[..., None]
    image = np.where(painted[..., None], color + strands, image)
    return np.clip(image, 0, 255).astype(np.uint8), painted


def judged(person: Person, photo: VirtualPhotograph, index: int, number: int, condition: str, solver: PosteriorSolver,
           rng: np.random.Generator) -> Outcome:  # fmt: skip
    truth, camera = photo.landmarks, photo.shot.camera
    image, painted = (photo.image, None) if condition == "plain" else covered(person, photo, number, rng)
    reach = NOISE_FACE_HEIGHT * FACE_HEIGHT_MM * camera.focal_px / photo.shot.distance_mm
    seen = {}
    for name in sorted(truth.visible):
        column, row = np.rint(truth.points_px[name]).astype(int)
        if painted is None or not painted[row, column]:
            seen[name] = truth.points_px[name] + rng.uniform(-reach, reach, 2)
    bare = Photo("p", {n: p for n, p in seen.items() if n in FACIAL}, camera.image_size_px)
    pose = head_pose(bare)
    found = None if pose is None else segment_face(image, bare.landmarks_px, pose).region
    regions = {
        "landmarks": None,
        "automatic": None if found is None else with_contours(found, seen, pose),
        "automatic, mask alone": found,
        "true mask": FaceRegion(photo.face_mask.astype(np.uint8)),
        "true mask, its contours": with_contours(FaceRegion(photo.face_mask.astype(np.uint8)), seen, pose),
    }
    facial = np.array([person.facial[name] for name in FACIAL])
    points = np.array([truth.points_px[name] for name in FACIAL])
    bpe = {
        name: back_projection_error_mm(solver.solve([replace(bare, face=face)]).photos[0].camera, facial, points)
        for name, face in regions.items()
    }
    lost = 0.0 if found is None else float((found.outside & photo.face_mask).sum() / photo.face_mask.sum())
    return Outcome(photo.shot.view, condition, index, bpe, found is not None, lost)


def virtual(people: int, first: int) -> list[Outcome]:
    sampler, table = PersonSampler(load_template("builtin")), TissueTable.load()
    outcomes = []
    for index in range(people):
        person = sampler.sample(first + index)
        skull = SkullLandmarks(person.cranial, helpers_mm=person.cranial_helpers)
        solver = PosteriorSolver(skull, table, None, person.skull)
        for number, view in enumerate((*VIEWS, *VIEWS)):
            rng = np.random.default_rng((first + index, number))
            photo = take_photograph(person, view, rng)
            for condition in ("plain", "covered"):
                outcomes.append(judged(person, photo, index, index + number, condition, solver, rng))
    return outcomes


def table_of(outcomes: list[Outcome]) -> str:
    lines = ["| pictures | view | n | found | head outside the mask | given | mean BPE mm | against landmarks alone |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for condition in ("plain", "covered"):
        for view in VIEWS:
            rows = [o for o in outcomes if (o.condition, o.view) == (condition, view)]
            found = [o for o in rows if o.found]
            lost = f"{np.mean([o.head_lost for o in found]):.2%}, most {max(o.head_lost for o in found):.2%}"
            base = np.array([o.bpe_mm["landmarks"] for o in rows])
            for name in rows[0].bpe_mm:
                values = np.array([o.bpe_mm[name] for o in rows])
                low, high = interval95(values - base, [o.person for o in rows])
                lines.append(
                    f"| {condition} | {view} | {len(rows)} | {len(found)} | {lost} | {name} | {values.mean():.2f} "
                    f"| {np.mean(values - base):+.2f} ({low:+.2f} to {high:+.2f}) |"
                )
    return "\n".join(lines)


def interval95(values: FloatArray, people: list[int]) -> tuple[float, float]:
    """Bootstrap over people."""
    rng = np.random.default_rng(0)
    groups = [values[np.array(people) == person] for person in sorted(set(people))]
    means = [np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))]).mean() for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def ibug(p: FloatArray) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return our landmarks from the 68 points, roughly, and the points along the face's outline."""
    named = {"exocanthion_right": 36, "endocanthion_right": 39, "endocanthion_left": 42, "exocanthion_left": 45,
             "nasion": 27, "subnasale": 33, "alare_right": 31, "alare_left": 35, "labiale_superius": 51, "gnathion": 8,
             "gonion_right": 4, "gonion_left": 12}  # fmt: skip
    return {name: p[k] for name, k in named.items()}, p[:17]


def london(p: FloatArray) -> tuple[dict[str, FloatArray], FloatArray]:
    """Return our landmarks from the 189 points (found by eye) and points of the head.

    These are face, jaw and hairline, and the hairline lifted by 15 mm: the vault goes on under the hair.
    """
    named = {"exocanthion_right": [18], "endocanthion_right": [22], "endocanthion_left": [23], "exocanthion_left": [27],
             "nasion": [51, 57], "glabella": [76, 77], "subnasale": [170, 172], "alare_right": [63],
             "alare_left": [68], "labiale_superius": [90], "gnathion": [129], "gonion_right": [126],
             "gonion_left": [132], "zygion_right": [110], "zygion_left": [113]}  # fmt: skip
    marks = {name: p[k].mean(axis=0) for name, k in named.items()}
    lift = (marks["nasion"] - marks["gnathion"]) * 15 / FACE_HEIGHT_MM
    return marks, np.concatenate([p[109:144], p[137:142] + lift])


def real(data: Path, most: int) -> Iterator[str]:
    for folder, count, meaning in (("london", 189, london), ("helen_afw", 68, ibug)):
        path = data / "photos" / folder / f"landmarks{count}.csv"
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        chosen = np.random.default_rng(0).permutation(len(rows))[:most]
        found, points, outside, pictures = 0, 0, 0, 0
        for k in chosen:
            row = rows[k]
            marks, outline = meaning(np.array([[float(row[f"x{i}"]), float(row[f"y{i}"])] for i in range(count)]))
            image = read_photograph(path.parent / row["image"]).image
            pose = head_pose(Photo("p", marks, (image.shape[1], image.shape[0])))
            region = None if pose is None else segment_face(image, marks, pose).region
            if pose is None or region is None:
                continue
            found += 1
            depth = cv2.distanceTransform((region.mask == Place.OUTSIDE).astype(np.uint8), cv2.DIST_L2, 5)
            column, row_ = np.clip(np.rint(outline).astype(int), 0, np.array(depth.T.shape) - 1).T
            wrong = depth[row_, column] > 3 * pose.scale
            points, outside, pictures = points + len(wrong), outside + int(wrong.sum()), pictures + bool(wrong.any())
        yield (
            f"{folder}: {len(chosen)} pictures, mask found in {found}; outline points outside by more than 3 mm: "
            f"{outside} of {points}, in {pictures} pictures"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--first", type=int, default=900, help="seed of the first person")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--pictures", type=int, default=200, help="real pictures of each set, at most")
    options = parser.parse_args()
    print(table_of(virtual(options.people, options.first)))
    if options.data is not None:
        print(*real(options.data, options.pictures), sep="\n")


if __name__ == "__main__":
    main()
