"""How a translator learns (PyTorch). A run is a folder: ``run.json`` says what it is, ``checkpoint.pt`` lets it go on,
``log.csv`` has a line an epoch, ``sheets`` shows input, generated face and truth as it went.

Order, augmentation and dropout of a step follow from the seed and the step's number, so that a run that was stopped
ends as if it had not been.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from nasion.errors import NasionError
from nasion.networks.checkpoints import (
    CHECKPOINT_FILE,
    CHECKPOINT_SECONDS,
    LOG_FILE,
    damaged,
    read_checkpoint,
    torch_device,
    write_checkpoint,
    write_log,
)
from nasion.networks.epochs import diverged, shuffled
from nasion.readers.files import claim_folder, write_bytes
from nasion.reconstruction.generators.augmentation import augmented
from nasion.reconstruction.generators.models import new_translator
from nasion.reconstruction.generators.pairs import FacePair, view_number
from nasion.reconstruction.generators.progress import EpochRecord, Progress, RunState, linear_rate
from nasion.reconstruction.generators.settings import GeneratorSettings
from nasion.reconstruction.generators.sheets import training_sheet_png
from nasion.reconstruction.generators.tensors import pictures_of, tensor_of
from nasion.reconstruction.generators.translator import Batch, FaceGenerator, Translator

LEAST_PAIRS: Final = 4
SHEETS: Final = "sheets"
_SHEETS: Final = 10
"""Sheets of a run."""
_SHOWN: Final = 6
"""Pairs of a sheet."""
_AT_ONCE: Final = 8
_TERMS: Final = ("adversarial", "critic", "l1", "perceptual", "cycle", "identity", "nce")


@dataclass(frozen=True, eq=False)
class Trained:
    """What a run gives: the generator from sources to faces, and the log."""

    generator: FaceGenerator
    records: tuple[EpochRecord, ...]


def learn(
    folder: Path,
    pairs: Sequence[FacePair],
    settings: GeneratorSettings,
    *,
    shown: Sequence[FacePair] = (),
    budget_s: float | None = None,
    device: str = "cpu",
    told: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train, or go on training, and return the generator.

    Parameters
    ----------
    folder
        Of the run; new, empty, or of the same run.
    pairs
        To learn from, in the settings' size.
    settings
        See there.
    shown
        Of other people, for the sheets; without any, some of the training pairs are shown.
    budget_s
        Seconds of learning, over all sessions, in which the rate falls as it does over the epochs; None: all epochs.
    device
        ``"cpu"`` or ``"cuda"``.
    told
        After each step.

    Raises
    ------
    NasionError
        There are too few pairs or of another size, the folder holds something else, or learning diverges.

    """
    _refuse(pairs, settings)
    claim_folder(folder, "run.json", _record(pairs, settings), "training run")
    place = torch_device(device)
    translator = new_translator(settings).to(place)
    state = _resumed(folder / CHECKPOINT_FILE, translator, place)
    run = _Run(folder, pairs, settings, translator, state, budget_s, told or (lambda progress: None), place)
    run.go_on(list(shown or pairs)[:_SHOWN])
    if state.average:
        translator.generator.load_state_dict(state.average)
    return Trained(translator.generator.cpu().eval(), tuple(state.history))


@dataclass(eq=False)
class _Run:
    folder: Path
    pairs: Sequence[FacePair]
    settings: GeneratorSettings
    translator: Translator
    state: RunState
    budget_s: float | None
    told: Callable[[Progress], None]
    device: torch.device

    def share(self) -> float:
        """Return how much of the run is done: by its steps or, where time is short, by its time."""
        learning, state = self.settings.learning, self.state
        steps = -(-len(self.pairs) // learning.batch)
        share = (state.epoch + state.step / steps) / (learning.epochs + learning.decay_epochs)
        return share if self.budget_s is None else min(1.0, max(share, state.elapsed_s() / self.budget_s))

    def go_on(self, shown: Sequence[FacePair]) -> None:
        written = time.monotonic()
        sheets = int(_SHEETS * self.share())
        while self.share() < 1:
            record = self._step()
            if int(_SHEETS * self.share()) > sheets:
                sheets = int(_SHEETS * self.share())
                self._show(shown, sheets)
            if time.monotonic() - written > CHECKPOINT_SECONDS or self.share() >= 1:
                self._write()
                written = time.monotonic()
            self.told(Progress(self.share(), record))

    def _step(self) -> EpochRecord | None:
        """Take one step; return the epoch's record after its last one."""
        started, state, learning = time.monotonic(), self.state, self.settings.learning
        state.rate = linear_rate(learning, self.share())
        self.translator.set_rate(state.rate)
        order = shuffled(len(self.pairs), learning.batch, learning.seed, state.epoch)
        batch = self._batch(order[state.step])
        for name, value in self.translator.step(batch).items():
            if not np.isfinite(value):
                raise diverged()
            state.sums[name] = state.sums.get(name, 0.0) + value
        self._average()
        state.step += 1
        state.seconds += time.monotonic() - started
        return self._close_epoch() if state.step == len(order) or self.share() >= 1 else None

    def _batch(self, rows: Sequence[int]) -> Batch:
        learning, state = self.settings.learning, self.state
        rng = np.random.default_rng([learning.seed, state.epoch, state.step])
        own = [self.pairs[row] for row in rows]
        pictures = [(pair.source, pair.target) for pair in own]
        pictures = [augmented(source, target, learning.augmentation, rng) for source, target in pictures]
        draws = torch.Generator().manual_seed(int(rng.integers(2**62)))
        view = torch.tensor([view_number(pair.view) for pair in own])
        source, target = (tensor_of([both[side] for both in pictures]).to(self.device) for side in (0, 1))
        return Batch(source, target, view.to(self.device), draws, rng)

    def _average(self) -> None:
        decay, mean = self.settings.learning.average, self.state.average
        if not decay:
            return
        for name, value in self.translator.generator.state_dict().items():
            mean[name] = value.clone() if name not in mean else mean[name].lerp_(value, 1 - decay)

    def _close_epoch(self) -> EpochRecord:
        state = self.state
        means = {name: total / state.step for name, total in state.sums.items()}
        terms = {name: means.get(name, 0.0) for name in _TERMS}
        record = EpochRecord(epoch=state.epoch + 1, rate=state.rate, seconds=state.seconds, **terms)
        state.history.append(record)
        state.epoch, state.step, state.seconds, state.sums = state.epoch + 1, 0, 0.0, {}
        return record

    def _write(self) -> None:
        state = self.state
        own = {**vars(state), "history": [asdict(record) for record in state.history]}
        write_checkpoint(self.folder / CHECKPOINT_FILE, {**own, "translator": self.translator.state()})
        write_log(self.folder / LOG_FILE, state.history)

    def _show(self, shown: Sequence[FacePair], number: int) -> None:
        generator, seed = self.translator.generator, self.settings.learning.seed
        now = {name: value.clone() for name, value in generator.state_dict().items()}
        if self.state.average:
            generator.load_state_dict(self.state.average)
        faces = generated(generator, shown, seed, self.device)
        generator.load_state_dict(now)
        title = f"{self.settings.model}, {100 * number // _SHEETS} % of the run"
        write_bytes(self.folder / SHEETS / f"{number:02d}.png", training_sheet_png(shown, faces, title))


def generated(
    generator: FaceGenerator, pairs: Sequence[FacePair], seed: int, device: torch.device | None = None
) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    """Return one face (s, s, 3) uint8 a pair, as a generator that is still being trained makes it."""
    draws = torch.Generator().manual_seed(seed)
    made = []
    with torch.no_grad():
        for first in range(0, len(pairs), _AT_ONCE):
            own = pairs[first : first + _AT_ONCE]
            view = torch.tensor([view_number(pair.view) for pair in own])
            noise = torch.rand(len(own), generator.noise_size, generator=draws)
            source = tensor_of([pair.source for pair in own])
            faces = generator(*(value.to(device) for value in (source, view, noise)))
            made += list(pictures_of(faces))
    return made


def _refuse(pairs: Sequence[FacePair], settings: GeneratorSettings) -> None:
    if len(pairs) < LEAST_PAIRS:
        raise NasionError(f"{len(pairs)} usable pairs are too few to learn from; give at least {LEAST_PAIRS}")
    side = settings.network.side_px
    for pair in pairs:
        if pair.source.shape != (side, side, 3) or pair.target.shape != (side, side, 3):
            raise NasionError(f"the pair of {pair.person} is not of {side} px; load the pairs in the settings' size")


def _record(pairs: Sequence[FacePair], settings: GeneratorSettings) -> dict[str, Any]:
    return {
        "settings": asdict(settings),
        "pairs": sorted(f"{pair.person} {pair.view} {' '.join(pair.marks)}" for pair in pairs),
    }


def _resumed(path: Path, translator: Translator, device: torch.device) -> RunState:
    if not path.is_file():
        return RunState()
    values = read_checkpoint(path)
    try:
        translator.restore(values.pop("translator"))
        values["history"] = [EpochRecord(**row) for row in values["history"]]
        values["average"] = {name: value.to(device) for name, value in values["average"].items()}
        return RunState(**values)
    except (KeyError, TypeError, RuntimeError, ValueError):
        raise damaged(path) from None
