"""Adversarial losses and the distance of pictures (PyTorch). Equation numbers are FCR's."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from nasion.reconstruction.generators.settings import Adversarial


def judged_as(verdict: Tensor, real: bool, kind: Adversarial) -> Tensor:
    """Return the mean loss of a critic's verdict against what it ought to be.

    Parameters
    ----------
    verdict
        (n, 1, m, m) of ``PatchCritic``.
    real
        What the patches ought to be told as. A generator's loss is that of its pictures told as real, which has the
        minimum of Eq. 1 and steeper gradients (Goodfellow et al., 2014).
    kind
        ``"log"``: Eqs. 1 and 5; ``"least_squares"``: Mao et al., ICCV 2017.

    """
    goal = torch.full_like(verdict, float(real))
    if kind == "log":
        return functional.binary_cross_entropy_with_logits(verdict, goal)
    return functional.mse_loss(verdict, goal)


def critic_loss(real: Tensor, made: Tensor, kind: Adversarial) -> Tensor:
    """Return a critic's loss, Eqs. 1 and 5 with their sign changed and halved, as in the published code."""
    return (judged_as(real, True, kind) + judged_as(made, False, kind)) / 2


def distance(one: Tensor, other: Tensor) -> Tensor:
    """Return the mean absolute difference: the norms of Eqs. 2, 3 and 10, a pixel and channel."""
    return functional.l1_loss(one, other)
