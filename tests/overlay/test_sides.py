"""Exchanged sides are found on skulls and photographs, and right ones pass."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from nasion.anatomy.landmarks import mirrored
from nasion.errors import NasionError
from nasion.overlay.checks import check_skull_sides
from nasion.overlay.problem import SkullLandmarks
from nasion.overlay.sides import check_photo_sides
from overlay.scene import make_head, make_photo

POSES = [(0, 0, 0), (25, -8, 20), (-35, 10, -25), (60, 5, 0), (-75, 0, 15), (88, 0, 0), (-88, 5, -10)]


@pytest.mark.parametrize("pose", POSES)
def test_photographs(tissue, pose):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        head = make_head(rng, tissue)
        _, _, photo = make_photo(head, rng, pose, 0.01)
        check_photo_sides(photo, tissue)
        exchanged = replace(photo, landmarks_px={mirrored(n): p for n, p in photo.landmarks_px.items()})
        with pytest.raises(NasionError, match="left and right"):
            check_photo_sides(exchanged, tissue)


def test_skulls_in_any_frame(tissue):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        turn = Rotation.random(random_state=seed).as_matrix()
        points = {n: turn @ p for n, p in make_head(rng, tissue, shape_sd_mm=4.0).skull.landmarks_mm.items()}
        check_skull_sides(SkullLandmarks(points))
        with pytest.raises(NasionError, match="left and right"):
            check_skull_sides(SkullLandmarks({mirrored(n): p for n, p in points.items()}))


@pytest.mark.parametrize("head", ["pcir_77654033", "elshin_phantom", "invesalius_cranium", "arothron_skull"])
def test_real_skulls(shared_data, head):
    import json

    text = (shared_data / "heads" / head / "cranial.landmarks.json").read_text()
    points = {n: np.array(p) for n, p in json.loads(text)["landmarks"].items()}
    check_skull_sides(SkullLandmarks(points))
    with pytest.raises(NasionError, match="left and right"):
        check_skull_sides(SkullLandmarks({mirrored(n): p for n, p in points.items()}))
