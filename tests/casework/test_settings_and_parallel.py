"""EXIF focal length as a prior; work spread over executors."""

import multiprocessing
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from nasion.casework.parallel import processes, work_through
from nasion.casework.settings import CaseSettings, with_exif
from nasion.errors import NasionError
from nasion.overlay.lilium.settings import LiliumSettings
from nasion.overlay.problem import CameraPrior


def double(value: int) -> int:
    return 2 * value


def process_id(_: int) -> int:
    return os.getpid()


def test_exif_focal_length_is_known_to_a_tenth():
    assert with_exif(CameraPrior(), 1500.0).focal_px == pytest.approx((1500.0, 150.0))


def test_the_user_goes_before_exif():
    prior = CameraPrior(focal_px=(1000.0, 10.0))
    assert with_exif(prior, 1500.0) == prior
    assert with_exif(CameraPrior(), None) == CameraPrior()


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_answers_keep_the_order_of_the_items(count):
    seen = []
    with ThreadPoolExecutor(3) as executor:
        answers = work_through(double, range(count), executor, lambda done, total: seen.append((done, total)))
    assert answers == [2 * k for k in range(count)]
    assert seen[0] == (0, count)
    assert seen[-1] == (count, count)


def test_one_job_is_this_process_and_two_are_others():
    with processes(1) as executor:
        assert executor is None
    with processes(2) as executor:
        workers = set(work_through(process_id, range(8), executor))
    assert os.getpid() not in workers
    assert 1 <= len(workers) <= 2


def test_workers_end_when_the_block_is_left_by_a_fault():
    before = set(multiprocessing.active_children())
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt), processes(2) as executor:
        futures = [executor.submit(time.sleep, 60) for _ in range(8)]
        while not any(future.running() for future in futures):
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert time.monotonic() - started < 30
    assert not set(multiprocessing.active_children()) - before


def test_an_unknown_solver_is_refused_at_once():
    with pytest.raises(NasionError, match="choose one of posterior, lilium, posest"):
        CaseSettings(solver="magic")


def test_terms_belong_to_lilium():
    assert CaseSettings("lilium").of_solver() == LiliumSettings(terms="all")
    assert CaseSettings("lilium", terms="skof", seed=7).of_solver() == LiliumSettings(terms="skof", seed=7)
    for solver in ("posterior", "posest"):
        assert "terms" not in CaseSettings(solver).to_dict()
        with pytest.raises(NasionError, match="--terms belongs to --solver lilium"):
            CaseSettings(solver, terms="all")
    with pytest.raises(NasionError, match="choose one of base, skof, par, all"):
        CaseSettings("lilium", terms="some")


def test_a_fault_in_a_worker_reaches_the_caller():
    with pytest.raises(ZeroDivisionError), ThreadPoolExecutor(2) as executor:
        work_through(lambda k: 1 // k, [1, 0, 1], executor)
