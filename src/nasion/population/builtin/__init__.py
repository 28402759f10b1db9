"""The built-in template: a skull and a head drawn as geometry by ``generate``, read from one small file."""

from __future__ import annotations

from importlib import resources
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import SCHEMES
from nasion.geometry.surface import Mesh
from nasion.population.builtin.halves import STEP_MM, mirrored, mirrored_rows
from nasion.population.template import Template

__all__ = ["builtin_template"]

PARTS: Final = ("cranium", "mandible", "face")


def builtin_template() -> Template:
    """Return the built-in template in the Frankfurt frame, mm: +X left, +Y up, +Z front, origin between the porions."""
    with (
        resources.files(__package__).joinpath("data/template.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        data = dict(stored)
    half = {part: Mesh(data[f"{part}_vertices"] * STEP_MM, data[f"{part}_faces"]) for part in PARTS}
    whole = {part: mirrored(mesh) for part, mesh in half.items()}
    points = {
        kind: dict(zip(data[f"{kind}_names"].tolist(), data[f"{kind}_points"], strict=True))
        for kind in ("cranial", "facial")
    }
    main = {kind: {n: p for n, p in named.items() if n in SCHEMES[f"{kind}20"]} for kind, named in points.items()}
    return Template(
        name="builtin",
        skull=_joined(whole["cranium"], whole["mandible"]),
        face=whole["face"],
        cranial=main["cranial"],
        cranial_helpers={n: p for n, p in points["cranial"].items() if n not in main["cranial"]},
        facial=main["facial"],
        facial_helpers={n: p for n, p in points["facial"].items() if n not in main["facial"]},
        face_albedo=mirrored_rows(half["face"], data["face_albedo"] / 255),
    )


def _joined(a: Mesh, b: Mesh) -> Mesh:
    return Mesh(np.concatenate([a.vertices, b.vertices]), np.concatenate([a.faces, b.faces + len(a.vertices)]))
