"""Invented skulls of the side view, whose profiles follow from their bone by a known rule."""

import numpy as np

from nasion.reconstruction.profile.bone_mask import stripped_film
from nasion.reconstruction.profile.samples import HARD, SOFT, ProfileSample

MM_PER_PX = 0.5
SIZE_PX = (480, 387)  # height, width: the challenge's shape of film
MEAN_HARD_MM = np.array(
    [
        (80, 100),
        (145, 98),
        (130, 125),
        (58, 124),
        (143, 160),
        (140, 195),
        (140, 210),
        (131, 218),
        (137, 215),
        (66, 184),
        (147, 178),
        (149, 179),
        (96, 152),
        (146, 152),
        (60, 134),
    ],
    dtype=float,
)
MEAN_SOFT_MM = np.array([(162, 169), (159, 187), (158, 156), (150, 214)], dtype=float)


def rule(seed=5):
    """Return the (8, 30) matrix by which profiles follow the bone."""
    return np.random.default_rng(seed).normal(0, 0.2, (8, 30))


def people(count, seed=0, noise_mm=0.0, look=0.0):
    """Return samples: skulls vary by 3 mm; ``look`` mm of profile follow from a bright spot in the bone alone."""
    rng = np.random.default_rng(seed)
    samples = []
    for k in range(count):
        change = rng.normal(0, 3.0, (15, 2))
        hard = MEAN_HARD_MM + change
        spot = rng.normal()
        soft = MEAN_SOFT_MM + (rule() @ change.ravel()).reshape(4, 2) + rng.normal(0, noise_mm, (4, 2)) + look * spot
        film = stripped_film(picture(hard, spot), hard, MM_PER_PX)
        samples.append(ProfileSample(film, soft, f"person {seed} {k}"))
    return samples


def picture(hard_mm, spot=0.0):
    """Return a film: a head's dim disc, and a bar in the jaw whose slope grows with ``spot``."""
    y, x = np.mgrid[: SIZE_PX[0], : SIZE_PX[1]] * MM_PER_PX
    inside = (x - 100) ** 2 + (y - 150) ** 2 < 80**2
    middle = (hard_mm[list(HARD).index("gonion")] + hard_mm[list(HARD).index("supramentale")]) / 2
    angle = 0.6 * spot
    across = -np.sin(angle) * (x - middle[0]) + np.cos(angle) * (y - middle[1])
    bar = 120 * np.exp(-((across / 4) ** 2)) * (np.hypot(x - middle[0], y - middle[1]) < 25)
    return np.clip(60 * inside + bar + 20, 0, 255).astype(np.uint8)


def errors_mm(profiles, samples):
    """Return the (n, 4) distances."""
    return np.array([np.linalg.norm(a.points_mm - b.soft_mm, axis=1) for a, b in zip(profiles, samples, strict=True)])


def challenge_points_px(sample):
    """Return the (19, 2) points of a sample as the challenge orders them."""
    points = np.zeros((19, 2))
    points[[n - 1 for n in HARD.values()]] = sample.film.hard_mm
    points[[n - 1 for n in SOFT.values()]] = sample.soft_mm
    return points / MM_PER_PX
