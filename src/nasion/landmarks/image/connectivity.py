"""The graph network that corrects the heat maps' points, and which points it listens to (PyTorch).

Nguyen et al., "Facial landmark detection with learnable connectivity graph convolutional network", sections III-B to D.
The softmax of the connectivity runs over the neighbours j; a node reaches itself through W1 alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasion.landmarks.image.settings import Connectivity

_CLASS: Final = 16
"""Width of the class embedding, Eq. 5; the paper does not tell."""
_HIDDEN: Final = 32


class ImageConnectivity(nn.Module):
    """Eqs. 5 and 6: e_ij from both nodes' confidences and an embedding of the pair of their classes."""

    def __init__(self, landmarks: int, heads: int = 1) -> None:
        super().__init__()
        # a linear layer on two joined one-hot vectors is the sum of two rows
        self.target = nn.Embedding(landmarks, _HIDDEN)
        self.source = nn.Embedding(landmarks, _HIDDEN)
        self.embed = nn.Linear(_HIDDEN, _CLASS)
        self.score = nn.Sequential(nn.Linear(2 + _CLASS, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, heads))

    def forward(self, confidence: Tensor) -> Tensor:
        """Return (n, heads, l, l) from (n, l) confidences; rows sum to 1 and the diagonal is 0."""
        count, landmarks = confidence.shape
        pair = functional.relu(self.target.weight[:, None] + self.source.weight[None, :])
        pairs = self.embed(pair)[None].expand(count, landmarks, landmarks, _CLASS)
        own = confidence[:, :, None, None].expand(count, landmarks, landmarks, 1)
        other = confidence[:, None, :, None].expand(count, landmarks, landmarks, 1)
        return _softmax(self.score(torch.cat([own, other, pairs], dim=-1)).permute(0, 3, 1, 2))


class TaskConnectivity(nn.Module):
    """The ablation: one adjacency for all images (Li et al., "Structured landmark detection", ECCV 2020)."""

    def __init__(self, landmarks: int, heads: int = 1) -> None:
        super().__init__()
        self.score = nn.Parameter(torch.zeros(heads, landmarks, landmarks))

    def forward(self, confidence: Tensor) -> Tensor:
        """Return (n, heads, l, l), the same for every image."""
        return _softmax(self.score[None]).expand(confidence.shape[0], -1, -1, -1)


def _softmax(score: Tensor) -> Tensor:
    own = torch.eye(score.shape[-1], dtype=score.dtype, device=score.device) * -1e4
    return torch.softmax(score + own, dim=-1)


class GraphBlock(nn.Module):
    """Eq. 4: W1 h_i + sum_j e_ij W2 (h_j, q_ij).

    The second term is linear, so the neighbours' features and displacements are averaged first and mapped once. With
    several heads (ours; the paper has one) W2 maps all their averages.
    """

    def __init__(self, inputs: int, outputs: int, heads: int = 1) -> None:
        super().__init__()
        self.own = nn.Linear(inputs, outputs)
        self.neighbours = nn.Linear(heads * (inputs + 2), outputs, bias=False)

    def forward(self, hidden: Tensor, edges: Tensor, displacement: Tensor) -> Tensor:
        """Return (n, l, outputs).

        Parameters
        ----------
        hidden
            (n, l, inputs).
        edges
            (n, heads, l, l).
        displacement
            (n, heads, l, 2): sum_j e_ij q_ij.

        """
        heard = torch.cat([edges @ hidden[:, None], displacement], dim=-1)
        out: Tensor = self.own(hidden) + self.neighbours(heard.permute(0, 2, 1, 3).flatten(2))
        return out


class GraphNet(nn.Module):
    """Three blocks, of the paper's widths 64, 16 and 2 by default, with ReLU between them."""

    def __init__(self, features: int, landmarks: int, widths: Sequence[int], connectivity: Connectivity, heads: int):
        super().__init__()
        kind = ImageConnectivity if connectivity == "image" else TaskConnectivity
        self.connectivity = kind(landmarks, heads)
        sizes = [2 + features, *widths, 2]
        self.blocks = nn.ModuleList(GraphBlock(a, b, heads) for a, b in pairwise(sizes))
        for parameter in self.blocks[-1].parameters():
            nn.init.zeros_(parameter)  # learning begins at the heat maps' own points

    def forward(self, start: Tensor, features: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n, l, 2) and the connectivity (n, heads, l, l).

        Parameters
        ----------
        start
            (n, l, 2) points, about -1 to 1.
        features
            (n, l, f) of the nodes.
        confidence
            (n, l).

        """
        edges: Tensor = self.connectivity(confidence)
        # sum_j e_ij (x_i - x_j), as the e_ij sum to 1
        displacement = start[:, None] - edges @ start[:, None]
        hidden = torch.cat([start, features], dim=-1)
        for number, block in enumerate(self.blocks):
            hidden = block(functional.relu(hidden) if number else hidden, edges, displacement)
        return hidden, edges
