"""Run times of galleries: ``pytest benchmarks/test_retrieval_bench.py``; the goals are the issue's, on two cores.

One million embeddings of 256 float32, the 100 best, exact, a batch of 100 probes: at most 1 s a probe and 1.5 GB. The
file takes 1 GB in the temporary folder; peak memory is measured in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from nasion.retrieval import exact, faiss_search
from nasion.retrieval.vectors import Float32

FACES, WIDTH, PROBES, BEST = 1_000_000, 256, 100, 100
_PART = 20_000


def unit(rng: np.random.Generator, count: int) -> Float32:
    values = rng.standard_normal((count, WIDTH), dtype=np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("million") / "embeddings.f32"
    rng = np.random.default_rng(0)
    with path.open("wb") as stream:
        for _ in range(FACES // _PART):
            stream.write(unit(rng, _PART).tobytes())
    return path


def mapped(path: Path) -> Float32:
    return np.memmap(path, dtype="<f4", mode="r", shape=(FACES, WIDTH))


@pytest.mark.parametrize("probes", [1, PROBES])
@pytest.mark.parametrize("engine", [exact, faiss_search], ids=["numpy", "faiss"])
def test_million(benchmark: BenchmarkFixture, million: Path, engine: object, probes: int) -> None:
    if engine is faiss_search and not faiss_search.available():
        pytest.skip("FAISS is not installed: nasion[search]")
    search: Callable[..., exact.Nearest] = engine.search  # type: ignore[attr-defined]
    rows, given = mapped(million), unit(np.random.default_rng(1), probes)
    found = benchmark.pedantic(search, (given, rows, BEST), rounds=3, warmup_rounds=1)
    assert found.rows.shape == (probes, BEST)


def test_memory_of_a_million(million: Path) -> None:
    """Print the peak memory of a search in a fresh process."""
    program = (
        "import json, resource, sys, time; from pathlib import Path; import numpy as np\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_retrieval_bench import BEST, PROBES, exact, mapped, unit\n"
        "given = unit(np.random.default_rng(1), PROBES)\n"
        "start = time.perf_counter()\n"
        f"exact.search(given, mapped(Path({str(million)!r})), BEST)\n"
        "seconds = time.perf_counter() - start\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9\n"
        "print(json.dumps({'seconds': seconds, 'peak_gb': peak}))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = json.loads(ended.stdout)
    print(f"\n100 probes: {told['seconds']:.2f} s, peak memory {told['peak_gb']:.2f} GB")
    assert told["seconds"] / PROBES <= 1.0
    assert told["peak_gb"] <= 1.5
