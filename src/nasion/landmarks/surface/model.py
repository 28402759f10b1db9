"""The stratified graph convolution network and its loss (PyTorch).

Burger et al., section 4.1. Two strata see each block's input: the fine graph (mean over nearest neighbours) and the
coarse graph (mean over the points nearest to the prototype, which reach each other at once; all other points keep to
themselves). Both are GCN layers (Eq. 2) whose symmetric normalisation has become a mean, since all nodes of such a
graph have the same degree. A linear layer fuses both.

Repairs of the published code: a normalisation of its own for every block and branch, over the points and features of
one graph and never across the graphs of a batch; and no block is built that is not used. With 68 landmarks the network
has 350,468 parameters: the paper's 345,220, which count one normalisation for all, and 41 normalisations of 128 more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from nasion.landmarks.surface.settings import LossSettings, Residual, SurfaceNetSettings

FEATURES: Final = 6
"""Position and normal."""
NORM_EPSILON: Final = 1e-5

Mean = Callable[[Tensor], Tensor]
"""Mean over neighbours: (b, n, c) to (b, n, c)."""


class GraphNorm(nn.Module):
    """LayerNorm over all points and features of each graph, (b, n, c), with a gain and an offset a feature."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.offset = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised features."""
        centred = x - x.mean(dim=(1, 2), keepdim=True)
        variance = centred.square().mean(dim=(1, 2), keepdim=True)
        return centred * torch.rsqrt(variance + NORM_EPSILON) * self.gain + self.offset


class Branch(nn.Module):
    """GCN layer (Eq. 2), normalisation, ReLU; the mean over neighbours is taken by the caller."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, width)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        self.norm = GraphNorm(width)

    def forward(self, aggregated: Tensor) -> Tensor:
        """Return (b, n, width) from the means over neighbours, (b, n, inputs)."""
        return torch.relu(self.norm(self.linear(aggregated)))


class Block(nn.Module):
    """Both branches, their fusion, and the residual connection, which the first block has none of."""

    def __init__(self, inputs: int, width: int, stratified: bool, residual: Residual | None) -> None:
        super().__init__()
        self.fine = Branch(inputs, width)
        self.coarse = Branch(inputs, width) if stratified else None
        self.fuse = nn.Linear(2 * width if stratified else width, width)
        self.residual = residual

    def forward(self, x: Tensor, fine_mean: Mean, coarse_mean: Mean) -> Tensor:
        """Return (b, n, width)."""
        branches = [] if self.coarse is None else [self.coarse(coarse_mean(x))]
        branches.append(self.fine(fine_mean(x)))
        if self.residual == "branch":
            branches = [branch + x for branch in branches]
        fused: Tensor = self.fuse(torch.cat(branches, dim=2))
        return fused + x if self.residual == "block" else fused


class SurfaceNet(nn.Module):
    """Clouds to heat maps, one a landmark."""

    def __init__(self, settings: SurfaceNetSettings, landmarks: int) -> None:
        super().__init__()
        width, stratified = settings.width, settings.stratified
        first = Block(FEATURES, width, stratified, residual=None)
        others = (Block(width, width, stratified, residual=settings.residual) for _ in range(settings.depth))
        self.blocks = nn.ModuleList([first, *others])
        self.last = nn.Linear(settings.width, landmarks)

    def forward(self, features: Tensor, fine_mean: Mean, coarse: Tensor) -> Tensor:
        """Return heat maps (b, n, l).

        Parameters
        ----------
        features
            (b, n, 6) as ``SurfaceGraph.features``.
        fine_mean
            Mean over each point's neighbours, see ``Neighbourhood.mean``.
        coarse
            (b, n) as ``SurfaceGraph.coarse``.

        """
        share = (coarse / coarse.sum(dim=1, keepdim=True))[:, None]

        def coarse_mean(x: Tensor) -> Tensor:
            return x + coarse[..., None] * (share @ x - x)

        x = features
        for block in self.blocks:
            x = block(x, fine_mean, coarse_mean)
        heat: Tensor = self.last(x)
        return heat


def parameter_count(model: nn.Module) -> int:
    """Return how many numbers a model learns."""
    return sum(parameter.numel() for parameter in model.parameters())


class _NeighbourMean(torch.autograd.Function):
    """Mean over rows named by an index, and its transpose over an index made beforehand.

    Indexing would write every neighbour's features out (k times the memory) and add gradients up in random order on a
    GPU; bags do neither.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, index: Tensor, reverse: Tensor, offsets: Tensor) -> Tensor:
        ctx.save_for_backward(reverse, offsets)
        ctx.degree = index.shape[1]
        return nn.functional.embedding_bag(index, x, mode="mean")

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        reverse, offsets = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        total = nn.functional.embedding_bag(reverse, gradient, offsets, mode="sum")
        return total / ctx.degree, None, None, None


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Fine graphs of a batch, with what the way back needs."""

    index: Tensor
    """(b n, k) rows of the batch laid end to end."""
    reverse: Tensor
    """(b n k,) for each row in turn, the rows whose neighbour it is."""
    offsets: Tensor
    """(b n,) where each row's part of ``reverse`` begins."""

    @classmethod
    def of(cls, neighbours: Tensor) -> Neighbourhood:
        """Return the neighbourhood of (b, n, k) indices within each graph."""
        b, n, k = neighbours.shape
        index = (neighbours + n * torch.arange(b, device=neighbours.device)[:, None, None]).reshape(b * n, k)
        reverse = torch.argsort(index.reshape(-1), stable=True) // k
        counts = torch.bincount(index.reshape(-1), minlength=b * n)
        return cls(index, reverse, torch.cumsum(counts, dim=0) - counts)

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean of (b, n, c) features over each point's neighbours."""
        flat = x.reshape(-1, x.shape[2])
        mean: Tensor = _NeighbourMean.apply(flat, self.index, self.reverse, self.offsets)  # type: ignore[no-untyped-call]
        return mean.reshape(x.shape)


def adaptive_wing_loss(predicted: Tensor, target: Tensor, settings: LossSettings) -> Tensor:
    """Return the mean modified adaptive wing loss (Eq. 3; Wang et al., ICCV 2019, for its two constants).

    Both parts meet smoothly at ``theta``: the weight 1 + beta h multiplies the whole second part.
    """
    difference = (target - predicted).abs()
    power = settings.alpha - target
    ratio = settings.theta / settings.epsilon
    edge = ratio**power
    slope = settings.omega * power * edge / (ratio * settings.epsilon * (1 + edge))
    constant = settings.theta * slope - settings.omega * torch.log1p(edge)
    # clamped, since the gradient of x^p at 0 must not meet log's inner derivative as 0 * inf
    inner = settings.omega * torch.log1p((difference.clamp(1e-12, settings.theta) / settings.epsilon) ** power)
    outer = slope * difference - constant
    loss = torch.where(difference < settings.theta, inner, outer)
    return ((1 + settings.peak_weight * target) * loss).mean()
