"""What a matcher keeps of one picture: a token for each landmark and one vector for the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tokens:
    """One picture's features; they do not depend on the picture that it is compared with.

    Attributes
    ----------
    tokens
        (n, d) float32, one row a graph node; rows of missing landmarks are zero.
    whole
        (g,) float32: the unit vector by which large galleries are searched, see ``Matcher.embed``.
    there
        (n,) bool: which landmarks were there.

    """

    tokens: Float32
    whole: Float32
    there: NDArray[np.bool_]

    def packed(self) -> Float32:
        """Return all of it as one vector of n d + g + n float32 numbers."""
        return np.concatenate([self.tokens.ravel(), self.whole, self.there.astype(np.float32)]).astype(np.float32)


@dataclass(frozen=True)
class TokenShape:
    """Sizes of a matcher's tokens: ``nodes`` n, ``width`` d, ``whole`` g."""

    nodes: int
    width: int
    whole: int

    @property
    def packed(self) -> int:
        """Length of a packed vector."""
        return self.nodes * self.width + self.whole + self.nodes

    def unpack(self, vector: Float32) -> Tokens:
        """Return what ``Tokens.packed`` packed; a vector of another length raises NasionError."""
        if vector.shape != (self.packed,):
            raise NasionError(
                f"stored features have the shape {vector.shape}, but this model's have {self.packed} numbers; "
                "they belong to another model: make them again"
            )
        end = self.nodes * self.width
        values = np.ascontiguousarray(vector, np.float32)
        return Tokens(
            values[:end].reshape(self.nodes, self.width),
            values[end : end + self.whole],
            values[end + self.whole :] > 0.5,
        )
