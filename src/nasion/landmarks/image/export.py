"""The trained network as an ONNX file, see ``card`` for its interface.

Large weights are stored in half precision and widened once when a session starts, so that all sums run in float32. The
tests hold the file against the PyTorch network.
"""

from __future__ import annotations

import io
import warnings
from typing import Literal

import torch
from torch import Tensor, nn

from nasion.errors import NasionError
from nasion.landmarks.image.card import INPUT, OUTPUTS
from nasion.landmarks.image.model import ImageLandmarkNet
from nasion.networks.onnx_files import OPSET, narrow

Precision = Literal["float32", "float16"]
"""Of the stored weights."""


class _Exported(nn.Module):
    """The outputs of the file."""

    def __init__(self, model: ImageLandmarkNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        out = self.model(image)
        return out.points, out.start, out.peak, out.spread


def to_onnx(model: ImageLandmarkNet, precision: Precision = "float16") -> bytes:
    """Return the ONNX file of a network; the number of crops in a batch stays free.

    Raises
    ------
    NasionError
        A weight is not finite, or too large for half precision.

    """
    import onnx

    for name, weight in model.state_dict().items():
        if not torch.isfinite(weight).all():
            raise NasionError(f"the network's {name} holds weights that are no numbers; lower the learning rate")
    width, height = model.settings.input_size_px
    buffer = io.BytesIO()
    plain = _Exported(model).eval().to("cpu", memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of shapes that are fixed on purpose
        torch.onnx.export(
            plain,
            (torch.zeros(1, 3, height, width),),
            buffer,  # type: ignore[arg-type]  # a stream is allowed
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "n"} for name in (INPUT, *OUTPUTS)},
            opset_version=OPSET,
            dynamo=False,
        )
    made = onnx.load_from_string(buffer.getvalue())
    made.producer_name = "nasion"
    if precision == "float16":
        narrow(made.graph)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content
