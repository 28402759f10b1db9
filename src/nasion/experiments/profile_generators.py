"""The profile by the image generators: stripped film to film, then a landmark network on the film so made.

Each film is laid into the frame of the mean skull by its bony landmarks; a window round the jaws goes to the generator
(``reconstruction.generators``), from its stripped form to the whole. What it makes of the masked part is laid round the
film's own bone, and the package's network for cephalograms finds the soft landmarks there. That network learnt on the
challenge's training films; of these, and of nothing else, the generators learn too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.find import find_image_landmarks
from nasion.networks.model_folder import hash_of
from nasion.reconstruction.generators.pairs import FacePair
from nasion.reconstruction.generators.progress import Progress
from nasion.reconstruction.generators.settings import generator_settings
from nasion.reconstruction.generators.train import generated, learn
from nasion.reconstruction.profile.floors import MeanShape
from nasion.reconstruction.profile.samples import SOFT, Profile, ProfileSample, StrippedFilm, hard_row
from nasion.reconstruction.strip.landmarks import CEPHALO

_WINDOW_MM: Final = 140.0
_BEHIND_SPINE_MM: Final = 95.0
_ABOVE_NASION_MM: Final = 8.0
_CANVAS_PX: Final = (960, 774)
_CANVAS_MM_PER_PX: Final = 0.25
_SELLA_PX: Final = (330.0, 410.0)
"""Where it lies in the challenge's films, about: the network looks at films laid out like them."""
_AIR: Final = 40


@dataclass(frozen=True, eq=False)
class GeneratedProfiles:
    """What a generator's films tell.

    Attributes
    ----------
    profiles
        Of the test films.
    unseen
        Number of soft landmarks that the network did not see, for which the mean shape's stand.
    locator_mm
        Mean error of the network on the films themselves, skin and all, laid out and reduced in the same way: no
        generator can be expected to do better.
    epochs
        That were learnt.

    """

    profiles: list[Profile]
    unseen: int
    locator_mm: float
    epochs: int


def profiles_by_generator(
    model: str,
    preset: str,
    minutes: float | None,
    images: Sequence[Callable[[], NDArray[np.uint8]]],
    samples: Sequence[ProfileSample],
    learnt: int,
    folder: Path,
    told: Callable[[Progress], None],
) -> GeneratedProfiles:
    """Train a generator on the first ``learnt`` films, or go on training, and tell the others' profiles.

    Parameters
    ----------
    model, preset, minutes
        Which, its size, and minutes of learning; None: all epochs.
    images, samples, learnt
        Read each film, (h, w); the same films stripped; how many of them are to learn from.
    folder
        Of the run.
    told
        After each step of learning.

    Raises
    ------
    NasionError
        The model or preset is unknown, or learning fails.

    """
    settings = generator_settings(model, preset)
    floor = MeanShape.fitted(samples[:learnt])
    side = settings.network.side_px
    pairs = [
        _pair(read(), sample, floor, side, number)
        for number, (read, sample) in enumerate(zip(images, samples, strict=True))
    ]
    budget = None if minutes is None else 60.0 * minutes
    trained = learn(folder, pairs[:learnt], settings, budget_s=budget, told=told)
    made = generated(trained.generator, pairs[learnt:], settings.learning.seed)
    profiles, unseen, errors = [], 0, []
    for sample, picture, pair in zip(samples[learnt:], made, pairs[learnt:], strict=True):
        profile, lost = _located(sample.film, picture, floor)
        profiles.append(profile)
        unseen += lost
        own, _ = _located(sample.film, pair.target, floor)
        errors.append(np.linalg.norm(own.points_mm - sample.soft_mm, axis=1).mean())
    return GeneratedProfiles(profiles, unseen, float(np.mean(errors)), len(trained.records))


def _pair(film: NDArray[np.uint8], sample: ProfileSample, floor: MeanShape, side: int, number: int) -> FacePair:
    """Return the window of a stripped film and of the film."""
    stripped = sample.film
    step = _WINDOW_MM / side
    corner = _window(floor) + step / 2
    source = _laid(stripped.image, stripped, stripped.corner_px, floor, corner, step, (side, side), 0)
    target = _laid(film, stripped, (0, 0), floor, corner, step, (side, side), 0)
    name = Path(f"film {number + 1}")
    marks = (hash_of(source.tobytes()), hash_of(target.tobytes()))
    return FacePair(name.name, "lateral", "", _rgb(source), _rgb(target), (name, name), marks)


def _window(floor: MeanShape) -> FloatArray:
    """Return the (2,) upper left corner of the window, mm in the frame."""
    hard = floor.frame.hard_mm
    spine, nasion = hard[hard_row("anterior_nasal_spine")], hard[hard_row("nasion")]
    return np.array([spine[0] - _BEHIND_SPINE_MM, nasion[1] - _ABOVE_NASION_MM])


def _laid(
    image: NDArray[np.uint8],
    film: StrippedFilm,
    corner_px: tuple[int, int],
    floor: MeanShape,
    corner_mm: FloatArray,
    step_mm: float,
    shape: tuple[int, int],
    outside: int,
) -> NDArray[np.uint8]:
    """Return a part of the frame, (h, w), from a film's picture whose first pixel is ``corner_px`` of the film."""
    x, y = np.meshgrid(np.arange(shape[1]) * step_mm + corner_mm[0], np.arange(shape[0]) * step_mm + corner_mm[1])
    places = floor.frame.of_film(film).back(np.stack([x.ravel(), y.ravel()], axis=1)) / film.mm_per_px - corner_px
    at_x, at_y = (places[:, axis].reshape(shape).astype(np.float32) for axis in (0, 1))
    sigma = 0.4 * step_mm / film.mm_per_px
    smooth = cv2.GaussianBlur(image, (0, 0), sigma) if sigma > 0.6 else image
    made = cv2.remap(smooth, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=outside)
    return np.asarray(made, dtype=np.uint8)


def _located(film: StrippedFilm, picture: NDArray[np.uint8], floor: MeanShape) -> tuple[Profile, int]:
    """Return the profile that the network finds with a window's picture round the bone; how much it did not see."""
    similarity = floor.frame.of_film(film)
    corner = floor.frame.hard_mm[hard_row("sella")] - np.array(_SELLA_PX) * _CANVAS_MM_PER_PX
    bone, mask = (
        _laid(part, film, film.corner_px, floor, corner, _CANVAS_MM_PER_PX, _CANVAS_PX, 0)
        for part in (film.image, film.mask.astype(np.uint8) * 255)
    )
    canvas = np.full(_CANVAS_PX, _AIR, dtype=np.uint8)
    side = round(_WINDOW_MM / _CANVAS_MM_PER_PX)
    left, top = np.rint((_window(floor) - corner) / _CANVAS_MM_PER_PX).astype(int)
    window = cv2.resize(np.ascontiguousarray(picture[..., 0]), (side, side), interpolation=cv2.INTER_CUBIC)
    part = canvas[max(top, 0) : top + side, max(left, 0) : left + side]
    part[:] = window[max(-top, 0) :, max(-left, 0) :][: part.shape[0], : part.shape[1]]
    canvas = np.where(mask > 127, bone, canvas).astype(np.uint8)
    points = similarity.back(floor.soft_mm)
    try:
        found = find_image_landmarks(_rgb(canvas), CEPHALO).result.found()
    except NasionError:
        return Profile(points), len(SOFT)
    seen = [(row, found[str(number)]) for row, number in enumerate(SOFT.values()) if str(number) in found]
    for row, place in seen:
        points[row] = similarity.back((place * _CANVAS_MM_PER_PX + corner)[None])[0]
    return Profile(points), len(SOFT) - len(seen)


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(image[:, :, None], 3, axis=2)
