"""PyTorch modules as ONNX files; large weights are stored in half precision and widened once when a session starts."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from nasion.errors import NasionError

OPSET: Final = 18
_NARROW_FROM: Final = 256
"""Arrays of at least so many numbers are stored in half precision."""


def onnx_bytes(
    module: nn.Module,
    examples: Sequence[Tensor],
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: dict[str, dict[int, str]],
) -> bytes:
    """Return the ONNX file of a module.

    Parameters
    ----------
    module
        In evaluation mode, on the CPU.
    examples
        Inputs of the right shapes.
    inputs, outputs
        Their names.
    free
        By name, the axes whose length stays free.

    Raises
    ------
    NasionError
        A weight is not finite, or too large for half precision.

    """
    import onnx

    for name, weight in module.state_dict().items():
        if not torch.isfinite(weight).all():
            raise NasionError(f"the network's {name} holds weights that are no numbers; lower the learning rate")
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns of shapes that are fixed on purpose
        torch.onnx.export(
            module,
            tuple(examples),
            buffer,  # type: ignore[arg-type]  # a stream is allowed
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=free,
            opset_version=OPSET,
            dynamo=False,
        )
    made = onnx.load_from_string(buffer.getvalue())
    made.producer_name = "nasion"
    narrow(made.graph)
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString()
    return content


def narrow(graph: Any) -> None:
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
