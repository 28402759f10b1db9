"""Landmarks found on real heads, beside the disagreement of the two observers who placed them.

    python benchmarks/real_surface_landmarks.py --data DATA [--cranial MODEL] [--facial MODEL]

DATA is the folder of real data (``heads``, ``face_scans``). No real head was learnt from, but the phantom's skull is a
template of the training people: its row is no test. The truth is the observers' mean, so that a perfect method would
err by about half of their disagreement. Each mesh is taken as it lies, and turned at random for a second look.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray, Mesh
from nasion.landmarks.surface.find import FoundLandmarks, find_landmarks
from nasion.landmarks.surface.orientation import SIZE_RANGE_MM
from nasion.readers.meshes import read_mesh

HEADS = {
    "skull of pcir_77654033": ("heads/pcir_77654033/skull.ply", "heads/pcir_77654033/cranial.landmarks.json"),
    "skull of invesalius": ("heads/invesalius_cranium/skull.ply", "heads/invesalius_cranium/cranial.landmarks.json"),
    "cranium of Arothron": ("heads/arothron_skull/human_skull.ply", "heads/arothron_skull/cranial.landmarks.json"),
    "phantom (template)": ("heads/elshin_phantom/skull.ply", "heads/elshin_phantom/cranial.landmarks.json"),
    "skin of pcir_77654033": ("heads/pcir_77654033/skin.ply", "heads/pcir_77654033/facial.landmarks.json"),
    "skin of invesalius": ("heads/invesalius_cranium/skin.ply", "heads/invesalius_cranium/facial.landmarks.json"),
    "face scan of Rvcg": ("face_scans/humface.ply", "face_scans/humface.json"),
}
SEVEN = {
    "ex_r": "exocanthion_right",
    "en_r": "endocanthion_right",
    "en_l": "endocanthion_left",
    "ex_l": "exocanthion_left",
    "prn": "pronasale",
    "ch_r": "cheilion_right",
    "ch_l": "cheilion_left",
}
"""Names of the face scan's seven points."""


@dataclass(frozen=True)
class Truth:
    """Observers' means, (3,) mm, and the distance between the two observers where there were two."""

    points: Mapping[str, FloatArray]
    disagreement_mm: Mapping[str, float]


def truth_of(path: Path) -> Truth:
    """Return what observers placed."""
    content = json.loads(path.read_text(encoding="utf-8"))
    points = {**content["landmarks"], **content.get("helpers", {})}
    return Truth(
        {SEVEN.get(name, name): np.array(point, dtype=np.float64) for name, point in points.items()},
        content.get("observer_disagreement_mm", {}),
    )


def looks(mesh: Mesh, truth: Truth) -> Iterator[tuple[str, Mesh, Truth]]:
    """Yield the mesh as it lies, and turned."""
    yield "as it lies", mesh, truth
    turn = Rotation.random(rng=np.random.default_rng(4)).as_matrix()
    points = {name: turn @ point for name, point in truth.points.items()}
    yield "turned", mesh.moved(mesh.vertices @ turn.T), Truth(points, truth.disagreement_mm)


def judged(head: str, look: str, found: FoundLandmarks, truth: Truth) -> list[str]:
    """Return lines of a table: one for the head, one for each landmark of the first look."""
    names = [name for name in found.result.names if name in truth.points]
    place = {name: k for k, name in enumerate(found.result.names)}
    errors = {
        name: float(np.linalg.norm(found.result.points_mm[place[name]] - truth.points[name]))
        for name in names
        if name not in found.result.missing
    }
    inside = [errors[name] <= found.result.radius90_mm[place[name]] for name in errors]
    both = [name for name in errors if name in truth.disagreement_mm]
    values = np.array(list(errors.values()))
    beside = [truth.disagreement_mm[name] for name in both]
    lines = [
        f"| {head}, {look} | {len(errors)} of {len(names)} | {values.mean():.1f} | {np.median(values):.1f} | "
        f"{np.mean(beside) if beside else float('nan'):.1f} | {np.median(beside) if beside else float('nan'):.1f} | "
        f"{np.mean(inside):.0%} |"
    ]
    if look == "as it lies":
        each = (
            f"{name} {errors[name]:.1f}" + (f" ({truth.disagreement_mm[name]:.1f})" if name in both else "")
            for name in errors
        )
        left = [name for name in names if name in found.result.missing]
        lines.append("  " + ", ".join(each) + (f"; missing: {', '.join(left)}" if left else ""))
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cranial", type=Path, default=None)
    parser.add_argument("--facial", type=Path, default=None)
    options = parser.parse_args()
    print("| mesh | found of placed | mean error mm | median | observers' mean disagreement | median | within 90 % |")
    print("|---|---|---|---|---|---|---|")
    details = []
    for head, (mesh_name, landmark_name) in HEADS.items():
        skull = head.startswith(("skull", "cranium", "phantom"))
        scheme, model = ("cranial20", options.cranial) if skull else ("facial20", options.facial)
        mesh = read_mesh(options.data / mesh_name, "skull" if skull else "face", None, SIZE_RANGE_MM).mesh
        for look, turned, truth in looks(mesh, truth_of(options.data / landmark_name)):
            try:
                found = find_landmarks(turned, scheme, model)
            except NasionError as fault:
                print(f"| {head}, {look} | refused: {fault} |")
                continue
            row, *rest = judged(head, look, found, truth)
            print(row)
            details += [f"{head}: {line.strip()}" for line in rest]
    print("\nError of each landmark, mm (observers' disagreement):\n")
    print("\n".join(details))


if __name__ == "__main__":
    main()
