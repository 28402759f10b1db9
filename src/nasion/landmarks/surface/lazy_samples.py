"""A sequence whose samples are made or read when they are asked for."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload

from nasion.landmarks.surface.cloud import Sample


class LazySamples(Sequence[Sample]):
    """Samples by their numbers; ``sample`` and ``__len__`` tell which."""

    @abstractmethod
    def sample(self, k: int) -> Sample:
        """Return sample ``k``, from 0 and below the length."""

    @overload
    def __getitem__(self, k: int) -> Sample: ...
    @overload
    def __getitem__(self, k: slice) -> list[Sample]: ...
    def __getitem__(self, k: int | slice) -> Sample | list[Sample]:
        if isinstance(k, slice):
            return [self.sample(i) for i in range(*k.indices(len(self)))]
        if not -len(self) <= k < len(self):
            raise IndexError(k)
        return self.sample(k % len(self))
