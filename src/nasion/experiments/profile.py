"""The profile experiment: the face's profile of real people from their own X-rays' bone, judged in millimetres.

The soft tissue of a lateral X-ray is masked out, the soft-tissue landmarks are told from what is left, and the truth
is in the same X-ray. Bony landmarks are the reader's, or found. No method sees a soft landmark, or a pixel of the skin.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.experiments.profile_films import Film, FilmSplit, mm_per_px, read_films, without_repeats
from nasion.experiments.profile_found import found_films
from nasion.experiments.profile_pictures import errors_png, profiles_png
from nasion.experiments.profile_repeats import same_pictures
from nasion.experiments.profile_tables import FLOOR, Told, by_landmark, profile_table, profile_table_markdown
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.published.tables import TRAINING
from nasion.landmarks.image.samples import ImageSample
from nasion.readers.files import claim_folder, write_bytes, write_json, write_text
from nasion.reconstruction.generators.settings import generator_settings
from nasion.reconstruction.profile.bone_mask import stripped_film
from nasion.reconstruction.profile.methods import METHODS, ProfileMethod
from nasion.reconstruction.profile.plane import PlaneSimilarity
from nasion.reconstruction.profile.regression import Regression
from nasion.reconstruction.profile.samples import SOFT, ProfileSample, hard_points, soft_points
from nasion.version import __version__

Advance = Callable[[str, int, int], None]

RECORD: Final = "experiment.json"
_SHOWN: Final = "image"
_MOST_LIKENESSES: Final = 3
"""One patient's films may be filed as a few patients', not as more."""


def run_profile_experiment(
    train: Path,
    test: Path,
    out: Path,
    *,
    find_landmarks: bool = False,
    generators: tuple[str, ...] = (),
    preset: str = "tiny",
    minutes: float | None = None,
    force: bool = False,
    advance: Advance = lambda stage, done, total: None,
) -> dict[str, Any]:
    """Judge all methods; write ``table.json``, ``table.md``, ``profiles.png`` and ``errors.png``; return the table.

    Parameters
    ----------
    train, test
        Folders, see ``profile_films.read_films``.
    out
        New, empty, or of an earlier run on the same folders: generators that it trained are kept.
    find_landmarks
        Judge a second time, with bony landmarks of the test films that a network finds (``profile_found``).
    generators, preset, minutes
        Image generators to train as well, their size, and minutes of learning each (``profile_generators``).
    force
        Begin anew where ``out`` holds anything.
    advance
        Called with (what is done, done, total).

    Raises
    ------
    NasionError
        A folder cannot be used, there are too few people, or ``out`` holds something.

    """
    for name in generators:
        generator_settings(name, preset)
    if minutes is not None and (not generators or not 0 < minutes < np.inf):
        raise NasionError(f"--minutes {minutes:g} is of no use; give a number above 0, and --generators that learn")
    split = read_films(train, test)
    split, alike = _without_repeats(split, advance)
    samples = _read_samples([*split.train, *split.test], advance)
    learnt, judged = samples[: len(split.train)], samples[len(split.train) :]
    record = {"nasion": __version__, "train": str(train.resolve()), "test": str(test.resolve())}
    claim_folder(out, RECORD, record, "profile experiment", force, [train, test])
    methods = {}
    for done, (name, fit) in enumerate(METHODS.items()):
        advance("methods", done, len(METHODS))
        methods[name] = fit(learnt)
    advance("methods", len(METHODS), len(METHODS))
    told = _told(methods, judged)
    for name in generators:
        told[name] = _by_generator(name, preset, minutes, split, samples, out, advance)
    table = {"nasion": __version__, **profile_table(told, judged), **_about(split, learnt, judged, alike)}
    if find_landmarks:
        table["found_landmarks"] = _with_found(methods, split, judged, advance)
    films = [_grey(film) for film in split.test]
    write_bytes(out / "profiles.png", profiles_png(films, judged, told[_SHOWN].profiles, told[FLOOR].profiles))
    write_bytes(out / "errors.png", errors_png(table))
    write_json(out / "table.json", table)
    write_text(out / "table.md", profile_table_markdown(table))
    return table


def _by_generator(
    name: str,
    preset: str,
    minutes: float | None,
    split: FilmSplit,
    samples: Sequence[ProfileSample],
    out: Path,
    advance: Advance,
) -> Told:
    if importlib.util.find_spec("torch") is None:
        raise NasionError("training needs PyTorch; install nasion[train]")
    from nasion.experiments.profile_generators import profiles_by_generator

    made = profiles_by_generator(
        name,
        preset,
        minutes,
        [partial(_grey, film) for film in (*split.train, *split.test)],
        samples,
        len(split.train),
        out / "generators" / f"{name}_{preset}",
        lambda at: advance(name, round(100 * at.share), 100),
    )
    about = {"preset": preset, "unseen_landmarks": made.unseen, "locator_mm": made.locator_mm, "epochs": made.epochs}
    return Told(made.profiles, about=about)


def _told(methods: Mapping[str, ProfileMethod], samples: Sequence[ProfileSample]) -> dict[str, Told]:
    films = [sample.film for sample in samples]
    told = {}
    for name, method in methods.items():
        chosen = (method.settings, method.cross_validation_mm) if isinstance(method, Regression) else None
        told[name] = Told(method.profiles(films), chosen)
    return told


def _with_found(
    methods: Mapping[str, ProfileMethod], split: FilmSplit, judged: Sequence[ProfileSample], advance: Advance
) -> dict[str, Any]:
    """Return the figures with found bony landmarks, and how many films could not be used."""
    images = [partial(_grey, film) for film in split.test]
    found = found_films(images, judged, lambda done, total: advance("landmarks", done, total))
    own = profile_table(_told(methods, found.samples), found.samples) if found.samples else {"methods": {}}
    return {
        "films": len(found.samples),
        "failures": [film.name for place, film in enumerate(split.test) if place not in found.places],
        "hard_error_mm": found.hard_error_mm,
        **own,
    }


def _without_repeats(split: FilmSplit, advance: Advance) -> tuple[FilmSplit, list[tuple[Film, Film]]]:
    """Return the split without films that repeat by their pictures, and the pairs that no table names.

    Raises
    ------
    NasionError
        A test film looks like those of many training patients: such pictures cannot be told apart.

    """
    films = [*split.train, *split.test]
    scales = [mm_per_px(_size(film))[0] for film in films]
    hard = [hard_points(film.points_px) * scale for film, scale in zip(films, scales, strict=True)]
    images = [partial(_grey, film) for film in films]
    found = same_pictures(images, hard, scales, lambda done, total: advance("repeats", done, total))
    pairs = [(films[a], films[b]) for a, b in found if films[a].patient != films[b].patient]
    _check_told_apart(split, pairs)
    return without_repeats(split, pairs), pairs


def _check_told_apart(split: FilmSplit, pairs: Sequence[tuple[Film, Film]]) -> None:
    """Raise NasionError where a test film looks like more training patients than one patient can be."""
    learnt = set(split.train)
    likenesses: dict[str, set[str]] = {}
    for one, other in pairs:
        if one in learnt and other not in learnt:
            likenesses.setdefault(other.name, set()).add(one.patient)
    for name, patients in likenesses.items():
        if len(patients) > _MOST_LIKENESSES:
            raise NasionError(
                f"{name} looks like the films of {len(patients)} training patients, so that repeats cannot be told by "
                "picture; give films of one size and sharpness, each with a skull to be seen"
            )


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


def _about(
    split: FilmSplit,
    learnt: Sequence[ProfileSample],
    judged: Sequence[ProfileSample],
    alike: Sequence[tuple[Film, Film]],
) -> dict[str, Any]:
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
            "found_by_picture": [[one.name, other.name] for one, other in alike],
        },
        "mm_per_px": scales,
        "scale": _scale_words(split),
        "reader_mm": reader_mm(split.repeated),
    }


def _scale_words(split: FilmSplit) -> str:
    unknown = [film.name for film in (*split.train, *split.test) if not mm_per_px(_size(film))[1]]
    if unknown:
        return f"0.25 mm a pixel assumed for {len(unknown)} films of unknown size, as {unknown[0]}; else nominal"
    return "nominal: 0.1 mm a pixel at 1935 x 2400; the films' true scale seems some 9 % larger"


def reader_mm(repeated: Sequence[tuple[Film, Film]]) -> dict[str, Any] | None:
    """Return how far the profile's points of films marked twice lie apart once their bony points are aligned.

    Truth and bony points carry this noise, so that no method can do much better. ``from_train_to_test`` is the mean
    (x, y) of the second marking less the first, of films of which one copy is in train and the other is not.
    """
    off, across = [], []
    for one, other in repeated:
        scales = [mm_per_px(_size(film))[0] for film in (one, other)]
        a, b = (film.points_px * scale for film, scale in zip((one, other), scales, strict=True))
        moved = PlaneSimilarity.between(hard_points(a), hard_points(b)).apply(soft_points(a))
        off.append(soft_points(b) - moved)
        across.append(one.split == TRAINING != other.split)
    if not off:
        return None
    apart = np.linalg.norm(off, axis=2)
    found = {"films": len(off), "mean": float(apart.mean()), "per_landmark": by_landmark(apart.mean(axis=0))}
    if any(across):
        shift = np.array(off)[across].mean(axis=0)
        found["from_train_to_test"] = {name: own.tolist() for name, own in zip(SOFT, shift, strict=True)}
    return found


def _size(film: Film) -> tuple[int, int]:
    height, width = _grey(film).shape
    return width, height
