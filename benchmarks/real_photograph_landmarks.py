"""Facial landmarks found on pictures of real heads, beside the points that two observers placed on the heads.

    python benchmarks/real_photograph_landmarks.py --data DATA [--model MODEL] [--pictures FOLDER]

DATA is the folder of real data (``heads``, ``face_scans``). The pictures are shaded renders of CT skins and of a face
scan, from the front to the side: no head was learnt from, and nothing like them. An error is the distance in the
picture, in mm at the head's distance. The truth is the observers' mean; a perfect finder would err by about half of
their disagreement, less what lies along the view.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from nasion.anatomy.landmarks import mirrored, side
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.shading import SKIN, render
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.image.find import find_image_landmarks
from nasion.landmarks.image.picture import points_png
from nasion.readers.meshes import read_mesh
from real_surface_landmarks import HEADS, truth_of

SIZE_PX = (640, 640)
DISTANCE_MM = 1500.0
FIELD_MM = 300.0
YAWS_DEG = (0, -20, 20, -40, 40, -60, 60)
FACES = [name for name in HEADS if name.startswith(("skin", "face"))]


def upright(points: dict[str, FloatArray]) -> FloatArray:
    """Return the rotation that makes a head look to the front, its eyes level."""
    pairs = [(name, mirrored(name)) for name in points if side(name) == "left" and mirrored(name) in points]
    across = np.mean([points[left] - points[right] for left, right in pairs], axis=0)
    x = across / np.linalg.norm(across)
    eyes = (points["exocanthion_left"] + points["exocanthion_right"]) / 2
    below = [points[name] for name in ("cheilion_left", "cheilion_right", "subnasale") if name in points]
    up = eyes - np.mean(below, axis=0)
    up = up - (up @ x) * x
    y = up / np.linalg.norm(up)
    return np.stack([x, y, np.cross(x, y)])


def view(mesh: Mesh, points: dict[str, FloatArray], yaw_deg: float) -> tuple[np.ndarray, Camera]:
    """Return a picture of a head and its camera."""
    rotation = pose_rotation(yaw_deg, 0.0, 0.0) @ upright(points)
    middle = np.mean(list(points.values()), axis=0)
    translation = np.array([0.0, 0.0, DISTANCE_MM]) - rotation @ middle
    focal = SIZE_PX[0] * DISTANCE_MM / FIELD_MM
    camera = Camera(rotation, translation, focal, image_center_px(SIZE_PX), SIZE_PX)
    return render(mesh, camera, albedo=SKIN).image, camera


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--pictures", type=Path, default=None)
    options = parser.parse_args()
    print("| head | yaw | found of placed | mean error mm | median | observers' mean | within 90 % | by landmark |")
    print("|---|---|---|---|---|---|---|---|")
    for head in FACES:
        mesh_name, landmark_name = HEADS[head]
        mesh = read_mesh(options.data / mesh_name, "face", None, (50.0, 500.0)).mesh
        truth = truth_of(options.data / landmark_name)
        for yaw in YAWS_DEG:
            image, camera = view(mesh, dict(truth.points), yaw)
            try:
                found = find_image_landmarks(image, "facial20", options.model)
            except NasionError as fault:
                print(f"| {head} | {yaw} | refused: {fault} |")
                continue
            placed = [name for name in found.result.names if name in truth.points]
            errors, inside = {}, []
            for row, name in enumerate(found.result.names):
                if name in placed and name not in found.result.missing:
                    seen = camera.project(truth.points[name][None])[0]
                    off = float(np.linalg.norm(found.result.points_px[row] - seen))
                    errors[name] = off * DISTANCE_MM / camera.focal_px
                    inside.append(off <= found.result.radius90_px[row])
            values = np.array(list(errors.values()))
            beside = [truth.disagreement_mm[name] for name in errors if name in truth.disagreement_mm]
            each = ", ".join(f"{name} {value:.1f}" for name, value in errors.items())
            print(
                f"| {head} | {yaw} | {len(errors)} of {len(placed)} | {values.mean():.1f} | {np.median(values):.1f} | "
                f"{np.mean(beside) if beside else float('nan'):.1f} | {np.mean(inside):.0%} | {each} |"
            )
            if options.pictures is not None:
                options.pictures.mkdir(parents=True, exist_ok=True)
                (options.pictures / f"{mesh_name.split('/')[1]}_{yaw}.png").write_bytes(points_png(image, found))


if __name__ == "__main__":
    main()
