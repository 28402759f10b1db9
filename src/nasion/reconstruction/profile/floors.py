"""What any method must beat: the mean profile laid on the skull by similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nasion.geometry.surface import FloatArray
from nasion.reconstruction.profile.plane import PlaneSimilarity, mean_shape
from nasion.reconstruction.profile.samples import Profile, ProfileSample, StrippedFilm


@dataclass(frozen=True, eq=False)
class Frame:
    """The frame of the mean skull: (15, 2) ``hard_mm`` to which films are aligned by similarity."""

    hard_mm: FloatArray

    @classmethod
    def of(cls, samples: Sequence[ProfileSample]) -> Frame:
        """Return the frame of some films' mean skull."""
        return cls(mean_shape([sample.film.hard_mm for sample in samples]))

    def of_film(self, film: StrippedFilm) -> PlaneSimilarity:
        """Return the similarity of a film to the mean skull."""
        return PlaneSimilarity.between(film.hard_mm, self.hard_mm)

    def aligned_hard(self, films: Sequence[StrippedFilm]) -> FloatArray:
        """Return (n, 15, 2) bony points in the frame."""
        return np.array([self.of_film(film).apply(film.hard_mm) for film in films])

    def aligned_soft(self, samples: Sequence[ProfileSample]) -> FloatArray:
        """Return (n, 4, 2) points of the profile in the frame."""
        return np.array([self.of_film(sample.film).apply(sample.soft_mm) for sample in samples])


@dataclass(frozen=True, eq=False)
class MeanShape:
    """The mean of the aligned profiles: (4, 2) ``soft_mm`` in the frame of the mean skull."""

    frame: Frame
    soft_mm: FloatArray

    @classmethod
    def fitted(cls, samples: Sequence[ProfileSample]) -> MeanShape:
        """Return the means of some films."""
        frame = Frame.of(samples)
        return cls(frame, frame.aligned_soft(samples).mean(axis=0))

    def profiles(self, films: Sequence[StrippedFilm]) -> list[Profile]:
        """Return the profile of each film."""
        return [Profile(self.frame.of_film(film).back(self.soft_mm)) for film in films]


@dataclass(frozen=True, eq=False)
class MeanOffset:
    """The mean vectors from the nearest bony landmarks: rows ``nearest`` and (4, 2) ``offset_mm`` in the frame."""

    frame: Frame
    nearest: tuple[int, ...]
    offset_mm: FloatArray

    @classmethod
    def fitted(cls, samples: Sequence[ProfileSample]) -> MeanOffset:
        """Return the means of some films."""
        frame = Frame.of(samples)
        hard, soft = frame.aligned_hard([sample.film for sample in samples]), frame.aligned_soft(samples)
        distance = np.linalg.norm(soft[:, :, None] - hard[:, None], axis=-1).mean(axis=0)
        nearest = tuple(int(row) for row in distance.argmin(axis=1))
        return cls(frame, nearest, (soft - hard[:, list(nearest)]).mean(axis=0))

    def profiles(self, films: Sequence[StrippedFilm]) -> list[Profile]:
        """Return the profile of each film."""
        found = []
        for film in films:
            similarity = self.frame.of_film(film)
            hard = similarity.apply(film.hard_mm)
            found.append(Profile(similarity.back(hard[list(self.nearest)] + self.offset_mm)))
        return found
