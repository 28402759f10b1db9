"""Heat maps: targets, Eq. 8 by hand, the soft-argmax."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from nasion.landmarks.image.heatmaps import SoftArgmax, focal_loss, targets  # noqa: E402
from nasion.landmarks.image.model import to_cells, to_pixels  # noqa: E402


def test_targets_by_hand() -> None:
    made = targets(torch.tensor([[[2.0, 1.0], [2.4, 1.0], [-9.0, 1.0], [math.nan, 1.0]]]), 4, 5, 1.5)
    assert made.shape == (1, 4, 4, 5)
    assert made[0, 0, 1, 2] == 1 and made[0, 0, 1, 3] == pytest.approx(math.exp(-1 / 4.5))
    assert made[0, 0, 3, 2] == pytest.approx(math.exp(-4 / 4.5))
    # the nearest cell is 1, the next one keeps the fraction
    assert made[0, 1, 1, 2] == 1 and made[0, 1, 1, 3] == pytest.approx(math.exp(-0.36 / 4.5))
    assert (made[0, 2:] < 1).all()


def test_focal_loss_by_hand() -> None:
    """Eq. 8 with alpha 2 and beta 4, on a map of two cells, one of them the landmark."""
    p = torch.tensor([0.8, 0.3])
    logits = torch.logit(p)[None, None, None]
    target = torch.tensor([1.0, 0.5])[None, None, None]
    loss = focal_loss(logits, target, torch.ones(1, 1), 2.0, 4.0)
    expected = -(0.2**2 * math.log(0.8)) - (0.5**4 * 0.3**2 * math.log(0.7))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    two = focal_loss(logits.repeat(1, 2, 1, 1), target.repeat(1, 2, 1, 1), torch.tensor([[1.0, 0.0]]), 2.0, 4.0)
    assert float(two) == pytest.approx(expected, rel=1e-5)  # a map of weight 0 neither adds nor divides


def test_focal_loss_is_finite_where_the_sigmoid_is_not() -> None:
    logits = torch.tensor([[[[200.0, -200.0]]]], requires_grad=True)
    loss = focal_loss(logits, torch.tensor([[[[0.0, 1.0]]]]), torch.ones(1, 1), 2.0, 4.0)
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(6, 25), st.floats(6, 15))
def test_soft_argmax_finds_fractions_of_a_cell(x: float, y: float) -> None:
    """The logarithm of a Gaussian as a map: its mean near the peak is the true position."""
    ys, xs = torch.meshgrid(torch.arange(22.0), torch.arange(32.0), indexing="ij")
    logits = -((xs - x) ** 2 + (ys - y) ** 2) / (2 * 1.2**2)
    shown = SoftArgmax(1, 5)(logits[None, None])
    assert shown.start[0, 0].detach().numpy() == pytest.approx([x, y], abs=0.02)
    assert float(shown.spread.detach()) == pytest.approx(1.2 * math.sqrt(2), rel=0.05)


def test_soft_argmax_is_not_drawn_to_the_middle_and_moves_with_the_map() -> None:
    logits = torch.full((1, 1, 40, 40), -4.0)
    logits[0, 0, 6, 7] = 4.0
    shown = SoftArgmax(1, 3)(logits)
    assert shown.start[0, 0].detach().numpy() == pytest.approx([7, 6], abs=0.05)
    assert float(shown.peak) == pytest.approx(1 / (1 + math.exp(-4)))
    moved = SoftArgmax(1, 3)(torch.roll(logits, (5, 9), (2, 3)))
    assert (moved.start - shown.start)[0, 0].detach().numpy() == pytest.approx([9, 5], abs=1e-4)


def test_cells_and_pixels() -> None:
    """The first cell covers pixels 0 to 3: its centre is 1.5."""
    assert float(to_pixels(torch.tensor(0.0))) == 1.5
    assert to_cells(to_pixels(torch.linspace(-3, 9, 7))).numpy() == pytest.approx(np.linspace(-3, 9, 7))
