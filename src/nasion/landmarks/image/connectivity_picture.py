"""The learned connectivity drawn on images, as in the paper's Fig. 3 (PyTorch)."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from nasion.errors import NasionError
from nasion.landmarks.image.crops import Frame, cut
from nasion.landmarks.image.model import ImageLandmarkNet, as_batch
from nasion.landmarks.image.network_weights import heat_weights
from nasion.landmarks.image.samples import Pixels
from nasion.landmarks.image.schemes import ImageScheme, image_scheme
from nasion.landmarks.image.settings import ImageNetSettings
from nasion.networks.stored_settings import settings_from
from nasion.readers.files import read_text

_FINE: Final = 3
_LEAST_WIDTH: Final = 1.0
_MOST_WIDTH: Final = 5.0
_STRONG: Final = 2.0
"""Edges are drawn from this many times the even share 1 / (l - 1)."""
_EDGE: Final = (40, 200, 255)
_NODE: Final = (255, 255, 255)
_OWN: Final = (255, 60, 60)


def load_trained(folder: Path) -> tuple[ImageLandmarkNet, ImageScheme]:
    """Return the network with the best weights of a run's folder (``RUN/run``) and its scheme.

    Raises
    ------
    NasionError
        The folder holds no run, or one of another version.

    """
    record = json.loads(read_text(folder / "run.json"))
    scheme = image_scheme(record["scheme"])
    model = ImageLandmarkNet(settings_from(ImageNetSettings, record["network"]), len(scheme), pretrained=False)
    model.load_state_dict(heat_weights(folder))
    return model.eval(), scheme


def connectivity_png(
    model: ImageLandmarkNet, scheme: ImageScheme, images: Sequence[tuple[Pixels, Frame]], landmarks: Sequence[str]
) -> bytes:
    """Return a PNG: a row an image, a column a landmark (red) with the neighbours that it listens to.

    Only edges above twice the even share are drawn, wider ones for larger weights; of several heads their mean.

    Parameters
    ----------
    model, scheme
        See ``load_trained``.
    images
        Each with the frame of its face.
    landmarks
        Names.

    Raises
    ------
    NasionError
        The network has no graph, or a landmark is not of the scheme.

    """
    from PIL import Image

    unknown = [name for name in landmarks if name not in scheme.names]
    if unknown:
        raise NasionError(f"{scheme.name} has no landmark {unknown[0]!r}; give names of the scheme")
    size = model.settings.input_size_px
    rows = []
    for image, frame in images:
        crop = cut(image, frame, size)
        with torch.no_grad():
            out = model(as_batch(crop[None], torch.device("cpu")))
        if out.edges is None:
            raise NasionError("this network has no graph; train one with another connectivity than none")
        edges = out.edges[0].mean(dim=0).numpy()
        points = out.points[0].numpy()
        rows.append(np.concatenate([_drawn(crop, points, edges[k], k) for k in scheme.places(landmarks)], axis=1))
    stream = io.BytesIO()
    Image.fromarray(np.concatenate(rows)).save(stream, "PNG")
    return stream.getvalue()


def _drawn(crop: Pixels, points: np.ndarray, weights: np.ndarray, own: int) -> Pixels:
    from PIL import Image, ImageDraw

    height, width = crop.shape[:2]
    dimmed = Image.fromarray((crop * 0.6).astype(np.uint8)).resize((width * _FINE, height * _FINE))
    draw = ImageDraw.Draw(dimmed)
    places = (points + 0.5) * _FINE
    x, y = places[own]
    even = 1 / (len(weights) - 1)
    for k in np.argsort(weights):
        if k != own and weights[k] >= _STRONG * even:
            share = min(1.0, weights[k] / max(weights.max(), 1e-9))
            line = round((_LEAST_WIDTH + (_MOST_WIDTH - _LEAST_WIDTH) * share) * _FINE / 2)
            draw.line((x, y, *places[k]), fill=_EDGE, width=line)
    for k, (u, v) in enumerate(places):
        radius = _FINE * (2.5 if k == own else 1.2)
        draw.ellipse((u - radius, v - radius, u + radius, v + radius), fill=_OWN if k == own else _NODE)
    made: Pixels = np.asarray(dimmed.resize((width, height), Image.Resampling.LANCZOS))
    return made
