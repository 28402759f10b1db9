"""A tiny case on disk with known truth: heads whose landmarks are the reference skull's, stretched, and known cameras."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import reference_skull
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera, image_center_px, pose_rotation

FloatArray = NDArray[np.float64]

SIZE = (240, 300)
HELPERS = ("porion_left", "porion_right", "orbitale_left", "orbitale_right")

CAMERAS: Mapping[str, Camera] = {
    "frontal": Camera(pose_rotation(8, -4, 3), np.array([5.0, 60.0, 1200.0]), 900.0, image_center_px(SIZE), SIZE),
    "lateral": Camera(pose_rotation(-70, 5, -2), np.array([-5.0, 55.0, 1500.0]), 1100.0, image_center_px(SIZE), SIZE),
}
"""The photographs' true cameras."""

STRETCH: Mapping[str, tuple[float, float, float]] = {
    "Ana Núñez": (1.0, 1.0, 1.0),
    "wide": (1.15, 0.94, 1.0),
    "long": (0.9, 1.1, 1.04),
}
"""How each person's head differs from the reference; the unknown skull is that of the first."""

RIGHT_ONE = "Ana Núñez"


@dataclass(frozen=True)
class TinyCase:
    """Paths of a case and its truth."""

    folder: Path
    skull: Path
    skull_landmarks: Path
    gallery: Path
    skulls: Path
    cameras: Mapping[str, Camera] = field(default_factory=lambda: CAMERAS)

    def photo(self, person: str = RIGHT_ONE, view: str = "frontal") -> Path:
        return self.gallery / person / f"{view}.png"

    def landmarks(self, person: str = RIGHT_ONE, view: str = "frontal") -> Path:
        return self.gallery / person / f"{view}.landmarks.json"

    def mask(self, person: str = RIGHT_ONE, view: str = "frontal") -> Path:
        return self.gallery / person / f"{view}.mask.png"


def cranial_mm(stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict[str, FloatArray]:
    return {name: point * stretch for name, point in reference_skull().items()}


def facial_mm(stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> dict[str, FloatArray]:
    """The cranial landmarks plus the table's mean tissue: the reference skull lies in its own Frankfurt frame."""
    points, table = cranial_mm(stretch), TissueTable.load()
    return {pair.facial: points[pair.cranial] + table.mean_mm[j] for j, pair in enumerate(PAIRS)}


def write_case(folder: Path) -> TinyCase:
    """Write skull, gallery (frontal and lateral photograph of each person, with masks) and skulls."""
    case = TinyCase(folder, folder / "skull.ply", folder / "skull.json", folder / "gallery", folder / "skulls")
    write_skull(case.skull, case.skull_landmarks)
    for person, stretch in STRETCH.items():
        (case.gallery / person).mkdir(parents=True)
        write_skull(case.skulls / person / "skull.ply", case.skulls / person / "cranial.landmarks.json", stretch)
        for view, camera in CAMERAS.items():
            write_photo(case.gallery / person / view, camera, stretch)
    return case


def write_skull(mesh: Path, landmarks: Path, stretch: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> None:
    """Write a mesh that passes through every landmark (a small ball at each, in a hull) and the landmarks."""
    points = cranial_mm(stretch)
    twenty = {pair.cranial: points[pair.cranial] for pair in PAIRS}
    balls = [trimesh.creation.icosphere(1, 1.5).apply_translation(point) for point in twenty.values()]
    hull = trimesh.convex.convex_hull(np.array(list(twenty.values())))
    mesh.parent.mkdir(parents=True, exist_ok=True)
    trimesh.util.concatenate([hull, *balls]).export(mesh)
    content = {"scheme": "cranial20", "units": "mm"}
    content["landmarks"] = {name: point.tolist() for name, point in twenty.items()}
    content["helpers"] = {name: points[name].tolist() for name in HELPERS}
    landmarks.write_text(json.dumps(content), encoding="utf-8")


def write_photo(stem: Path, camera: Camera, stretch: tuple[float, float, float]) -> None:
    """Write ``STEM.png``, ``STEM.landmarks.json`` (all twenty, exact) and ``STEM.mask.png`` (the right half of the picture)."""
    width, height = camera.image_size_px
    Image.new("RGB", (width, height), (150, 130, 120)).save(stem.with_suffix(".png"))
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[:, width // 2 :] = 255
    Image.fromarray(mask).save(stem.with_name(f"{stem.name}.mask.png"))
    points = facial_mm(stretch)
    pixels = camera.project(np.array(list(points.values())))
    content = {"scheme": "facial20", "units": "px", "image_size_px": [width, height]}
    content["landmarks"] = {name: pixel.tolist() for name, pixel in zip(points, pixels, strict=True)}
    stem.with_name(f"{stem.name}.landmarks.json").write_text(json.dumps(content), encoding="utf-8")


def edit_json(path: Path, **changes: object) -> None:
    """Change top-level keys of a JSON file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")
