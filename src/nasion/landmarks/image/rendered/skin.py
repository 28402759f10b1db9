"""The skin of a photographed face on the face model's vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix, diags

from nasion.geometry.interpolation import FloatImage
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.image.rendered.fitting import FittedFace
from nasion.landmarks.image.rendered.sampling import GAMMA, LinearPixels, sampled
from nasion.landmarks.image.samples import Pixels
from nasion.landmarks.surface.heads import FaceModel

_FACING: Final = (0.25, 0.6)
"""Cosines between skin and camera from which a photograph is trusted not at all, and fully."""
_EDGE_SHARE: Final = 0.035
"""Width of the seam at the border of the skin seen, over the face's size."""
_FILL_STEPS: Final = 150
_LEAST_SHADE: Final = 0.45


@dataclass(frozen=True, eq=False)
class Skin:
    """A person's skin.

    Attributes
    ----------
    photograph
        (h, w, 3) linear light.
    places_px
        (n, 2) where the photograph shows each vertex.
    trust
        (n,) 0 to 1: how well the photograph shows it.
    shade
        (n,) the light of the studio, 1 where the skin faces the camera.
    fill
        (n, 3) linear colour where the photograph does not show it.
    hair
        (3,) linear colour of the hair above the forehead.

    """

    photograph: LinearPixels
    places_px: FloatArray
    trust: FloatArray
    shade: FloatArray
    fill: FloatArray
    hair: FloatArray


def skin_of_photograph(
    photograph: Pixels,
    points_px: FloatArray,
    skin_outline_px: FloatArray,
    hair_places_px: FloatArray,
    model: FaceModel,
    landmarks: NDArray[np.int64],
    face: FittedFace,
) -> Skin:
    """Return the skin of a frontal face.

    The fitted face is bent so that its landmarks project exactly onto the points; the photograph is trusted where it
    shows bare skin, seen not too obliquely; elsewhere the colours of the nearest trusted skin spread.

    Parameters
    ----------
    photograph
        (h, w, 3).
    points_px
        (68, 2) in it.
    skin_outline_px
        (p, 2) polygon of bare skin: face and forehead.
    hair_places_px
        (q, 2) where hair is seen.
    model, landmarks, face
        The face model, the vertices of the 68 points, and the model laid on the photograph.

    """
    places = _exact_places(face, landmarks, points_px)
    linear: LinearPixels = ((np.arange(256) / 255) ** GAMMA).astype(np.float32)[photograph]
    normal = Mesh(face.vertices, model.faces).vertex_normals() @ face.camera.rotation.T
    toward = face.camera.to_camera(face.vertices)
    facing = -(normal * toward).sum(axis=1) / np.linalg.norm(toward, axis=1)
    low, high = _FACING
    trust = (
        np.clip((facing - low) / (high - low), 0, 1)
        * sampled(_soft_polygon(skin_outline_px, linear.shape[:2]), places)[:, 0]
    )
    eyeballs = np.unique(model.faces[model.part >= 3])
    trust[np.unique(model.faces[model.part == 2])] = 0
    trust[eyeballs] = 0
    shade = _studio_shade(sampled(linear, places), facing, trust)
    fill = _spread(sampled(linear, places) / shade[:, None], trust, model)
    return Skin(linear, places, trust, shade, fill, _hair(linear, hair_places_px))


def _exact_places(face: FittedFace, landmarks: NDArray[np.int64], points_px: FloatArray) -> FloatArray:
    camera = face.camera
    own = camera.to_camera(face.vertices)
    flat = (points_px - np.array(camera.principal_point_px)) / camera.focal_px
    depth = own[landmarks][:, 2:]
    warp = RbfWarp.fit(own[landmarks], np.concatenate([flat * depth, depth], axis=1))
    bent = warp(own)
    places: FloatArray = camera.focal_px * bent[:, :2] / bent[:, 2:] + np.array(camera.principal_point_px)
    return places


def _soft_polygon(outline_px: FloatArray, shape: tuple[int, ...]) -> FloatImage:
    """Return (h, w): 1 inside a polygon, falling to 0 just inside its border."""
    inside = np.zeros(shape, np.uint8)
    cv2.fillPoly(inside, [np.rint(outline_px).astype(np.int32)], 1)
    seam = max(2.0, _EDGE_SHARE * float(np.ptp(outline_px[:, 1])))
    soft = np.clip(cv2.distanceTransform(inside, cv2.DIST_L2, 5) / seam - 0.3, 0, 1)
    return np.asarray(soft, np.float32)


def _studio_shade(colours: FloatImage, facing: FloatArray, trust: FloatArray) -> FloatArray:
    """Return (n,) the light that each vertex has in the studio, 1 where it faces the camera: a line in the cosine."""
    sure = trust > 0.5
    light = colours[sure].mean(axis=1)
    slope = float(np.polyfit(facing[sure], np.log(np.maximum(light, 1e-3)), 1, w=trust[sure])[0])
    shade: FloatArray = np.clip(np.exp(max(slope, 0.0) * (facing - 1)), _LEAST_SHADE, 1)
    return shade


def _spread(colours: FloatArray, trust: FloatArray, model: FaceModel) -> FloatArray:
    """Return (n, 3): trusted colours as they are, the others as their neighbours on the mesh have them."""
    around = _neighbours(model)
    sure = (trust > 0.5)[:, None]
    middle = np.median(colours[sure[:, 0]], axis=0)
    made = np.where(sure, colours, middle)
    for _ in range(_FILL_STEPS):
        made = np.where(sure, colours, around @ made)
    return made


def _neighbours(model: FaceModel) -> csr_matrix:
    """Return (n, n) means over a vertex and its neighbours."""
    faces, count = model.faces, len(model.mean)
    a = np.concatenate([faces[:, k] for k in (0, 1, 2)])
    b = np.concatenate([faces[:, k] for k in (1, 2, 0)])
    whole = coo_matrix((np.ones(2 * len(a)), (np.concatenate([a, b]), np.concatenate([b, a]))), (count, count)).tocsr()
    whole.data[:] = 1
    whole = whole + diags(np.ones(count))
    return csr_matrix(diags(1 / np.asarray(whole.sum(axis=1)).ravel()) @ whole)


def _hair(linear: LinearPixels, places_px: FloatArray) -> FloatArray:
    size = np.array(linear.shape[1::-1]) - 1
    colours = sampled(linear, np.clip(places_px, 0, size))
    return np.asarray(np.median(colours, axis=0), float)
