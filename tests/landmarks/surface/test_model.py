"""The network against dense linear algebra, its symmetries, and the loss by hand."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from landmarks.surface.bumpy import TINY, sample  # noqa: E402
from nasion.landmarks.surface.graphs import SurfaceGraph, surface_graph  # noqa: E402
from nasion.landmarks.surface.model import (  # noqa: E402
    Neighbourhood,
    SurfaceNet,
    adaptive_wing_loss,
    parameter_count,
)
from nasion.landmarks.surface.settings import VARIANTS, LossSettings, Residual, SurfaceNetSettings  # noqa: E402

PROTOTYPE = sample(0).landmarks


def graph_of(seed: int) -> SurfaceGraph:
    cloud = sample(seed).cloud
    return surface_graph(cloud.points, cloud.normals, PROTOTYPE, TINY.neighbours)


def heat(model: SurfaceNet, *graphs: SurfaceGraph) -> np.ndarray:
    features, neighbours, coarse = (
        torch.from_numpy(np.stack([getattr(graph, name) for graph in graphs]))
        for name in ("features", "neighbours", "coarse")
    )
    with torch.no_grad():
        return model(features, Neighbourhood.of(neighbours).mean, coarse).numpy()


def network(settings: SurfaceNetSettings = TINY, seed: int = 0) -> SurfaceNet:
    torch.manual_seed(seed)
    model = SurfaceNet(settings, 5)
    for parameter in model.parameters():  # gains and offsets too, so that a wrong one shows
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def test_the_papers_size() -> None:
    # 345,220 in the paper count one normalisation (2 x 64) for all; here each of 21 blocks has two of its own
    assert parameter_count(SurfaceNet(VARIANTS["2S-SGCN"], 68)) == 345_220 + (2 * 21 - 1) * 128


@pytest.mark.parametrize("stratified", [True, False])
def test_every_parameter_is_used(stratified: bool) -> None:
    model = network(replace(TINY, stratified=stratified))
    graph = graph_of(1)
    output = model(
        torch.from_numpy(graph.features)[None],
        Neighbourhood.of(torch.from_numpy(graph.neighbours)[None]).mean,
        torch.from_numpy(graph.coarse)[None],
    )
    output.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())


def dense_gcn(adjacency: np.ndarray, x: np.ndarray, layer: torch.nn.Linear) -> np.ndarray:
    """Kipf & Welling with symmetric normalisation, from the full matrix."""
    scale = 1 / np.sqrt(adjacency.sum(axis=1))
    weight, bias = layer.weight.detach().numpy().astype(float), layer.bias.detach().numpy().astype(float)
    return scale[:, None] * adjacency * scale[None] @ (x @ weight.T) + bias


@pytest.mark.parametrize(("stratified", "residual"), [(True, "branch"), (False, "branch"), (True, "block")])
def test_against_dense_matrices(stratified: bool, residual: Residual) -> None:
    model, graph = network(replace(TINY, stratified=stratified, residual=residual)), graph_of(2)
    n = len(graph.features)
    fine = np.zeros((n, n))
    np.put_along_axis(fine, graph.neighbours, 1.0, axis=1)
    coarse = np.outer(graph.coarse, graph.coarse) + np.diag(1.0 - graph.coarse)
    x = graph.features.astype(float)
    for place, block in enumerate(model.blocks):
        parts = []
        for branch, adjacency in ((block.coarse, coarse), (block.fine, fine)):
            if branch is None:
                continue
            y = dense_gcn(adjacency, x, branch.linear)
            y = (y - y.mean()) / np.sqrt(y.var() + 1e-5)
            y = np.maximum(y * branch.norm.gain.detach().numpy() + branch.norm.offset.detach().numpy(), 0)
            parts.append(y + x if place and residual == "branch" else y)
        fused = np.hstack(parts) @ block.fuse.weight.detach().numpy().T + block.fuse.bias.detach().numpy()
        x = fused + x if place and residual == "block" else fused
    expected = x @ model.last.weight.detach().numpy().T + model.last.bias.detach().numpy()
    assert np.abs(heat(model, graph)[0] - expected).max() < 1e-4


def test_the_order_of_points_does_not_matter() -> None:
    model, cloud = network(), sample(3).cloud
    order = np.random.default_rng(0).permutation(len(cloud.points))
    turned = surface_graph(cloud.points[order], cloud.normals[order], PROTOTYPE, TINY.neighbours)
    assert np.abs(heat(model, turned)[0] - heat(model, graph_of(3))[0][order]).max() < 1e-4


def test_batch_mates_do_not_matter() -> None:
    model, own, mate = network(), graph_of(4), graph_of(5)
    loud = replace(mate, features=mate.features * 50)
    alone = heat(model, own)[0]
    for batch, place in (((own, mate), 0), ((loud, own), 1), ((mate, own, loud), 1)):
        assert np.abs(heat(model, *batch)[place] - alone).max() < 1e-5


def test_the_coarse_graph_carries_far() -> None:
    # a change at one coarse point reaches a far coarse point in one block; without the stratum it does not
    graph = graph_of(6)
    here, there = np.flatnonzero(graph.coarse)[[0, -1]]
    assert there not in graph.neighbours[graph.neighbours[here]]
    for stratified in (True, False):
        model = network(replace(TINY, stratified=stratified, depth=1))
        for branch in [b for block in model.blocks for b in (block.fine, block.coarse) if b is not None]:
            branch.norm = torch.nn.Identity()  # the normalisation, too, would carry
        changed = replace(graph, features=graph.features.copy())
        changed.features[here] += 1
        change = np.abs(heat(model, changed) - heat(model, graph))[0].max(axis=1)
        assert change[here] > 1e-4
        assert (change[there] > 1e-6) == stratified


def test_neighbour_mean_and_its_gradient() -> None:
    rng = np.random.default_rng(0)
    neighbours = torch.from_numpy(rng.integers(0, 6, (2, 6, 3)))
    hood = Neighbourhood.of(neighbours)
    x = torch.randn(2, 6, 4, dtype=torch.float64, requires_grad=True)
    rows = torch.stack([x[b][neighbours[b]].mean(dim=1) for b in range(2)])
    assert torch.allclose(hood.mean(x), rows)
    assert torch.autograd.gradcheck(hood.mean, x)


def test_loss_by_hand() -> None:
    settings = LossSettings()
    target, predicted = torch.tensor([[0.4]]), torch.tensor([[0.1]])
    expected = (1 + 50 * 0.4) * 14 * np.log(1 + 0.3 ** (2.1 - 0.4))
    assert adaptive_wing_loss(predicted, target, settings).item() == pytest.approx(expected, rel=1e-5)
    assert adaptive_wing_loss(target, target, settings).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("h", [0.0, 0.3, 1.0])
def test_loss_is_smooth_where_its_parts_meet(h: float) -> None:
    settings = LossSettings()
    target = torch.tensor(h, dtype=torch.float64)

    def value_and_slope(difference: float) -> tuple[float, float]:
        predicted = torch.tensor(h - difference, dtype=torch.float64, requires_grad=True)
        loss = adaptive_wing_loss(predicted, target, settings)
        loss.backward()
        return loss.item(), -predicted.grad.item()

    below, above = value_and_slope(0.5 - 1e-7), value_and_slope(0.5 + 1e-7)
    assert below == pytest.approx(above, rel=1e-4)
    far, further = value_and_slope(0.8)[0], value_and_slope(0.9)[0]
    assert further - far == pytest.approx(0.1 * above[1], rel=1e-4)  # a straight line beyond theta


def test_loss_has_a_finite_gradient_at_the_truth() -> None:
    predicted = torch.tensor([0.0, 1.0], requires_grad=True)
    adaptive_wing_loss(predicted, torch.tensor([0.0, 1.0]), LossSettings()).backward()
    assert torch.isfinite(predicted.grad).all()
