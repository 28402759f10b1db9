"""The local stage (PyTorch): a small network that moves every estimate to where the surface close by says it lies.

Ours, after the paper's two stages: the points of the cloud lie 6 mm apart, the surface itself tells more. Each landmark
is a node: a PointNet (Qi et al., CVPR 2017) over the surface round it, its class and its residual make its features;
all nodes together make a code of the whole configuration, which every node reads, as places such as the bregma are
told by the others rather than by the surface round them. With that in mind each point of the surface votes for a place
near itself; the move is the mean of the votes by their weights, plus what the node itself says.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

NEAR_POINT: Final = 0.2
"""Unit of a vote's distance from its point, in radii of the patch."""
SHARPNESS: Final = 2.0
"""Unit of the votes' logits."""
EMPTY: Final = 30.0
"""What takes a point that is not there out of the softmax."""
_CLASS: Final = 16
_POINT: Final = 48
_PIECE: Final = 96
_SHARED: Final = 16
_WHOLE: Final = 128


class LocalNet(nn.Module):
    """Patches and residuals to moves and expected errors."""

    def __init__(self, landmarks: int, radius_mm: float) -> None:
        super().__init__()
        self.radius_mm = radius_mm
        self.classes = nn.Parameter(torch.randn(landmarks, _CLASS))
        self.point_1 = nn.Linear(6, _POINT)
        self.class_1 = nn.Linear(_CLASS, _POINT, bias=False)
        self.point_2 = nn.Linear(_POINT, _PIECE)
        self.node_1 = nn.Linear(2 * _PIECE + 3 + _CLASS, _PIECE)
        self.node_2 = nn.Linear(_PIECE, _PIECE)
        self.shared = nn.Linear(_PIECE, _SHARED)
        self.whole_1 = nn.Linear(landmarks * (_SHARED + 4), 192)
        self.whole_2 = nn.Linear(192, _WHOLE)
        known = _PIECE + _WHOLE + _CLASS + 3
        self.last_1 = nn.Linear(known, 128)
        self.last_2 = nn.Linear(128, 4)
        self.vote_known = nn.Linear(known, _POINT)
        self.vote_point = nn.Linear(_PIECE, _POINT, bias=False)
        self.vote = nn.Linear(_POINT, 4)

    def forward(self, patches: Tensor, filled: Tensor, residual: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Return moves (b, l, 3), mm in the prototype's frame, and the logarithm of the expected error (b, l), mm.

        Parameters
        ----------
        patches, filled, residual, there
            As ``LocalInput``, with a batch axis before.

        """
        batch = len(patches)
        there_column, filled_column = there[..., None], filled[..., None]
        x = torch.relu(self.point_1(patches) + self.class_1(self.classes)[:, None])
        x = torch.relu(self.point_2(x)) * filled_column
        count = filled.sum(dim=2, keepdim=True).clamp(min=1.0)
        classes = self.classes.expand(batch, -1, -1)
        node = torch.cat([x.amax(dim=2), x.sum(dim=2) / count, residual, classes], dim=2)
        node = torch.relu(self.node_2(torch.relu(self.node_1(node)))) * there_column
        every = torch.cat([self.shared(node), residual * there_column, there_column], dim=2).flatten(1)
        whole = torch.relu(self.whole_2(torch.relu(self.whole_1(every))))
        known = torch.cat([node, whole[:, None].expand(-1, node.shape[1], -1), classes, residual], dim=2)
        told = self.last_2(torch.relu(self.last_1(known)))
        votes = self.vote(torch.relu(self.vote_point(x) + self.vote_known(known)[:, :, None]))
        weights = torch.softmax(votes[..., :1] * SHARPNESS + (filled_column - 1) * EMPTY, dim=2) * filled_column
        places = (weights * (patches[..., :3] + votes[..., 1:] * NEAR_POINT)).sum(dim=2)
        return places * self.radius_mm + told[..., :3], told[..., 3]


def local_loss(moves: Tensor, log_error: Tensor, target: Tensor, there: Tensor) -> Tensor:
    """Return the mean distance plus, at half weight, the Laplace likelihood of the expected error, mm.

    Parameters
    ----------
    moves, log_error
        As the network gives them.
    target
        (b, l, 3) true moves.
    there
        (b, l) 1 where the landmark counts.

    """
    distance = (moves - target).square().sum(dim=-1).clamp(min=1e-6).sqrt()
    scale = log_error.clamp(-4.0, 4.0)
    # the expected error learns from the distance, never the distance from it
    likelihood = distance.detach() * torch.exp(-scale) + scale
    return ((distance + 0.5 * likelihood) * there).sum() / there.sum().clamp(min=1.0)
