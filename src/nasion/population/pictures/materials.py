"""Linear attenuation of X-rays in a head's tissues.

Mass attenuation at 50 keV, about the mean energy of a 75 kV beam behind a head, from J. H. Hubbell & S. M. Seltzer,
NIST Standard Reference Database 126 (2004), times densities of ICRU Report 44. Per millimetre.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

WATER_PER_MM: Final = 0.0227
SOFT_PER_MM: Final = 0.0240
BRAIN_PER_MM: Final = 0.0237
CORTICAL_PER_MM: Final = 0.0814
SPONGIOSA_PER_MM: Final = 0.0340
"""Trabecular bone with its marrow, 1.18 g/cm3."""
SKULL_PER_MM: Final = 0.0600
"""Solid skull: compact bone and diploe together, about 1.5 g/cm3."""
AIR_CELLS_PER_MM: Final = 0.0040
"""Air sinuses with their thin walls and lining."""
DRY_AIR_CELLS_PER_MM: Final = 0.0020
DRY_SPONGIOSA_PER_MM: Final = 0.0180
VERTEBRA_PER_MM: Final = 0.0420
"""Spongy bone in a thin shell."""
TOOTH_PER_MM: Final = 0.1000
"""Enamel, dentine and pulp together."""

_BONE_HU: Final = 100.0
_CORTICAL_HU: Final = 1700.0
"""Of compact bone in a CT at about 120 kV."""


def attenuation_of_hu(hu: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the attenuation per mm of Hounsfield units: water's line up to 100 HU, above it to compact bone.

    A CT's beam is harder than a radiograph's, so bone needs a steeper line than soft tissue.
    """
    soft = WATER_PER_MM * (1.0 + _BONE_HU / 1000.0)
    levels = [-1000.0, _BONE_HU, _CORTICAL_HU, 2 * _CORTICAL_HU]
    values = [0.0, soft, CORTICAL_PER_MM, 2 * CORTICAL_PER_MM - soft]
    return np.interp(hu.astype(np.float32), levels, values).astype(np.float32)
