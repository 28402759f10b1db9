"""The network: a backbone, heat maps, their soft-argmax, and the graph network that corrects it (PyTorch)."""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.backbones import BACKBONES, STRIDE
from nasion.landmarks.image.connectivity import GraphNet
from nasion.landmarks.image.heatmaps import Shown, SoftArgmax
from nasion.landmarks.image.settings import ImageNetSettings
from nasion.landmarks.image.shape_graph import ShapeGraph

_MIDDLE, _RANGE = 127.0, 128.0
_FIRST_PEAK = 0.01
"""Height of all maps before learning; Lin et al. (focal loss) begin so."""


class NetOutput(NamedTuple):
    """What the network gives; the first four are in the exported file too, see ``card``.

    ``logits`` (n, l, h / 4, w / 4) are the heat maps before the sigmoid, ``edges`` (n, heads, l, l) the connectivity;
    None without a graph.
    """

    points: Tensor
    start: Tensor
    peak: Tensor
    spread: Tensor
    logits: Tensor
    edges: Tensor | None


class ImageLandmarkNet(nn.Module):
    """From (n, 3, h, w) crops, 0 to 255, to landmarks in crop pixels."""

    def __init__(self, settings: ImageNetSettings, landmarks: int, pretrained: bool = True) -> None:
        super().__init__()
        self.settings, self.landmarks = settings, landmarks
        if settings.backbone not in BACKBONES:
            raise NasionError(f"there is no backbone {settings.backbone!r}; use one of {', '.join(BACKBONES)}")
        self.backbone = BACKBONES[settings.backbone](pretrained)
        self.heat = nn.Conv2d(self.backbone.channels, landmarks, 1)
        nn.init.normal_(self.heat.weight, std=0.01)
        nn.init.constant_(cast(nn.Parameter, self.heat.bias), math.log(_FIRST_PEAK / (1 - _FIRST_PEAK)))
        self.soft_argmax = SoftArgmax(landmarks, settings.window_cells)
        self.graph: GraphNet | ShapeGraph | None = None
        if settings.connectivity == "shape":
            self.graph = ShapeGraph(landmarks, settings.shape_modes)
        elif settings.connectivity != "none":
            embedded = settings.visual_features
            self.embed = nn.Sequential(
                nn.Linear(self.backbone.channels, 2 * embedded), nn.ReLU(), nn.Linear(2 * embedded, embedded), nn.ReLU()
            )
            self.label = nn.Embedding(landmarks, settings.label_features) if settings.label_features else None
            features = embedded + settings.label_features
            self.graph = GraphNet(features, landmarks, settings.graph_widths, settings.connectivity, settings.heads)

    def heat_parameters(self) -> list[nn.Parameter]:
        """Return the learned numbers of the heat map network."""
        return [*self.backbone.parameters(), *self.heat.parameters(), *self.soft_argmax.parameters()]

    def graph_parameters(self) -> list[nn.Parameter]:
        """Return the learned numbers of the graph network."""
        heat = {id(parameter) for parameter in self.heat_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in heat]

    def forward(self, image: Tensor) -> NetOutput:
        """Return what the network gives for (n, 3, h, w) crops, 0 to 255."""
        features = self.backbone((image - _MIDDLE) / _RANGE)
        logits = self.heat(features)
        with torch.autocast(image.device.type, enabled=False):
            features, logits = features.float(), logits.float()
            shown = self.soft_argmax(logits)
            points, edges = self._refined(features, shown)
        return NetOutput(to_pixels(points), to_pixels(shown.start), shown.peak, shown.spread * STRIDE, logits, edges)

    def learn_shapes(self, shapes: FloatArray) -> None:
        """Take the shape model of a ``"shape"`` graph from (s, l, 2) training shapes in crop pixels, NaN where absent.

        Other graphs have none, and nothing happens.
        """
        if isinstance(self.graph, ShapeGraph):
            width, height = self.settings.input_size_px
            self.graph.learn_shapes((shapes - (np.array([width, height]) - 1) / 2) / STRIDE)

    def _refined(self, features: Tensor, shown: Shown) -> tuple[Tensor, Tensor | None]:
        """Return (n, l, 2) cells and the connectivity."""
        if self.graph is None:
            return shown.start, None
        height, width = features.shape[-2:]
        middle = shown.start.new_tensor([(width - 1) / 2, (height - 1) / 2])
        if isinstance(self.graph, ShapeGraph):
            points, pulls = self.graph(shown.start - middle, shown.peak, shown.spread)
            return middle + points, pulls
        reach = max(width, height) / 2
        # no gradient into the place of sampling: features say what lies there, the loss moves the place itself
        grid = ((shown.start.detach() - middle) / middle)[:, :, None]
        seen = functional.grid_sample(features, grid, mode="bilinear", padding_mode="border", align_corners=True)
        nodes = self.embed(seen[..., 0].transpose(1, 2))
        if self.label is not None:
            nodes = torch.cat([nodes, self.label.weight[None].expand(nodes.shape[0], -1, -1)], dim=-1)
        out, edges = self.graph((shown.start - middle) / reach, nodes, shown.peak)
        return (middle + reach * out if self.settings.absolute else shown.start + out), edges


def as_batch(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return (n, 3, h, w) float32 of (n, h, w, 3) crops."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()


def to_pixels(cells: Tensor) -> Tensor:
    """Return crop pixels: the centre of a cell lies in the middle of its ``STRIDE`` pixels."""
    return cells * STRIDE + (STRIDE - 1) / 2


def to_cells(pixels: Tensor) -> Tensor:
    """Undo ``to_pixels``."""
    return (pixels - (STRIDE - 1) / 2) / STRIDE


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers are learnt."""
    return sum(parameter.numel() for parameter in model.parameters())
