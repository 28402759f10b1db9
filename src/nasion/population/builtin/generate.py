"""Build the built-in template from its geometry and write it: ``python -m nasion.population.builtin.generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.geometry.surface import Mesh
from nasion.population.builtin import colors, face, halves, landmarks, skull

GRID_STEP_MM: Final = 0.8
CRANIUM_TRIANGLES: Final = 46_000
MANDIBLE_TRIANGLES: Final = 14_000
FACE_TRIANGLES: Final = 46_000
DATA_FILE: Final = Path(__file__).parent / "data" / "template.npz"


def build(step_mm: float = GRID_STEP_MM) -> dict[str, Any]:
    """Return the template's stored arrays: left halves of the three surfaces, colours, landmarks.

    Parameters
    ----------
    step_mm
        Grid step; the stored template has the default.

    """
    arrays: dict[str, Any] = {}
    points: dict[str, dict[str, Any]] = {"cranial": {}, "facial": {}}
    for part, sculpt, anchors, count in (
        ("cranium", skull.cranium, landmarks.CRANIUM, CRANIUM_TRIANGLES),
        ("mandible", skull.mandible, landmarks.MANDIBLE, MANDIBLE_TRIANGLES),
        ("face", face.head, landmarks.FACE, FACE_TRIANGLES),
    ):
        volume = sculpt(step_mm)
        volume.pin(landmarks.pins(anchors), landmarks.PINNED_WIDTH_MM)
        half = halves.thinned(halves.half_surface(volume), count // 2)
        if part == "face":
            half = halves.refined(half, volume, colors.fine_edge_mm)
        half = halves.rounded(half)
        kind = "facial" if part == "face" else "cranial"
        points[kind] |= landmarks.placed(half, anchors, kind)
        arrays |= _stored(part, half)
        if part == "face":
            arrays["face_albedo"] = np.round(colors.albedo(half) * 255).astype(np.uint8)
    for kind, named in points.items():
        arrays[f"{kind}_names"] = np.array(list(named))
        arrays[f"{kind}_points"] = np.array(list(named.values()))
    return arrays


def _stored(part: str, half: Mesh) -> dict[str, Any]:
    return {
        f"{part}_vertices": np.round(half.vertices / halves.STEP_MM).astype(np.int16),
        f"{part}_faces": half.faces.astype(np.uint16),
    }


def write(path: Path = DATA_FILE) -> None:
    """Build the template and write it to ``path``, by way of a temporary name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, **build())
    temporary.replace(path)


if __name__ == "__main__":
    write()
