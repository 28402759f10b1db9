"""The ONNX file gives what the PyTorch network gives."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from landmarks.surface.bumpy import TINY, sample  # noqa: E402
from landmarks.surface.test_model import PROTOTYPE, graph_of, heat, network  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.landmarks.surface.export import to_onnx  # noqa: E402
from nasion.landmarks.surface.graphs import surface_graph  # noqa: E402
from nasion.landmarks.surface.model import SurfaceNet  # noqa: E402
from nasion.landmarks.surface.predict import run_session  # noqa: E402
from nasion.landmarks.surface.settings import VARIANTS, Residual  # noqa: E402
from nasion.networks.sessions import make_session  # noqa: E402


@pytest.mark.parametrize(("stratified", "residual"), [(True, "branch"), (False, "branch"), (True, "block")])
def test_onnx_runtime_agrees_with_torch(stratified: bool, residual: Residual) -> None:
    model = network(replace(TINY, stratified=stratified, residual=residual))
    session = make_session(to_onnx(model, "float32"))
    for points in (400, 150):  # the number of points is free
        cloud = sample(1, points).cloud
        graph = surface_graph(cloud.points, cloud.normals, PROTOTYPE, TINY.neighbours)
        expected = heat(model, graph)[0]
        assert np.abs(run_session(session, vars(graph)) - expected).max() < 1e-4
        assert expected.std() > 0.1


def test_half_precision_weights_stay_near() -> None:
    model, graph = network(), graph_of(2)
    full, half = (run_session(make_session(to_onnx(model, p)), vars(graph)) for p in ("float32", "float16"))
    assert 0 < np.abs(half - full).max() < 0.01 * np.abs(full).max()


@pytest.mark.parametrize(("precision", "share"), [("float32", 4), ("float16", 2)])
def test_the_papers_network_is_small_enough_to_ship(precision: str, share: int) -> None:
    size = len(to_onnx(SurfaceNet(VARIANTS["2S-SGCN"], 68), precision))  # type: ignore[arg-type]
    assert 350_468 * share < size < 1_500_000


def test_weights_that_cannot_be_stored() -> None:
    model = network()
    model.blocks[1].fuse.weight.data[0, 0] = 1e6
    with pytest.raises(NasionError, match="half precision"):
        to_onnx(model)
    model.blocks[1].fuse.weight.data[0, 0] = torch.nan
    with pytest.raises(NasionError, match="no numbers"):
        to_onnx(model, "float32")


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(NasionError, match="cannot be loaded"):
        make_session(b"no network")
