"""Speed of the generators: one face of the published size, and a step of learning.

pytest benchmarks/test_reconstruction_bench.py
"""

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.reconstruction.generators.models import new_translator  # noqa: E402
from nasion.reconstruction.generators.pairs import FacePair, PairSet  # noqa: E402
from nasion.reconstruction.generators.predict import Generator, generator_of  # noqa: E402
from nasion.reconstruction.generators.settings import MODELS, PAPER, generator_settings  # noqa: E402
from nasion.reconstruction.generators.train import Trained  # noqa: E402
from nasion.reconstruction.generators.training_run import packed_model  # noqa: E402
from nasion.reconstruction.generators.translator import Batch, new_generator  # noqa: E402


def untrained(model: str) -> Generator:
    """A generator of the published size; what it learnt does not change its speed."""
    settings = PAPER[model]
    network = new_generator(settings.network)
    nobody = FacePair("p0", "frontal", "", np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 3), np.uint8), (), ())
    packed = packed_model(Trained(network, ()), settings, PairSet((nobody,), {}), "ibug68", "sketch", "nobody")
    return generator_of(packed)


@pytest.mark.parametrize("model", ["cyclegan", "pix2pix", "cut"])
def test_one_face_of_256_px(benchmark: BenchmarkFixture, model: str) -> None:
    """ONNX Runtime, two threads; asked: 0.6 s on two cores. FastCUT's network is CUT's."""
    generator = untrained(model)
    source = np.random.default_rng(0).integers(0, 255, (256, 256, 3)).astype(np.uint8)
    found = benchmark(generator.reconstruct, source, "frontal", 1)
    assert found.samples.shape == (1, 256, 256, 3)


@pytest.mark.parametrize("model", MODELS)
def test_step(benchmark: BenchmarkFixture, model: str) -> None:
    """A step of the preset ``small``: 4 pairs of 128 px."""
    settings = generator_settings(model, "small")
    translator = new_translator(settings)
    count, side = settings.learning.batch, settings.network.side_px
    draws = torch.Generator().manual_seed(0)
    source, target = (torch.rand(count, 3, side, side, generator=draws) * 2 - 1 for _ in range(2))
    batch = Batch(source, target, -torch.ones(count), draws, np.random.default_rng(0))
    assert all(np.isfinite(value) for value in benchmark(translator.step, batch).values())
