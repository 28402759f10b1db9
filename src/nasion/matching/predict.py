"""A trained matcher, run by ONNX Runtime: no PyTorch is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.card import FACE, PAIR, PATCHES, PROBE, WHOLE, Card, ModelFolder, read_model
from nasion.matching.descriptors import ORIENTATIONS, Descriptor, NetworkDescriptor, orientations
from nasion.matching.graphs import adjacency
from nasion.matching.nodes import Nodes, nodes_of
from nasion.matching.samples import side_of
from nasion.matching.settings import MatchSettings
from nasion.matching.tokens import Float32, Tokens, TokenShape
from nasion.matching.transport import transport_similarity
from nasion.networks.model_folder import CARD_FILE, model_in
from nasion.networks.sessions import make_session

_PROBES, _FACES = 8, 32
"""Pairs that are compared at once: few enough for the caches."""
_MODELS_KEPT: Final = 4


@dataclass(frozen=True, eq=False)
class Matcher:
    """A model, ready for use; see ``load_matcher``.

    Attributes
    ----------
    card
        What the model is.
    settings
        Of the card.
    shape
        Sizes of the tokens.
    describers
        Of patches and of whole pictures.

    """

    card: Card
    settings: MatchSettings
    shape: TokenShape
    describers: tuple[Descriptor, Descriptor]
    sessions: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Of the model: features of models with different hashes cannot be compared."""
        return self.card.sha256

    @property
    def scheme(self) -> str:
        """Whose points ``features`` takes, e.g. ``"ibug68"``, see ``point_schemes``."""
        return self.settings.pictures.scheme

    def features(self, picture: NDArray[np.uint8], points_px: NDArray[np.float64], modality: str) -> Tokens:
        """Return one picture's features.

        Parameters
        ----------
        picture
            (h, w, 3) uint8 RGB; of a radiograph bone is bright.
        points_px
            (l, 2) landmarks in the order of ``scheme``, NaN where missing.
        modality
            ``"face"``, ``"sketch"`` or ``"xray"``.

        Raises
        ------
        NasionError
            Too few landmarks are there, or the modality is not one of these.

        """
        side = side_of(modality)
        return self.encode([nodes_of(picture, points_px, self.settings.pictures, self.describers)], side)[0]

    def encode(self, nodes: Sequence[Nodes], side: str) -> list[Tokens]:
        """Return the features of pictures whose nodes are known; ``side`` is ``"probe"`` or ``"face"``."""
        k = self.settings.network.neighbours
        inputs = {
            "nodes": np.stack([np.concatenate([own.places, own.features], axis=1) for own in nodes]),
            "adjacency": np.stack([adjacency(own.places.astype(np.float64), own.there, k) for own in nodes]),
            "there": np.stack([own.there.astype(np.float32) for own in nodes]),
            "whole": np.stack([own.whole for own in nodes]),
            "view": np.array([own.view for own in nodes], np.int64),
        }
        session = self.sessions[PROBE if side == "probe" else FACE]
        wanted = {own.name for own in session.get_inputs()}
        tokens, there, whole = session.run(None, {name: own for name, own in inputs.items() if name in wanted})
        return [Tokens(*own) for own in zip(tokens, whole, there > 0.5, strict=True)]

    def embed(self, tokens: Tokens) -> Float32:
        """Return the (g,) unit vector of a picture: the dot product of two ranks a large gallery."""
        return tokens.whole

    def unpack(self, vector: Float32) -> Tokens:
        """Return what ``Tokens.packed`` packed; a vector of another model raises NasionError."""
        return self.shape.unpack(vector)

    def score(self, probe: Tokens, faces: Sequence[Tokens]) -> NDArray[np.float64]:
        """Return (n,) scores of a probe against faces, each as its own pair; higher is better."""
        row: NDArray[np.float64] = self.score_matrix([probe], faces)[0]
        return row

    def score_matrix(self, probes: Sequence[Tokens], faces: Sequence[Tokens]) -> NDArray[np.float64]:
        """Return (p, f) scores of all pairs (Eq. 22), each as its own; higher is better."""
        scores = np.empty((len(probes), len(faces)))
        for first in range(0, len(probes), _PROBES):
            for start in range(0, len(faces), _FACES):
                block = probes[first : first + _PROBES], faces[start : start + _FACES]
                scores[first : first + _PROBES, start : start + _FACES] = self._block(*block)
        return scores

    def _block(self, probes: Sequence[Tokens], faces: Sequence[Tokens]) -> NDArray[np.float64]:
        network = self.settings.network
        own_there, other_there = (np.stack([picture.there for picture in side]) for side in (probes, faces))
        inputs = {
            "probes": np.stack([picture.tokens for picture in probes]),
            "faces": np.stack([picture.tokens for picture in faces]),
            "probe_there": own_there.astype(np.float32),
            "face_there": other_there.astype(np.float32),
        }
        session = self.sessions[PAIR]
        wanted = {own.name for own in session.get_inputs()}
        similarity, cost = session.run(None, {name: value for name, value in inputs.items() if name in wanted})
        if not network.transport:
            return np.asarray(similarity, np.float64)
        pairs = similarity.shape
        moved = transport_similarity(
            cost.reshape(-1, *cost.shape[2:]),
            np.repeat(own_there, pairs[1], axis=0),
            np.tile(other_there, (pairs[0], 1)),
            network.epsilon,
            network.sinkhorn_iterations,
        )
        combined: NDArray[np.float64] = network.beta * similarity.astype(np.float64) + (1 - network.beta) * np.tanh(
            moved
        ).reshape(pairs)
        return combined


def load_matcher(folder: Path) -> Matcher:
    """Return the model of a folder, or of a training run's; it is read once as long as it stays as it is.

    Raises
    ------
    NasionError
        The folder holds no model, or a damaged one.

    """
    folder = model_in(folder.resolve())
    path = folder / CARD_FILE
    if not path.is_file():
        raise NasionError(
            f"{folder}: holds no matcher ({CARD_FILE} is missing); give a folder of nasion train matching"
        )
    return _loaded(folder, path.stat().st_mtime_ns)


@lru_cache(_MODELS_KEPT)
def _loaded(folder: Path, changed: int) -> Matcher:
    del changed  # part of the key
    return matcher_of(read_model(folder))


def matcher_of(model: ModelFolder) -> Matcher:
    """Return the matcher of files in memory; a damaged one raises NasionError."""
    settings = model.card.match_settings()
    pictures = settings.pictures
    plain = orientations(pictures)
    networks = {name: model.files.get(name) for name in (PATCHES, WHOLE)}
    side = model.card.input_px

    def describer(name: str, onnx: bytes | None) -> Descriptor:
        if name == ORIENTATIONS:
            return plain
        if onnx is None:
            raise NasionError(f"the model's {name} is missing; copy its folder again")
        return NetworkDescriptor(onnx, side[name])

    patches = describer(pictures.backbone, networks[PATCHES])
    whole = patches
    if pictures.global_backbone != pictures.backbone:
        whole = describer(pictures.global_backbone, networks[WHOLE])
    sessions = {name: make_session(model.files[name]) for name in (PROBE, FACE, PAIR)}
    return Matcher(model.card, settings, model.card.shape(), (patches, whole), sessions)
