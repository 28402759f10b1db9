"""The trained network as an ONNX file.

The graph is written node by node, not traced: the number of points stays free, every mean over neighbours is one gather
and one mean, and half-precision weights are widened once when a session starts, so that all sums run in float32. The
tests hold it against the PyTorch network.

Inputs: ``features`` (n, 6) float32, ``neighbours`` (n, k) int64, ``coarse`` (n,) float32 (see ``graphs.SurfaceGraph``).
Output: ``heat`` (n, l) float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
from numpy.typing import ArrayLike

from nasion.errors import NasionError
from nasion.landmarks.surface.model import FEATURES, NORM_EPSILON, Block, Branch, SurfaceNet

if TYPE_CHECKING:
    from torch import Tensor, nn

Precision = Literal["float32", "float16"]
"""Of the stored weights."""
_OPSET: Final = 18
_IR_VERSION: Final = 9
_NARROW_FROM: Final = 256
"""Arrays of at least so many numbers are stored in half precision; biases and gains stay as they are."""


def to_onnx(model: SurfaceNet, precision: Precision = "float16") -> bytes:
    """Return the ONNX file of a network.

    Raises
    ------
    NasionError
        A weight is not finite, or too large for half precision.

    """
    from onnx import TensorProto

    writer = OnnxWriter(precision)
    count = writer.node("ReduceSum", "coarse", keepdims=0)
    share = writer.node("Unsqueeze", writer.node("Div", "coarse", count), writer.array([0]))
    column = writer.node("Unsqueeze", "coarse", writer.array([1]))
    x = "features"
    for block in model.blocks:
        x = _block(writer, cast(Block, block), x, share, column)
    _linear(writer, model.last, x, "heat")
    inputs: dict[str, list[str | int]] = {"features": ["n", FEATURES], "neighbours": ["n", "k"], "coarse": ["n"]}
    outputs: dict[str, list[str | int]] = {"heat": ["n", model.last.out_features]}
    return writer.model("surface_landmarks", inputs, outputs, {"neighbours": TensorProto.INT64})


class OnnxWriter:
    """Collects the nodes and stored arrays of an ONNX graph; every method returns the name of what it adds."""

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self.nodes: list[Any] = []
        self.stored: list[Any] = []

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator."""
        from onnx import helper

        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def array(self, values: ArrayLike) -> str:
        """Store numbers as they are."""
        from onnx import numpy_helper

        name = f"array_{len(self.stored)}"
        self.stored.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def model(
        self,
        name: str,
        inputs: Mapping[str, Sequence[str | int]],
        outputs: Mapping[str, Sequence[str | int]],
        types: Mapping[str, int] | None = None,
    ) -> bytes:
        """Return the file of what was written; shapes by name, numbers are float32 where ``types`` says nothing."""
        import onnx
        from onnx import TensorProto, helper

        taken, given = (
            [
                helper.make_tensor_value_info(each, (types or {}).get(each, TensorProto.FLOAT), shape)
                for each, shape in shapes.items()
            ]
            for shapes in (inputs, outputs)
        )
        graph = helper.make_graph(self.nodes, name, taken, given, self.stored)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="nasion")
        made.ir_version = _IR_VERSION
        onnx.checker.check_model(made)
        content: bytes = made.SerializeToString()
        return content

    def weights(self, values: Tensor) -> str:
        """Store learned numbers, large arrays in half precision if so asked."""
        from onnx import TensorProto

        single = values.detach().cpu().numpy().astype(np.float32)
        if not np.isfinite(single).all():
            raise NasionError("the network holds weights that are no numbers; learning has failed, lower its rate")
        if self.precision == "float32" or single.size < _NARROW_FROM:
            return self.array(single)
        if np.abs(single).max() > np.finfo(np.float16).max:
            raise NasionError("a weight is too large for half precision; export in float32")
        return self.node("Cast", self.array(single.astype(np.float16)), to=TensorProto.FLOAT)


def _block(writer: OnnxWriter, block: Block, x: str, share: str, column: str) -> str:
    gathered = writer.node("Gather", x, "neighbours", axis=0)
    mean = writer.node("ReduceMean", gathered, writer.array([1]), keepdims=0)
    branches = [_branch(writer, block.fine, mean)]
    if block.coarse is not None:
        change = writer.node("Mul", column, writer.node("Sub", writer.node("MatMul", share, x), x))
        branches.insert(0, _branch(writer, block.coarse, writer.node("Add", x, change)))
    if block.residual == "branch":
        branches = [writer.node("Add", branch, x) for branch in branches]
    fused = _linear(writer, block.fuse, writer.node("Concat", *branches, axis=1))
    return writer.node("Add", fused, x) if block.residual == "block" else fused


def _branch(writer: OnnxWriter, branch: Branch, aggregated: str) -> str:
    x = _linear(writer, branch.linear, aggregated)
    centred = writer.node("Sub", x, writer.node("ReduceMean", x, keepdims=1))
    variance = writer.node("ReduceMean", writer.node("Mul", centred, centred), keepdims=1)
    deviation = writer.node("Sqrt", writer.node("Add", variance, writer.array(np.float32(NORM_EPSILON))))
    gain = writer.node("Div", writer.weights(branch.norm.gain), deviation)
    scaled = writer.node("Add", writer.node("Mul", centred, gain), writer.weights(branch.norm.offset))
    return writer.node("Relu", scaled)


def _linear(writer: OnnxWriter, layer: nn.Linear, x: str, output: str | None = None) -> str:
    weight, bias = writer.weights(layer.weight.T), writer.weights(layer.bias)
    return writer.node("Gemm", x, weight, bias, output=output)
