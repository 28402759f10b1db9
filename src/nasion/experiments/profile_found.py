"""Films whose bony landmarks a network finds on the film without its soft tissue, in place of a reader's.

The network (``cephalo19``) was learnt on the challenge's training films, skin and all. It finds landmarks on the whole
film; these tell what to strip (``reconstruction.strip``); on the stripped film it finds them again, and these count. So
the points come from bone, but the mask's course was drawn with points found in sight of the skin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.find import find_image_landmarks
from nasion.reconstruction.profile.bone_mask import stripped_film
from nasion.reconstruction.profile.samples import HARD, ProfileSample
from nasion.reconstruction.strip.landmarks import CEPHALO, of_cephalogram
from nasion.reconstruction.strip.strip import strip_xray


@dataclass(frozen=True, eq=False)
class FoundFilms:
    """Samples with found bony points, the places of their films, and the mean error of these points, mm."""

    samples: tuple[ProfileSample, ...]
    places: tuple[int, ...]
    hard_error_mm: float | None


def found_films(
    images: Sequence[Callable[[], NDArray[np.uint8]]],
    samples: Sequence[ProfileSample],
    advance: Callable[[int, int], None],
) -> FoundFilms:
    """Return the samples with found bony points; a film in which one is not found is left out.

    Parameters
    ----------
    images
        Read each film, (h, w).
    samples
        The same films with the readers' points.
    advance
        Called with (done, total).

    """
    found, places, errors = [], [], []
    for place, (read, sample) in enumerate(zip(images, samples, strict=True)):
        advance(place, len(samples))
        image = read()
        scale = sample.film.mm_per_px
        points = _found_hard_px(image)
        if points is None:
            continue
        hard = points * scale
        errors.append(np.linalg.norm(hard - sample.film.hard_mm, axis=1).mean())
        found.append(ProfileSample(stripped_film(image, hard, scale), sample.soft_mm, sample.person))
        places.append(place)
    advance(len(samples), len(samples))
    return FoundFilms(tuple(found), tuple(places), float(np.mean(errors)) if errors else None)


def _found_hard_px(image: NDArray[np.uint8]) -> FloatArray | None:
    """Return the (15, 2) bony points found on a film's bone, None where one is missing."""
    try:
        first = find_image_landmarks(_rgb(image), CEPHALO).result.found()
        stripped = strip_xray(image, of_cephalogram(first), "lateral")
        outside = ~stripped.mask
        # grey like the film's own surroundings: on black the network errs a little more
        level = np.uint8(np.median(image[outside])) if outside.any() else np.uint8(0)
        second = find_image_landmarks(_rgb(np.where(outside, level, image)), CEPHALO).result.found()
    except NasionError:
        return None
    if any(str(number) not in second for number in HARD.values()):
        return None
    return np.array([second[str(number)] for number in HARD.values()])


def _rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(image[:, :, None], 3, axis=2)
