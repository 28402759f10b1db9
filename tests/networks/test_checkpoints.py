"""What runs share: their state comes back as it was, batches hold every sample once, the rate falls."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.errors import NasionError  # noqa: E402
from nasion.networks.checkpoints import read_run, read_state, write_checkpoint, write_log, write_state  # noqa: E402
from nasion.networks.epochs import EpochState, falling, shuffled  # noqa: E402


@dataclass(frozen=True)
class Record:
    epoch: int
    seconds: float


@dataclass(kw_only=True)
class State(EpochState[Record]):
    shape: torch.Tensor


def network() -> tuple[torch.nn.Linear, torch.optim.Adam]:
    model = torch.nn.Linear(2, 1)
    return model, torch.optim.Adam(model.parameters(), lr=0.1)


def begun(folder: Path) -> tuple[State, torch.nn.Linear]:
    model, optimiser = network()
    model(torch.ones(1, 2)).sum().backward()
    optimiser.step()
    shape = torch.arange(4.0)
    state = State(shape=shape, epoch=2, step=3, seconds=0.5, history=[Record(1, 2.0), Record(2, 4.0)])
    write_state(folder, state, model, optimiser)
    return state, model


def test_a_run_comes_back(tmp_path: Path) -> None:
    state, model = begun(tmp_path)
    other, optimiser = network()
    again = read_state(tmp_path / "checkpoint.pt", State, Record, other, optimiser)
    assert torch.equal(again.shape, state.shape)
    assert (again.epoch, again.step, again.history) == (2, 3, state.history)
    assert again.elapsed_s() == 6.5
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
    assert int(optimiser.state_dict()["state"][0]["step"]) == 1
    assert (tmp_path / "log.csv").read_text() == "epoch,seconds\n1,2.0\n2,4.0\n"


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_cut_file_is_damaged(tmp_path: Path, kept: float) -> None:
    begun(tmp_path)
    path = tmp_path / "checkpoint.pt"
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))] or b"x")
    with pytest.raises(NasionError, match="is damaged"):
        read_state(path, State, Record, *network())


def test_what_is_no_such_run_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    for values in ([1, 2], {"epoch": 1}, {"model": {}, "optimiser": {}}):
        write_checkpoint(path, values)  # type: ignore[arg-type]
        with pytest.raises(NasionError, match="is damaged"):
            read_run(path, *network())
    begun(tmp_path)
    with pytest.raises(NasionError, match="is damaged"):
        read_state(path, EpochState, Record, *network())  # it has no shape


def test_an_empty_log_is_no_file(tmp_path: Path) -> None:
    write_log(tmp_path / "log.csv", [])
    assert not list(tmp_path.iterdir())


def test_an_epoch_has_every_sample_once() -> None:
    groups = shuffled(10, 4, seed=3, epoch=1)
    assert [len(group) for group in groups] == [4, 4, 2]
    assert sorted(number for group in groups for number in group) == list(range(10))
    assert groups == shuffled(10, 4, seed=3, epoch=1)
    assert groups != shuffled(10, 4, seed=3, epoch=2) and groups != shuffled(10, 4, seed=4, epoch=1)
    assert shuffled(0, 4, 0, 0) == []


def test_the_rate_falls_from_first_to_last() -> None:
    rates = [falling(1e-3, 1e-5, share) for share in np.linspace(0, 1, 11)]
    assert rates[0] == 1e-3 and rates[-1] == pytest.approx(1e-5)
    assert rates[5] == pytest.approx((1e-3 + 1e-5) / 2)
    assert (np.diff(rates) < 0).all()


def test_when_a_run_goes_on() -> None:
    plenty = 1e9
    assert EpochState[Record]().goes_on(1, 1, budget_s=0.0)  # the first epoch is always due
    done = EpochState[Record](epoch=5, best_epoch=3, best={"w": 1}, history=[Record(k, 1.0) for k in range(5)])
    assert done.goes_on(6, 3, plenty)
    assert not done.goes_on(5, 3, plenty)
    assert not done.goes_on(6, 2, plenty)
    assert not done.goes_on(6, 3, 5.0)
    assert done.goes_on(6, 3, 5.5)
