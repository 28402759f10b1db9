"""The parts of a head that weaken X-rays, as surfaces with the attenuation that each adds inside."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.paths import path_lengths
from nasion.geometry.surface import Mesh
from nasion.population.person import Person
from nasion.population.pictures import materials
from nasion.population.pictures.interior import Bound, Filling, hollows
from nasion.population.skin_shell import SkinShell
from nasion.population.template import Template

DepthImage = NDArray[np.float32]

FILLING_PER_MM: Final[dict[Filling, float]] = {
    "brain": materials.BRAIN_PER_MM,
    "air_cells": materials.AIR_CELLS_PER_MM,
    "spongiosa": materials.SPONGIOSA_PER_MM,
}
DRY_FILLING_PER_MM: Final[dict[Filling, float]] = {"brain": 0.0, "air_cells": 0.002, "spongiosa": 0.018}
"""The same where the soft tissue is taken out: marrow and brain are gone, the fine bone stays."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What is computed once for a template: its skin closed over the holes, and what the skull holds."""

    skin: SkinShell
    fillings: dict[Filling, Bound]

    @classmethod
    def of(cls, template: Template) -> Anatomy:
        """Prepare a template (half a second for the built-in one)."""
        inner = {name: Bound.to(template.skull, mesh) for name, mesh in hollows(template).items()}
        return cls(SkinShell.outer(template.face), inner)

    def skin_of(self, person: Person) -> Mesh:
        """Return a person's skin, closed but for the neck's end."""
        patches = self.skin.patches @ person.face.vertices
        return Mesh(np.concatenate([person.face.vertices, patches]), self.skin.faces)

    def attenuation(self, person: Person, camera: Camera) -> tuple[DepthImage, DepthImage]:
        """Return the line integrals of attenuation (-log of the share that passes) of a person's head.

        Returns
        -------
        The head, and the head with its soft tissue taken out, (height, width) float32 each.

        """
        bone = path_lengths(person.skull, camera)
        soft = np.maximum(path_lengths(self.skin_of(person), camera) - bone, 0.0)
        head = materials.SOFT_PER_MM * soft + materials.SKULL_PER_MM * bone
        dry = materials.SKULL_PER_MM * bone
        for name, bound in self.fillings.items():
            inside = path_lengths(bound.on(person.skull), camera)
            head -= (materials.SKULL_PER_MM - FILLING_PER_MM[name]) * inside
            dry -= (materials.SKULL_PER_MM - DRY_FILLING_PER_MM[name]) * inside
        return np.maximum(head, 0.0).astype(np.float32), np.maximum(dry, 0.0).astype(np.float32)


@lru_cache(maxsize=2)
def anatomy_of(template: Template) -> Anatomy:
    """Return ``Anatomy.of`` a template, kept for the next person."""
    return Anatomy.of(template)
