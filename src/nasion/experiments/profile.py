"""The profile experiment: the face's profile of real people from their own X-rays' bone, judged in millimetres.

The soft tissue of a lateral X-ray is masked out, the soft-tissue landmarks are told from what is left, and the truth
is in the same X-ray. Bony landmarks are the readers'. No method sees a soft landmark, or a pixel in front of the bone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.experiments.profile_films import Film, FilmSplit, mm_per_px, read_films
from nasion.experiments.profile_pictures import errors_png, profiles_png
from nasion.experiments.profile_tables import FLOOR, Told, by_landmark, profile_table, profile_table_markdown
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.samples import ImageSample
from nasion.readers.files import output_folder, write_bytes, write_json, write_text
from nasion.reconstruction.profile.bone_mask import stripped_film
from nasion.reconstruction.profile.methods import METHODS
from nasion.reconstruction.profile.plane import PlaneSimilarity
from nasion.reconstruction.profile.regression import Regression
from nasion.reconstruction.profile.samples import ProfileSample, hard_points, soft_points
from nasion.version import __version__

Advance = Callable[[str, int, int], None]

_SHOWN: Final = "image"


def run_profile_experiment(
    train: Path,
    test: Path,
    out: Path,
    *,
    force: bool = False,
    advance: Advance = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Judge all methods; write ``table.json``, ``table.md``, ``profiles.png`` and ``errors.png``; return the table.

    Parameters
    ----------
    train, test
        Folders, see ``profile_films.read_films``.
    out
        New or empty.
    force
        Replace ``out``.
    advance
        Called with (what is done, done, total).

    Raises
    ------
    NasionError
        A folder cannot be used, there are too few people, or ``out`` holds something.

    """
    split = read_films(train, test)
    inputs = [film.image for film in (*split.train, *split.test)]
    with output_folder(out, force, inputs) as folder:
        samples = _read_samples([*split.train, *split.test], advance)
        learnt, judged = samples[: len(split.train)], samples[len(split.train) :]
        told = {}
        for done, (name, fit) in enumerate(METHODS.items()):
            advance("methods", done, len(METHODS))
            method = fit(learnt)
            chosen = (method.settings, method.cross_validation_mm) if isinstance(method, Regression) else None
            told[name] = Told(method.profiles([sample.film for sample in judged]), chosen)
        advance("methods", len(METHODS), len(METHODS))
        table = {"nasion": __version__, **profile_table(told, judged), **_about(split, learnt, judged)}
        films = [_grey(film) for film in split.test]
        sheet = profiles_png(films, judged, told[_SHOWN].profiles, told[FLOOR].profiles)
        write_bytes(folder / "profiles.png", sheet)
        write_bytes(folder / "errors.png", errors_png(table))
        write_json(folder / "table.json", table)
        write_text(folder / "table.md", profile_table_markdown(table))
    return table


def _read_samples(films: Sequence[Film], advance: Advance) -> list[ProfileSample]:
    """Return each film stripped, with its truth."""
    samples = []
    for done, film in enumerate(films):
        advance("films", done, len(films))
        image = _grey(film)
        scale = mm_per_px((image.shape[1], image.shape[0]))[0]
        points = film.points_px * scale
        _check_side(film, points)
        samples.append(
            ProfileSample(stripped_film(image, hard_points(points), scale), soft_points(points), film.patient)
        )
    advance("films", len(films), len(films))
    return samples


def _grey(film: Film) -> NDArray[np.uint8]:
    pixels = ImageSample(film.image, film.points_px, film.patient).pixels()
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _check_side(film: Film, points: FloatArray) -> None:
    if points[2, 0] <= points[3, 0]:
        raise NasionError(f"{film.image}: orbitale lies left of porion; mirror the film and its points to look right")


def _about(split: FilmSplit, learnt: Sequence[ProfileSample], judged: Sequence[ProfileSample]) -> dict[str, Any]:
    """Return who is learnt from, who is judged on, who is left out, and the scale."""
    scales = sorted({round(sample.film.mm_per_px, 4) for sample in (*learnt, *judged)})
    return {
        "train": {"films": len(split.train), "people": len({film.patient for film in split.train})},
        "test": {"films": len(split.test), "people": len({film.patient for film in split.test})},
        "left_out": {
            "films": len(split.left_out),
            "people": len({film.patient for film in split.left_out}),
            "names": [film.name for film in split.left_out],
            "pairs_table": split.pairs_known,
        },
        "mm_per_px": scales,
        "scale": "nominal: 0.1 mm a pixel at 1935 x 2400; the films' true scale seems some 9 % larger",
        "reader_mm": reader_mm(split.repeated),
    }


def reader_mm(repeated: Sequence[tuple[Film, Film]]) -> dict[str, Any] | None:
    """Return how far the profile's points of films marked twice lie apart once their bony points are aligned.

    No method that is given bony points can be expected to do better than this times 1 / sqrt(2), as the truth, and the
    bony points, err by themselves.
    """
    apart = []
    for one, other in repeated:
        scales = [mm_per_px(_size(film))[0] for film in (one, other)]
        a, b = (film.points_px * scale for film, scale in zip((one, other), scales, strict=True))
        moved = PlaneSimilarity.between(hard_points(a), hard_points(b)).apply(soft_points(a))
        apart.append(np.linalg.norm(moved - soft_points(b), axis=1))
    if not apart:
        return None
    return {"films": len(apart), "mean": float(np.mean(apart)), "per_landmark": by_landmark(np.mean(apart, axis=0))}


def _size(film: Film) -> tuple[int, int]:
    height, width = _grey(film).shape
    return width, height
