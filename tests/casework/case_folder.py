"""A case on disk with known truth: a skull, and people with photographs, landmarks and masks. No rendering."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import ConvexHull

from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera
from nasion.geometry.surface import Mesh
from nasion.overlay.problem import Photo, SkullLandmarks
from nasion.readers.meshes import write_mesh
from overlay.scene import Head, make_head, make_photo

FloatArray = NDArray[np.float64]

SIZE = (500, 600)
POSES = {"frontal": (8.0, -4.0, 3.0), "lateral": (62.0, 5.0, -2.0)}
TRUE_PERSON = "person_2"


@dataclass(frozen=True)
class Truth:
    """The camera of a photograph and all its facial landmarks, seen or not, (20, 2) px."""

    camera: Camera
    points_px: FloatArray
    facial_mm: FloatArray


@dataclass(frozen=True)
class CaseFolder:
    """Where the parts of a case lie; ``truth`` goes by (person, view)."""

    root: Path
    truth: dict[tuple[str, str], Truth]

    @property
    def mesh(self) -> Path:
        return self.root / "unknown" / "skull.ply"

    @property
    def cranial(self) -> Path:
        return self.root / "unknown" / "cranial.landmarks.json"

    @property
    def gallery(self) -> Path:
        return self.root / "gallery"

    @property
    def skulls(self) -> Path:
        return self.root / "skulls"

    def photo(self, view: str = "frontal", person: str = TRUE_PERSON) -> Path:
        return self.gallery / person / f"{view}.png"

    def facial(self, view: str = "frontal", person: str = TRUE_PERSON) -> Path:
        return self.gallery / person / f"{view}.landmarks.json"

    def mask(self, view: str = "frontal", person: str = TRUE_PERSON) -> Path:
        return self.gallery / person / f"{view}.mask.png"


def make_case(root: Path, people: int = 4) -> CaseFolder:
    """Write a case: ``skulls/person_k`` and ``gallery/person_k``; the unknown skull is that of ``TRUE_PERSON``."""
    rng = np.random.default_rng(11)
    table = TissueTable.load()
    truth = {}
    for k in range(people):
        person = f"person_{k}"
        exact = person == TRUE_PERSON
        head = make_head(rng, table, shape_sd_mm=4.0, tissue_sd=0.0 if exact else 0.5)
        write_skull(root / "skulls" / person, head.skull)
        for view, pose in POSES.items():
            truth[person, view] = write_photo(root / "gallery" / person, view, head, rng, pose)
        if exact:
            write_skull(root / "unknown", head.skull)
    return CaseFolder(root, truth)


def write_skull(folder: Path, skull: SkullLandmarks) -> None:
    folder.mkdir(parents=True)
    write_mesh(folder / "skull.ply", skull_mesh(skull))
    write_json(
        folder / "cranial.landmarks.json",
        {
            "scheme": "cranial20",
            "units": "mm",
            "landmarks": {name: list(point) for name, point in skull.landmarks_mm.items()},
            "helpers": {name: list(point) for name, point in skull.helpers_mm.items()},
        },
    )


def skull_mesh(skull: SkullLandmarks) -> Mesh:
    """Return a closed surface through all landmarks, star-shaped about the head's centre."""
    points = np.array(list(skull.landmarks_mm.values()))
    center = np.array([0.0, 25.0, 20.0])
    golden = np.pi * (3 - np.sqrt(5))
    k = np.arange(400)
    z = 1 - 2 * (k + 0.5) / len(k)
    shell = np.stack([np.cos(golden * k) * np.sqrt(1 - z**2), np.sin(golden * k) * np.sqrt(1 - z**2), z], axis=1)
    known = (points - center) / np.linalg.norm(points - center, axis=1, keepdims=True)
    shell = shell[(shell @ known.T).max(axis=1) < np.cos(np.radians(14))]
    near = shell @ known.T
    weights = np.exp(8 * near)
    radii = (weights @ np.linalg.norm(points - center, axis=1)) / weights.sum(axis=1)
    directions = np.concatenate([known, shell])
    vertices = np.concatenate([points, center + shell * radii[:, None]])
    faces = ConvexHull(directions).simplices
    a, b, c = (directions[faces[:, j]] for j in range(3))
    inwards = np.einsum("ni,ni->n", np.cross(b - a, c - a), a + b + c) < 0
    faces[inwards] = faces[inwards][:, ::-1]
    return Mesh(vertices, faces)


def write_photo(
    folder: Path, view: str, head: Head, rng: np.random.Generator, pose_deg: tuple[float, float, float]
) -> Truth:
    folder.mkdir(parents=True, exist_ok=True)
    camera, points, photo = make_photo(head, rng, pose_deg, 0.0, focal_px=1300.0, size=SIZE)
    mask = face_mask(points)
    Image.fromarray(picture(mask)).save(folder / f"{view}.png")
    Image.fromarray(mask).save(folder / f"{view}.mask.png")
    write_json(folder / f"{view}.landmarks.json", facial_json(photo))
    return Truth(camera, points, head.facial_mm)


def facial_json(photo: Photo) -> dict[str, Any]:
    return {
        "scheme": "facial20",
        "units": "px",
        "image_size_px": list(photo.image_size_px),
        "landmarks": {name: list(point) for name, point in photo.landmarks_px.items()},
    }


def face_mask(points_px: FloatArray) -> NDArray[np.uint8]:
    """Return a generous disc round the head, 255 inside."""
    mask = np.zeros(SIZE[::-1], dtype=np.uint8)
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    center = tuple(int(v) for v in (low + high) / 2)
    cv2.circle(mask, center, int(0.9 * (high - low).max()), 255, -1)
    return mask


def picture(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a plain picture: a bright disc on a gradient."""
    shade = np.linspace(40, 90, mask.shape[0])[:, None] * np.ones(mask.shape)
    grey = np.where(mask > 0, 180, shade)
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)


def write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data), encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
