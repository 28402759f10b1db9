"""A trained generator, run by ONNX Runtime: several faces of one skull or sketch, and where they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.frames import FloatArray, Pixels
from nasion.matching.point_schemes import point_scheme
from nasion.networks.model_folder import model_in, stamps_of
from nasion.networks.sessions import make_session
from nasion.reconstruction.generators.card import Card, ModelFolder, read_model
from nasion.reconstruction.generators.frames import square_frame
from nasion.reconstruction.generators.pairs import view_number

SAMPLES: Final = 8
_MODELS_KEPT: Final = 4
_MOST_SAMPLES: Final = 1000


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Possible faces of one source.

    Attributes
    ----------
    source
        (s, s, 3) uint8: what the generator saw.
    samples
        (count, s, s, 3) uint8.
    mean
        (s, s, 3) uint8.
    spread
        (s, s): SD of the samples, grey levels of 255, the channels' root mean square; 0 of a single sample.

    """

    source: Pixels
    samples: NDArray[np.uint8]

    @property
    def mean(self) -> Pixels:
        """Mean of the samples."""
        return np.asarray(np.rint(self.samples.mean(axis=0)), np.uint8)

    @property
    def spread(self) -> FloatArray:
        """SD of the samples."""
        variance = self.samples.astype(np.float64).var(axis=0, ddof=1 if len(self.samples) > 1 else 0)
        return np.asarray(np.sqrt(variance.mean(axis=2)), np.float64)


@dataclass(frozen=True, eq=False)
class Generator:
    """A model, ready for use; see ``open_generator``."""

    card: Card
    session: Any

    @property
    def side_px(self) -> int:
        """Of the faces."""
        return int(self.card.settings["network"]["side_px"])

    def frame(self, picture: Pixels, points_px: FloatArray) -> Pixels:
        """Return (s, s, 3): a picture (h, w, 3) uint8 RGB in the frame, by its landmarks in the order of the scheme."""
        return square_frame(picture, points_px, point_scheme(self.card.scheme), self.side_px)

    def samples(
        self, picture: Pixels, points_px: FloatArray, view: str = "frontal", count: int = SAMPLES, seed: int = 0
    ) -> NDArray[np.uint8]:
        """Return (count, s, s, 3) uint8 faces of a skull's radiograph or a sketch.

        Parameters
        ----------
        picture
            (h, w, 3) uint8 RGB; of a radiograph bone is bright.
        points_px
            (l, 2) landmarks in the order of the card's scheme, NaN where missing.
        view
            One of the card's views.
        count
            Of faces; number k depends on the seed and k alone.
        seed
            The same seed gives the same faces.

        Raises
        ------
        NasionError
            Too few landmarks are there, the model has not learnt the view, or the count is out of range.

        """
        return self.reconstruct(self.frame(picture, points_px), view, count, seed).samples

    def reconstruct(self, source: Pixels, view: str = "frontal", count: int = SAMPLES, seed: int = 0) -> Reconstruction:
        """Return faces of a source that lies in the frame already; see ``samples``."""
        side = self.side_px
        if source.shape != (side, side, 3):
            raise NasionError(f"the generator takes pictures of {side} x {side} px; lay them into its frame")
        if view not in self.card.views:
            raise NasionError(
                f"the generator knows {', '.join(self.card.views)} pictures, not {view!r}; give another picture"
            )
        if not 1 <= count <= _MOST_SAMPLES:
            raise NasionError(f"{count} samples cannot be made; give 1 to {_MOST_SAMPLES}")
        given = {"picture": source.transpose(2, 0, 1)[None].astype(np.float32)}
        given["view"] = np.array([view_number(view)], np.float32)
        wanted = {own.name for own in self.session.get_inputs()}
        faces = []
        for number in range(count):
            given["noise"] = np.random.default_rng([seed, number]).random((1, self.card.noise_size), np.float32)
            face = self.session.run(None, {name: own for name, own in given.items() if name in wanted})[0][0]
            faces.append(np.rint(np.clip(face, 0, 255)).astype(np.uint8).transpose(1, 2, 0))
        return Reconstruction(source, np.stack(faces))


def open_generator(folder: Path) -> Generator:
    """Return the model of a folder, or of a training run's; it is read once as long as it stays as it is.

    Raises
    ------
    NasionError
        The folder holds no generator, or a damaged one.

    """
    folder = model_in(folder.resolve())
    return _opened(folder, stamps_of(folder))


@lru_cache(_MODELS_KEPT)
def _opened(folder: Path, stamps: tuple[int, ...]) -> Generator:
    del stamps  # part of the key
    return generator_of(read_model(folder))


def generator_of(model: ModelFolder) -> Generator:
    """Return the generator of a model in memory; a damaged one raises NasionError."""
    return Generator(model.card, make_session(model.onnx))
