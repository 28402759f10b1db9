"""How the completion model is learnt: 3D heads with the 68 and the facial landmarks, seen by many cameras.

The 68 points are those that an annotator marks: on the side turned away the jaw's points slide along the visible
outline (as Zhu et al., "High-fidelity pose and expression normalization", 2015, march them), which is simulated on the
mesh. No picture is drawn except for what is hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import SCHEMES, mirrored
from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.completion import MIRRORED_POINTS, MOSTLY_HIDDEN, TARGETS, CompletionModel
from nasion.landmarks.image.completion_heads import (
    Heads,
    heads_of,
    hidden_shares,
    jaw_paths,
    projected,
    skin_of,
)
from nasion.landmarks.surface.heads import FaceModelHeads, PopulationHeads, face_model
from nasion.population.phantom_ict import phantom_ict_template

COVERAGE: Final = 0.9
_JAW: Final = 17


@dataclass(frozen=True)
class MakingSettings:
    """How the model is learnt.

    Attributes
    ----------
    model_heads, people
        Faces of the face model and virtual people to learn from.
    test_heads, test_people
        Others, for calibration and test, half each.
    views
        Cameras of each pose cell.
    modes
        Directions of variation kept.
    yaw_step_deg, pitch_step_deg
        Of the pose cells; yaw from 0 to 90, pitch to 24 degrees either way.
    distance_mm
        (nearest, farthest) camera, drawn on a logarithmic scale.
    test_views
        Views of the test heads of each kind.
    renders
        Heads drawn for each cell, to see what is hidden.
    seed
        Of everything.

    """

    model_heads: int = 600
    people: int = 200
    test_heads: int = 120
    test_people: int = 60
    views: int = 2000
    modes: int = 28
    yaw_step_deg: float = 10.0
    pitch_step_deg: float = 12.0
    distance_mm: tuple[float, float] = (500.0, 5000.0)
    test_views: int = 1000
    renders: int = 16
    seed: int = 0


def random_views(
    heads: Heads,
    count: int,
    yaw_deg: tuple[float, float],
    pitch_deg: tuple[float, float],
    settings: MakingSettings,
    rng: np.random.Generator,
) -> FloatArray:
    """Return (count, 68 + t, 2) pictures from evenly drawn poses and distances (log-evenly)."""
    rows = rng.integers(0, len(heads.points_mm), count)
    chosen = Heads(heads.points_mm[rows], heads.paths_mm[rows], ())
    distance = _log_evenly(settings.distance_mm, count, rng)
    return projected(chosen, rng.uniform(*yaw_deg, count), rng.uniform(*pitch_deg, count), distance)


def _log_evenly(limits: tuple[float, float], count: int, rng: np.random.Generator) -> FloatArray:
    low, high = np.log(limits)
    return np.exp(rng.uniform(low, high, count))


def learnt(heads: Heads, settings: MakingSettings, told: Callable[[int, int], None] | None = None) -> CompletionModel:
    """Return the model of heads, not calibrated yet (all factors 1)."""
    yaws = np.arange(0.0, 90.1, settings.yaw_step_deg)
    pitches = np.arange(-2, 3) * settings.pitch_step_deg
    rng = np.random.default_rng(settings.seed)
    poses, means, modes, rests, hidden = [], [], [], [], []
    for yaw in yaws:
        for pitch in pitches:
            half = settings.yaw_step_deg / 2, settings.pitch_step_deg / 2
            views = random_views(
                heads, settings.views, (yaw - half[0], yaw + half[0]), (pitch - half[1], pitch + half[1]), settings, rng
            )
            unseen = hidden_shares(heads, float(yaw), float(pitch))
            if yaw == 0:
                # no side may be preferred, to the last digit
                views = np.concatenate([views, views[:, MIRRORED_POINTS] * (-1.0, 1.0)])
                unseen = (unseen + unseen[MIRRORED_POINTS[68:] - 68]) / 2
            mean, directions, rest = principal(aligned(views), settings.modes)
            poses.append((yaw, pitch))
            means.append(mean)
            modes.append(directions)
            rests.append(rest)
            hidden.append(unseen)
            if told is not None:
                told(len(poses), len(yaws) * len(pitches))
    ones = np.ones(len(TARGETS))
    return CompletionModel(
        np.array(poses), np.array(means), np.array(modes), np.array(rests), np.array(hidden), ones, ones
    )


def aligned(views: FloatArray) -> FloatArray:
    """Return (n, p, 2) pictures after similarities of their 68 points to the mean of all, which keeps its size."""
    flat = views[..., 0] + 1j * views[..., 1]
    flat = flat - flat[:, :68].mean(axis=1, keepdims=True)
    mean = flat[:, :68].mean(axis=0)
    for _ in range(3):
        own = flat[:, :68]
        scale = (own.conj() * mean).sum(axis=1) / (abs(own) ** 2).sum(axis=1)
        fitted = flat * scale[:, None]
        new = fitted[:, :68].mean(axis=0)
        mean = new * (np.linalg.norm(mean) / np.linalg.norm(new))
    return np.stack([fitted.real, fitted.imag], axis=-1)


def principal(views: FloatArray, count: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the mean (p, 2), the first ``count`` modes (count, p, 2) of one SD, and the SD beyond them (p,)."""
    mean = views.mean(axis=0)
    flat = (views - mean).reshape(len(views), -1)
    values, vectors = np.linalg.eigh(flat.T @ flat / (len(flat) - 1))
    first = np.argsort(values)[::-1][:count]
    modes = (vectors[:, first] * np.sqrt(np.maximum(values[first], 0))).T
    left = flat.var(axis=0, ddof=1) - (modes**2).sum(axis=0)
    rest = np.sqrt(np.maximum(left, 1e-6).reshape(-1, 2).mean(axis=1))
    return mean, modes.reshape(count, -1, 2), rest


def noisy(views: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return (n, 68, 2) points as a detector would give them and the (n, 68) SD that it would state.

    SD of 1 to 4 % of the distance between the eyes' outer corners (of a frontal face of that size), larger on the jaw;
    half of the variance is shared with the neighbours, as detectors' errors are.
    """
    count = len(views)
    eyes = np.linalg.norm(views[:, 36, :] - views[:, 8, :], axis=1) * 0.8
    sigma = eyes[:, None] * np.exp(rng.normal(np.log(0.02), 0.35, (count, 1))) * np.ones(68)
    sigma[:, :_JAW] *= 1.8
    sigma = sigma * np.exp(rng.normal(0, 0.25, sigma.shape))
    own = rng.standard_normal((count, 68, 2))
    shared = rng.standard_normal((count, 72, 2))
    shared = sum(shared[:, k : k + 68] for k in range(5)) / np.sqrt(5)
    return views[:, :68] + sigma[..., None] * np.sqrt(0.5) * (own + shared), sigma


@dataclass(frozen=True, eq=False)
class Tested:
    """What completion did on unseen heads.

    Attributes
    ----------
    error
        (n, t) distances over the distance between the outer corners of the eyes seen from the front, NaN where hidden.
    scores
        (n, t) distance in stated SD.
    inside_90
        (n, t) whether it lies in the stated radius.
    yaw_deg
        (n,).

    """

    error: FloatArray
    scores: FloatArray
    inside_90: FloatArray
    yaw_deg: FloatArray


def tested(
    model: CompletionModel, heads: Heads, count: int, settings: MakingSettings, seed: int, noise: bool = True
) -> Tested:
    """Complete random views of heads, to both sides, up to 90 degrees of yaw and 30 of pitch."""
    rng = np.random.default_rng(seed)
    rows = np.arange(count) % len(heads.points_mm)
    yaw, pitch = rng.uniform(-90, 90, count), rng.uniform(-28, 28, count)
    distance = _log_evenly(settings.distance_mm, count, rng)
    views = projected(Heads(heads.points_mm[rows], heads.paths_mm[rows], ()), yaw, pitch, distance)
    given, sigma = noisy(views, rng) if noise else (views[:, :68], np.full((count, 68), 0.1))
    eyes_mm = np.linalg.norm(heads.points_mm[rows, 36] - heads.points_mm[rows, 45], axis=1)
    error, scores, inside = (np.full((count, len(TARGETS)), np.nan) for _ in range(3))
    for k in range(count):
        found = model.complete(given[k], sigma[k])
        distances = np.linalg.norm(found.points_px - views[k, 68:], axis=1)
        there = found.hidden <= MOSTLY_HIDDEN
        error[k, there] = distances[there] / eyes_mm[k]
        scores[k, there] = (distances / found.sigma_px)[there]
        inside[k, there] = (distances <= found.radius90_px)[there]
    return Tested(error, scores, inside, yaw)


def calibrated(model: CompletionModel, results: Sequence[Tested]) -> CompletionModel:
    """Return the model with SDs and 90 % radii that hold on each of several kinds of heads, the two sides together."""
    pairs = [(k, TARGETS.index(mirrored(name))) for k, name in enumerate(TARGETS)]
    scores = [result.scores for result in results]
    sigma = np.max([[np.sqrt(np.nanmean(own[:, pair] ** 2) / 2) for pair in pairs] for own in scores], axis=0)
    radius = np.max([[np.nanquantile(own[:, pair], COVERAGE) for pair in pairs] for own in scores], axis=0) / sigma
    return replace(model, sigma_factor=sigma * model.sigma_factor, radius_factor=radius)


@dataclass(frozen=True, eq=False)
class Made:
    """A calibrated model and its errors on heads of both kinds that neither taught nor calibrated it."""

    model: CompletionModel
    on_model_heads: Tested
    on_people: Tested


def make_completion(
    data: Path, settings: MakingSettings | None = None, told: Callable[[int, int], None] | None = None
) -> Made:
    """Learn, calibrate and test the completion model.

    Parameters
    ----------
    data
        Folder of development data with ``face_models`` and ``heads/elshin_phantom``.
    settings
        How.
    told
        Called with (pose cells done, all).

    Raises
    ------
    NasionError
        A file is missing.

    """
    s = settings or MakingSettings()
    template = phantom_ict_template(data).canonicalised()
    if len(SCHEMES["facial20"]) != len(template.facial):
        raise NasionError(f"{data}: the face model's landmarks are not the facial twenty; take the data's own files")
    faces68 = face_model(data)[0]
    vertex = faces68.ibug68.astype(np.int64)
    paths = jaw_paths(template.face, vertex, skin_of(faces68))
    faces = FaceModelHeads(data, template, "facial20", s.seed)
    people = PopulationHeads(template, "facial20", s.seed + 1)
    renders = s.renders // 2

    def drawn(first: int, heads: int, persons: int) -> tuple[Heads, Heads]:
        return (
            heads_of(faces, range(first, first + heads), vertex, paths, renders, s.seed),
            heads_of(people, range(first, first + persons), vertex, paths, renders, s.seed),
        )

    modelled, populated = drawn(0, s.model_heads, s.people)
    balanced = modelled.joined(populated.repeated(max(1, round(s.model_heads / s.people))))
    model = learnt(balanced.with_mirrored(), s, told)
    both = model.both_sides()
    unseen = drawn(100_000, s.test_heads, s.test_people)
    teachers = [Heads(kind.points_mm[::2], kind.paths_mm[::2], ()) for kind in unseen]
    judges = [Heads(kind.points_mm[1::2], kind.paths_mm[1::2], ()) for kind in unseen]
    fitted = calibrated(both, [tested(both, kind, s.test_views, s, s.seed + 2) for kind in teachers])
    on_model, on_people = (tested(fitted, kind, s.test_views, s, s.seed + 3) for kind in judges)
    done = replace(model, sigma_factor=fitted.sigma_factor, radius_factor=fitted.radius_factor)
    return Made(done, on_model, on_people)
