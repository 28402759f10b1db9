"""People of the experiment that need no template: scattered landmarks and a skull of two triangles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.experiments.protocol import PersonTruth, PhotoTruth
from nasion.geometry.surface import Mesh
from overlay.scene import make_head, make_photo

TISSUE = TissueTable.load()


@dataclass(frozen=True)
class FewPeople:
    """Small, hashable and picklable, as the experiment asks of its people."""

    subjects: int = 6
    views: tuple[str, ...] = ("frontal", "lateral")
    blind: bool = False

    def heads(self) -> Sequence[PersonTruth]:
        return [_person(seed, self.views)[0] for seed in range(self.subjects)]

    def photos(self, person: int) -> Sequence[PhotoTruth]:
        photos = _person(person, self.views)[1]
        hidden = np.zeros(20, dtype=bool)
        return [replace(p, visible=hidden) for p in photos] if self.blind else photos


@lru_cache(maxsize=32)
def _person(seed: int, views: tuple[str, ...]) -> tuple[PersonTruth, list[PhotoTruth]]:
    rng = np.random.default_rng(seed)
    head = make_head(rng, TISSUE, shape_sd_mm=4.0)
    photos = []
    for number, view in enumerate(views):
        pose = (8.0, 2.0, 3.0) if view == "frontal" else (70.0, 0.0, -5.0)
        camera, points, photo = make_photo(head, rng, pose)
        visible = np.array([p.facial in photo.landmarks_px for p in PAIRS])
        width, height = camera.image_size_px
        mask = np.packbits(np.ones((height, width), dtype=bool), axis=1)
        scale = camera.focal_px / float(camera.to_camera(head.facial_mm)[:, 2].mean())
        photos.append(PhotoTruth(f"{seed}/{number}", view, camera, points, visible, mask, scale))
    corners = np.array(list(head.skull.landmarks_mm.values()))
    mesh = Mesh(corners, np.array([[0, 8, 9], [6, 18, 19]]))
    return PersonTruth(f"person_{seed}", head.skull, mesh, head.facial_mm), photos
