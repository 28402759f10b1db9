"""The stand-in for torchvision's compiled operator."""

from importlib.util import find_spec

import pytest

torch = pytest.importorskip("torch")

from nasion.networks.torchvision_operators import import_torchvision, non_maximum_suppression  # noqa: E402


def test_overlapping_boxes_give_way_to_the_best() -> None:
    """By hand: the second overlaps the first by 81 / 119 = 0.68, the third neither."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]])
    scores = torch.tensor([0.8, 0.9, 0.1])
    assert non_maximum_suppression(boxes, scores, 0.6).tolist() == [1, 2]
    assert non_maximum_suppression(boxes, scores, 0.7).tolist() == [1, 0, 2]


def test_a_removed_box_removes_none() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]])
    assert non_maximum_suppression(boxes, torch.tensor([3.0, 2.0, 1.0]), 0.4).tolist() == [0, 2]


def test_no_boxes() -> None:
    assert non_maximum_suppression(torch.zeros(0, 4), torch.zeros(0), 0.5).tolist() == []


def test_torchvision_can_be_used() -> None:
    if find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed; pip install 'nasion[train]'")
    vision = import_torchvision()
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11]])
    assert vision.ops.nms(boxes, torch.tensor([0.5, 0.9]), 0.5).tolist() == [1]
