"""Speed of matching: pairs scored after features, one picture's features, a training step.

pytest benchmarks/test_matching_bench.py
"""

from dataclasses import replace

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.matching.backbones import describers  # noqa: E402
from nasion.matching.batches import tensors_of  # noqa: E402
from nasion.matching.nodes import Nodes, nodes_of  # noqa: E402
from nasion.matching.point_schemes import point_scheme, shapes  # noqa: E402
from nasion.matching.predict import Matcher  # noqa: E402
from nasion.matching.prepared import Graphs, PreparedPair  # noqa: E402
from nasion.matching.release import Origin, packed_matcher, packed_model  # noqa: E402
from nasion.matching.settings import match_settings  # noqa: E402
from nasion.matching.train import EpochRecord, Trained, build, encoded, losses, pair_scores  # noqa: E402
from nasion.matching.transport import transport_similarity  # noqa: E402

PROBES, FACES = 16, 128
ORIGIN = Origin("benchmark", None, "drawn", "none", 12, 0, 0)
N = len(point_scheme("ibug68").nodes)
WIDTHS = {"contours": (72, 6200), "offline": (152, 152), "paper": (768, 768)}
"""Numbers of a patch and of a whole picture."""


def drawn(rng: np.random.Generator, widths: tuple[int, int]) -> Nodes:
    values = [rng.normal(size=size).astype(np.float32) for size in ((N, widths[0]), (widths[1],))]
    return Nodes(rng.uniform(size=(N, 2)).astype(np.float32), values[0], values[1], np.ones(N, bool))


def matcher_of(preset: str) -> Matcher:
    """A matcher of the preset's sizes; what it learnt does not change its speed."""
    settings, rng = match_settings(preset), np.random.default_rng(0)
    pairs = [pair(str(k), rng, WIDTHS[preset]) for k in range(12)]
    encoder, net = build(settings, tensors_of(pairs, settings.network.neighbours))
    if preset == "paper":  # its backbone's weights are not at hand everywhere, and are not used here
        settings = replace(settings, pictures=match_settings("contours").pictures)
    record = EpochRecord(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return packed_matcher(packed_model(Trained(encoder, net, (record,)), settings, ORIGIN))


def pair(person: str, rng: np.random.Generator, widths: tuple[int, int]) -> PreparedPair:
    return PreparedPair(person, "frontal", Graphs(drawn(rng, widths), ()), Graphs(drawn(rng, widths), ()))


@pytest.mark.parametrize("preset", WIDTHS)
def test_pairs(benchmark: BenchmarkFixture, preset: str) -> None:
    """16 x 128 = 2,048 pairs."""
    matcher, rng = matcher_of(preset), np.random.default_rng(1)
    probes = matcher.encode([drawn(rng, WIDTHS[preset]) for _ in range(PROBES)], "probe")
    faces = matcher.encode([drawn(rng, WIDTHS[preset]) for _ in range(FACES)], "face")
    scores = benchmark(matcher.score_matrix, probes, faces)
    benchmark.extra_info["pairs_a_second"] = PROBES * FACES / benchmark.stats["median"]
    assert scores.shape == (PROBES, FACES)


def test_transport(benchmark: BenchmarkFixture) -> None:
    """1,000 pairs of 31 x 31 landmarks, 80 iterations."""
    cost = np.random.default_rng(0).uniform(0, 2, (1000, N, N)).astype(np.float32)
    there = np.ones((1000, N), bool)
    assert benchmark(transport_similarity, cost, there, there, 0.05, 80).shape == (1000,)


@pytest.mark.parametrize("preset", ["contours", "offline"])
def test_features(benchmark: BenchmarkFixture, preset: str) -> None:
    """One picture of 200 x 250 px, its landmarks known."""
    settings = match_settings(preset).pictures
    picture = np.random.default_rng(0).integers(0, 255, (250, 200, 3)).astype(np.uint8)
    points = shapes("ibug68")["frontal"] * 84 + (100, 163)
    assert benchmark(nodes_of, picture, points, settings, describers(settings)).features.shape[0] == N


@pytest.mark.parametrize("preset", WIDTHS)
def test_step(benchmark: BenchmarkFixture, preset: str) -> None:
    """A step of 16 people: 256 pairs."""
    settings, rng = match_settings(preset), np.random.default_rng(2)
    own = tensors_of([pair(str(k), rng, WIDTHS[preset]) for k in range(16)], settings.network.neighbours)
    encoder, net = build(settings, own)
    rows = torch.arange(16)

    def step() -> float:
        probes = encoded(encoder, own.probe.at(rows, rows * 0), "probe")
        faces = encoded(encoder, own.face.at(rows, rows * 0), "face")
        scores, moved = pair_scores(net, probes, faces, settings)
        loss = losses(scores, moved, 0.3, 0.1)[0]
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())

    assert np.isfinite(benchmark(step))
