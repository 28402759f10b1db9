"""The graph by a shape model: against its formula by another way, and what it must not know."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nasion.errors import NasionError  # noqa: E402
from nasion.landmarks.image.shape_graph import ShapeGraph, shape_statistics, solved  # noqa: E402

LANDMARKS, MODES = 9, 3


def shapes(count: int, seed: int, noise: float = 0.0) -> np.ndarray:
    """Faces that vary in two ways, moved by similarity motions."""
    rng = np.random.default_rng(seed)
    base = np.random.default_rng(99).normal(size=(LANDMARKS, 2)) * 8
    ways = np.random.default_rng(98).normal(size=(2, LANDMARKS, 2))
    made = base + np.einsum("sk,klc->slc", rng.normal(size=(count, 2)), ways)
    angle, size = rng.normal(0, 0.1, count), np.exp(rng.normal(0, 0.05, count))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * size
    moved = np.einsum("dcs,slc->sld", turn, made) + rng.normal(0, 1.5, (count, 1, 2))
    return moved + rng.normal(0, noise, moved.shape) if noise else moved


def graph(seed: int = 0) -> ShapeGraph:
    torch.manual_seed(seed)
    made = ShapeGraph(LANDMARKS, MODES)
    made.learn_shapes(shapes(80, 1))
    return made.eval()


def test_elimination_solves_what_lapack_solves() -> None:
    torch.manual_seed(3)
    half = torch.randn(5, 36, 12, dtype=torch.float64)
    matrix = half.transpose(1, 2) @ half + torch.eye(12, dtype=torch.float64)
    right = torch.randn(5, 12, 1, dtype=torch.float64)
    assert torch.allclose(solved(matrix, right), torch.linalg.solve(matrix, right), atol=1e-10)


def test_fit_is_the_posterior_mean_of_a_gaussian() -> None:
    """The same by conditioning the joint Gaussian of shape and observation, not by normal equations."""
    own, rng = graph(), np.random.default_rng(5)
    weight = rng.uniform(0.1, 30, LANDMARKS)
    offset = rng.normal(size=2 * LANDMARKS)
    prior = own.basis.numpy().astype(float) @ own.basis.numpy().astype(float).T
    noise = np.diag(1 / np.repeat(weight, 2))
    expected = own.mean.numpy() + prior @ np.linalg.solve(prior + noise, offset)
    made = own._fitted(torch.tensor(offset, dtype=torch.float32)[None, :, None], torch.tensor(weight)[None].float())
    assert made[0].numpy() == pytest.approx(expected, abs=2e-3)


def test_untrusted_landmark_is_put_where_the_others_say() -> None:
    """A point far off, with no weight, comes back to its true place; trusted ones stay."""
    own = graph()
    true = torch.tensor(shapes(1, 7), dtype=torch.float32)
    weight = torch.full((1, LANDMARKS), 1e4)
    weight[0, 4] = 1e-6
    seen = true.clone()
    seen[0, 4] += torch.tensor([9.0, -7.0])
    fitted = own._fitted((seen.flatten(1) - own.mean)[..., None], weight).reshape(1, LANDMARKS, 2)
    assert float((fitted - true).norm(dim=-1).max()) < 0.6


def test_moving_the_face_moves_the_result() -> None:
    own = graph()
    start = torch.tensor(shapes(3, 8, noise=0.3), dtype=torch.float32)
    peak, spread = torch.rand(3, LANDMARKS), torch.rand(3, LANDMARKS) * 4
    with torch.no_grad():
        here, _ = own(start, peak, spread)
        there, _ = own(start + torch.tensor([0.5, -0.25]), peak, spread)
    # the prior of shifts is wide, not flat
    assert (there - here).numpy() == pytest.approx(np.broadcast_to([0.5, -0.25], here.shape), abs=0.02)


def test_edges_are_the_derivatives_of_the_fit() -> None:
    own = graph()
    weight = torch.rand(1, LANDMARKS) * 10 + 0.1
    offset = torch.randn(1, 2 * LANDMARKS, 1)
    slope = torch.autograd.functional.jacobian(lambda x: own._fitted(x, weight)[0], offset)[:, 0, :, 0]
    blocks = slope.reshape(LANDMARKS, 2, LANDMARKS, 2).permute(0, 2, 1, 3).norm(dim=(2, 3))
    blocks.fill_diagonal_(0)
    expected = blocks / blocks.sum(dim=1, keepdim=True)
    assert own._edges(weight)[0, 0].numpy() == pytest.approx(expected.numpy(), abs=1e-4)


def test_a_doubtful_neighbour_is_heard_less() -> None:
    own = graph()
    sure = torch.full((1, LANDMARKS), 5.0)
    doubtful = sure.clone()
    doubtful[0, 2] = 0.01
    others = [k for k in range(LANDMARKS) if k != 2]
    assert bool((own._edges(doubtful)[0, 0, others, 2] < 0.2 * own._edges(sure)[0, 0, others, 2]).all())


def test_learning_brings_hidden_landmarks_back() -> None:
    """Points whose maps are low are wrong: after learning they are corrected, and the others left alone."""
    own = graph().train()
    rng = np.random.default_rng(11)
    true = torch.tensor(shapes(256, 12), dtype=torch.float32)
    hidden = torch.tensor(rng.random((256, LANDMARKS)) < 0.2)
    start = true + torch.randn_like(true) * torch.where(hidden, 5.0, 0.2)[..., None]
    peak, spread = torch.where(hidden, 0.2, 0.9), torch.where(hidden, 6.0, 1.5)
    optimiser = torch.optim.Adam(own.parameters(), lr=1e-2)
    for _ in range(150):
        points, edges = own(start[:192], peak[:192], spread[:192])
        assert edges is None
        loss = (points - true[:192]).abs().sum(dim=-1).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        points, _ = own.eval()(start[192:], peak[192:], spread[192:])
    error, before = (points - true[192:]).norm(dim=-1), (start[192:] - true[192:]).norm(dim=-1)
    assert float(error[hidden[192:]].mean()) < 0.35 * float(before[hidden[192:]].mean())
    assert float(error[~hidden[192:]].mean()) < float(before[~hidden[192:]].mean())


def test_statistics_know_the_ways_in_which_shapes_differ() -> None:
    """Two ways of varying give two components; similarity motions give none."""
    _, modes = shape_statistics(shapes(400, 2), 6)
    sizes = np.linalg.norm(modes, axis=0)
    assert sizes[1] > 3 * sizes[2]  # laying onto the mean bends straight ways a little
    _, still = shape_statistics(np.repeat(shapes(1, 3), 5, axis=0) * np.arange(1, 6)[:, None, None], 2)
    assert np.abs(still).max() < 1e-8


def test_gaps_are_filled_from_the_mean() -> None:
    full = shapes(60, 4)
    gappy = full.copy()
    gappy[::3, 5] = math.nan
    mean, _ = shape_statistics(full, 2)
    other, modes = shape_statistics(gappy, 2)
    assert np.isfinite(modes).all()
    assert other == pytest.approx(mean, abs=0.5)


def test_too_few_shapes_are_refused() -> None:
    with pytest.raises(NasionError, match="two training shapes"):
        shape_statistics(shapes(1, 1), 2)
    absent = shapes(5, 1)
    absent[:, 3] = math.nan
    with pytest.raises(NasionError, match="each landmark"):
        shape_statistics(absent, 2)
