"""A skull of a case as the shape-true reconstruction takes it."""

from __future__ import annotations

import numpy as np

from nasion.casework.records import Skull
from nasion.errors import NasionError
from nasion.reconstruction.shape.registration import BareSkull


def bare_skull(skull: Skull) -> BareSkull:
    """Return a read skull in the frame of its file; a skull without a surface raises NasionError."""
    if skull.mesh is None:
        raise NasionError(f"{skull.name}: a face needs the skull's surface, not landmarks alone")
    marks = skull.landmarks
    bare = BareSkull(skull.mesh, marks.landmarks_mm, marks.helpers_mm, marks.sigma_mm)
    if skull.found is None:
        return bare
    # found landmarks come in head axes
    return bare.moved(skull.found.orientation.frame.rotation.T, np.zeros(3))
