"""Our graph: each landmark listens to all others by a shape model, as much as their heat maps can be trusted (PyTorch).

The paper's edges are a softmax over neighbours: averages, which cannot extrapolate, turn or scale, and nothing in a
node tells whether its own heat map deserves trust. Here the heat maps' points x are read as a shape with noise,

    x_i = m_i + B_i b + noise of variance 1 / w_i,    b ~ N(0, 1),

with m the mean shape, B four columns of similarity motions and principal components of the training shapes, and w_i
learned from the height and width of map i and from its class. The posterior mean of the shape is

    y_i = m_i + sum_j e_ij (x_j - m_j),    e_ij = B_i (1 + B' W B)^-1 B_j' w_j,

so the connectivity e_ij (2 x 2 a pair) follows, as in the paper's Eqs. 5 and 6, from both classes and all confidences.
Robust weights (Student's t) are one more round of the same. A learned gate tells how far a landmark moves from x_i to
y_i. Only the gate, the noise and the weights' tail are learned by descent.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray

_ROUNDS: Final = 2
_SCALE_SD: Final = 0.3
_ROTATION_SD: Final = 0.5
_SHIFT_SD: Final = 5.0
"""Of the similarity motions: share, radians, cells."""
_HIDDEN: Final = 16
_WIDE_CELLS: Final = 16.0
_ALIGNMENTS: Final = 4


class ShapeGraph(nn.Module):
    """From the points, heights and widths of heat maps to corrected points; see the module.

    ``learn_shapes`` must have been called, or a state loaded, before use.
    """

    mean: Tensor
    basis: Tensor

    def __init__(self, landmarks: int, modes: int) -> None:
        super().__init__()
        modes = min(modes, 2 * landmarks - 4)
        self.modes = modes
        self.register_buffer("mean", torch.zeros(2 * landmarks))
        self.register_buffer("basis", torch.zeros(2 * landmarks, 4 + modes))
        self.log_weight = nn.Sequential(nn.Linear(3, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 1))
        self.log_weight_of_class = nn.Parameter(torch.zeros(landmarks))
        self.gate = nn.Sequential(nn.Linear(4, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, 1))
        self.gate_of_class = nn.Parameter(torch.full((landmarks,), -2.0))
        self.log_tail = nn.Parameter(torch.tensor(1.5))

    def learn_shapes(self, shapes: FloatArray) -> None:
        """Take mean and basis from (s, l, 2) training shapes in cells, origin in the middle of the map; NaN: absent.

        Raises
        ------
        NasionError
            There are fewer than two shapes, or a landmark is in none.

        """
        mean, modes = shape_statistics(shapes, self.modes)
        middle = mean - mean.mean(axis=0)
        turned = np.stack([-middle[:, 1], middle[:, 0]], axis=-1)
        right, down = np.zeros_like(mean), np.zeros_like(mean)
        right[:, 0], down[:, 1] = _SHIFT_SD, _SHIFT_SD
        motions = [_SCALE_SD * middle, _ROTATION_SD * turned, right, down]
        basis = np.concatenate([np.stack([own.ravel() for own in motions], axis=1), modes], axis=1)
        self.mean.copy_(torch.from_numpy(mean.ravel()))
        self.basis.copy_(torch.from_numpy(basis))

    def forward(self, start: Tensor, peak: Tensor, spread: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return (n, l, 2) corrected points and, in use but not in export or learning, (n, 1, l, l) edges for drawings.

        Parameters
        ----------
        start
            (n, l, 2) cells, origin in the middle of the map.
        peak, spread
            (n, l) heights of the maps, 0 to 1, and their standard deviations, cells.

        """
        wide = spread / _WIDE_CELLS
        log_weight = 3 * self.log_weight(torch.stack([peak, wide, peak**2], dim=-1))[..., 0] + self.log_weight_of_class
        trusted = log_weight.exp()
        weight = trusted
        offset = (start.flatten(1) - self.mean)[..., None]
        fitted, squared = start, torch.zeros_like(peak)
        for _ in range(_ROUNDS):
            fitted = self._fitted(offset, weight).reshape(start.shape)
            squared = ((fitted - start) ** 2).sum(dim=-1)
            weight = trusted / (1 + trusted * squared * torch.exp(-self.log_tail))
        # the root of 0 has no slope
        told = torch.stack([peak, wide, torch.log1p((squared + 1e-6).sqrt()), log_weight / 3], dim=-1)
        share = torch.sigmoid(self.gate(told)[..., 0] + self.gate_of_class)[..., None]
        edges = None if self.training or torch.onnx.is_in_onnx_export() else self._edges(weight)
        return start + share * (fitted - start), edges

    def _normal(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return 1 + B' W B, (n, k, k), and B' W, (n, k, 2 l)."""
        weighted = (self.basis[None] * weight.repeat_interleave(2, dim=1)[..., None]).transpose(1, 2)
        return weighted @ self.basis + torch.eye(self.basis.shape[1], device=weight.device), weighted

    def _fitted(self, offset: Tensor, weight: Tensor) -> Tensor:
        """Return the shape's posterior mean, (n, 2 l), for (n, 2 l, 1) offsets from the mean shape."""
        normal, weighted = self._normal(weight)
        coefficients = solved(normal, weighted @ offset)
        fitted: Tensor = self.mean + (self.basis @ coefficients)[..., 0]
        return fitted

    def _edges(self, weight: Tensor) -> Tensor:
        """Return how strongly each landmark listens to each other one: the norm of e_ij, rows summing to 1."""
        normal, weighted = self._normal(weight)
        pairs: Tensor = self.basis @ torch.linalg.solve(normal, weighted)
        count, landmarks = weight.shape
        strength = pairs.reshape(count, landmarks, 2, landmarks, 2).norm(dim=(2, 4))
        strength = strength * (1 - torch.eye(landmarks, device=weight.device))
        even: Tensor = strength / strength.sum(dim=-1, keepdim=True).clamp_min(1e-12)
        return even[:, None]


def solved(matrix: Tensor, right: Tensor) -> Tensor:
    """Return the solution, (n, k, 1), of symmetric positive definite systems by Gauss-Jordan elimination.

    ONNX has no operator that solves linear systems; k steps of plain arithmetic can be exported. Without pivoting this
    is safe for matrices of this kind alone (Golub & Van Loan, Matrix Computations, 4.2).

    Parameters
    ----------
    matrix, right
        (n, k, k) and (n, k, 1).

    """
    rows = torch.cat([matrix, right], dim=-1)
    unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    for k in range(matrix.shape[-1]):
        row = rows[:, k : k + 1] / rows[:, k : k + 1, k : k + 1]
        rows = rows - (rows[:, :, k : k + 1] - unit[:, k : k + 1]) * row
    return rows[:, :, -1:]


def shape_statistics(shapes: FloatArray, modes: int) -> tuple[FloatArray, FloatArray]:
    """Return the mean, (l, 2), and principal components times their SD, (2 l, modes), of aligned (s, l, 2) shapes.

    Shapes are laid onto the mean by similarity motions (generalised Procrustes); absent landmarks (NaN) are taken from
    the mean. Components that the shapes do not have are 0.

    Raises
    ------
    NasionError
        There are fewer than two shapes, or a landmark is in none.

    """
    points = shapes[..., 0] + 1j * shapes[..., 1]
    if len(points) < 2 or not np.isfinite(points).any(axis=0).all():
        raise NasionError("a shape model needs two training shapes and each landmark in one; give more images")
    mean = np.nanmean(points, axis=0)
    aligned = points
    for _ in range(_ALIGNMENTS):
        aligned = np.stack([_laid_onto(own, mean) for own in points])
        mean = aligned.mean(axis=0)
    flat = np.stack([aligned.real, aligned.imag], axis=-1).reshape(len(points), -1)
    flat = flat - flat.mean(axis=0)
    _, values, rows = np.linalg.svd(flat, full_matrices=False)
    made = np.zeros((flat.shape[1], modes))
    count = min(modes, len(values))
    made[:, :count] = rows[:count].T * values[:count] / math.sqrt(len(points) - 1)
    return np.stack([mean.real, mean.imag], axis=-1), made


def _laid_onto(shape: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Return a complex shape after the least squares similarity motion onto the mean, gaps filled from it."""
    there = np.isfinite(shape)
    own, other = shape[there], mean[there]
    offset, place = own - own.mean(), other.mean()
    size = float((abs(offset) ** 2).sum())
    factor = (np.conj(offset) * (other - place)).sum() / size if size > 0 else 1.0
    made = mean.copy()
    made[there] = factor * offset + place
    return made
