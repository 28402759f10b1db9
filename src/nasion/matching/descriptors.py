"""What is seen in a patch, as a vector: gradient orientations, or a frozen network run by ONNX Runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from nasion.matching.frames import Pixels, inner_window
from nasion.matching.point_schemes import point_scheme
from nasion.matching.settings import PictureSettings
from nasion.networks.sessions import make_session

Float32 = NDArray[np.float32]

ORIENTATIONS: Final = "orientations"
_BINS: Final = 8
_CELLS: Final = 3
_CELL_PX: Final = 8
_SMOOTHING_PX: Final = 1.5
_PATCH_PX: Final = 32
_RIM_PX: Final = 4.0
"""Of the inner face so much is left out: its outline was cut by a hull, not drawn."""
_FLOOR: Final = 0.05
"""Share of the strongest contrast below which a place counts as flat."""
_AT_ONCE: Final = 8


class Descriptor(Protocol):
    """Vectors of patches and of whole pictures."""

    @property
    def sha256(self) -> str:
        """Of what makes the vectors; stored vectors of another descriptor are not used."""

    def patches(self, patches: Sequence[Pixels]) -> Float32:
        """Return (n, d) of square patches (k, k, 3)."""

    def whole(self, picture: Pixels) -> Float32:
        """Return (g,) of a picture in its frame."""


@dataclass(frozen=True, eq=False)
class Orientations:
    """Histograms of gradient orientations (after Dalal & Triggs, CVPR 2005), blind to light against dark.

    A sketch draws the outlines that a photograph shows as steps of brightness: the orientation of the gradient (0 to
    180 degrees) is what both share. Eight bins with linear shares; magnitudes enter by their square root; cells of a
    patch: 3 x 3; of the whole picture: every 10 px, each divided by the contrast around it.
    """

    window: NDArray[np.bool_] | None = None
    """(h, w): of whole pictures only what lies in it is looked at; None for all of it."""

    @property
    def sha256(self) -> str:
        """Of the numbers above and of the window."""
        own = f"orientations 3 {_BINS} {_CELLS} {_CELL_PX} {_PATCH_PX} {_SMOOTHING_PX} {_FLOOR}".encode()
        return hashlib.sha256(own + (b"" if self.window is None else self.window.tobytes())).hexdigest()

    def patches(self, patches: Sequence[Pixels]) -> Float32:
        """Return (n, 72) of square patches."""
        return np.stack([self._patch(patch) for patch in patches])

    def whole(self, picture: Pixels) -> Float32:
        """Return (cells * 8,) of a picture; cells whose middle lies outside the window are left out."""
        import cv2

        maps = _orientation_maps(picture)
        if self.window is not None:
            maps = maps * self.window
        pooled = np.stack([cv2.GaussianBlur(own, (0, 0), _CELL_PX / 2) for own in maps])
        around = cv2.GaussianBlur(np.sqrt((pooled**2).sum(axis=0)), (0, 0), 1.5 * _CELL_PX)
        pooled = pooled / (around + _FLOOR * float(around.max()) + 1e-6)
        half = _CELL_PX // 2
        cells: Float32 = pooled[:, half::_CELL_PX, half::_CELL_PX].transpose(1, 2, 0)
        if self.window is not None:
            cells = cells[self.window[half::_CELL_PX, half::_CELL_PX]]
        return np.ascontiguousarray(cells, np.float32).ravel()

    def _patch(self, patch: Pixels) -> Float32:
        import cv2

        maps = _orientation_maps(
            cv2.resize(patch, (_PATCH_PX, _PATCH_PX), interpolation=cv2.INTER_AREA).astype(np.uint8)
        )
        cells = np.stack([cv2.resize(own, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) for own in maps])
        vector = np.asarray(cells, np.float32).ravel()
        return vector / (float(np.linalg.norm(vector)) + 1e-3)


def orientations(settings: PictureSettings) -> Orientations:
    """Return the descriptor of a model's settings."""
    if not (settings.inner and settings.frame == "aligned"):
        return Orientations()
    return Orientations(inner_window(point_scheme(settings.scheme), _RIM_PX))


def _orientation_maps(picture: Pixels) -> Float32:
    """Return (8, h, w): the root of the gradient's magnitude, shared between the two nearest orientations."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), _SMOOTHING_PX), np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = np.sqrt(np.hypot(across, down))
    place = (np.arctan2(down, across) % np.pi) / np.pi * _BINS
    low = np.floor(place).astype(np.intp)
    share = place - low
    maps = np.zeros((_BINS, *grey.shape), np.float32)
    rows, columns = np.indices(grey.shape)
    maps[low % _BINS, rows, columns] = strength * (1 - share)
    maps[(low + 1) % _BINS, rows, columns] += strength * share
    return maps


class NetworkDescriptor:
    """A frozen backbone: RGB pictures of ``input_px``, 0 to 255, to vectors; see ``backbones``."""

    def __init__(self, onnx: bytes, input_px: int) -> None:
        self.input_px = input_px
        self._sha256 = hashlib.sha256(onnx).hexdigest()
        self._session: Any = make_session(onnx)

    @property
    def sha256(self) -> str:
        """Of the file."""
        return self._sha256

    def patches(self, patches: Sequence[Pixels]) -> Float32:
        """Return (n, d) of square patches."""
        made = [self._run(patches[k : k + _AT_ONCE]) for k in range(0, len(patches), _AT_ONCE)]
        return np.concatenate(made)

    def whole(self, picture: Pixels) -> Float32:
        """Return (d,) of a picture, brought to the input's square."""
        vector: Float32 = self._run([picture])[0]
        return vector

    def _run(self, pictures: Sequence[Pixels]) -> Float32:
        import cv2

        size = (self.input_px, self.input_px)
        same = np.stack([cv2.resize(own, size, interpolation=cv2.INTER_AREA) for own in pictures])
        batch = np.ascontiguousarray(same.transpose(0, 3, 1, 2), np.float32)
        made: Float32 = self._session.run(None, {"image": batch})[0]
        return made
