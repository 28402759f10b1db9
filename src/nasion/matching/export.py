"""Trained networks as the ONNX files of a model's folder, see ``card`` (PyTorch)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasion.matching.backbones import backbone_onnx
from nasion.matching.card import FACE, PAIR, PATCHES, PROBE, WHOLE
from nasion.matching.descriptors import ORIENTATIONS
from nasion.matching.model import GraphEncoder, PairNet
from nasion.matching.point_schemes import point_scheme
from nasion.matching.settings import MatchSettings
from nasion.matching.tokens import TokenShape
from nasion.networks.model_folder import hash_of
from nasion.networks.onnx_files import onnx_bytes


class _OneSide(nn.Module):
    def __init__(self, encoder: GraphEncoder, side: str) -> None:
        super().__init__()
        self.encoder, self.side = encoder, side

    def forward(
        self, nodes: Tensor, adjacency: Tensor, there: Tensor, whole: Tensor, view: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        tokens, present, found = self.encoder(nodes, adjacency, there, whole, view, self.side)
        return tokens, present, found


def model_files(encoder: GraphEncoder, pair_net: PairNet, settings: MatchSettings) -> dict[str, bytes]:
    """Return the files of a model by name; a weight that is no number raises NasionError."""
    encoder.eval()
    pair_net.eval()
    pictures = settings.pictures
    nodes = len(point_scheme(pictures.scheme).nodes)
    files = {}
    if pictures.backbone != ORIENTATIONS:
        files[PATCHES] = backbone_onnx(pictures.backbone)
    if pictures.global_backbone not in (ORIENTATIONS, pictures.backbone):
        files[WHOLE] = backbone_onnx(pictures.global_backbone)
    width = 2 + len(encoder.node_mean)
    example = [
        torch.zeros(2, nodes, width),
        torch.eye(nodes).expand(2, -1, -1).contiguous(),
        torch.ones(2, nodes),
        torch.zeros(2, len(encoder.global_mean)),
        torch.zeros(2, dtype=torch.int64),
    ]
    names = ["nodes", "adjacency", "there", "whole", "view"]
    outputs = ["tokens", "tokens_there", "embedding"]
    free = {name: {0: "b"} for name in (*names, *outputs)}
    for file, side in ((PROBE, "probe"), (FACE, "face")):
        files[file] = onnx_bytes(_OneSide(encoder, side).eval(), example, names, outputs, free)
    shape = token_shape(encoder, settings)
    example = [
        torch.randn(2, shape.nodes, shape.width),
        torch.ones(2, shape.nodes),
        torch.randn(3, shape.nodes, shape.width),
        torch.ones(3, shape.nodes),
    ]
    free = {"probes": {0: "p"}, "probe_there": {0: "p"}, "faces": {0: "f"}, "face_there": {0: "f"}}
    free |= {"similarity": {0: "p", 1: "f"}, "cost": {0: "p", 1: "f"}}
    names = ["probes", "probe_there", "faces", "face_there"]
    files[PAIR] = onnx_bytes(pair_net, example, names, ["similarity", "cost"], free)
    return files


def token_shape(encoder: GraphEncoder, settings: MatchSettings) -> TokenShape:
    """Return the sizes of a model's tokens."""
    nodes = 1 if settings.network.one_token else len(point_scheme(settings.pictures.scheme).nodes)
    return TokenShape(nodes, encoder.width, encoder.embedding_width)


def file_hashes(files: dict[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: hash_of(content) for name, content in files.items()}
