"""pix2pix, the conditional GAN (FCR, section 4.3, Eq. 5; Isola et al., 2017; PyTorch)."""

from __future__ import annotations

import torch

from nasion.reconstruction.generators.losses import critic_loss, distance, judged_as
from nasion.reconstruction.generators.perceptual import feature_distance
from nasion.reconstruction.generators.settings import GeneratorSettings
from nasion.reconstruction.generators.translator import Batch, Translator, freeze, new_critic, new_generator


class Pix2pix(Translator):
    """One generator; a critic that sees the source beside the face; an L1 distance to the true face.

    FCR writes the adversarial part alone (Eq. 5); pix2pix's own Eq. 4 adds the distance, here with weight ``l1``. The
    noise z of Eq. 5 is the dropout's, as in pix2pix. ``perceptual`` adds a distance of features.
    """

    def __init__(self, settings: GeneratorSettings) -> None:
        super().__init__(settings)
        self.generator = new_generator(settings.network)
        self.critic = new_critic(settings.network, inputs=6)
        self.start({"generator": [self.generator], "critic": [self.critic]})

    def step(self, batch: Batch) -> dict[str, float]:
        """Learn from a batch of pairs."""
        losses = self.settings.losses
        with self.mixed(batch):
            made = self.generator(batch.source, batch.view, batch.noise(self.generator))
            real = self.critic(torch.cat([batch.source, batch.target], dim=1))
            seen = self.critic(torch.cat([batch.source, made.detach()], dim=1))
            told = critic_loss(real, seen, losses.adversarial)
        self.descend("critic", told)
        freeze([self.critic], True)
        with self.mixed(batch):
            fooled = judged_as(self.critic(torch.cat([batch.source, made], dim=1)), True, losses.adversarial)
            apart = distance(made, batch.target)
            loss = fooled + losses.l1 * apart
            terms = {"adversarial": fooled, "critic": told, "l1": apart}
            if losses.perceptual:
                terms["perceptual"] = feature_distance(made, batch.target)
                loss = loss + losses.perceptual * terms["perceptual"]
        self.descend("generator", loss)
        freeze([self.critic], False)
        return {name: float(term.detach()) for name, term in terms.items()}
