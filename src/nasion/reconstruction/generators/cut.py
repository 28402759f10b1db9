"""CUT and FastCUT (FCR, section 4.4, Eqs. 6 to 11; Park et al., 2020; PyTorch).

FastCUT is CUT without the identity term, with lambda_X 10, and with inputs mirrored at random. The mean over patches
and layers stands for the sums of Eq. 9, as in the published code: lambda_X belongs to it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nasion.reconstruction.generators.losses import critic_loss, distance, judged_as
from nasion.reconstruction.generators.patch_nce import PatchSampler, drawn_places, patch_nce_loss
from nasion.reconstruction.generators.resnet import ResnetGenerator
from nasion.reconstruction.generators.settings import GeneratorSettings
from nasion.reconstruction.generators.translator import Batch, Translator, freeze, new_critic


class Cut(Translator):
    """One generator whose encoder also compares patches of skull and face; pairs are not needed."""

    generator: ResnetGenerator

    def __init__(self, settings: GeneratorSettings) -> None:
        super().__init__(settings)
        self.generator = ResnetGenerator(settings.network)
        self.critic = new_critic(settings.network)
        self.sampler = PatchSampler(self._channels(), settings.losses.projection)
        self.start({"generator": [self.generator], "critic": [self.critic], "sampler": [self.sampler]})

    def step(self, batch: Batch) -> dict[str, float]:
        """Learn from a batch; which face is beside which source does not matter."""
        losses = self.settings.losses
        mirrored = losses.flip_equivariance and batch.rng.random() < 0.5
        with_identity = losses.identity_term != "none" and losses.nce_identity > 0
        noise = batch.noise(self.generator)
        with self.mixed(batch):
            given = batch.source.flip(3) if mirrored else batch.source
            face = self.generator(given, batch.view, noise)
            told = critic_loss(self.critic(batch.target), self.critic(face.detach()), losses.adversarial)
        self.descend("critic", told)
        freeze([self.critic], True)
        with self.mixed(batch):
            fooled = judged_as(self.critic(face), True, losses.adversarial)
            patches = self.patch_loss(batch.source, face, batch, noise, mirrored)
            identity = self._identity(batch, noise) if with_identity else fooled.new_zeros(())
            total = fooled + losses.nce * patches + losses.nce_identity * identity  # Eq. 11
        for name in ("generator", "sampler"):
            self.optimisers[name].zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        for name in ("generator", "sampler"):
            self.optimisers[name].step()
        freeze([self.critic], False)
        found = {"adversarial": fooled, "critic": told, "nce": patches, "identity": identity}
        return {name: float(value.detach()) for name, value in found.items()}

    def patch_loss(self, source: Tensor, made: Tensor, batch: Batch, noise: Tensor, mirrored: bool = False) -> Tensor:
        """Return Eq. 9 of a picture and what the generator made of it, or of its mirror image."""
        losses = self.settings.losses
        layers = losses.nce_layers
        keys = self.generator.features(source, batch.view, noise, layers)
        queries = self.generator.features(made, batch.view, noise, layers)
        if mirrored:
            queries = [own.flip(3) for own in queries]
        places = drawn_places(keys, losses.patches, batch.draws)
        pairs = zip(self.sampler(queries, places), self.sampler(keys, places), strict=True)
        return torch.stack([patch_nce_loss(own, key, losses.temperature) for own, key in pairs]).mean()

    def _identity(self, batch: Batch, noise: Tensor) -> Tensor:
        """Return the term that keeps faces as they are: Eq. 10, or CUT's own, Eq. 9 on faces."""
        same = self.generator(batch.target, batch.view, noise)
        if self.settings.losses.identity_term == "l1":
            return distance(same, batch.target)
        return self.patch_loss(batch.target, same, batch, noise)

    def _channels(self) -> list[int]:
        """Return the channels of the maps that the patches are taken from."""
        side = self.settings.network.side_px
        with torch.no_grad():
            noise = torch.zeros(1, self.generator.noise_size)
            maps = self.generator.features(
                torch.zeros(1, 3, side, side), torch.zeros(1), noise, self.settings.losses.nce_layers
            )
        return [own.shape[1] for own in maps]
