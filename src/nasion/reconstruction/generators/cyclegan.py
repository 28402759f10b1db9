"""CycleGAN (FCR, section 4.2, Eqs. 1 to 4; Zhu et al., 2017; PyTorch).

G_Y makes faces, G_X skulls (the caption of FCR's Fig. 2 has the two exchanged). FCR's Eq. 4 gives the identity term the
weight 1; CycleGAN has half of lambda, which is the default here.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from nasion.reconstruction.generators.image_pool import ImagePool
from nasion.reconstruction.generators.losses import critic_loss, distance, judged_as
from nasion.reconstruction.generators.patchgan import PatchCritic
from nasion.reconstruction.generators.settings import GeneratorSettings
from nasion.reconstruction.generators.translator import Batch, Translator, freeze, new_critic, new_generator


class CycleGan(Translator):
    """Two generators, there and back, and a critic of each kind of picture; pairs are not needed."""

    def __init__(self, settings: GeneratorSettings) -> None:
        super().__init__(settings)
        self.generator = new_generator(settings.network)
        self.back = new_generator(settings.network)
        self.face_critic, self.source_critic = (new_critic(settings.network) for _ in range(2))
        self.pools = {name: ImagePool(settings.learning.pool) for name in ("face", "source")}
        self.start(
            {"generator": [self.generator, self.back], "critic": [self.face_critic, self.source_critic]},
        )

    def step(self, batch: Batch) -> dict[str, float]:
        """Learn from a batch; which face is beside which source does not matter."""
        losses = self.settings.losses
        x, y, view = batch.source, batch.target, batch.view
        freeze([self.face_critic, self.source_critic], True)
        with self.mixed(batch):
            face = self.generator(x, view, batch.noise(self.generator))
            source = self.back(y, view, batch.noise(self.back))
            fooled = judged_as(self.face_critic(face), True, losses.adversarial)
            fooled = fooled + judged_as(self.source_critic(source), True, losses.adversarial)
            # Eq. 2
            cycle = distance(self.back(face, view, batch.noise(self.back)), x)
            cycle = cycle + distance(self.generator(source, view, batch.noise(self.generator)), y)
            identity = x.new_zeros(())
            if losses.identity:  # Eq. 3
                identity = distance(self.generator(y, view, batch.noise(self.generator)), y)
                identity = identity + distance(self.back(x, view, batch.noise(self.back)), x)
            total = fooled + losses.cycle * cycle + losses.identity * identity  # Eq. 4
        self.descend("generator", total)
        freeze([self.face_critic, self.source_critic], False)
        with self.mixed(batch):
            told = self._told("face", self.face_critic, y, face, batch)
            told = told + self._told("source", self.source_critic, x, source, batch)
        self.descend("critic", told)
        return {
            "adversarial": float(fooled.detach()),
            "critic": float(told.detach()),
            "cycle": float(cycle.detach()),
            "identity": float(identity.detach()),
        }

    def _told(self, pool: str, critic: PatchCritic, real: Tensor, made: Tensor, batch: Batch) -> Tensor:
        shown = self.pools[pool].exchanged(made.float(), batch.rng)
        return critic_loss(critic(real), critic(shown), self.settings.losses.adversarial)

    def state(self) -> dict[str, Any]:
        """Return all that a checkpoint needs, the pools included."""
        return {**super().state(), "pools": {name: own.pictures for name, own in self.pools.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what ``state`` gave."""
        super().restore(state)
        device = next(self.parameters()).device
        for name, own in self.pools.items():
            own.pictures = [picture.to(device) for picture in state["pools"][name]]
