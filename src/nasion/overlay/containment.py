"""The last step of the posterior solver: a small movement that brings the skull wholly inside the face.

The outline's containment term is soft and samples the outline: it leaves excursions of a fraction of a millimetre. The
solution is therefore moved as little as its own covariance likes until no vertex of the surface protrudes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.overlay.face_region import FaceRegion
from nasion.overlay.kernel import PER_PHOTO, rotation_from_vector
from nasion.overlay.outline import SkullOutline, View, sampled_distance

FloatArray = NDArray[np.float64]

MARGIN_MM: Final = 0.5
"""A vertex is to lie so far inside: triangles reach across concave borders, and pixels have a size."""
SIGMA_MM: Final = 0.2
REACH_MM: Final = 3.0
"""Where anything protrudes farther, the mask or the skull is another one's, and the photograph is left alone."""
STEPS: Final = 6
SETTLED_MM: Final = 0.3
"""Of the margin, how much may be left over."""


def slip_inside(
    outline: SkullOutline,
    faces: Sequence[FaceRegion | None],
    principal_px: FloatArray,
    precision: FloatArray,
    rotation: FloatArray,
    theta: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return (P, 3, 3) rotations and (7P + 1) parameters with the skull inside the faces, as near as can be.

    Parameters
    ----------
    outline
        The skull's surface.
    faces
        One a photograph; None takes no part.
    principal_px
        (P, 2).
    precision
        (7P + 1, 7P + 1) inverse covariance of the solution: what a movement costs.
    rotation, theta
        The solution; left as it is.

    """
    start = theta
    rotation, theta, moved = rotation.copy(), theta.copy(), np.zeros(len(theta))
    for _ in range(STEPS):
        hess, grad = precision.copy(), -precision @ moved
        settled = True
        for p, face in enumerate(faces):
            if face is None:
                continue
            block = slice(PER_PHOTO * p, PER_PHOTO * (p + 1))
            view = View.of(rotation[p], theta[block])
            rows, excess = _protruding(outline, view, face, principal_px[p])
            settled = settled and bool((excess < SETTLED_MM * view.scale).all())
            weight = 1.0 / (SIGMA_MM * view.scale) ** 2
            hess[block, block] += weight * rows.T @ rows
            grad[block] -= weight * rows.T @ excess
        if settled:
            break
        sd = 1.0 / np.sqrt(np.diag(hess))
        step = sd * np.linalg.solve(hess * np.outer(sd, sd), grad * sd)
        moved += step
        for p in range(len(faces)):
            rotation[p] = rotation_from_vector(step[PER_PHOTO * p : PER_PHOTO * p + 3]) @ rotation[p]
        theta = start + moved
    return rotation, theta


def _protruding(
    outline: SkullOutline, view: View, face: FaceRegion, principal_px: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return (n, 7) derivatives and (n,) excess px of the vertices that are not inside by the margin."""
    uv, _ = view.project(outline.vertices)
    at_px = uv + principal_px
    height, width = face.distance_px.shape
    pixel = np.clip(np.rint(at_px), 0, (width - 1, height - 1)).astype(np.intp)
    near = face.distance_px[pixel[:, 1], pixel[:, 0]] > -MARGIN_MM * view.scale - 1.5
    points = outline.vertices[near]
    distance, slope = sampled_distance(face.distance_px, at_px[near])
    if len(distance) == 0 or float(distance.max()) > REACH_MM * view.scale:
        return np.empty((0, PER_PHOTO)), np.empty(0)
    excess = distance + MARGIN_MM * view.scale
    out = excess > 0
    return np.einsum("ni,nij->nj", slope[out], view.jacobian(points[out])), excess[out]
