"""A trained generator as an ONNX file (PyTorch); see ``card`` for what it takes and gives."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nasion.networks.onnx_files import onnx_bytes
from nasion.reconstruction.generators.settings import NetworkSettings
from nasion.reconstruction.generators.translator import FaceGenerator


class _Exported(nn.Module):
    """Pictures 0 to 255 in and out, and only the inputs that are looked at."""

    def __init__(self, generator: FaceGenerator, names: list[str]) -> None:
        super().__init__()
        self.generator, self.names = generator, names

    def forward(self, *inputs: Tensor) -> Tensor:
        given = dict(zip(self.names, inputs, strict=True))
        nothing = inputs[0].new_zeros(0)
        face = self.generator(given["picture"] / 127.5 - 1, given.get("view", nothing), given.get("noise", nothing))
        made: Tensor = (face + 1) * 127.5
        return made


def generator_onnx(generator: FaceGenerator, settings: NetworkSettings) -> bytes:
    """Return the file of a generator on the CPU; a weight that is no number raises NasionError."""
    generator.eval()
    side = settings.side_px
    inputs = {"picture": torch.zeros(2, 3, side, side)}
    if settings.by_view:
        inputs["view"] = torch.ones(2)
    if generator.noise_size:
        inputs["noise"] = torch.rand(2, generator.noise_size)
    names = list(inputs)
    free = {name: {0: "n"} for name in (*names, "face")}
    return onnx_bytes(_Exported(generator, names).eval(), list(inputs.values()), names, ["face"], free)
