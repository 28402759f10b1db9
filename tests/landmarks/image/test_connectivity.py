"""The graph network against the paper's formulas written out."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nasion.landmarks.image.connectivity import (  # noqa: E402
    GraphBlock,
    GraphNet,
    ImageConnectivity,
    TaskConnectivity,
)


def test_block_is_equation_4() -> None:
    """h_i' = W1 h_i + sum_j e_ij W2 (h_j joined with q_ij), by loops."""
    torch.manual_seed(0)
    block, count = GraphBlock(5, 3), 4
    hidden, points = torch.randn(1, count, 5), torch.randn(1, count, 2)
    edges = torch.softmax(torch.randn(1, 1, count, count), dim=-1)
    displacement = points[:, None] - edges @ points[:, None]
    made = block(hidden, edges, displacement)[0]
    for i in range(count):
        row = block.own(hidden[0, i])
        for j in range(count):
            q = points[0, i] - points[0, j]
            row = row + edges[0, 0, i, j] * block.neighbours(torch.cat([hidden[0, j], q]))
        assert made[i].detach().numpy() == pytest.approx(row.detach().numpy(), abs=1e-5)


def test_connectivity_is_equations_5_and_6() -> None:
    torch.manual_seed(1)
    part = ImageConnectivity(3)
    confidence = torch.tensor([[0.2, 0.9, 0.5]])
    made = part(confidence)[0, 0].detach().numpy()
    score = np.full((3, 3), -np.inf)
    for i in range(3):
        for j in range(3):
            if i != j:
                pair = part.embed(torch.relu(part.target.weight[i] + part.source.weight[j]))
                score[i, j] = float(part.score(torch.cat([confidence[0, [i, j]], pair])).detach())
    expected = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    assert made == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("heads", [1, 3])
def test_rows_sum_to_one_without_the_node_itself(heads: int) -> None:
    for part in (ImageConnectivity(6, heads), TaskConnectivity(6, heads)):
        made = part(torch.rand(2, 6))
        assert made.shape == (2, heads, 6, 6)
        assert made.sum(dim=-1).detach().numpy() == pytest.approx(1, abs=1e-6)
        assert torch.diagonal(made, dim1=-2, dim2=-1).abs().max() == 0


def test_only_the_image_connectivity_knows_the_image() -> None:
    low, high = torch.full((1, 5), 0.1), torch.tensor([[0.1, 0.9, 0.1, 0.9, 0.1]])
    own, task = ImageConnectivity(5), TaskConnectivity(5)
    assert not torch.allclose(own(low), own(high))
    assert torch.equal(task(low), task(high))


def test_displacements_do_not_know_where_the_face_lies() -> None:
    """Without the coordinates' own columns, shifting all points changes nothing: Eq. 3's q_ij are differences."""
    torch.manual_seed(2)
    net = GraphNet(4, 5, (8,), "image", 2)
    for parameter in net.blocks[-1].parameters():
        torch.nn.init.normal_(parameter)
    with torch.no_grad():
        net.blocks[0].own.weight[:, :2] = 0
        for head in range(2):
            net.blocks[0].neighbours.weight[:, head * 8 : head * 8 + 2] = 0
    start, features, peak = torch.rand(1, 5, 2), torch.rand(1, 5, 4), torch.rand(1, 5)
    a, _ = net(start, features, peak)
    b, _ = net(start + 3, features, peak)
    assert a.detach().numpy() == pytest.approx(b.detach().numpy(), abs=1e-4)


def test_learning_begins_at_the_heat_maps_points() -> None:
    net = GraphNet(4, 5, (8,), "task", 1)
    out, _ = net(torch.rand(1, 5, 2), torch.rand(1, 5, 4), torch.rand(1, 5))
    assert out.abs().max() == 0
