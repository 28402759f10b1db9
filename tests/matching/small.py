"""Small nodes, pairs and models for tests of matching."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nasion.matching.nodes import Nodes
from nasion.matching.point_schemes import point_scheme
from nasion.matching.points import aligned_set_points
from nasion.matching.prepared import Graphs, PreparedPair
from nasion.matching.settings import LearningSettings, MatchSettings, NetworkSettings, PictureSettings

N = len(point_scheme("ibug68").nodes)
FEATURES, WHOLE = 6, 8
NETWORK = NetworkSettings(hidden=16, heads=2, feed_forward=8, neighbours=3, sinkhorn_iterations=10, epsilon=0.2)
SMALL = MatchSettings(
    PictureSettings(backbone="orientations", global_backbone="orientations"),
    NETWORK,
    LearningSettings(epochs=2, batch=4, rate=3e-3),
)
MODES = {
    "CA and OT": NETWORK,
    "CA": replace(NETWORK, transport=False),
    "OT": replace(NETWORK, cross_attention=False),
    "neither": replace(NETWORK, transport=False, cross_attention=False),
    "one token": replace(NETWORK, one_token=True),
    "ours": replace(NETWORK, global_width=8, quiet_start=True),
}


def nodes(rng: np.random.Generator, missing: int = 0) -> Nodes:
    """Return features drawn at random; a person's two pictures share nothing."""
    there = np.ones(N, bool)
    there[:missing] = False
    places = rng.uniform(0, 1, (N, 2)).astype(np.float32) * there[:, None]
    features = rng.normal(size=(N, FEATURES)).astype(np.float32) * there[:, None]
    return Nodes(places, features, rng.normal(size=WHOLE).astype(np.float32), there)


def random_pair(person: str, rng: np.random.Generator) -> PreparedPair:
    """Return a pair that shares nothing."""
    return PreparedPair(person, "frontal", Graphs(nodes(rng), ()), Graphs(nodes(rng), ()))


def like_pair(person: str, rng: np.random.Generator, noise: float = 0.3) -> PreparedPair:
    """Return a pair whose pictures differ by noise and by what all probes share."""
    face = nodes(rng)
    features = face.features + 1.5 + noise * rng.normal(size=face.features.shape).astype(np.float32)
    whole = face.whole - 2.0 + noise * rng.normal(size=WHOLE).astype(np.float32)
    probe = Nodes(face.places, features.astype(np.float32), whole.astype(np.float32), face.there)
    return PreparedPair(person, "frontal", Graphs(probe, ()), Graphs(face, ()))


def face_picture(seed: int, size: tuple[int, int] = (200, 250)) -> np.ndarray:
    """Return (h, w, 3): blurred noise, a picture of its own for each seed."""
    import cv2

    rng = np.random.default_rng(seed)
    noise = rng.uniform(0, 255, (size[1], size[0], 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 6.0)
    soft = (soft - soft.min()) / (soft.max() - soft.min()) * 255
    return soft.astype(np.uint8)


def write_set(folder: Path, people: int, parts: tuple[str, ...] = ("train",), landmarks: bool = False) -> None:
    """Write a set laid out like CUHK's: the sketch is the photograph without colours, its brightness turned round."""
    import csv

    from PIL import Image

    for name in ("photo", "sketch"):
        (folder / name).mkdir(parents=True)
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["split", "subject", "sex", "photo", "sketch"])
        for k in range(people):
            photo = face_picture(k)
            sketch = 255 - photo.mean(axis=2).astype(np.uint8)
            Image.fromarray(photo).save(folder / "photo" / f"{k}.png")
            Image.fromarray(sketch).save(folder / "sketch" / f"{k}.png")
            if landmarks:
                points = aligned_set_points(point_scheme("ibug68")).find(photo)
                named = {str(number): point for number, point in enumerate(points.tolist(), start=1)}
                text = json.dumps({"scheme": "ibug68", "units": "px", "landmarks": named})
                for name in ("photo", "sketch"):
                    (folder / name / f"{k}.landmarks.json").write_text(text)
            table.writerow([parts[k % len(parts)], f"p{k}", "f", f"photo/{k}.png", f"sketch/{k}.png"])
