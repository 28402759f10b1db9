"""The ``lilium`` solver: each photograph by itself, from landmarks, mask and contours to the best individual."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasion.anatomy.planes import head_frame
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import Camera
from nasion.geometry.decimation import decimate
from nasion.geometry.surface import FloatArray, Mesh
from nasion.overlay.checks import check_usable
from nasion.overlay.lilium.cones import decode
from nasion.overlay.lilium.curves import Kind, Region, curve_kind, cut_region
from nasion.overlay.lilium.fitness import FitnessParts
from nasion.overlay.lilium.search import evolve
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.lilium.task import Start, exact_terms, find_start, make_judge, no_camera
from nasion.overlay.problem import OverlayProblem, OverlaySolution, Photo, PhotoSolution, SkullLandmarks

SEARCH_TRIANGLES = 8_000
"""Of the skull during the search; the final count uses all."""


@dataclass(frozen=True, eq=False)
class LiliumResult:
    """The best individual of one photograph.

    Attributes
    ----------
    photo, names
        The photograph and the facial landmarks used.
    camera
        In the skull's given frame.
    genes
        (3 n,) in [0, 1].
    tissue_mm
        (n, 3) decoded vectors, given frame.
    predicted_px, residuals_px
        (n, 2) projections of cranial landmark + vector; observed minus these.
    parts
        Terms of the fitness, exact.
    curve
        Region that P_par compared; None where it took no part.
    history
        Best fitness of the search after each generation, the random population's first.
    stopped_by_clock
        Whether ``time_limit_s`` ended the search.
    seconds
        Wall time.

    """

    photo: str
    names: tuple[str, ...]
    camera: Camera
    genes: FloatArray
    tissue_mm: FloatArray
    predicted_px: FloatArray
    residuals_px: FloatArray
    parts: FitnessParts
    curve: Kind | None
    history: FloatArray
    stopped_by_clock: bool
    seconds: float

    @property
    def relative_fitness(self) -> float:
        """Root of the fitness over the landmarks' root mean square spread: the same at any size of the picture."""
        spread = math.sqrt(float((self.predicted_px + self.residuals_px).var(axis=0).sum()))
        return math.sqrt(self.parts.total) / spread


def solve(problem: OverlayProblem, tissue: TissueTable, settings: LiliumSettings | None = None) -> OverlaySolution:
    """Overlay a skull on each photograph by itself.

    Parameters
    ----------
    problem
        Skull and photographs; the terms ``skof`` and ``par`` need the mesh and the photographs' faces.
    tissue
        Axes and heights of the cones.
    settings
        The paper's and the open points.

    Returns
    -------
    The solution; its score is minus the root of the best individual's fitness over the spread of the picture's
    landmarks, averaged over the photographs: for one photograph the order of the fitness, by which the paper ranks
    skulls; it also compares photographs of other sizes.

    Raises
    ------
    NasionError
        Unusable landmarks, no camera found, or an input missing that a term needs.

    """
    return LiliumSolver(problem.skull, tissue, settings, problem.mesh).solve(problem.photos)


class LiliumSolver:
    """One skull, prepared for many photographs."""

    def __init__(
        self,
        skull: SkullLandmarks,
        tissue: TissueTable,
        settings: LiliumSettings | None = None,
        mesh: Mesh | None = None,
    ) -> None:
        self.skull, self.tissue, self.mesh = skull, tissue, mesh
        self.settings = settings or LiliumSettings()
        if mesh is None and (self.settings.uses_outside or self.settings.uses_parallelism):
            raise NasionError(
                f"lilium with --terms {self.settings.terms} needs the skull's surface; give --skull or --terms base"
            )
        self._frame = head_frame(skull.landmarks_mm, skull.helpers_mm)
        self._coarse = decimate(mesh, SEARCH_TRIANGLES) if mesh is not None and self.settings.uses_outside else None
        self._regions: dict[Kind, Region] = {}

    def solve(self, photos: Sequence[Photo]) -> OverlaySolution:
        """Return the overlays of one person's photographs."""
        started = time.perf_counter()
        results = [self.solve_photo(photo) for photo in photos]
        score = -float(np.mean([result.relative_fitness for result in results]))
        solutions = tuple(_solution(result, self.settings) for result in results)
        return OverlaySolution("lilium", solutions, score, None, None, {}, time.perf_counter() - started)

    def solve_photo(self, photo: Photo) -> LiliumResult:
        """Return the best individual of one photograph.

        Raises
        ------
        NasionError
            Unusable landmarks, no camera found, or an input missing that a term needs.

        """
        started = time.perf_counter()
        check_usable(self.skull, photo)
        self._check_face(photo)
        s = self.settings
        start = find_start(self.skull, self._frame, self.tissue, photo, s)
        region = self._region_for(photo, start)
        judge = make_judge(start, photo, self.skull, self._frame, self.tissue, s, self.mesh, self._coarse, region)
        population, history = evolve(
            judge, (start.rotation, start.translation, start.focal), s, started + s.time_limit_s
        )
        finalists = []
        for i in np.argsort(population.fitness, kind="stable")[: s.exact_finalists]:
            pose = population.rotation[i], population.translation[i], float(population.focal[i])
            genes = population.genes[i].copy()
            finalists.append((*exact_terms(genes, pose, start, judge, photo, self.mesh, region, s), genes))
        parts, camera, genes = min(finalists, key=lambda finalist: finalist[0].total)
        if parts.mse_px2 >= s.impossible:
            raise no_camera(photo)
        vectors = np.empty((len(start.names), 3))
        decode(genes, judge.cones, vectors)
        predicted = camera.project(start.landmarks.cranial + start.origin_mm + vectors)
        observed = start.landmarks.observed + np.asarray(start.principal_point_px)
        return LiliumResult(
            photo.name,
            start.names,
            camera,
            genes,
            vectors,
            predicted,
            observed - predicted,
            parts,
            None if region is None else region.kind,
            history,
            len(history) <= s.generations,
            time.perf_counter() - started,
        )

    def _region_for(self, photo: Photo, start: Start) -> Region | None:
        """Return the region that P_par compares in a photograph; None where it takes no part."""
        if not self.settings.uses_parallelism or self.mesh is None:
            return None
        kind = curve_kind(photo, start.rotation @ self._frame.rotation.T)
        if kind is None:
            return None
        if kind not in self._regions:
            self._regions[kind] = cut_region(kind, self.mesh, self.skull, self._frame)
        return self._regions[kind]

    def _check_face(self, photo: Photo) -> None:
        if not (self.settings.uses_outside or self.settings.uses_parallelism):
            return
        if photo.face is None:
            raise NasionError(
                f"{photo.name}: lilium with --terms {self.settings.terms} needs the face's mask; give it "
                "(--photo-mask, in a gallery NAME.mask.png) or use --terms base"
            )
        if photo.face.image_size_px != photo.image_size_px:
            width, height = photo.image_size_px
            raise NasionError(f"{photo.name}: the face's mask must have the photograph's {width} x {height} pixels")


def _solution(result: LiliumResult, settings: LiliumSettings) -> PhotoSolution:
    count = len(result.names)
    variance = max(float((result.residuals_px**2).sum()) / max(2 * count - 7, 1), 1e-12)
    flags = []
    if result.stopped_by_clock:
        flags.append("stopped_by_clock")
    if result.parts.camera > 0:
        flags.append("camera_implausible")
    if result.parts.outside > 0:
        flags.append("skull_outside_face")
    if settings.uses_parallelism and result.curve is None:
        flags.append("no_contour")
    return PhotoSolution(
        result.photo,
        result.camera,
        result.names,
        result.predicted_px,
        np.tile(variance * np.eye(2), (count, 1, 1)),
        result.residuals_px,
        None,
        None,
        tuple(flags),
        not result.stopped_by_clock,
    )
