"""The local stage as an ONNX file; inputs as ``local_input.LocalInput`` with a batch axis, outputs as ``LocalNet``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from nasion.landmarks.surface.export import OnnxWriter, Precision
from nasion.landmarks.surface.local_model import EMPTY, NEAR_POINT, SHARPNESS, LocalNet

if TYPE_CHECKING:
    from torch import nn


def local_to_onnx(model: LocalNet, precision: Precision = "float16") -> bytes:
    """Return the ONNX file of a local stage.

    Raises
    ------
    NasionError
        A weight is not finite, or too large for half precision.

    """
    writer = OnnxWriter(precision)
    landmarks = model.classes.shape[0]
    classes = writer.weights(model.classes)
    own = writer.node(
        "Unsqueeze", writer.node("MatMul", classes, writer.weights(model.class_1.weight.T)), writer.array([1])
    )
    x = writer.node("Relu", writer.node("Add", _linear(writer, model.point_1, "patches"), own))
    x = writer.node("Relu", _linear(writer, model.point_2, x))
    x = writer.node("Mul", x, writer.node("Unsqueeze", "filled", writer.array([3])))
    count = writer.node(
        "Max", writer.node("ReduceSum", "filled", writer.array([2]), keepdims=1), writer.array(np.float32(1))
    )
    mean = writer.node("Div", writer.node("ReduceSum", x, writer.array([2]), keepdims=0), count)
    highest = writer.node("ReduceMax", x, writer.array([2]), keepdims=0)
    batch = writer.node("Slice", writer.node("Shape", "there"), writer.array([0]), writer.array([1]))
    wide = writer.node("Concat", batch, writer.array([1, 1]), axis=0)
    every_class = writer.node("Tile", writer.node("Unsqueeze", classes, writer.array([0])), wide)
    node = writer.node("Concat", highest, mean, "residual", every_class, axis=2)
    for layer in (model.node_1, model.node_2):
        node = writer.node("Relu", _linear(writer, layer, node))
    column = writer.node("Unsqueeze", "there", writer.array([2]))
    node = writer.node("Mul", node, column)
    shared = _linear(writer, model.shared, node)
    joined = writer.node("Concat", shared, writer.node("Mul", "residual", column), column, axis=2)
    whole = writer.node("Reshape", joined, writer.array([0, -1]))
    for layer in (model.whole_1, model.whole_2):
        whole = writer.node("Relu", _linear(writer, layer, whole))
    each = writer.node("Tile", writer.node("Unsqueeze", whole, writer.array([1])), writer.array([1, landmarks, 1]))
    known = writer.node("Concat", node, each, every_class, "residual", axis=2)
    told = _linear(writer, model.last_2, writer.node("Relu", _linear(writer, model.last_1, known)))
    own = writer.node("Slice", told, writer.array([0]), writer.array([3]), writer.array([2]))
    places = writer.node("Mul", _voted(writer, model, x, known), writer.array(np.float32(model.radius_mm)))
    writer.node("Add", places, own, output="moves")
    last = writer.node("Slice", told, writer.array([3]), writer.array([4]), writer.array([2]))
    writer.node("Squeeze", last, writer.array([2]), output="log_error")
    shapes: dict[str, list[str | int]] = {
        "patches": ["b", landmarks, "k", 6],
        "filled": ["b", landmarks, "k"],
        "residual": ["b", landmarks, 3],
        "there": ["b", landmarks],
    }
    outputs: dict[str, list[str | int]] = {"moves": ["b", landmarks, 3], "log_error": ["b", landmarks]}
    return writer.model("surface_landmarks_local", shapes, outputs)


def _voted(writer: OnnxWriter, model: LocalNet, x: str, known: str) -> str:
    """Add the points' votes; return their mean, in radii."""
    own = writer.node("MatMul", x, writer.weights(model.vote_point.weight.T))
    context = writer.node("Unsqueeze", _linear(writer, model.vote_known, known), writer.array([2]))
    votes = _linear(writer, model.vote, writer.node("Relu", writer.node("Add", own, context)))
    column = writer.node("Unsqueeze", "filled", writer.array([3]))
    logits = writer.node("Slice", votes, writer.array([0]), writer.array([1]), writer.array([3]))
    absent = writer.node(
        "Mul", writer.node("Sub", column, writer.array(np.float32(1))), writer.array(np.float32(EMPTY))
    )
    sharp = writer.node("Mul", logits, writer.array(np.float32(SHARPNESS)))
    weights = writer.node("Mul", writer.node("Softmax", writer.node("Add", sharp, absent), axis=2), column)
    aside = writer.node("Slice", votes, writer.array([1]), writer.array([4]), writer.array([3]))
    aside = writer.node("Mul", aside, writer.array(np.float32(NEAR_POINT)))
    at = writer.node("Slice", "patches", writer.array([0]), writer.array([3]), writer.array([3]))
    places = writer.node("Mul", weights, writer.node("Add", at, aside))
    return writer.node("ReduceSum", places, writer.array([2]), keepdims=0)


def _linear(writer: OnnxWriter, layer: nn.Module, x: str) -> str:
    linear = cast("nn.Linear", layer)
    return writer.node("Add", writer.node("MatMul", x, writer.weights(linear.weight.T)), writer.weights(linear.bias))
