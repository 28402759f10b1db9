"""The trained network as an ONNX file, see ``card`` for its interface.

Large weights are stored in half precision and widened once when a session starts, so that all sums run in float32. The
tests hold the file against the PyTorch network.
"""

from __future__ import annotations

import io
import warnings
from typing import Any, Final, Literal

import numpy as np
import torch
from torch import Tensor, nn

from nasion.errors import NasionError
from nasion.landmarks.image.card import INPUT, OUTPUTS
from nasion.landmarks.image.model import ImageLandmarkNet

Precision = Literal["float32", "float16"]
"""Of the stored weights."""
_OPSET: Final = 18
_NARROW_FROM: Final = 256
"""Arrays of at least so many numbers are stored in half precision."""


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
            opset_version=_OPSET,
            dynamo=False,
        )
    made = onnx.load_from_string(buffer.getvalue())
    made.producer_name = "nasion"
    if precision == "float16":
        _narrow(made.graph)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


def _narrow(graph: Any) -> None:
    """Store large float arrays in half precision, each followed by a cast."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for array in graph.initializer:
        values = numpy_helper.to_array(array)
        if values.dtype != np.float32 or values.size < _NARROW_FROM:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise NasionError("a weight is too large for half precision; export in float32")
        name = array.name
        array.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
