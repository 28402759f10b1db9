"""How the network learns (PyTorch): triplet loss with the hardest negative and the transport term (Eqs. 22 to 25).

Negatives are scored as pairs of their own: each probe of a batch meets each face of it in the cross-attention. The
held-out people choose the snapshot; the start counts as one. A run is a folder: ``run.json`` says what it is,
``checkpoint.pt`` lets it go on where it stopped, ``log.csv`` has a line an epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nasion.errors import NasionError
from nasion.matching.batches import PairTensors, Pictures, tensors_of
from nasion.matching.model import Encoded, GraphEncoder, PairNet, Statistics, combined, transport_cost
from nasion.matching.prepared import PreparedPair
from nasion.matching.projection import block_scales, fit_projections
from nasion.matching.settings import MatchSettings
from nasion.networks.checkpoints import CHECKPOINT_FILE, LOG_FILE, read_run, write_log, write_run
from nasion.networks.split import check_apart
from nasion.readers.files import claim_folder

_LEAST_SD: Final = 1e-3
_FACES_AT_ONCE: Final = 16


@dataclass(frozen=True)
class EpochRecord:
    """One line of the log; epoch 0 is the start.

    Attributes
    ----------
    epoch
        Its number.
    loss, triplet, transport
        Means over the epoch's steps: Eqs. 25, 24 and 20.
    held_out_loss, held_out_recall
        Of the held-out people against each other: Eq. 24, and the share whose own face scores highest.
    seconds
        It took.

    """

    epoch: int
    loss: float
    triplet: float
    transport: float
    held_out_loss: float
    held_out_recall: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Trained:
    """The networks of the best epoch, and the log."""

    encoder: GraphEncoder
    pair_net: PairNet
    records: tuple[EpochRecord, ...]

    @property
    def best_epoch(self) -> int:
        """Whose networks these are."""
        return min(self.records, key=lambda record: (record.held_out_loss, record.epoch)).epoch


def build(settings: MatchSettings, training: PairTensors) -> tuple[GraphEncoder, PairNet]:
    """Return networks at their start: statistics and projection are those of the training people."""
    torch.manual_seed(settings.learning.seed)
    probe, face = training.probe, training.face
    projections = None
    if settings.network.global_width:
        seen = [_seen(side) for side in (probe, face)]
        nodes, wholes = (np.concatenate([own[part] for own in seen]) for part in (0, 1))
        vectors = [np.concatenate([own.reshape(*own.shape[:2], -1), whole], axis=2) for own, whole in seen]
        width = settings.network.global_width
        views = probe.view.numpy(), face.view.numpy()
        projections = fit_projections(
            (vectors[0], vectors[1]), views, width, block_scales(nodes, wholes, settings.network.places_weight)
        )
    encoder = GraphEncoder(settings.network, _statistics([probe, face]), projections)
    return encoder, PairNet(settings.network, encoder.width)


def learn(
    folder: Path,
    training: Sequence[PreparedPair],
    held_out: Sequence[PreparedPair],
    settings: MatchSettings,
    *,
    budget_s: float | None = None,
    told: Callable[[EpochRecord], None] | None = None,
) -> Trained:
    """Train, or go on training, and return the networks of the epoch that serves the held-out people best.

    Parameters
    ----------
    folder
        Of the run; new, empty, or of the same run.
    training, held_out
        Of different people; mirrored pairs count as training only.
    settings
        See there.
    budget_s
        Seconds of learning, over all sessions; None: all epochs.
    told
        After each epoch.

    Raises
    ------
    NasionError
        A person is on both sides, there are too few, or the folder holds something else.

    """
    _refuse(training, held_out)
    claim_folder(folder, "run.json", _record(settings, training, held_out), "training run")
    own, others = tensors_of(training, settings.network.neighbours), tensors_of(held_out, settings.network.neighbours)
    encoder, pair_net = build(settings, own)
    modules = torch.nn.ModuleList([encoder, pair_net])
    parameters = [own for own in modules.parameters() if own.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning.rate, weight_decay=settings.learning.weight_decay)
    state = _resumed(folder / CHECKPOINT_FILE, modules, optimizer)
    records = [EpochRecord(**values) for values in state["records"]]
    best: dict[str, Tensor] = state["best"] or _copied(modules)
    trained = Trained(encoder, pair_net, ())
    while len(records) <= settings.learning.epochs:
        if budget_s is not None and records and sum(record.seconds for record in records) >= budget_s:
            break
        started = time.monotonic()
        epoch = len(records)
        means = _epoch(modules, optimizer, own, settings, epoch) if epoch else (0.0, 0.0, 0.0)
        held_loss, recall = judged(trained, others, settings)
        best_yet = min((record.held_out_loss for record in records), default=float("inf"))
        records.append(EpochRecord(epoch, *means, held_loss, recall, time.monotonic() - started))
        if held_loss < best_yet:
            best = _copied(modules)
        rows = [asdict(record) for record in records]
        write_run(folder / CHECKPOINT_FILE, {"records": rows, "best": best}, modules, optimizer)
        write_log(folder / LOG_FILE, records)
        if told is not None:
            told(records[-1])
    modules.load_state_dict(best)
    modules.eval()
    return Trained(encoder, pair_net, tuple(records))


def losses(scores: Tensor, moved: Tensor | None, margin: float, weight: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the total, triplet and transport losses of a batch.

    Parameters
    ----------
    scores
        (b, b) combined similarities (Eqs. 22 and 23), a person's own pair on the diagonal.
    moved
        (b, b) <T*, C>, or None without transport.
    margin, weight
        m of Eq. 24, lambda_OT of Eq. 25.

    """
    own = scores.diagonal()
    hardest = (scores - torch.eye(len(scores)) * 1e6).amax(dim=1)
    triplet = torch.relu(margin - own + hardest).mean()  # Eq. 24
    transport = scores.new_zeros(()) if moved is None else moved.diagonal().mean()  # Eq. 20
    return triplet + weight * transport, triplet, transport  # Eq. 25


def pair_scores(
    pair_net: PairNet, probes: Encoded, faces: Encoded, settings: MatchSettings
) -> tuple[Tensor, Tensor | None]:
    """Return (p, f) combined similarities of all pairs, each scored as its own, and <T*, C>."""
    compared = pair_net(probes.tokens, probes.there, faces.tokens, faces.there)
    if not settings.network.transport:
        return compared.similarity, None
    moved = transport_cost(compared.cost, probes.there[:, None], faces.there[None], settings.network)
    return combined(compared.similarity, moved, settings.network.beta), moved


def judged(trained: Trained, pairs: PairTensors, settings: MatchSettings) -> tuple[float, float]:
    """Return Eq. 24 and the share of own faces ranked first, over pairs as they are (no copies), view by view."""
    total, hits = 0.0, 0.0
    with torch.no_grad():
        for view in sorted(set(pairs.views)):
            rows = torch.tensor([k for k, own in enumerate(pairs.views) if own == view])
            zeros = torch.zeros_like(rows)
            probes = encoded(trained.encoder, pairs.probe.at(rows, zeros), "probe")
            faces = encoded(trained.encoder, pairs.face.at(rows, zeros), "face")
            parts = [
                pair_scores(trained.pair_net, probes, Encoded(*(x[k : k + _FACES_AT_ONCE] for x in faces)), settings)[0]
                for k in range(0, len(rows), _FACES_AT_ONCE)
            ]
            scores = torch.cat(parts, dim=1)
            total += float(losses(scores, None, settings.learning.margin, 0.0)[1]) * len(rows)
            hits += float((scores.argmax(dim=1) == torch.arange(len(rows))).sum())
    return total / len(pairs.people), hits / len(pairs.people)


def encoded(encoder: GraphEncoder, pictures: Pictures, side: str) -> Encoded:
    """Return a batch's tokens."""
    made: Encoded = encoder(*pictures, side)
    return made


def _epoch(
    modules: torch.nn.ModuleList,
    optimizer: torch.optim.Optimizer,
    pairs: PairTensors,
    settings: MatchSettings,
    epoch: int,
) -> tuple[float, float, float]:
    encoder, pair_net = modules
    learning = settings.learning
    rng = np.random.default_rng([learning.seed, epoch])
    totals: list[tuple[float, ...]] = []
    for rows in pairs.batches(learning.batch, rng):
        copies = rng.integers(0, pairs.probe.nodes.shape[1], (2, len(rows)))
        own, drawn = torch.from_numpy(rows), torch.from_numpy(copies)
        probe, face = pairs.probe.at(own, drawn[0]), pairs.face.at(own, drawn[1])
        blind = rng.random() < learning.global_dropout
        probes, faces = encoder(*probe, "probe", blind), encoder(*face, "face", blind)
        scores, moved = pair_scores(pair_net, probes, faces, settings)  # type: ignore[arg-type]
        found = losses(scores, moved, learning.margin, learning.transport_weight)
        if not torch.isfinite(found[0]):
            raise NasionError("the loss is no number any more; lower the learning rate")
        optimizer.zero_grad()
        found[0].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals.append(tuple(float(value.detach()) for value in found))
    mean = np.mean(totals, axis=0)
    return float(mean[0]), float(mean[1]), float(mean[2])


def _seen(side: Pictures) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (people, copies, n, 2 + d) nodes, NaN where missing, and (people, copies, g) whole pictures."""
    nodes = side.nodes.numpy().copy()
    nodes[side.there.numpy() == 0] = np.nan
    return nodes, side.whole.numpy()


def _statistics(sides: Sequence[Pictures]) -> Statistics:
    features = torch.cat([side.nodes[..., 2:][side.there > 0] for side in sides])
    wholes = torch.cat([side.whole.flatten(0, 1) for side in sides])
    return Statistics(
        features.mean(dim=0),
        features.std(dim=0).clamp_min(_LEAST_SD),
        wholes.mean(dim=0),
        wholes.std(dim=0).clamp_min(_LEAST_SD),
    )


def _refuse(training: Sequence[PreparedPair], held_out: Sequence[PreparedPair]) -> None:
    people = {pair.person for pair in training}
    check_apart("training", people, "held-out", [pair.person for pair in held_out])
    if len(people) < 4 or not held_out:
        raise NasionError(f"{len(people)} training people are too few; give at least 4, and some held out")


def _record(
    settings: MatchSettings, training: Sequence[PreparedPair], held_out: Sequence[PreparedPair]
) -> dict[str, Any]:
    return {
        "settings": asdict(settings),
        "training": sorted({f"{pair.person} {pair.view}" for pair in training}),
        "held_out": sorted({f"{pair.person} {pair.view}" for pair in held_out}),
    }


def _copied(modules: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in modules.state_dict().items()}


def _resumed(path: Path, modules: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    if not path.is_file():
        return {"records": [], "best": None}
    return read_run(path, modules, optimizer)
