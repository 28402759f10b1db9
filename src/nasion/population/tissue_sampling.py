"""Drawing a person's tissue vectors from a table of 3D Gaussians."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from nasion.anatomy.tissue import TissueTable
from nasion.geometry.surface import FloatArray

WIDEST_BUILD_SD: Final = 2.0
"""The build factor is drawn within this many SDs of its logarithm: from thin to obese."""


@dataclass(frozen=True, eq=False)
class TissueDraw:
    """How tissue vectors are drawn: ``v_j = b * (m_j + e_j)`` as in ``anatomy.tissue``.

    The last three settings make people whose tissue differs from what a solver's table says.

    Attributes
    ----------
    table
        Means and covariances.
    mean_shift_sd
        The means of this population are wrong: each landmark's is shifted in a direction drawn evenly, by this many of
        the table's SDs along that direction.
    mean_shift_seed
        Which shift.
    build_range
        (lowest, highest) build factor, drawn evenly on a logarithmic scale; None draws from the table's log-normal.
    left_right_correlation
        Of the vectors of both sides; None is the table's own.

    """

    table: TissueTable
    mean_shift_sd: float = 0.0
    mean_shift_seed: int = 0
    build_range: tuple[float, float] | None = None
    left_right_correlation: float | None = None

    @cached_property
    def _model(self) -> tuple[FloatArray, FloatArray]:
        """Return the (20, 3) means and the (60, 60) Cholesky factor."""
        table = self.table
        if self.left_right_correlation is not None:
            table = replace(table, left_right_correlation=self.left_right_correlation)
        factor = np.asarray(np.linalg.cholesky(table.joint_covariance_mm2), dtype=np.float64)
        directions = np.random.default_rng(self.mean_shift_seed).standard_normal(table.mean_mm.shape)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        sd = np.sqrt(np.einsum("ji,jik,jk->j", directions, table.covariance_mm2, directions))
        mean: FloatArray = table.mean_mm + self.mean_shift_sd * sd[:, None] * directions
        return mean, factor

    def sample(self, rng: np.random.Generator) -> tuple[float, FloatArray]:
        """Return a build factor and (20, 3) tissue vectors in the Frankfurt frame, mm, in the order of ``PAIRS``."""
        mean, factor = self._model
        if self.build_range is not None:
            build = float(np.exp(rng.uniform(*np.log(self.build_range))))
        else:
            deviate = rng.standard_normal()
            build = float(np.exp(self.table.build_factor_log_sd * np.clip(deviate, -WIDEST_BUILD_SD, WIDEST_BUILD_SD)))
        return build, build * (mean + (factor @ rng.standard_normal(len(factor))).reshape(-1, 3))
