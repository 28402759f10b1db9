"""A template's face on one skull: the most probable modes and a smooth warp to given facial landmarks.

With modes ``M`` of unit SD and landmarks ``L(F0) + A w`` of the face under weights ``w``, landmarks ``t`` tell the
weights by Gaussian conditioning: ``t - L(F0) = A w + r`` with ``r`` of SD ``unexplained_mm``. What is left between the
face and ``t`` is taken by the soft warp that the population's people get (``population.face_fit``), whose controls also
hold scalp, cheeks, jaw line and neck. The warp is linear in the controls' shifts, so that covariances follow from draws
of the controls alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.attachment import Attachment
from nasion.population.face_fit import FaceFitter, soft_weights
from nasion.population.template import Template


@dataclass(frozen=True, eq=False)
class Pull:
    """What a draw of landmarks does to a face.

    Attributes
    ----------
    weights
        (k,) of the modes.
    shifts
        (c, 3) of the soft warp's controls, mm.

    """

    weights: FloatArray
    shifts: FloatArray

    @property
    def flat(self) -> FloatArray:
        """(k + 3 c,) both, as ``FaceOnSkull.basis`` takes them."""
        return np.concatenate([self.weights, self.shifts.ravel()])


class FaceOnSkull:
    """The template's face under a skull's own warp, ready to be pulled to landmarks.

    Attributes
    ----------
    mesh
        The face before any pull.
    landmarks_mm
        (20, 3) its facial landmarks in the order of ``PAIRS``.
    attached
        All facial landmarks and helpers on the face's triangles, the twenty first.

    """

    def __init__(self, template: Template, warp: RbfWarp, template_skull: Mesh, unexplained_mm: float) -> None:
        helpers = [name for name in template.facial_helpers if name not in template.facial]
        # an orbitale of the skin and one of the bone share their name: facial helpers are asked for by the template
        names = [*(pair.facial for pair in PAIRS), *helpers]
        self.attached = Attachment.of(template.face, {**template.facial_helpers, **template.facial}, names)
        self.mesh = warp.mesh(template.face)
        self._skull = template_skull
        self._fitter = FaceFitter(template)
        self.landmarks_mm = self._twenty(self.mesh.vertices)
        self._modes = _warped_modes(template, warp, self.mesh.vertices)
        source, _ = self._controls(self.mesh.vertices, self.landmarks_mm, 1.0)
        self._own_shifts = _own_shifts(template, self._fitter, self._twenty(template.face.vertices))
        self._warp_weights = soft_weights(source, self.mesh.vertices)
        by_mode = np.array([self._twenty(mode).ravel() for mode in self._modes]).reshape(-1, self.landmarks_mm.size)
        total = by_mode.T @ by_mode + unexplained_mm**2 * np.eye(by_mode.shape[1])
        self._gain = np.linalg.solve(total, by_mode.T).T
        rest = np.eye(len(by_mode)) - self._gain @ by_mode.T
        self._rest = np.linalg.cholesky((rest + rest.T) / 2 + 1e-12 * np.eye(len(rest)))

    def _twenty(self, vertices: FloatArray) -> FloatArray:
        return self.attached.points(vertices)[: len(PAIRS)]

    def _controls(self, face: FloatArray, wanted: FloatArray, build: float) -> tuple[FloatArray, FloatArray]:
        return self._fitter.controls(face, self._twenty(face), wanted, self._skull, build)

    def pull(self, wanted: FloatArray, build: float, rng: np.random.Generator | None = None) -> Pull:
        """Return what brings the face to facial landmarks.

        Parameters
        ----------
        wanted
            (20, 3) in the order of ``PAIRS``.
        build
            Build factor, which the cheeks follow.
        rng
            Draws the modes' weights from what the landmarks leave open; None takes the most probable ones.

        """
        weights = self._gain @ (wanted - self.landmarks_mm).ravel()
        if rng is not None:
            weights = weights + self._rest @ rng.standard_normal(len(weights))
        source, target = self._controls(self._with_modes(weights), wanted, build)
        return Pull(weights, target - source - self._own_shifts)

    def unflattened(self, flat: FloatArray) -> Pull:
        """Return the pull of a (k + 3 c,) row."""
        k = len(self._modes)
        return Pull(flat[:k], flat[k:].reshape(-1, 3))

    def _with_modes(self, weights: FloatArray) -> FloatArray:
        face: FloatArray = self.mesh.vertices + np.tensordot(weights, self._modes, 1)
        return face

    def pulled(self, pull: Pull) -> FloatArray:
        """Return (n, 3) vertices of the face under a pull."""
        face: FloatArray = self._with_modes(pull.weights) + self._warp_weights @ pull.shifts
        return face

    def attached_points(self, pulls: FloatArray) -> FloatArray:
        """Return (d, p, 3) facial landmarks and helpers under (d, k + 3 c) flat pulls."""
        k, c = len(self._modes), self._warp_weights.shape[1]
        plain = self.attached.points(self.mesh.vertices)
        modes = np.array([self.attached.points(mode) for mode in self._modes]).reshape(k, *plain.shape)
        weights = self.attached.points(self._warp_weights)
        points: FloatArray = (
            plain
            + np.tensordot(pulls[:, :k], modes, 1)
            + np.einsum("pc,dca->dpa", weights, pulls[:, k:].reshape(-1, c, 3))
        )
        return points

    def basis(self, factor: FloatArray) -> NDArray[np.float64]:
        """Return (n, 3, r): the vertices' moves by each column of a (k + 3 c, r) factor of the pulls' covariance."""
        k, r = len(self._modes), factor.shape[1]
        moved = np.tensordot(self._modes, factor[:k], (0, 0))
        shifts = factor[k:].reshape(-1, 3 * r)
        basis: FloatArray = moved + (self._warp_weights @ shifts).reshape(-1, 3, r)
        return basis


def _own_shifts(template: Template, fitter: FaceFitter, landmarks: FloatArray) -> FloatArray:
    """Return (c, 3) shifts of the controls on the template's own skull, where its face needs none."""
    source, target = fitter.controls(template.face.vertices, landmarks, landmarks, template.skull, 1.0)
    shifts: FloatArray = target - source
    return shifts


def _warped_modes(template: Template, warp: RbfWarp, warped: FloatArray) -> FloatArray:
    """Return (k, n, 3) the modes as the skull's warp carries them, by differences of half a standard deviation."""
    modes = template.identity_modes
    if modes is None:
        return np.zeros((0, *warped.shape))
    step = 0.5
    return np.array([(warp(template.face.vertices + step * mode) - warped) / step for mode in modes.astype(np.float64)])
