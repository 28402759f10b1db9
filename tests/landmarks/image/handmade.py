"""Networks made by hand, in the interface of trained ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from nasion.landmarks.image.card import Card, write_model
from nasion.landmarks.image.confidence import Calibration
from nasion.landmarks.image.schemes import image_scheme

FloatArray = NDArray[np.float64]
SIGMA_CROP_PX = 2.0
"""SD that the hand-made models state, crop pixels; the 90 % radius is twice that."""

MEAN68 = np.array(
    [
        *((48 - 46 * np.cos(a) + 0.0, 40 + 58 * np.sin(a)) for a in np.linspace(0, np.pi, 17)),
        *((x, 24 - 4 * np.sin((x - 12) / 24 * np.pi)) for x in np.linspace(12, 36, 5)),
        *((x, 24 - 4 * np.sin((x - 60) / 24 * np.pi)) for x in np.linspace(60, 84, 5)),
        *((48, y) for y in np.linspace(34, 58, 4)),
        *((x, 64 + 2 * (1 - abs(x - 48) / 10)) for x in np.linspace(38, 58, 5)),
        *((28 - 8 * np.cos(a), 36 - 4 * np.sin(a)) for a in (0, np.pi / 3, 2 * np.pi / 3, np.pi)),
        *((28 + 4, 39), (28 - 4, 39)),
        *((68 - 8 * np.cos(a), 36 - 4 * np.sin(a)) for a in (0, np.pi / 3, 2 * np.pi / 3, np.pi)),
        *((68 + 4, 39), (68 - 4, 39)),
        *((48 - 18 * np.cos(a), 79 - 5 * np.sin(a)) for a in np.linspace(0, np.pi, 7)),
        *((48 + 18 * np.cos(a), 79 + 7 * np.sin(a)) for a in np.linspace(0, np.pi, 7)[1:-1]),
        *((48 - 14 * np.cos(a), 79 - 1.5 * np.sin(a)) for a in np.linspace(0, np.pi, 5)),
        *((48 + 14 * np.cos(a), 79 + 1.5 * np.sin(a)) for a in np.linspace(0, np.pi, 5)[1:-1]),
    ]
)
"""A drawn mean face in the iBUG order, x to the right and y down, about 100 units high."""


def write_constant_model(folder: Path, scheme: str, shape: FloatArray, size: tuple[int, int], margin: float) -> None:
    """Write a model that says the same in every crop: ``shape``, crop pixels, and full peaks."""
    values = {
        "points": shape[None],
        "start": shape[None],
        "peak": np.full((1, len(shape)), 0.9),
        "spread": np.full((1, len(shape)), 2.0),
    }
    # the input must take part, or the runtime would drop it
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["none"]),
        *(helper.make_node("Add", [f"{name}_value", "none"], [name]) for name in values),
    ]
    constants = [numpy_helper.from_array(np.array(0, np.float32), "zero")]
    constants += [numpy_helper.from_array(value.astype(np.float32), f"{name}_value") for name, value in values.items()]
    _write(folder, scheme, nodes, constants, {n: list(v.shape) for n, v in values.items()}, shape, size, margin)


def write_color_model(folder: Path, scheme: str, size: tuple[int, int], margin: float, shape: FloatArray) -> None:
    """Write a model whose landmarks are the centroids of red, green and blue, in turn.

    Its peaks tell how far to the right in the crop the centroids lie, 0 to 1.
    """
    width, height = size
    count = len(image_scheme(scheme))
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    places = np.stack([u.ravel(), v.ravel()], axis=1)
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("ReduceSum", ["pixels", "last"], ["sums"], keepdims=1),
        helper.make_node("Add", ["sums", "little"], ["total"]),
        helper.make_node("MatMul", ["pixels", "places"], ["moments"]),
        helper.make_node("Div", ["moments", "total"], ["centroids"]),
        helper.make_node("Gather", ["centroids", "turns"], ["points"], axis=1),
        helper.make_node("Identity", ["points"], ["start"]),
        helper.make_node("MatMul", ["points", "rightness"], ["rights"]),
        helper.make_node("Reshape", ["rights", "row"], ["right"]),
        helper.make_node("ReduceMean", ["right"], ["mean_right"], keepdims=1),
        helper.make_node("Mul", ["mean_right", "peak_value"], ["peak"]),
        helper.make_node("Identity", ["spread_value"], ["spread"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1, 3, width * height], np.int64), "flat"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
        numpy_helper.from_array(np.array(1e-6, np.float32), "little"),
        numpy_helper.from_array(places, "places"),
        numpy_helper.from_array(np.arange(count) % 3, "turns"),
        numpy_helper.from_array(np.array([[1 / width], [0]], np.float32), "rightness"),
        numpy_helper.from_array(np.array([1, count], np.int64), "row"),
        numpy_helper.from_array(np.ones((1, count), np.float32), "peak_value"),
        numpy_helper.from_array(np.full((1, count), 2.0, np.float32), "spread_value"),
    ]
    shapes = {"points": [1, count, 2], "start": [1, count, 2], "peak": [1, count], "spread": [1, count]}
    _write(folder, scheme, nodes, constants, shapes, shape, size, margin)


def _write(
    folder: Path,
    scheme: str,
    nodes: list[onnx.NodeProto],
    constants: list[onnx.TensorProto],
    shapes: dict[str, list[int]],
    shape: FloatArray,
    size: tuple[int, int],
    margin: float,
) -> None:
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, own) for name, own in shapes.items()]
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, size[1], size[0]])
    graph = helper.make_graph(nodes, "handmade", [taken], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    content = model.SerializeToString()
    known = image_scheme(scheme)
    count = len(known)
    calibration = Calibration(
        np.full(count, np.log(SIGMA_CROP_PX)),
        np.zeros(3),
        np.zeros(3),
        np.full(count, 2.0),
        np.full(count, 0.1),
        0,
        None,
    )
    card = Card(
        scheme=scheme,
        names=known.names,
        subject=known.subject,
        input_size_px=size,
        margin=margin,
        shape=tuple((float(x), float(y)) for x, y in shape),
        network={},
        training={},
        seed=0,
        data="made by hand",
        terms="free",
        best_epoch=0,
        parameters=0,
        weights="float32",
        calibration=calibration.to_plain(),
        held_out_images=0,
        tests={},
        code_version="0",
        model_sha256=hashlib.sha256(content).hexdigest(),
    )
    write_model(folder, card, content)


def mean_shape(size: tuple[int, int], margin: float) -> FloatArray:
    """Return ``MEAN68`` as it lies in a crop of that margin."""
    low, high = MEAN68.min(axis=0), MEAN68.max(axis=0)
    scale = min((np.array(size) - 1) / (high - low)) / margin
    return (MEAN68 - (low + high) / 2) * scale + (np.array(size) - 1) / 2
