"""The parts of a head that weaken X-rays, as surfaces with the attenuation that each adds inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nasion.geometry.camera import Camera
from nasion.geometry.paths import path_lengths
from nasion.geometry.surface import Mesh
from nasion.population.builtin.radiographic import radiographic_parts
from nasion.population.person import Person
from nasion.population.pictures import materials
from nasion.population.pictures.interior import Bound, Filling, hollows
from nasion.population.skin_shell import SkinShell
from nasion.population.template import Template
from nasion.population.template_source import BUILTIN

DepthImage = NDArray[np.float32]

_AIR_SHARE: Final = 0.85
"""Of the airways: turbinates and walls are not air."""


@dataclass(frozen=True, eq=False)
class Part:
    """A surface that moves with the skull, and what it adds inside to the line integral, per mm.

    Attributes
    ----------
    bound
        The surface.
    head_per_mm, dry_per_mm
        In the head, and with the soft tissue taken out: the material less what surrounds it there.

    """

    bound: Bound
    head_per_mm: float
    dry_per_mm: float


FILLINGS: Final[dict[Filling, tuple[float, float]]] = {
    "brain": (materials.BRAIN_PER_MM, 0.0),
    "air_cells": (materials.AIR_CELLS_PER_MM, materials.DRY_AIR_CELLS_PER_MM),
    "spongiosa": (materials.SPONGIOSA_PER_MM, materials.DRY_SPONGIOSA_PER_MM),
}
"""In the head, and dry: marrow and brain are gone, the fine bone stays."""
_TOOTH: Final = materials.TOOTH_PER_MM - materials.SKULL_PER_MM
DETAILS: Final[dict[str, tuple[float, float]]] = {
    "teeth": (_TOOTH, _TOOTH),
    "airway": (-_AIR_SHARE * materials.SOFT_PER_MM, 0.0),
    "spine": (materials.VERTEBRA_PER_MM - materials.SOFT_PER_MM, 0.0),
}
"""What the built-in template's details add to what they lie in; a dry skull has no neck."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What is computed once for a template: its skin closed over the holes, and what the skull and the neck hold."""

    skin: SkinShell
    parts: dict[str, Part]

    @classmethod
    def of(cls, template: Template) -> Anatomy:
        """Prepare a template (a second for the built-in one, which has teeth, airways and a spine)."""
        skull = template.skull
        parts = {}
        for name, mesh in hollows(template).items():
            head, dry = (per_mm - materials.SKULL_PER_MM for per_mm in FILLINGS[name])
            parts[str(name)] = Part(Bound.to(skull, mesh), head, dry)
        if template.name == BUILTIN:
            parts |= {name: Part(Bound.to(skull, mesh), *DETAILS[name]) for name, mesh in radiographic_parts().items()}
        return cls(SkinShell.outer(template.face), parts)

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
        for part in self.parts.values():
            inside = path_lengths(part.bound.on(person.skull), camera)
            head += np.float32(part.head_per_mm) * inside
            dry += np.float32(part.dry_per_mm) * inside
        return np.maximum(head, 0.0).astype(np.float32), np.maximum(dry, 0.0).astype(np.float32)
