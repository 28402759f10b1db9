"""A trained matcher, run by ONNX Runtime: no PyTorch is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.samples import side_of
from nasion.matching.tokens import Float32, Tokens, TokenShape


@dataclass(frozen=True, eq=False)
class Matcher:
    """A model, ready for use; see ``load_matcher``.

    Attributes
    ----------
    sha256
        Of the model's files: features of models with different hashes cannot be compared.
    scheme
        Whose points ``features`` takes, e.g. ``"ibug68"``.
    shape
        Sizes of the tokens.

    """

    sha256: str
    scheme: str
    shape: TokenShape

    def features(self, picture: NDArray[np.uint8], points_px: NDArray[np.float64], modality: str) -> Tokens:
        """Return one picture's features.

        Parameters
        ----------
        picture
            (h, w, 3) uint8 RGB; of a radiograph bone is bright.
        points_px
            (l, 2) landmarks in the order of ``scheme``, NaN where missing.
        modality
            ``"face"``, ``"sketch"`` or ``"xray"``.

        Raises
        ------
        NasionError
            Too few landmarks are there, or the modality is not one of these.

        """
        side_of(modality)
        raise NasionError("this version cannot run matchers yet; update nasion")

    def embed(self, tokens: Tokens) -> Float32:
        """Return the (g,) unit vector of a picture: the dot product of two ranks a large gallery."""
        return tokens.whole

    def unpack(self, vector: Float32) -> Tokens:
        """Return what ``Tokens.packed`` packed; a vector of another model raises NasionError."""
        return self.shape.unpack(vector)

    def score(self, probe: Tokens, faces: Sequence[Tokens]) -> NDArray[np.float64]:
        """Return (n,) scores of a probe against faces, each as its own pair; higher is better."""
        raise NasionError("this version cannot run matchers yet; update nasion")


def load_matcher(folder: Path) -> Matcher:
    """Return the model of a folder, which is read once.

    Raises
    ------
    NasionError
        The folder holds no model, or a damaged one.

    """
    raise NasionError(f"{folder}: this version cannot run matchers yet; update nasion")
