"""Many independent pieces of work over processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from nasion.errors import NasionError

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Progress = Callable[[int, int], None]
"""Called with (done, total)."""

SCHEDULER_TIMEOUT_S: Final = 10

CHUNKS_A_RUN: Final = 64
"""At most this many parcels: what all pieces share (the skull's mesh) travels once with each."""


@contextmanager
def processes(jobs: int) -> Iterator[Executor | None]:
    """Yield an executor of ``jobs`` processes, or None (work in this process) for one job.

    Workers leave Ctrl-C to this process, which then ends them: when the block is left, nobody writes any more.
    """
    if jobs <= 1:
        yield None
        return
    import multiprocessing

    others = set(multiprocessing.active_children())
    executor = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_ignore_interrupt)
    try:
        yield executor
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.terminate()
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()


@contextmanager
def workers(jobs: int, scheduler: str | None = None) -> Iterator[Executor | None]:
    """Yield an executor: a Dask cluster's where its scheduler is named, else ``processes(jobs)``.

    Parameters
    ----------
    jobs
        Processes on this computer.
    scheduler
        Address, e.g. ``"tcp://10.0.0.1:8786"``; the workers need the same version of this package, and the same paths
        where files are read.

    Raises
    ------
    NasionError
        Dask is not installed, or no scheduler answers.

    """
    if scheduler is None:
        with processes(jobs) as executor:
            yield executor
        return
    try:
        from distributed import Client
    except ImportError:
        raise NasionError("--scheduler needs Dask; install nasion[cluster]") from None
    try:
        client: Any = Client(scheduler, timeout=SCHEDULER_TIMEOUT_S)
    except (OSError, ValueError) as error:
        raise NasionError(
            f"--scheduler {scheduler}: no scheduler answers ({error}); start one with 'dask scheduler', workers with "
            "'dask worker'"
        ) from None
    with client:
        yield client.get_executor()


def work_through(
    function: Callable[[Item], Answer],
    items: Sequence[Item],
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> list[Answer]:
    """Return ``[function(item) for item in items]``, on an executor where one is given.

    Any ``concurrent.futures.Executor`` serves, a cluster's too; ``function`` and the items must then be picklable.
    """
    report = progress or (lambda done, total: None)
    report(0, len(items))
    if executor is None:
        answers = []
        for item in items:
            answers.append(function(item))
            report(len(answers), len(items))
        return answers
    size = max(1, -(-len(items) // CHUNKS_A_RUN))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    futures = {executor.submit(_work_chunk, function, chunk): k for k, chunk in enumerate(chunks)}
    parts: list[list[Answer]] = [[] for _ in chunks]
    done = 0
    for future in as_completed(futures):
        parts[futures[future]] = future.result()
        done += len(parts[futures[future]])
        report(done, len(items))
    return [answer for part in parts for answer in part]


def _work_chunk(function: Callable[[Item], Answer], chunk: Sequence[Item]) -> list[Answer]:
    return [function(item) for item in chunk]


def _ignore_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
