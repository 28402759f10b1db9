"""One search of Lilium, opened up: its random population, one individual of it, and the answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from nasion.anatomy.tissue import TissueTable
from nasion.geometry.camera import Camera
from nasion.geometry.decimation import decimate
from nasion.overlay.lilium.cones import decode
from nasion.overlay.lilium.curves import Region, curve_kind, cut_region
from nasion.overlay.lilium.fitness import FitnessParts
from nasion.overlay.lilium.search import Population, evolve
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.solve import SEARCH_TRIANGLES, LiliumResult
from nasion.overlay.lilium.task import Start, exact_terms, find_start, make_judge

from .cast import Sitting, Subject, lilium_result
from .style import FloatArray


@dataclass(frozen=True, eq=False)
class OpenedRun:
    """What the workflow figure shows.

    Attributes
    ----------
    start
        Landmarks used and the first pose.
    region
        Of the skull, for P_par.
    first
        The random population, judged.
    camera, parts, tissue_mm
        Of its first individual: exact fitness and (n, 3) vectors.
    answer
        Of the whole search.

    """

    start: Start
    region: Region
    first: Population
    camera: Camera
    parts: FitnessParts
    tissue_mm: FloatArray
    answer: LiliumResult

    @property
    def facial_mm(self) -> FloatArray:
        """(n, 3) facial landmarks of the first individual."""
        return self.start.landmarks.cranial + self.start.origin_mm + self.tissue_mm


def opened_run(subject: Subject, sitting: Sitting) -> OpenedRun:
    """Return a search with all terms, checked to be the solver's own.

    Raises
    ------
    RuntimeError
        The photograph shows no contour, or the first population is not the one that the solver began with.

    """
    truth, photo, settings, table = subject.truth, sitting.seen, LiliumSettings(), TissueTable.load()
    answer = lilium_result(subject, photo, "all")
    start = find_start(truth.skull, subject.frame, table, photo, settings)
    kind = curve_kind(photo, start.rotation @ subject.frame.rotation.T)
    if kind is None:
        raise RuntimeError(f"{photo.name} shows no contour; use another seed")
    region = cut_region(kind, truth.mesh, truth.skull, subject.frame)
    coarse = decimate(truth.mesh, SEARCH_TRIANGLES)
    judge = make_judge(start, photo, truth.skull, subject.frame, table, settings, truth.mesh, coarse, region)
    pose = start.rotation, start.translation, start.focal
    first, history = evolve(judge, pose, replace(settings, generations=0), time.perf_counter() + 60)
    if not np.isclose(history[0], answer.history[0]):
        raise RuntimeError(f"{photo.name}: the search drawn is not the solver's")
    genes = first.genes[0].copy()
    found = first.rotation[0], first.translation[0], float(first.focal[0])
    parts, camera = exact_terms(genes, found, start, judge, photo, truth.mesh, region, settings)
    vectors = np.empty((len(start.names), 3))
    decode(genes, judge.cones, vectors)
    return OpenedRun(start, region, first, camera, parts, vectors, answer)
