"""Silhouettes of virtual skulls, to learn outlines from and to be judged on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.geometry.paths import path_lengths
from nasion.geometry.surface import FloatArray
from nasion.population.folder import person_of
from nasion.population.photograph import VIEWS, View
from nasion.population.pictures.anatomy import Anatomy
from nasion.population.pictures.folder import picture_rng
from nasion.population.pictures.xray import VirtualXray, take_xray
from nasion.population.template import Template
from nasion.reconstruction.strip.landmarks import of_view
from nasion.reconstruction.strip.outline_model import OutlineModel, Silhouette

COMPONENTS: Final = 20


@dataclass(frozen=True, eq=False)
class StripCase:
    """A virtual X-ray with the exact silhouette of its skull."""

    view: View
    xray: VirtualXray
    silhouette: Silhouette
    names: tuple[str, ...]


def strip_cases(template: Template, people: int, seed: int) -> Iterator[StripCase]:
    """Yield the X-rays of virtual people, two views each, with their skulls' silhouettes."""
    anatomy = Anatomy.of(template)
    for index in range(people):
        person = person_of(template, seed, index)
        for view in VIEWS:
            rng, bone_rng = picture_rng(seed, index, view, "xray"), picture_rng(seed, index, view, "xray_bone")
            xray, _ = take_xray(person, anatomy, view, rng, bone_rng)
            mask = path_lengths(person.skull, xray.shot.camera) > 0
            names, points = _ordered(of_view(xray.landmarks_px, view))
            yield StripCase(view, xray, Silhouette(mask, points, xray.shot.mm_per_px), names)


def learn_outlines(template: Template, people: int, seed: int) -> dict[View, OutlineModel]:
    """Return a model for each view, learnt from virtual people."""
    cases = list(strip_cases(template, people, seed))
    models = {}
    for view in VIEWS:
        own = [case for case in cases if case.view == view]
        models[view] = OutlineModel.learnt(own[0].names, [case.silhouette for case in own], COMPONENTS)
    return models


def _ordered(points: Mapping[str, FloatArray]) -> tuple[tuple[str, ...], FloatArray]:
    names = tuple(sorted(points))
    return names, np.array([points[name] for name in names])
