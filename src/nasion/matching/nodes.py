"""One picture as a landmark graph's raw material: what the frozen part of the pipeline makes and the cache keeps."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.descriptors import Descriptor
from nasion.matching.frames import FloatArray, Framed, Pixels, framed
from nasion.matching.graphs import cut_patch
from nasion.matching.point_schemes import point_scheme
from nasion.matching.settings import PictureSettings

Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Nodes:
    """A picture's landmarks and what is seen there.

    Attributes
    ----------
    places
        (n, 2) in shares of the frame, 0 to 1; zero where missing.
    features
        (n, d): f_i of Eq. 2; zero where missing (Algorithm 1).
    whole
        (g,): the raw global feature.
    there
        (n,): v_i of Algorithm 1.
    view
        See ``frames.Framed``.

    """

    places: Float32
    features: Float32
    whole: Float32
    there: NDArray[np.bool_]
    view: int = 0

    def to_bytes(self) -> bytes:
        """Return the arrays as an npz file."""
        stream = io.BytesIO()
        np.savez(stream, places=self.places, features=self.features, whole=self.whole, there=self.there, view=self.view)
        return stream.getvalue()

    @staticmethod
    def from_bytes(data: bytes) -> Nodes:
        """Return what ``to_bytes`` wrote; damaged data raises NasionError."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as file:
                return Nodes(file["places"], file["features"], file["whole"], file["there"], int(file["view"]))
        except Exception:
            raise NasionError("stored features are damaged; remove their folder, they are made again") from None


def nodes_of(
    picture: Pixels, points_px: FloatArray, settings: PictureSettings, describers: tuple[Descriptor, Descriptor]
) -> Nodes:
    """Return a picture's nodes (Algorithm 1, lines 1 to 9).

    Parameters
    ----------
    picture
        (h, w, 3) uint8 RGB.
    points_px
        (l, 2) of the settings' scheme, NaN where missing.
    settings
        Frame, patches.
    describers
        Of patches (the phi of Algorithm 1) and of the whole picture.

    Raises
    ------
    NasionError
        Too few landmarks are there.

    """
    scheme = point_scheme(settings.scheme)
    own = framed(picture, np.asarray(points_px, np.float64), scheme, settings.frame)
    if settings.grey:
        own = Framed(_grey(own.image), own.points_px, own.view)
    points = own.points_px[list(scheme.nodes)]
    there: NDArray[np.bool_] = np.asarray(np.isfinite(points).all(axis=1), np.bool_)
    found = describers[0].patches([cut_patch(own.image, point, settings.patch_px) for point in points[there]])
    features = np.zeros((len(points), found.shape[1]), np.float32)
    features[there] = found
    places = np.zeros((len(points), 2), np.float32)
    height, width = own.image.shape[:2]
    places[there] = (points[there] + 0.5) / (width, height)
    return Nodes(places, features, describers[1].whole(own.image), there, own.view)


def _grey(image: Pixels) -> Pixels:
    import cv2

    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.uint8)
