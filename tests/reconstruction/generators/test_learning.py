"""Learning: what falls, what is learnt, wrong partners, going on, likeness to unseen people."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

import nasion.reconstruction.generators.train as train_module  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.reconstruction.generators.likeness import likeness  # noqa: E402
from nasion.reconstruction.generators.pairs import PairSet  # noqa: E402
from nasion.reconstruction.generators.progress import Progress  # noqa: E402
from nasion.reconstruction.generators.settings import MODELS, Augmentation, generator_settings  # noqa: E402
from nasion.reconstruction.generators.train import generated, learn  # noqa: E402
from nasion.reconstruction.generators.training_run import fit, for_views  # noqa: E402
from nasion.reconstruction.scores.likeness import mean_face  # noqa: E402
from reconstruction.generators.small import drawn_pair, drawn_pairs, small_settings  # noqa: E402

EPOCHS = {"cyclegan": 8, "pix2pix": 10, "cut": 12, "fastcut": 16}
LONG = {"epochs": 100, "decay_epochs": 50}


def apart(faces: list, pairs: list) -> float:
    """Return the mean absolute difference, grey levels."""
    return float(
        np.mean([np.abs(face.astype(float) - pair.target).mean() for face, pair in zip(faces, pairs, strict=True)])
    )


def test_overfits_four_pairs(tmp_path: Path) -> None:
    settings = small_settings("pix2pix", **LONG)
    settings = replace(settings, network=replace(settings.network, dropout=0.0, width=16))
    own = drawn_pairs(4)
    trained = learn(tmp_path / "run", own, settings)
    assert trained.records[-1].l1 < 0.25 * trained.records[0].l1
    mean = mean_face([pair.target for pair in own])
    assert apart(generated(trained.generator, own, 0), own) < 0.25 * apart([mean] * 4, own)


def test_wrong_partners_teach_the_wrong(tmp_path: Path) -> None:
    """Faces moved on by one: the generator gives those, not the right ones."""
    settings = small_settings("pix2pix", **LONG)
    settings = replace(settings, network=replace(settings.network, dropout=0.0, width=16))
    own = drawn_pairs(4)
    wrong = [replace(pair, target=own[(k + 1) % 4].target) for k, pair in enumerate(own)]
    faces = generated(learn(tmp_path / "run", wrong, settings).generator, own, 0)
    mean = apart([mean_face([pair.target for pair in own])] * 4, own)
    assert apart(faces, wrong) < 0.5 * mean
    assert apart(faces, own) > mean


@pytest.mark.parametrize("model", MODELS)
def test_likeness_to_unseen_people_beats_the_mean_face(model: str, tmp_path: Path) -> None:
    settings = for_views(
        small_settings(model, epochs=EPOCHS[model], decay_epochs=EPOCHS[model] // 2, batch=2), ["frontal"], 1
    )
    training = PairSet(tuple(drawn_pairs(24)), {})
    generator = fit(tmp_path / "run", training, settings, "cuhk")
    found = likeness(generator, drawn_pairs(12, first=100), training.pairs)
    assert (found.pairs, found.people) == (12, 12)
    assert found.ssim > found.ssim_of_mean_face + 0.02
    lines = (tmp_path / "run" / "log.csv").read_text().splitlines()
    column = lines[0].split(",").index({"pix2pix": "l1", "cyclegan": "cycle"}.get(model, "nce"))
    losses = [float(line.split(",")[column]) for line in lines[1:]]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]


@pytest.mark.parametrize("model", ["cyclegan", "cut"])
def test_goes_on_as_if_it_had_not_stopped(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is stopped in the middle of an epoch: pool, averages, order, dropout and rate are taken up."""
    monkeypatch.setattr(train_module, "CHECKPOINT_SECONDS", 0.0)
    own = drawn_pairs(5)
    settings = small_settings(model, epochs=1, decay_epochs=2, batch=2, average=0.9, augmentation="strong", pool=3)

    class StopError(Exception):
        pass

    steps = []

    def stop(progress: Progress) -> None:
        steps.append(progress.share)
        if len(steps) == 5:
            raise StopError

    with pytest.raises(StopError):
        learn(tmp_path / "stopped", own, settings, told=stop)
    again = learn(tmp_path / "stopped", own, settings)
    whole = learn(tmp_path / "whole", own, settings)
    for name, value in whole.generator.state_dict().items():
        assert torch.equal(value, again.generator.state_dict()[name]), name
    mine, theirs = ([replace(record, seconds=0.0) for record in run.records] for run in (again, whole))
    assert mine == theirs and len(mine) == 3


def test_the_average_is_of_the_weights(tmp_path: Path) -> None:
    own = drawn_pairs(4)
    base = small_settings("pix2pix", epochs=1, decay_epochs=0)
    first = learn(tmp_path / "1", own, base).generator.state_dict()
    twice = replace(base, learning=replace(base.learning, epochs=2))
    second = learn(tmp_path / "2", own, twice).generator.state_dict()
    averaged = replace(twice, learning=replace(twice.learning, average=0.25))
    for name, value in learn(tmp_path / "3", own, averaged).generator.state_dict().items():
        assert torch.allclose(value, 0.25 * first[name] + 0.75 * second[name], atol=1e-6)


def test_a_time_limit_ends_the_run_and_brings_the_rate_down(tmp_path: Path) -> None:
    settings = small_settings("pix2pix", epochs=10_000, decay_epochs=10_000)
    shares: list[float] = []
    trained = learn(
        tmp_path / "run", drawn_pairs(4), settings, budget_s=1.0, told=lambda progress: shares.append(progress.share)
    )
    assert shares == sorted(shares) and shares[-1] == 1
    assert trained.records[-1].rate < 0.2 * settings.learning.rate
    assert sum(record.seconds for record in trained.records) == pytest.approx(1.0, abs=0.5)


def test_training_looks_at_pairs_as_they_are_unless_it_augments(tmp_path: Path) -> None:
    kinds: tuple[Augmentation, ...] = ("none", "published", "strong")
    for kind in kinds:
        own = drawn_pairs(4)
        settings = small_settings("pix2pix", epochs=1, decay_epochs=0, augmentation=kind)
        before = [(pair.source.copy(), pair.target.copy()) for pair in own]
        learn(tmp_path / kind, own, settings)
        for pair, (source, target) in zip(own, before, strict=True):
            assert np.array_equal(pair.source, source) and np.array_equal(pair.target, target)


def test_sheets_and_log_are_written(tmp_path: Path) -> None:
    learn(tmp_path / "run", drawn_pairs(4), small_settings("pix2pix"), shown=drawn_pairs(2, first=9))
    assert (tmp_path / "run" / "log.csv").read_text().startswith("epoch,rate,adversarial,critic,l1")
    from PIL import Image

    sheet = np.asarray(Image.open(tmp_path / "run" / "sheets" / "10.png"))
    truth = drawn_pair(9).target
    enlarged = np.asarray(Image.fromarray(truth).resize((128, 128), Image.Resampling.BICUBIC))
    found = [
        np.array_equal(sheet[y : y + 128, x : x + 128], enlarged)
        for y in range(40, 60)
        for x in range(290, 302)
        if sheet[y : y + 128, x : x + 128].shape == enlarged.shape
    ]
    assert any(found)


def test_what_cannot_be_learnt_from_is_refused(tmp_path: Path) -> None:
    settings = small_settings("pix2pix")
    with pytest.raises(NasionError, match="3 usable pairs are too few"):
        learn(tmp_path / "a", drawn_pairs(3), settings)
    with pytest.raises(NasionError, match="not of 32 px"):
        learn(tmp_path / "b", drawn_pairs(4, side=64), settings)
    learn(tmp_path / "c", drawn_pairs(4), settings)
    with pytest.raises(NasionError, match="other settings"):
        learn(tmp_path / "c", drawn_pairs(4, first=1), settings)
    with pytest.raises(NasionError, match="no device"):
        learn(tmp_path / "d", drawn_pairs(4), settings, device="tpu")


def test_likeness_refuses_training_people(tmp_path: Path) -> None:
    training = PairSet(tuple(drawn_pairs(4)), {})
    generator = fit(tmp_path / "run", training, small_settings("pix2pix"), "cuhk")
    with pytest.raises(NasionError, match="p3 is among the training people and the test people"):
        likeness(generator, drawn_pairs(2, first=3), training.pairs)


def test_presets_grow() -> None:
    for model in MODELS:
        sizes = [generator_settings(model, preset).network.side_px for preset in ("tiny", "small", "paper")]
        assert sizes == [64, 128, 256]
