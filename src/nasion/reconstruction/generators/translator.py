"""The interface of the four translators: a generator, its critics, and one step of learning (PyTorch)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from nasion.reconstruction.generators.layers import drawn_weights
from nasion.reconstruction.generators.patchgan import PatchCritic
from nasion.reconstruction.generators.resnet import ResnetGenerator
from nasion.reconstruction.generators.settings import GeneratorSettings, NetworkSettings
from nasion.reconstruction.generators.unet import UnetGenerator

_BETA2: Final = 0.999

FaceGenerator = ResnetGenerator | UnetGenerator


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs, and the step's random numbers.

    Attributes
    ----------
    source, target
        (n, 3, s, s), -1 to 1: skulls or sketches x, faces y; a row each is a pair, which only pix2pix makes use of.
    view
        (n,), -1 frontal, 1 lateral.
    draws
        Of dropout and patches.
    rng
        Of the rest.

    """

    source: Tensor
    target: Tensor
    view: Tensor
    draws: torch.Generator
    rng: np.random.Generator

    def noise(self, generator: FaceGenerator) -> Tensor:
        """Return (n, k) numbers for a generator's dropout."""
        return torch.rand(len(self.view), generator.noise_size, generator=self.draws).to(self.view.device)


class Translator(nn.Module):
    """A model that learns to make faces; ``generator`` is what remains of it.

    A model's own networks are made in its constructor, which then calls ``start``.
    """

    generator: FaceGenerator
    optimisers: dict[str, torch.optim.Optimizer]

    def __init__(self, settings: GeneratorSettings) -> None:
        super().__init__()
        self.settings = settings
        self.optimisers = {}

    def start(self, groups: dict[str, Iterable[nn.Module]]) -> None:
        """Draw all weights and give each group of networks an optimiser."""
        drawn_weights(self, self.settings.network.start)
        learning = self.settings.learning
        betas = (learning.beta1, _BETA2)
        for name, modules in groups.items():
            weights = [weight for module in modules for weight in module.parameters()]
            self.optimisers[name] = torch.optim.Adam(weights, lr=learning.rate, betas=betas, fused=True)

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, float]:
        """Learn from a batch; return the loss of each term, without its weight."""

    def set_rate(self, rate: float) -> None:
        """Give all optimisers a learning rate."""
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = rate

    def descend(self, name: str, loss: Tensor) -> None:
        """Take one step of an optimiser down a loss."""
        optimiser = self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    def mixed(self, batch: Batch) -> AbstractContextManager[Any]:
        """Return the context of the forward passes: bfloat16 where it pays on a GPU, float32 on a CPU."""
        device = batch.source.device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda")

    def state(self) -> dict[str, Any]:
        """Return all that a checkpoint needs."""
        return {
            "weights": self.state_dict(),
            "optimisers": {name: own.state_dict() for name, own in self.optimisers.items()},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take what ``state`` gave; another model's raises KeyError, RuntimeError or ValueError."""
        self.load_state_dict(state["weights"])
        for name, own in self.optimisers.items():
            own.load_state_dict(state["optimisers"][name])


def new_generator(settings: NetworkSettings) -> FaceGenerator:
    """Return a generator of the settings' architecture."""
    return UnetGenerator(settings) if settings.architecture == "unet" else ResnetGenerator(settings)


def new_critic(settings: NetworkSettings, inputs: int = 3) -> PatchCritic:
    """Return a critic of the settings' size."""
    return PatchCritic(inputs, settings.critic_width, settings.critic_layers)


def freeze(modules: Iterable[nn.Module], frozen: bool) -> None:
    """Let gradients pass some networks' weights by, or not."""
    for module in modules:
        for weight in module.parameters():
            weight.requires_grad_(not frozen)
