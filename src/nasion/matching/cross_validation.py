"""Scores of every probe against every face by models that have not met the probe's person (PyTorch)."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.matching.points import PointFinder
from nasion.matching.prepared import prepare_pairs
from nasion.matching.release import Origin, packed_matcher, packed_model
from nasion.matching.samples import MatchPair
from nasion.matching.scoring import gallery_scores
from nasion.matching.settings import MatchSettings
from nasion.matching.training_plan import folds_by_person, split_pairs
from nasion.matching.training_run import FEATURES, fit, preparing_of
from nasion.readers.files import claim_folder, read_bytes, write_bytes


def cross_validated_scores(
    pairs: Sequence[MatchPair],
    settings: MatchSettings,
    folds: int,
    seed: int,
    *,
    out: Path,
    finder: PointFinder | None = None,
    threads: int = 1,
    features: Path | None = None,
    told: Callable[[str, int, int], None] | None = None,
) -> NDArray[np.float64]:
    """Return (n, n): each probe against all faces, by a model whose training has not seen the probe's person.

    The gallery's other faces may have been met in training, as in any use of a trained model; nobody of the tested fold
    is in statistics, projection, snapshot choice or learning.

    Parameters
    ----------
    pairs
        All pairs; the set's own splits are not looked at.
    settings
        Of each fold's model.
    folds, seed
        People are dealt out at random.
    out
        Folder for the folds' runs; the same call again goes on where it stopped.
    finder
        Of landmarks where no files hold them.
    threads
        Of the CPU.
    features
        Folder of described pictures, to be shared between runs; None: in ``out``.
    told
        Told (stage, done, all).

    Returns
    -------
    scores
        Row and column k belong to ``pairs[k]``. NaN where the pictures show different views, or one of them could not
        be used; a row whose own entry is NaN is a failure.

    Raises
    ------
    NasionError
        The folder holds something else, or there are too few people.

    """
    torch.set_num_threads(threads)
    told = told or (lambda stage, done, total: None)
    fold_of = folds_by_person([pair.face.person for pair in pairs], folds, seed)
    claim_folder(out, "cross_validation.json", _record(pairs, settings, folds, seed, finder), "cross-validation")
    preparing = preparing_of(settings, finder, features or out / FEATURES)
    prepared, _ = prepare_pairs(pairs, preparing, 0, lambda done, total: told("pictures", done, total))
    if all(pair is None for pair in prepared):
        raise NasionError("no pair of the set can be used; see its landmarks")
    scores = np.full((len(pairs), len(pairs)), np.nan)
    for fold in range(folds):
        rows = [k for k, pair in enumerate(pairs) if fold_of[pair.face.person] == fold]
        path = out / f"fold{fold}" / "scores.npy"
        if not path.is_file():
            own = [_unsplit(pair) for pair in pairs if fold_of[pair.face.person] != fold]
            split = split_pairs(own, settings.learning.held_out, seed)
            trained = fit(out / f"fold{fold}" / "run", split.training, split.held_out, settings, preparing)
            origin = Origin("", None, f"all folds but {fold}", "", len(split.training), len(split.held_out), 0)
            matcher = packed_matcher(packed_model(trained, settings, origin))
            stream = io.BytesIO()
            np.save(stream, gallery_scores(matcher, prepared, rows))
            write_bytes(path, stream.getvalue())
        scores[rows] = np.load(io.BytesIO(read_bytes(path)))
        told("folds", fold + 1, folds)
    return scores


def _unsplit(pair: MatchPair) -> MatchPair:
    return MatchPair(pair.probe, pair.face)


def _record(
    pairs: Sequence[MatchPair], settings: MatchSettings, folds: int, seed: int, finder: PointFinder | None
) -> dict[str, Any]:
    return {
        "pairs": [[pair.face.person, pair.face.view, pair.probe.path.name, pair.face.path.name] for pair in pairs],
        "settings": asdict(settings),
        "folds": folds,
        "seed": seed,
        "finder": None if finder is None else finder.name,
    }
