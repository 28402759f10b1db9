"""Soft-tissue vectors from cranial to facial landmarks: a table of 3D Gaussians with one common build factor.

The tissue vector of pair *j* of a person is ``v_j = b * (m_j + e_j)`` in the Frankfurt frame: ``b`` log-normal with
median 1 (thin to obese), ``e_j`` normal with the table's covariance, correlated between the two sides of a bilateral
pair.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from nasion.anatomy.landmarks import PAIRS, mirrored, side
from nasion.errors import NasionError

FloatArray = NDArray[np.float64]
Vector = tuple[FiniteFloat, FiniteFloat, FiniteFloat]

MIRROR: Final[FloatArray] = np.diag([-1.0, 1.0, 1.0])
"""Reflection in the mid-sagittal plane of the Frankfurt frame."""

LONGEST_VECTOR_MM: Final = 60.0


class _Row(BaseModel):
    """One pair of the file; a bilateral pair stands once, without side, for the left."""

    model_config = ConfigDict(extra="forbid", strict=True)
    cranial: str
    facial: str
    mean_mm: Vector = Field(strict=False)
    covariance_mm2: tuple[Vector, Vector, Vector] = Field(strict=False)
    source: str
    assumed: bool


class _File(BaseModel):
    """A tissue file as it stands on disk."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: str
    about: str = ""
    build_factor_log_sd: float = Field(ge=0, le=2)
    left_right_correlation: float = Field(ge=0, lt=1)
    pairs: list[_Row]


@dataclass(frozen=True, eq=False)
class TissueTable:
    """Tissue vectors of the twenty pairs at build factor 1, in the order of ``PAIRS``.

    Attributes
    ----------
    name
        Of the population.
    mean_mm
        (20, 3) mean vectors, Frankfurt frame (+X left, +Y up, +Z front).
    covariance_mm2
        (20, 3, 3) covariance of each vector.
    build_factor_log_sd
        SD of the build factor's natural logarithm.
    left_right_correlation
        Correlation between a bilateral landmark's vector and its mirrored partner's.
    sources, assumed
        Where each row comes from; True where the row is no published figure.

    """

    name: str
    mean_mm: FloatArray
    covariance_mm2: FloatArray
    build_factor_log_sd: float
    left_right_correlation: float
    sources: tuple[str, ...]
    assumed: tuple[bool, ...]

    @classmethod
    def load(cls, path: str | Path | None = None) -> TissueTable:
        """Read a tissue file, the built-in one where ``path`` is None.

        Raises
        ------
        NasionError
            The file cannot be read, a pair is missing, or a covariance is not positive definite.

        """
        if path is None:
            return _built_in()
        return cls._read(Path(path), str(path))

    @classmethod
    def _read(cls, path: Path | Traversable, where: str) -> TissueTable:
        try:
            text = path.read_text(encoding="utf-8")
            file = _File.model_validate_json(text)
        except (OSError, UnicodeDecodeError) as fault:
            raise NasionError(f"{where}: cannot be read as a tissue file ({fault}); check the path") from fault
        except ValidationError as fault:
            first = fault.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "file"
            raise NasionError(f"{where}: {place}: {first['msg']}; see docs/tissue.md for the format") from fault
        return cls._from_file(file, where)

    @classmethod
    def _from_file(cls, file: _File, where: str) -> TissueTable:
        rows = {row.cranial: row for row in file.pairs}
        means, covariances, sources, assumed = [], [], [], []
        for pair in PAIRS:
            which = side(pair.cranial)
            base = pair.cranial.removesuffix(f"_{which}")
            if base not in rows or rows[base].facial != pair.facial.removesuffix(f"_{which}"):
                raise NasionError(f"{where}: no row for the pair {base}; add it (see docs/tissue.md)")
            row = rows[base]
            flip = MIRROR if which == "right" else np.eye(3)
            mean, covariance = np.array(row.mean_mm), np.array(row.covariance_mm2)
            if np.linalg.norm(mean) > LONGEST_VECTOR_MM:
                raise NasionError(f"{where}: {base}: the mean vector is longer than {LONGEST_VECTOR_MM:.0f} mm; use mm")
            if not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance)[0] <= 0:
                raise NasionError(f"{where}: {base}: covariance_mm2 must be symmetric, positive definite; correct it")
            means.append(flip @ mean)
            covariances.append(flip @ covariance @ flip)
            sources.append(row.source)
            assumed.append(row.assumed)
        return cls(
            file.name,
            np.array(means),
            np.array(covariances),
            file.build_factor_log_sd,
            file.left_right_correlation,
            tuple(sources),
            tuple(assumed),
        )

    @cached_property
    def joint_covariance_mm2(self) -> FloatArray:
        """(60, 60) covariance of all vectors stacked, at build factor 1, with the left-right correlation."""
        joint = np.zeros((20, 3, 20, 3))
        index = {pair.cranial: j for j, pair in enumerate(PAIRS)}
        for j, pair in enumerate(PAIRS):
            joint[j, :, j, :] = self.covariance_mm2[j]
            partner = index[mirrored(pair.cranial)]
            if partner != j:
                joint[j, :, partner, :] = self.left_right_correlation * self.covariance_mm2[j] @ MIRROR
        return joint.reshape(60, 60)

    def to_json(self) -> str:
        """Return the table in the file format (bilateral pairs by their left side)."""
        pairs = []
        for j, pair in enumerate(PAIRS):
            if side(pair.cranial) == "right":
                continue
            pairs.append(
                {
                    "cranial": pair.cranial.removesuffix("_left"),
                    "facial": pair.facial.removesuffix("_left"),
                    "mean_mm": self.mean_mm[j].tolist(),
                    "covariance_mm2": self.covariance_mm2[j].tolist(),
                    "source": self.sources[j],
                    "assumed": self.assumed[j],
                }
            )
        content = {
            "name": self.name,
            "build_factor_log_sd": self.build_factor_log_sd,
            "left_right_correlation": self.left_right_correlation,
            "pairs": pairs,
        }
        return json.dumps(content, indent=1)


@cache
def _built_in() -> TissueTable:
    return TissueTable._read(resources.files(__package__).joinpath("data/tissue.json"), "built-in tissue table")
