"""The network of Cranio-ID (PyTorch): landmark graphs, cross-attention, optimal transport, with its equations.

``GraphEncoder`` makes a picture's tokens, alone; ``PairNet`` compares two pictures' tokens. What ``PairNet`` makes of
one picture depends on the other: such vectors must never be kept and ranked, every pair is scored as a pair.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from nasion.matching.projection import Projection
from nasion.matching.settings import NetworkSettings

_FAR = -1e9
"""Added to what a softmax must not look at."""


class Encoded(NamedTuple):
    """Tokens (b, n, d), their presence (b, n), and the unit vector (b, g) for large galleries."""

    tokens: Tensor
    there: Tensor
    whole: Tensor


class Statistics(NamedTuple):
    """Mean and standard deviation of the training people's node features and global features, each (d,)."""

    node_mean: Tensor
    node_sd: Tensor
    global_mean: Tensor
    global_sd: Tensor


class GraphEncoder(nn.Module):
    """Two graph convolutions over the landmarks, joined with the global feature (Eqs. 2 and 5 to 8).

    Probes and faces share the weights. The features are standardised by the training people's statistics.
    """

    node_mean: Tensor
    node_sd: Tensor
    global_mean: Tensor
    global_sd: Tensor

    def __init__(
        self, settings: NetworkSettings, statistics: Statistics, projections: tuple[Projection, Projection] | None
    ) -> None:
        super().__init__()
        self.settings = settings
        for name, value in statistics._asdict().items():
            self.register_buffer(name, value)
        self.first = nn.Linear(2 + len(statistics.node_mean), settings.hidden, bias=False)
        self.second = nn.Linear(settings.hidden, settings.hidden, bias=False)
        self.projected = projections is not None
        for side, projection in zip(("probe", "face"), projections or (), strict=False):
            self.register_buffer(f"{side}_means", torch.from_numpy(projection.means))
        if projections is not None:
            self.projection = nn.Parameter(torch.from_numpy(projections[0].matrix), requires_grad=False)
        self.global_width = settings.global_width if self.projected else len(statistics.global_mean)

    @property
    def width(self) -> int:
        """d of Eqs. 7 and 8: d_embed + d_g."""
        return self.settings.hidden + self.global_width

    @property
    def embedding_width(self) -> int:
        """Length of ``Encoded.whole``."""
        return self.global_width if self.projected else self.width

    def forward(
        self,
        nodes: Tensor,
        adjacency: Tensor,
        there: Tensor,
        whole: Tensor,
        view: Tensor,
        side: str,
        blind: bool = False,
    ) -> Encoded:
        """Return a batch of pictures' tokens.

        Parameters
        ----------
        nodes
            (b, n, 2 + d): x, y in 0 to 1 and the patch's features (Eq. 2).
        adjacency
            (b, n, n), see ``graphs.adjacency``.
        there
            (b, n) 1 or 0.
        whole
            (b, g) raw global features.
        view
            (b,) number of the view, see ``frames``.
        side
            ``"probe"`` or ``"face"``.
        blind
            Without the global feature, see ``LearningSettings.global_dropout``.

        """
        seen = (nodes[:, :, 2:] - self.node_mean) / self.node_sd
        x = torch.cat([nodes[:, :, :2], seen], dim=2) * there[:, :, None]
        hidden = torch.relu(adjacency @ self.first(x))  # Eq. 5
        hidden = torch.relu(adjacency @ self.second(hidden)) * there[:, :, None]
        count = there.sum(dim=1, keepdim=True)
        pooled = hidden.sum(dim=1) / count  # Eq. 6
        context = self._context(nodes, there, whole, view, side)
        if blind:
            context = torch.zeros_like(context)
        joined = torch.cat([pooled, context], dim=1)  # Eqs. 7 and 8
        # for large galleries, ours: both parts with the same say
        found = torch.cat([_unit(pooled), _unit(context)], dim=1) if not self.projected else context
        if self.settings.one_token:
            return Encoded(joined[:, None], torch.ones_like(count), _unit(found))
        tokens = torch.cat([hidden, context[:, None].expand(-1, hidden.shape[1], -1)], dim=2) * there[:, :, None]
        return Encoded(tokens, there, _unit(found))

    def _context(self, nodes: Tensor, there: Tensor, whole: Tensor, view: Tensor, side: str) -> Tensor:
        if not self.projected:
            return (whole - self.global_mean) / self.global_sd
        means: Tensor = getattr(self, f"{side}_means")
        mean = means[view]
        # of the length of a standardised vector, like the graph's part
        count = nodes.shape[1] * nodes.shape[2]
        own = (nodes.flatten(1) - mean[:, :count]).view(nodes.shape[0], nodes.shape[1], -1)
        seen = torch.cat([(own * there[:, :, None]).flatten(1), whole - mean[:, count:]], dim=1)
        found: Tensor = _unit(seen @ self.projection) * self.global_width**0.5
        return found


class Compared(NamedTuple):
    """Global similarity S (p, f) of Eq. 21 and costs C (p, f, n, m) of Eq. 15 of all pairs."""

    similarity: Tensor
    cost: Tensor


class PairNet(nn.Module):
    """Bidirectional multi-head cross-attention and what is read off it (Eqs. 9 to 15 and 21)."""

    def __init__(self, settings: NetworkSettings, width: int) -> None:
        super().__init__()
        if width % settings.heads:
            raise ValueError(f"a width of {width} cannot be shared between {settings.heads} heads")
        self.settings = settings
        if not settings.cross_attention:
            return
        self.probe_side = _Attention(width, settings)
        self.face_side = _Attention(width, settings)

    def forward(self, probes: Tensor, probe_there: Tensor, faces: Tensor, face_there: Tensor) -> Compared:
        """Compare every probe with every face.

        Parameters
        ----------
        probes, faces
            (p, n, d) and (f, m, d) tokens.
        probe_there, face_there
            (p, n) and (f, m) 1 or 0.

        """
        if self.settings.cross_attention:
            own = self.probe_side(probes, faces, face_there)  # (p, f, n, d), Eq. 13
            other = self.face_side(faces, probes, probe_there).transpose(0, 1)  # (p, f, m, d), Eq. 14
        else:
            own = probes[:, None].expand(-1, faces.shape[0], -1, -1)
            other = faces[None].expand(probes.shape[0], -1, -1, -1)
        g_probe, g_face = _mean(own, probe_there[:, None]), _mean(other, face_there[None])  # Eqs. 11 and 12
        similarity = (g_probe * g_face).sum(dim=2)  # Eq. 21
        cost = 1 - _unit(own) @ _unit(other).transpose(2, 3)  # Eq. 15
        return Compared(similarity, cost)


class _Attention(nn.Module):
    """One side: its tokens look at the other side's, then residual, layer norm and feed-forward network."""

    def __init__(self, width: int, settings: NetworkSettings) -> None:
        super().__init__()
        self.heads = settings.heads
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.norm, self.last_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner = nn.Linear(width, settings.feed_forward)
        self.outer = nn.Linear(settings.feed_forward, width)
        if settings.quiet_start:
            for weight in (self.value.weight, self.outer.weight, self.outer.bias):
                nn.init.zeros_(weight)

    def forward(self, own: Tensor, other: Tensor, other_there: Tensor) -> Tensor:
        """Return (o, p, n, d): each own picture's tokens after a look at each other picture."""
        q, k, v = self._split(self.query(own)), self._split(self.key(other)), self._split(self.value(other))
        scores = torch.einsum("ohnc,phmc->ophnm", q, k) * q.shape[3] ** -0.5
        scores = scores + (1 - other_there[None, :, None, None]) * _FAR
        attended = torch.einsum("ophnm,phmc->opnhc", scores.softmax(dim=4), v).flatten(3)  # Eqs. 9 and 10
        x = self.norm(own[:, None] + attended)
        made: Tensor = self.last_norm(x + self.outer(torch.relu(self.inner(x))))
        return made

    def _split(self, x: Tensor) -> Tensor:
        """(b, n, d) to (b, h, n, d / h)."""
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)


def sinkhorn(cost: Tensor, probe_there: Tensor, face_there: Tensor, epsilon: float, rounds: int) -> Tensor:
    """Return (..., n, m) T* of Eqs. 16 to 18 in the log domain; marginals uniform over what is there.

    Parameters
    ----------
    cost
        (..., n, m).
    probe_there, face_there
        (..., n) and (..., m) 1 or 0.
    epsilon, rounds
        Weight of the entropy; how often rows and columns are matched.

    """
    kernel = -cost / epsilon
    log_rows = torch.where(probe_there > 0, -probe_there.sum(-1, keepdim=True).log(), torch.tensor(_FAR))
    log_columns = torch.where(face_there > 0, -face_there.sum(-1, keepdim=True).log(), torch.tensor(_FAR))
    columns = torch.where(face_there > 0, 0.0, _FAR).expand(kernel.shape[:-2] + kernel.shape[-1:])
    rows = log_rows
    for _ in range(rounds):
        rows = log_rows - torch.logsumexp(kernel + columns.unsqueeze(-2), dim=-1)
        columns = log_columns - torch.logsumexp(kernel + rows.unsqueeze(-1), dim=-2)
    return torch.exp(kernel + rows.unsqueeze(-1) + columns.unsqueeze(-2))


def transport_cost(cost: Tensor, probe_there: Tensor, face_there: Tensor, settings: NetworkSettings) -> Tensor:
    """Return (...) <T*, C> (Eqs. 19 and 20).

    The plan is held fixed where gradients are taken: the gradient is then that of the regularised minimum of Eq. 16
    (envelope theorem), and the iterations need not be kept for it.
    """
    with torch.no_grad():
        plan = sinkhorn(cost.double(), probe_there, face_there, settings.epsilon, settings.sinkhorn_iterations)
    return (plan.to(cost.dtype) * cost).sum(dim=(-2, -1))


def combined(similarity: Tensor, moved: Tensor | None, beta: float) -> Tensor:
    """Return beta S + (1 - beta) tanh(S_OT) (Eqs. 22 and 23) from S and <T*, C> = -S_OT; without transport S."""
    return similarity if moved is None else beta * similarity + (1 - beta) * torch.tanh(-moved)


def _unit(x: Tensor) -> Tensor:
    made: Tensor = functional.normalize(x, dim=-1, eps=1e-8)
    return made


def _mean(tokens: Tensor, there: Tensor) -> Tensor:
    """Return the unit mean of the tokens that are there; (p, f, n, d) to (p, f, d)."""
    return _unit((tokens * there.unsqueeze(-1)).sum(dim=2))
