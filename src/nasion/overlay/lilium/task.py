"""One photograph made ready for the search, and the exact judgement of what the search found."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.planes import HeadFrame
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.camera import Camera, image_center_px, pose_rotation
from nasion.geometry.surface import FloatArray, Mesh
from nasion.overlay.checks import shared_pairs
from nasion.overlay.lilium.cones import build_cones, decode
from nasion.overlay.lilium.curves import Region, directed, evenly_spaced, exact_parallelism, stretch_of
from nasion.overlay.lilium.fitness import (
    BINS,
    CameraIntervals,
    FitnessParts,
    Landmarks,
    OutsideTerm,
    ParallelTerm,
    camera_penalty,
    exact_outside_pixels,
)
from nasion.overlay.lilium.outline import OutlineEdges, count_before, outline_edges
from nasion.overlay.lilium.search import Judge
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.pnpf import levenberg_marquardt, ransac_p4pf
from nasion.overlay.problem import Photo, SkullLandmarks

_RANSAC_SAMPLES = 60
_RANSAC_INLIER_FACE_HEIGHT = 0.05

_NO_EDGES = OutlineEdges(np.empty((0, 2, 3)), np.empty((0, 2, 4)))
_NO_OUTSIDE = OutsideTerm(False, _NO_EDGES, np.zeros((1, 2), np.int32), np.zeros((1, 2), np.int32), np.zeros(2), 0.0)
_NO_PARALLEL = ParallelTerm(
    False, False, _NO_EDGES, np.zeros((2, 3)), np.zeros(3), np.zeros(3), np.zeros((1, 2)), 1.0, 0.0, 0.0
)


@dataclass(frozen=True, eq=False)
class Start:
    """Landmarks of one photograph and the pose of the mean head, in axes whose origin is that head's middle.

    Attributes
    ----------
    names
        Facial landmarks used.
    rows
        Their rows of ``PAIRS``.
    origin_mm
        (3,) in the given frame.
    landmarks
        For the compiled code.
    rotation, translation, focal
        Of the table's mean tissue, by POSEST; pixels from the principal point.
    principal_point_px, image_size_px
        Of the photograph.

    """

    names: tuple[str, ...]
    rows: tuple[int, ...]
    origin_mm: FloatArray
    landmarks: Landmarks
    rotation: FloatArray
    translation: FloatArray
    focal: float
    principal_point_px: tuple[float, float]
    image_size_px: tuple[int, int]

    def camera(self, rotation: FloatArray, translation: FloatArray, focal: float) -> Camera:
        """Return a pose as a camera in the given frame."""
        moved = translation - rotation @ self.origin_mm
        return Camera(rotation, moved, float(focal), self.principal_point_px, self.image_size_px)

    @property
    def first_camera(self) -> Camera:
        """The mean head's camera, given frame."""
        return self.camera(self.rotation, self.translation, self.focal)


def no_camera(photo: Photo) -> NasionError:
    """Return the fault of landmarks for which there is no camera."""
    return NasionError(f"{photo.name}: lilium finds no camera for these landmarks; use --solver posterior")


def find_start(
    skull: SkullLandmarks, frame: HeadFrame, tissue: TissueTable, photo: Photo, settings: LiliumSettings
) -> Start:
    """Return the POSEST pose of the table's mean tissue.

    Raises
    ------
    NasionError
        No camera found.

    """
    names = tuple(shared_pairs(skull, photo))
    rows = tuple(j for j, pair in enumerate(PAIRS) if pair.facial in names)
    cranial = np.array([skull.landmarks_mm[PAIRS[j].cranial] for j in rows])
    points = cranial + tissue.mean_mm[list(rows)] @ frame.rotation
    origin = points.mean(axis=0)
    principal = photo.prior.principal_point_px or image_center_px(photo.image_size_px)
    observed = np.array([photo.landmarks_px[name] for name in names], dtype=np.float64) - np.asarray(principal)
    diagonal = math.hypot(*photo.image_size_px)
    found = ransac_p4pf(points - origin, observed, diagonal, _RANSAC_SAMPLES, _RANSAC_INLIER_FACE_HEIGHT, settings.seed)
    if found is None:
        raise no_camera(photo)
    limit = _focal_limits(photo, settings)[1]
    rotation, translation, focal = found
    if focal > limit:
        # the same view from a distance that the lens allows
        translation, focal = translation * [1.0, 1.0, limit / focal], limit
    rotation, translation, focal, _, _ = levenberg_marquardt(
        points - origin, observed, rotation, np.ascontiguousarray(translation), float(focal), limit
    )
    landmarks = Landmarks(cranial - origin, observed, frame.origin_mm - origin)
    return Start(names, rows, origin, landmarks, rotation, translation, float(focal), principal, photo.image_size_px)


def _focal_limits(photo: Photo, settings: LiliumSettings) -> FloatArray:
    known = photo.prior.focal_px
    highest = 0.0 if known is None else known[0] + settings.interval_sds * known[1]
    return np.array([settings.smallest_focal_px, max(settings.largest_focal_px, highest)])


def camera_intervals(photo: Photo, frame: HeadFrame, settings: LiliumSettings) -> CameraIntervals:
    """Return P_cam's admissible intervals round what is known of a photograph's camera; unknown parts are free."""

    def interval(known: tuple[float, float] | None) -> FloatArray:
        if known is None:
            return np.array([-np.inf, np.inf])
        return known[0] + settings.interval_sds * known[1] * np.array([-1.0, 1.0])

    prior = photo.prior
    pose, turn = np.eye(3), 360.0
    if prior.pose_deg is not None:
        pose = pose_rotation(*prior.pose_deg[0]) @ frame.rotation
        turn = settings.interval_sds * prior.pose_deg[1]
    return CameraIntervals(
        interval(prior.focal_px),
        interval(prior.distance_mm),
        np.ascontiguousarray(pose),
        turn,
        _focal_limits(photo, settings),
        settings.impossible,
    )


def outside_term(start: Start, photo: Photo, coarse: Mesh, settings: LiliumSettings) -> OutsideTerm:
    """Return P_skof for the search."""
    face = photo.face
    if face is None:
        raise NasionError(f"{photo.name}: skull-outside-face needs the face's mask; give it, or use --terms base")
    middle = coarse.vertices.mean(axis=0)
    return OutsideTerm(
        True,
        _centred(outline_edges(coarse, start.first_camera, middle), start.origin_mm),
        count_before(face.outside),
        count_before(face.outside.T),
        np.asarray(start.principal_point_px, dtype=np.float64),
        settings.outside_weight,
    )


def parallel_term(start: Start, region: Region, face_curve: FloatArray, settings: LiliumSettings) -> ParallelTerm:
    """Return P_par for the search; the face's curve keeps ``BINS`` points."""
    camera = start.first_camera
    curve = directed(face_curve, stretch_of(region, camera))
    length = float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())
    step = max(length / BINS, 1.0)
    return ParallelTerm(
        True,
        region.kind == "chin_jaw",
        _centred(outline_edges(region.mesh, camera, region.ends_mm.mean(axis=0)), start.origin_mm),
        region.ends_mm - start.origin_mm,
        np.ascontiguousarray(region.up),
        np.ascontiguousarray(region.front),
        evenly_spaced(curve, step) - np.asarray(start.principal_point_px),
        step,
        settings.convergence_tolerance,
        settings.crossing_penalty,
    )


def _centred(edges: OutlineEdges, origin: FloatArray) -> OutlineEdges:
    planes = edges.planes.copy()
    planes[..., 3] += edges.planes[..., :3] @ origin
    return OutlineEdges(edges.ends - origin, planes)


def make_judge(
    start: Start,
    photo: Photo,
    skull: SkullLandmarks,
    frame: HeadFrame,
    tissue: TissueTable,
    settings: LiliumSettings,
    mesh: Mesh | None,
    coarse: Mesh | None,
    region: Region | None,
) -> Judge:
    """Return everything that the search judges a photograph's candidates by.

    Parameters
    ----------
    start, photo
        The photograph.
    skull, frame, tissue
        The skull and its cones.
    settings
        Of the terms.
    mesh, coarse
        Skull's surface (surface normals) and its decimated form; P_skof takes no part without the latter.
    region
        P_par takes no part without it.

    """
    cones = build_cones(start.rows, skull, frame, tissue, settings, mesh)
    outside = _NO_OUTSIDE if coarse is None else outside_term(start, photo, coarse, settings)
    parallel = _NO_PARALLEL
    if region is not None and photo.face is not None:
        parallel = parallel_term(start, region, photo.face.contours[region.kind], settings)
    return Judge(cones, start.landmarks, camera_intervals(photo, frame, settings), outside, parallel)


def exact_pose(
    genes: FloatArray, pose: tuple[FloatArray, FloatArray, float], judge: Judge
) -> tuple[FloatArray, FloatArray, float, float]:
    """Return (rotation, translation, focal, squared error) of an individual, fully converged."""
    vectors = np.empty_like(judge.landmarks.cranial)
    decode(genes, judge.cones, vectors)
    reach = 2.0 * judge.intervals.focal_limits_px[1]
    rotation, translation, focal, cost, _ = levenberg_marquardt(
        judge.landmarks.cranial + vectors, judge.landmarks.observed, *pose, reach
    )
    return rotation, translation, float(focal), float(cost)


def exact_terms(
    genes: FloatArray,
    pose: tuple[FloatArray, FloatArray, float],
    start: Start,
    judge: Judge,
    photo: Photo,
    mesh: Mesh | None,
    region: Region | None,
    settings: LiliumSettings,
) -> tuple[FitnessParts, Camera]:
    """Return an individual's fitness by the paper's letter, with its camera.

    The pose is fully converged, the skull's pixels outside the face are counted in a full-resolution mask, and the
    curves are followed pixel by pixel.

    Parameters
    ----------
    genes, pose
        The individual, and where its pose is looked for.
    start, judge
        Of the photograph.
    photo, mesh, region
        Face, skull and the skull's region.
    settings
        Weights.

    """
    rotation, translation, focal, cost = exact_pose(genes, pose, judge)
    camera = start.camera(rotation, translation, focal)
    if not np.isfinite(cost):
        return FitnessParts(settings.impossible, 0.0, 0.0, 0.0), camera
    outside = parallel = 0.0
    if judge.outside.used and mesh is not None and photo.face is not None:
        outside = settings.outside_weight * exact_outside_pixels(mesh, camera, photo.face)
    if region is not None and photo.face is not None:
        found = exact_parallelism(region, camera, photo.face.contours[region.kind], settings)
        parallel = settings.impossible if found is None else float(sum(found))
    penalty = camera_penalty(rotation, translation, focal, judge.landmarks.head, judge.intervals)
    return FitnessParts(cost / len(judge.landmarks.cranial), float(penalty), outside, parallel), camera
