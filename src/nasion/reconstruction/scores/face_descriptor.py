"""dlib's 128 numbers of a face: a frozen network that has learnt elsewhere to tell people apart (King 2017).

Its weights come inside the package face-recognition-models, dlib itself as dlib-bin: ``nasion[face-descriptor]``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.readers.files import sha256
from nasion.reconstruction.scores.likeness import Pixels

NAME: Final = "dlib_face_128"
WIDTH: Final = 128
_MODELS: Final = "face_recognition_models"
_NETWORK: Final = "dlib_face_recognition_resnet_model_v1.dat"
_POINTS: Final = "shape_predictor_5_face_landmarks.dat"
_LEAST_PX: Final = 250
"""Smaller pictures are enlarged: the detector's smallest face has 80 px."""
_ENLARGED: Final = (0, 1)
"""How often the detector doubles a picture in which it has found nothing so far."""


class FaceDescriptor:
    """Finds the largest frontal face, turns it upright by five points, and describes it.

    Raises
    ------
    NasionError
        The packages are not installed.

    """

    name = NAME

    def __init__(self) -> None:
        place = importlib.util.find_spec(_MODELS)
        if importlib.util.find_spec("dlib") is None or place is None or not place.submodule_search_locations:
            raise NasionError("the face descriptor needs dlib and its weights; install nasion[face-descriptor]")
        # the package itself is not imported: it asks for a module that newer setuptools lack
        folder = Path(place.submodule_search_locations[0]) / "models"
        dlib: Any = importlib.import_module("dlib")
        self.sha256 = sha256(folder / _NETWORK)
        self._find = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(str(folder / _POINTS))
        self._network = dlib.face_recognition_model_v1(str(folder / _NETWORK))

    def describe(self, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
        """Return (n, 128) of (h, w, 3) RGB pictures; a row of NaN where no face is found."""
        return np.array([self._one(picture) for picture in pictures]).reshape(len(pictures), WIDTH)

    def _one(self, picture: Pixels) -> NDArray[np.float64]:
        import cv2

        scale = _LEAST_PX / min(picture.shape[:2])
        if scale > 1:
            picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
        picture = np.ascontiguousarray(picture)
        for doublings in _ENLARGED:
            found = self._find(picture, doublings)
            if len(found):
                largest = max(found, key=lambda box: box.area())
                points = self._points(picture, largest)
                return np.array(self._network.compute_face_descriptor(picture, points))
        return np.full(WIDTH, np.nan)
