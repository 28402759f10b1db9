"""The generators as makers of the reconstruction experiment (PyTorch learns, ONNX Runtime draws)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nasion.experiments.reconstruction_folds import MadeFace
from nasion.reconstruction.generators.pairs import FacePair, PairSet
from nasion.reconstruction.generators.settings import generator_settings
from nasion.reconstruction.scores.networks import LITE


@dataclass(frozen=True)
class GeneratorMaker:
    """Trains a generator on a fold's people and lets it see the others' sources.

    Attributes
    ----------
    name
        A key of ``generators.settings.MODELS``.
    preset
        Its size.
    dataset, source
        Which set, and of the population which kind of source.
    minutes
        Of learning in each fold; None: the preset's epochs.
    seed
        Of learning and drawing.
    device
        ``"cpu"`` or ``"cuda"``.
    threads
        Of the CPU.
    told
        Told (stage, thousandths, 1000) while it learns.

    """

    name: str
    preset: str
    dataset: str
    source: str
    minutes: float | None = None
    seed: int = 0
    device: str = "cpu"
    threads: int = 1
    told: Callable[[str, int, int], None] = lambda stage, done, total: None

    @property
    def taught_by(self) -> str:
        """The network of its perceptual distance, where it has one."""
        return LITE if generator_settings(self.name, self.preset).losses.perceptual else ""

    def settings(self) -> dict[str, Any]:
        """Return the generator's settings, the time limit and the seed."""
        own = asdict(generator_settings(self.name, self.preset))
        return {**own, "minutes": self.minutes, "seed": self.seed, "source": self.source}

    def make(self, training: Sequence[FacePair], tests: Sequence[FacePair], folder: Path) -> list[MadeFace]:
        """Return the mean of some samples, and the first of them, for each source; no two share their noise."""
        import torch

        from nasion.reconstruction.generators.training_run import fit, for_views

        torch.set_num_threads(self.threads)
        settings = for_views(generator_settings(self.name, self.preset), [pair.view for pair in training], self.seed)
        generator = fit(
            folder,
            PairSet(tuple(training), {}),
            settings,
            self.dataset,
            source=self.source,
            budget_s=None if self.minutes is None else 60 * self.minutes,
            device=self.device,
            told=lambda progress: self.told(f"{self.name}: learning", round(1000 * progress.share), 1000),
        )
        made = []
        for pair in tests:
            own = generator.reconstruct(pair.source, pair.view, seed=own_seed(self.seed, pair))
            made.append(MadeFace(own.mean, own.samples[0]))
        return made


def own_seed(seed: int, pair: FacePair) -> int:
    """Return a seed of a person's view: with one noise for all, the samples would be of one draw of the generator."""
    return int.from_bytes(hashlib.sha256(f"{seed} {pair.person} {pair.view}".encode()).digest()[:8])
