"""Everything that one run makes of a skull: mean face, spread, three builds, samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import PAIRS
from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.population.template import Template
from nasion.reconstruction.shape.pictures import scale_end_mm
from nasion.reconstruction.shape.registration import BareSkull
from nasion.reconstruction.shape.sampler import DrawnFace, FaceSampler, face_sampler
from nasion.reconstruction.shape.settings import ShapeSettings

MOST_SAMPLES: Final = 200
LEAST_SHARE: Final = 0.001
"""Less surface that was left out is not worth a note."""
BUILD_SDS: Final = (("thin", -1.0), ("average", 0.0), ("heavy", 1.0))
"""Builds that are shown beside the mean: log SDs of the build factor from its median."""


@dataclass(frozen=True, eq=False)
class MadeFaces:
    """Faces of one skull.

    Attributes
    ----------
    skull
        As it was given.
    sampler
        What drew them.
    mean
        The mean face.
    sd_mm
        (n,) SD of the skin's place at each vertex of the mean face, across the skin.
    builds
        The mean faces of a thin, an average and a heavy person, by name; empty where the build is known.
    samples
        Faces drawn one by one.

    """

    skull: BareSkull
    sampler: FaceSampler
    mean: DrawnFace
    sd_mm: FloatArray
    builds: dict[str, DrawnFace]
    samples: list[DrawnFace]

    @property
    def scale_mm(self) -> float:
        """Upper end of the SD's colour scale: the neck, which no bone holds, does not count."""
        template = self.sampler.fit.template
        return scale_end_mm(self.sd_mm[template.face.vertices[:, 1] > template.facial["gnathion"][1]])

    def notes(self) -> list[str]:
        """Return what the user should know of how much of the skull was there, one line each."""
        told = []
        absent = [name.replace("_", " ") for name in self.skull.absent()]
        if absent:
            told.append(
                f"{len(absent)} of the {len(PAIRS)} cranial landmarks are absent ({', '.join(absent)}): "
                "there the faces follow the average skull"
            )
        share = self.sampler.fit.left_out_share
        if share >= LEAST_SHARE:
            told.append(f"{share:.1%} of the surface lie far from any skull's (spine, table, tubes?) and were left out")
        return told


def make_faces(
    template: Template,
    skull: BareSkull,
    settings: ShapeSettings | None = None,
    samples: int = 8,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> MadeFaces:
    """Return faces that a skull may have had.

    Parameters
    ----------
    template
        Skull and face model, canonicalised.
    skull
        Surface and cranial landmarks.
    settings
        Assumptions.
    samples
        How many faces are drawn one by one.
    seed
        The same seed gives the same faces.
    progress
        Called with (faces done, all).

    Raises
    ------
    NasionError
        Too few landmarks, or no skin can be laid round the skull.

    """
    if not 1 <= samples <= MOST_SAMPLES:
        raise NasionError(f"{samples} samples cannot be made; give 1 to {MOST_SAMPLES}")
    sampler = face_sampler(template, skull, settings, seed)
    known = sampler.settings.build is not None
    spread = sampler.settings.tissue.build_factor_log_sd
    wanted = {} if known or spread == 0 else {name: float(np.exp(sds * spread)) for name, sds in BUILD_SDS}
    total = 1 + len(wanted) + samples
    done = 0

    def told(face: DrawnFace) -> DrawnFace:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)
        return face

    mean = told(sampler.mean())
    sd = sd_across_mm(sampler, mean)
    builds = {name: told(sampler.at_build(build).mean()) for name, build in wanted.items()}
    return MadeFaces(skull, sampler, mean, sd, builds, [told(sampler.sample(k)) for k in range(samples)])


def sd_across_mm(sampler: FaceSampler, mean: DrawnFace) -> FloatArray:
    """Return (n,) SD, across the mean face's skin, of each vertex' place."""
    normals = mean.mesh.vertex_normals()
    variance = np.einsum("na,nab,nb->n", normals, sampler.covariance_mm2(), normals, optimize=True)
    sd: FloatArray = np.sqrt(np.maximum(variance, 0.0))
    return sd
