"""Skulls and tissue tables whose answers are known."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.population.person import Person
from nasion.reconstruction.shape.registration import BareSkull


def bare(person: Person) -> BareSkull:
    return BareSkull(person.skull, person.cranial, person.cranial_helpers)


def exact_tissue(vectors: Mapping[str, NDArray[np.float64]]) -> TissueTable:
    """Return a table that knows the tissue of one person: these vectors by facial name, no spread, build 1."""
    table = TissueTable.load()
    mean = np.array([vectors[pair.facial] for pair in PAIRS])
    return replace(
        table,
        name="exact",
        mean_mm=mean,
        covariance_mm2=np.tile(1e-10 * np.eye(3), (len(PAIRS), 1, 1)),
        build_factor_log_sd=0.0,
    )
