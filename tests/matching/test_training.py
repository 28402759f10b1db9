"""Learning: falling loss, overfitting, wrong partners, going on; cross-validation and the run from files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from cli.command import nasion  # noqa: E402
from matching.small import SMALL, like_pair, write_set  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.matching.batches import tensors_of  # noqa: E402
from nasion.matching.card import read_model  # noqa: E402
from nasion.matching.cross_validation import cross_validated_scores  # noqa: E402
from nasion.matching.datasets import read_cuhk  # noqa: E402
from nasion.matching.point_schemes import point_scheme  # noqa: E402
from nasion.matching.points import PointFinder, aligned_set_points  # noqa: E402
from nasion.matching.predict import load_matcher  # noqa: E402
from nasion.matching.prepared import PreparedPair  # noqa: E402
from nasion.matching.samples import MatchPair  # noqa: E402
from nasion.matching.scoring import own_ranks  # noqa: E402
from nasion.matching.settings import (  # noqa: E402
    ABLATIONS,
    PRESETS,
    LearningSettings,
    MatchSettings,
    match_settings,
)
from nasion.matching.train import judged, learn  # noqa: E402
from nasion.matching.training_plan import TrainingPlan, dataset_settings, folds_by_person, split_pairs  # noqa: E402
from nasion.matching.training_run import MODEL, train_matching  # noqa: E402
from nasion.networks.stored_settings import settings_from  # noqa: E402

FINDER = aligned_set_points(point_scheme("ibug68"))
QUICK = replace(PRESETS["contours"], learning=LearningSettings(epochs=1, batch=8, copies=1, global_dropout=0.5))


def pairs(count: int, noise: float = 0.3, seed: int = 0) -> list[PreparedPair]:
    rng = np.random.default_rng(seed)
    return [like_pair(f"{seed}-{k}", rng, noise) for k in range(count)]


LONG = replace(SMALL, learning=replace(SMALL.learning, epochs=80, batch=6, rate=2e-3))


def test_overfits_and_the_loss_falls(tmp_path: Path) -> None:
    own = pairs(6, noise=1.5)
    trained = learn(tmp_path / "run", own, [replace(pair, person=f"x{pair.person}") for pair in own], LONG)
    assert trained.records[-1].triplet < 0.3 * trained.records[1].triplet
    assert judged(trained, tensors_of(own, LONG.network.neighbours), LONG) == (pytest.approx(0, abs=0.1), 1.0)


def test_wrong_partners_teach_the_wrong(tmp_path: Path) -> None:
    """Faces moved on by one: what is learnt finds the wrong face, not the right one."""
    own = pairs(6, noise=1.5)
    wrong = [replace(pair, face=own[(k + 1) % 6].face) for k, pair in enumerate(own)]
    trained = learn(tmp_path / "run", wrong, [replace(pair, person=f"x{pair.person}") for pair in wrong], LONG)
    neighbours = LONG.network.neighbours
    assert judged(trained, tensors_of(wrong, neighbours), LONG)[1] > 0.8
    assert judged(trained, tensors_of(own, neighbours), LONG)[1] < 0.2


def test_what_is_learnt_holds_for_others(tmp_path: Path) -> None:
    settings = replace(SMALL, learning=replace(SMALL.learning, epochs=8, batch=8))
    trained = learn(tmp_path / "run", pairs(24), pairs(6, seed=1), settings)
    loss, recall = judged(trained, tensors_of(pairs(12, seed=2), settings.network.neighbours), settings)
    assert recall > 0.4 and loss < 0.3  # chance is 0.08


def test_goes_on_where_it_stopped(tmp_path: Path) -> None:
    own, held = pairs(8), pairs(4, seed=1)
    settings = replace(SMALL, learning=replace(SMALL.learning, epochs=3))
    whole = learn(tmp_path / "whole", own, held, settings)

    class StopError(Exception):
        pass

    def stop(record: object) -> None:
        if record.epoch == 1:  # type: ignore[attr-defined]
            raise StopError

    with pytest.raises(StopError):
        learn(tmp_path / "parts", own, held, settings, told=stop)
    parts = learn(tmp_path / "parts", own, held, settings)
    assert [record.loss for record in parts.records] == [record.loss for record in whole.records]
    for a, b in zip(parts.encoder.parameters(), whole.encoder.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(NasionError, match="other settings"):
        learn(tmp_path / "parts", own[1:], held, settings)


def test_people_are_kept_apart(tmp_path: Path) -> None:
    own = pairs(8)
    with pytest.raises(NasionError, match="split by person"):
        learn(tmp_path / "run", own, own[:2], SMALL)
    with pytest.raises(NasionError, match="too few"):
        learn(tmp_path / "run", own[:3], own[4:], SMALL)


def test_batches_hold_everybody_once() -> None:
    rng = np.random.default_rng(0)
    own = pairs(10)
    both = [*own, *(replace(pair, mirrored=True) for pair in own)]
    tensors = tensors_of([*both, *(replace(pair, view="lateral") for pair in own)], 3)
    drawn = set()
    for _ in range(6):
        for rows in tensors.batches(4, rng):
            assert len({tensors.views[k] for k in rows}) == 1
            assert len({tensors.people[k] for k in rows}) == len(rows)
        rows = np.concatenate(tensors.batches(4, rng))
        assert sorted((tensors.people[k], tensors.views[k]) for k in rows) == sorted(
            (pair.person, view) for pair in own for view in ("frontal", "lateral")
        )
        drawn |= {bool(tensors.mirrored[k]) for k in rows}
    assert drawn == {False, True}


def test_settings_by_name() -> None:
    assert match_settings("paper", "no-ot").network.transport is False
    assert match_settings("offline", "patch-32").pictures.patch_px == 32
    assert match_settings("paper", "margin-0.4").learning.margin == 0.4
    assert match_settings("paper", "resnet18").pictures.backbone == "resnet18"
    assert len(ABLATIONS) == 15 and match_settings("paper").learning.margin == 0.3
    for wrong in (("none", None), ("paper", "none")):
        with pytest.raises(NasionError, match="there is no"):
            match_settings(*wrong)
    with pytest.raises(NasionError, match="unknown setting 'x'"):
        settings_from(LearningSettings, {"x": 1})
    with pytest.raises(NasionError, match="s2f"):
        dataset_settings("s2f", match_settings())


def test_splits(tmp_path: Path) -> None:
    write_set(tmp_path, 14, ("train", "train", "train", "test"))
    own = read_cuhk(tmp_path)
    split = split_pairs(own, 0.2, 0)
    sides = [{pair.face.person for pair in part} for part in (split.training, split.held_out, split.tests["test"])]
    assert [len(side) for side in sides] == [9, 2, 3]
    assert not sides[0] & sides[1] and not (sides[0] | sides[1]) & sides[2]
    folds = folds_by_person([f"p{k % 7}" for k in range(14)], 3, 0)
    assert sorted(folds.values()) == [0, 0, 0, 1, 1, 2, 2]
    with pytest.raises(NasionError, match="cannot be split"):
        folds_by_person(["a"], 2, 0)
    with pytest.raises(NasionError, match="too few to learn"):
        split_pairs(own[:5], 0.2, 0)


def blind_to(person: str, folder: Path) -> PointFinder:
    """A finder that finds no face in one person's sketch."""
    from nasion.matching.prepared import read_pixels

    picture = next(pair.probe for pair in read_cuhk(folder) if pair.probe.person == person)
    hidden = read_pixels(picture)

    def find(pixels: np.ndarray) -> np.ndarray:
        if np.array_equal(pixels, hidden):
            raise NasionError("no face is found")
        return FINDER.find(pixels)

    return PointFinder("blind", find, looks=False)


def quick(settings: MatchSettings, **values: object) -> MatchSettings:
    return replace(settings, learning=replace(settings.learning, **values))  # type: ignore[arg-type]


def test_cross_validation(tmp_path: Path) -> None:
    """Every probe against every face; a failure is a row and not less; a second call reads what is there."""
    write_set(tmp_path / "set", 12)
    own = read_cuhk(tmp_path / "set")
    settings = dataset_settings("cuhk", QUICK)
    finder = blind_to("p3", tmp_path / "set")
    told: list[tuple[str, int, int]] = []
    scores = cross_validated_scores(
        own, settings, 3, 0, out=tmp_path / "cv", finder=finder, told=lambda *step: told.append(step)
    )
    assert scores.shape == (12, 12)
    assert np.isnan(scores[3]).all() and np.isnan(scores[:, 3]).all()
    others = [k for k in range(12) if k != 3]
    assert np.isfinite(scores[np.ix_(others, others)]).all()
    # sketches that are their photographs with light and dark exchanged are found by their orientations
    assert (own_ranks(scores, range(12))[others] <= 1).mean() > 0.8
    assert told[-1] == ("folds", 3, 3)
    before = (tmp_path / "cv" / "fold1" / "scores.npy").stat().st_mtime_ns
    (tmp_path / "cv" / "fold2" / "scores.npy").unlink()
    again = cross_validated_scores(own, settings, 3, 0, out=tmp_path / "cv", finder=finder)
    assert np.array_equal(again, scores, equal_nan=True)
    assert (tmp_path / "cv" / "fold1" / "scores.npy").stat().st_mtime_ns == before
    with pytest.raises(NasionError, match="other settings"):
        cross_validated_scores(own, settings, 4, 0, out=tmp_path / "cv", finder=finder)
    with pytest.raises(NasionError, match="no pair"):
        MatchPair(own[0].probe, own[1].face)


def test_from_files_to_a_model(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 16, ("train", "train", "train", "test"))
    plan = TrainingPlan("cuhk", str(tmp_path / "set"), minutes=0.001)
    card = train_matching(plan, tmp_path / "out", FINDER)
    test = card.tests["test"]
    assert (test.n_queries, test.n_gallery, test.failures, test.chance["1"]) == (4, 4, 0, 0.25)
    assert card.training_people + card.held_out_people == 12 and card.landmarks.endswith("an aligned set")
    assert train_matching(plan, tmp_path / "out", FINDER) == card  # a finished run's card is returned
    matcher = load_matcher(tmp_path / "out" / MODEL)
    own = read_cuhk(tmp_path / "set")[3]
    from nasion.matching.prepared import read_pixels

    tokens = [matcher.features(read_pixels(p), FINDER.find(read_pixels(p)), p.modality) for p in (own.probe, own.face)]
    assert matcher.score(tokens[0], [tokens[1]]).shape == (1,)
    assert matcher.sha256 == read_model(tmp_path / "out" / MODEL).card.sha256
    assert matcher.scheme == "ibug68"
    assert load_matcher(tmp_path / "out").sha256 == matcher.sha256  # the run's folder stands for its model
    pair = tmp_path / "out" / MODEL / "pair.onnx"
    pair.write_bytes(pair.read_bytes()[:-1])
    with pytest.raises(NasionError, match=r"pair\.onnx: is not the file"):
        read_model(tmp_path / "out" / MODEL)
    with pytest.raises(NasionError, match="holds no matcher"):
        load_matcher(tmp_path)
    with pytest.raises(NasionError, match="other settings"):
        train_matching(replace(plan, seed=1), tmp_path / "out", FINDER)


def test_the_command(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 16, ("train", "train", "train", "test"), landmarks=True)
    told = ["train", "matching", "--data", tmp_path / "set", "--out", tmp_path / "out", "--minutes", "0.001"]
    done = nasion(*told, "--dataset", "cuhk", "--hide-hair", "--jobs", "1")
    assert done.code == 0, done.err
    assert "test: 4 probes, 4 faces, 0 failures" in done.out and "chance 25.0%" in done.out
    matcher = load_matcher(tmp_path / "out" / MODEL)
    assert matcher.settings.pictures.inner and matcher.settings.learning.hide_hair
    for wrong, words in (("--dataset nowhere", "no dataset"), ("--dataset cuhk --preset mine", "no preset")):
        fault = nasion(*told, *wrong.split())
        assert fault.code == 2 and words in fault.err and len(fault.err.splitlines()) == 1
    assert nasion(*told, "--dataset", "cuhk").code == 2  # the folder holds another training
