"""Learning: the loss falls, few samples are learnt by heart, a run goes on where it stopped, people stay apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from landmarks.surface.bumpy import NAMES, SCALE_MM, TINY, sample  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.landmarks.surface.cloud import Sample  # noqa: E402
from nasion.landmarks.surface.export import to_onnx  # noqa: E402
from nasion.landmarks.surface.release import measure  # noqa: E402
from nasion.landmarks.surface.settings import TrainSettings  # noqa: E402
from nasion.landmarks.surface.train import Progress, TrainedNet, train  # noqa: E402

SAMPLES = [sample(k) for k in range(4)]
HELD_OUT = [sample(50)]
QUICK = TrainSettings(epochs=2, batch=3)


def samples(epoch: int) -> Sequence[Sample]:
    return SAMPLES


def run(
    folder: Path,
    training: Callable[[int], Sequence[Sample]] = samples,
    settings: TrainSettings = QUICK,
    **more: object,
) -> TrainedNet:
    return train(folder, NAMES, training, HELD_OUT, TINY, settings, **more)  # type: ignore[arg-type]


def weights(trained: TrainedNet) -> list[np.ndarray]:
    return [value.numpy() for value in trained.model.state_dict().values()]


def last_weights(folder: Path) -> list[np.ndarray]:
    return [value.numpy() for value in torch.load(folder / "checkpoint.pt", weights_only=True)["model"].values()]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> TrainedNet:
    """Four samples, learnt by heart: the held-out samples are theirs under other names."""
    twins = [replace(item, person=f"twin of {item.person}") for item in SAMPLES]
    folder = tmp_path_factory.mktemp("run")
    return train(
        folder,
        NAMES,
        samples,
        twins,
        TINY,
        TrainSettings(epochs=100, batch=2, learning_rate=5e-3, final_learning_rate=1e-4),
    )


def errors_mm(trained: TrainedNet, shown: Sequence[Sample]) -> np.ndarray:
    return measure(to_onnx(trained.model, "float32"), shown, trained.prototype, trained.network).errors_mm


def test_the_loss_falls(learnt: TrainedNet) -> None:
    assert learnt.history[-1].loss < 0.1 * learnt.history[0].loss


def test_four_samples_are_learnt_by_heart(learnt: TrainedNet) -> None:
    of_the_mean_mm = [SCALE_MM * np.linalg.norm(item.landmarks - learnt.prototype, axis=1) for item in SAMPLES]
    assert errors_mm(learnt, SAMPLES).mean() < 0.35 * np.mean(of_the_mean_mm)


def test_a_wrong_order_of_labels_shows(learnt: TrainedNet) -> None:
    swapped = [replace(item, landmarks=item.landmarks[[0, 1, 3, 2, 4]]) for item in SAMPLES]
    errors = errors_mm(learnt, swapped).mean(axis=0)
    assert errors[[2, 3]].min() > 60  # left and right stand about 100 mm apart
    assert errors[[0, 1, 4]].max() < 10


def test_the_best_epoch_is_kept(learnt: TrainedNet) -> None:
    errors = [record.held_out_error_mm for record in learnt.history]
    assert learnt.best_epoch == int(np.argmin(errors)) + 1


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    other = run(tmp_path / "c", settings=replace(QUICK, seed=1))
    assert all((x == y).all() for x, y in zip(weights(first), weights(second), strict=True))
    assert any((x != y).any() for x, y in zip(weights(first), weights(other), strict=True))


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_killed_run_goes_on(tmp_path: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nasion.landmarks.surface.train.CHECKPOINT_SECONDS", 0.0)

    def shifted(epoch: int) -> Sequence[Sample]:  # another augmentation every epoch
        return [replace(item, landmarks=item.landmarks + 0.01 * epoch) for item in SAMPLES]

    whole = run(tmp_path / "whole", shifted)
    count = 0

    def kill(told: Progress) -> None:
        nonlocal count
        count += 1
        if count > steps:
            raise KilledError

    with pytest.raises(KilledError):
        run(tmp_path / "killed", shifted, progress=kill)
    resumed = run(tmp_path / "killed", shifted)
    assert all(
        (x == y).all() for x, y in zip(last_weights(tmp_path / "whole"), last_weights(tmp_path / "killed"), strict=True)
    )
    assert [record.loss for record in resumed.history] == pytest.approx([record.loss for record in whole.history])


def test_a_finished_run_is_not_run_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    told: list[Progress] = []
    again = run(tmp_path, progress=told.append)
    assert told == []
    assert all((x == y).all() for x, y in zip(weights(first), weights(again), strict=True))


def test_progress_and_log(tmp_path: Path) -> None:
    told: list[Progress] = []
    trained = run(tmp_path, progress=told.append)
    assert [(item.epoch, item.step, item.steps) for item in told] == [(1, 1, 2), (1, 2, 2), (2, 1, 2), (2, 2, 2)]
    assert [item.record for item in told if item.record] == list(trained.history)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,held_out_loss,held_out_error_mm,learning_rate,seconds"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2"]
    assert float(lines[2].split(",")[1]) == trained.history[1].loss


def test_learning_stops_when_the_held_out_people_gain_no_more(tmp_path: Path) -> None:
    settings = TrainSettings(epochs=30, batch=4, patience=2, learning_rate=1e-12, final_learning_rate=1e-12)
    trained = run(tmp_path, settings=settings)
    assert len(trained.history) == trained.best_epoch + 2 < 30


def test_the_rate_falls_along_a_cosine(tmp_path: Path) -> None:
    settings = TrainSettings(epochs=4, batch=4, learning_rate=1e-3, final_learning_rate=1e-4)
    rates = [record.learning_rate for record in run(tmp_path, settings=settings).history]
    half = (1e-3 + 1e-4) / 2
    assert rates == pytest.approx([1e-3, half + 4.5e-4 * 0.5**0.5, half, half - 4.5e-4 * 0.5**0.5])


def test_absent_landmarks_and_clouds_of_other_sizes(tmp_path: Path) -> None:
    mixed = [sample(1), sample(2, points=300, absent=[1]), sample(3, points=300)]
    trained = run(tmp_path, lambda epoch: mixed)
    assert np.isfinite([record.loss for record in trained.history]).all()
    assert trained.prototype[1] == pytest.approx(np.mean([mixed[0].landmarks[1], mixed[2].landmarks[1]], axis=0))


def test_workers_change_nothing(tmp_path: Path) -> None:
    alone, helped = run(tmp_path / "a"), run(tmp_path / "b", workers=1)
    assert all((x == y).all() for x, y in zip(weights(alone), weights(helped), strict=True))


def test_people_must_be_apart(tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="split by person"):
        run(tmp_path / "a", lambda epoch: [*SAMPLES, *HELD_OUT])
    with pytest.raises(NasionError, match="split by person"):  # also where he comes in a later epoch
        run(tmp_path / "b", lambda epoch: SAMPLES if epoch == 0 else HELD_OUT)


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NasionError, match="no held-out people"):
        train(tmp_path / "a", NAMES, samples, [], TINY, QUICK)
    with pytest.raises(NasionError, match="no training samples"):
        run(tmp_path / "b", lambda epoch: [])
    with pytest.raises(NasionError, match="5 landmarks, but 4"):
        train(tmp_path / "c", NAMES[:4], samples, HELD_OUT, TINY, QUICK)
    with pytest.raises(NasionError, match="no device"):
        run(tmp_path / "d", device="abacus")
    with pytest.raises(NasionError, match="diverged"):
        run(tmp_path / "e", settings=TrainSettings(epochs=3, batch=1, learning_rate=1e30))
    run(tmp_path / "f")
    with pytest.raises(NasionError, match="other settings"):
        run(tmp_path / "f", settings=replace(QUICK, seed=1))
    (tmp_path / "f" / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(NasionError, match="damaged"):
        run(tmp_path / "f")


class Clock:
    """A second passes with every look at it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now

    monotonic = perf_counter


def test_learning_ends_when_time_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = TrainSettings(epochs=50, batch=1, learning_rate=1e-3, final_learning_rate=1e-5)
    clock = Clock()
    monkeypatch.setattr("nasion.landmarks.surface.train.time", clock)
    four_steps = run(tmp_path / "probe", settings=replace(settings, epochs=1)).history[0].seconds
    budget_s = four_steps + 1.0
    first, second = run(tmp_path / "run", settings=settings, budget_s=budget_s).history
    assert first.seconds == four_steps
    assert second.seconds < four_steps
    # the schedule follows the time: half a cosine wave over the budget, of which the first epoch was all but a second
    share = first.seconds / budget_s
    assert second.learning_rate == pytest.approx(1e-5 + (1e-3 - 1e-5) * (1 + np.cos(np.pi * share)) / 2)
    assert len(run(tmp_path / "run", settings=settings, budget_s=budget_s).history) == 2
    assert len(run(tmp_path / "run", settings=settings, budget_s=2 * budget_s).history) > 2
    assert len(run(tmp_path / "late", settings=settings, budget_s=1e-9).history) == 1


def test_a_budget_that_suffices_changes_nothing(tmp_path: Path) -> None:
    free, bound = run(tmp_path / "free"), run(tmp_path / "bound", budget_s=1e9)
    assert all(np.array_equal(a, b) for a, b in zip(weights(free), weights(bound), strict=True))
