"""Transport against POT, the network's symmetries, losses by hand, the projection, and the exported files."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")
ot = pytest.importorskip("ot", reason="POT is not installed; pip install 'nasion[dev]'")

from matching.small import FEATURES, MODES, NETWORK, SMALL, WHOLE, N, like_pair, nodes  # noqa: E402
from nasion.matching.batches import pictures_of, tensors_of  # noqa: E402
from nasion.matching.model import Encoded, GraphEncoder, PairNet, Statistics, combined, sinkhorn  # noqa: E402
from nasion.matching.projection import fit_projections  # noqa: E402
from nasion.matching.release import Origin, packed_matcher, packed_model  # noqa: E402
from nasion.matching.settings import NetworkSettings  # noqa: E402
from nasion.matching.train import EpochRecord, Trained, build, encoded, losses, pair_scores  # noqa: E402
from nasion.matching.transport import transport_similarity  # noqa: E402

RECORD = EpochRecord(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
ORIGIN = Origin("small", None, "drawn", "none", 6, 2, 0)


def networks(settings: NetworkSettings = NETWORK, seed: int = 0) -> tuple[GraphEncoder, PairNet]:
    rng = np.random.default_rng(seed)
    pairs = tensors_of([like_pair(str(k), rng) for k in range(8)], settings.neighbours)
    encoder, pair_net = build(replace(SMALL, network=settings), pairs)
    with torch.no_grad():  # nothing at zero, as after learning
        for own in pair_net.parameters():
            own.add_(0.1 * torch.randn_like(own))
    return encoder.eval(), pair_net.eval()


@pytest.mark.parametrize("epsilon", [0.05, 0.3])
@pytest.mark.parametrize(("n", "m"), [(5, 5), (4, 7), (1, 3)])
def test_sinkhorn_against_pot(n: int, m: int, epsilon: float) -> None:
    rng = np.random.default_rng(n)
    cost = rng.uniform(0, 2, (2, n, m))
    rounds = 80
    there, other = torch.ones(2, n), torch.ones(2, m)
    plan = sinkhorn(torch.from_numpy(cost), there, other, epsilon, rounds).numpy()
    moved = transport_similarity(cost.astype(np.float32), np.ones((2, n), bool), np.ones((2, m), bool), epsilon, rounds)
    for k in range(2):
        expected = ot.bregman.sinkhorn_log(
            np.full(n, 1 / n), np.full(m, 1 / m), cost[k], epsilon, numItermax=5000, stopThr=1e-12
        )
        assert np.abs(plan[k] - expected).max() < 2e-3
        assert moved[k] == pytest.approx(-(expected * cost[k]).sum(), abs=2e-3)
        assert moved[k] == pytest.approx(-(plan[k] * cost[k]).sum(), abs=1e-6)
        assert plan[k].sum(axis=0) == pytest.approx(np.full(m, 1 / m))  # Eq. 17, the side matched last


def test_missing_landmarks_carry_nothing() -> None:
    rng = np.random.default_rng(5)
    cost = rng.uniform(0, 2, (1, 6, 6)).astype(np.float32)
    there, other = np.array([[1, 1, 0, 1, 1, 0]], bool), np.array([[0, 1, 1, 1, 1, 1]], bool)
    small = cost[:, there[0]][:, :, other[0]]
    expected = transport_similarity(small, np.ones((1, 4), bool), np.ones((1, 5), bool), 0.1, 80)
    assert transport_similarity(cost, there, other, 0.1, 80) == pytest.approx(expected)
    plan = sinkhorn(torch.from_numpy(cost), torch.from_numpy(there).float(), torch.from_numpy(other).float(), 0.1, 80)
    assert float(plan[0, 2].sum() + plan[0, 5].sum() + plan[0, :, 0].sum()) < 1e-12
    assert -float((plan * torch.from_numpy(cost)).sum()) == pytest.approx(expected[0], abs=1e-5)


@pytest.mark.parametrize("mode", sorted(set(MODES) - {"ours"}))  # ours knows which landmark is which
def test_order_of_the_landmarks_does_not_matter(mode: str) -> None:
    settings = MODES[mode]
    encoder, pair_net = networks(settings)
    rng = np.random.default_rng(1)
    own, other = nodes(rng), nodes(rng)
    order = rng.permutation(N)
    mixed = replace(own, places=own.places[order], features=own.features[order], there=own.there[order])
    with torch.no_grad():
        probes = encoded(encoder, pictures_of([own, mixed], settings.neighbours), "probe")
        faces = encoded(encoder, pictures_of([other], settings.neighbours), "face")
        scores, _ = pair_scores(pair_net, probes, faces, replace(SMALL, network=settings))
    assert float(scores[0, 0]) == pytest.approx(float(scores[1, 0]), abs=1e-5)
    assert probes.whole[0].numpy() == pytest.approx(probes.whole[1].numpy(), abs=1e-5)


def test_pairs_are_scored_each_by_itself() -> None:
    """The score of a pair does not depend on who else is in the batch."""
    encoder, pair_net = networks()
    rng = np.random.default_rng(2)
    with torch.no_grad():
        probes = encoded(encoder, pictures_of([nodes(rng) for _ in range(3)], 3), "probe")
        faces = encoded(encoder, pictures_of([nodes(rng) for _ in range(4)], 3), "face")
        whole, _ = pair_scores(pair_net, probes, faces, SMALL)
        one, _ = pair_scores(pair_net, Encoded(*(x[1:2] for x in probes)), Encoded(*(x[2:3] for x in faces)), SMALL)
    assert float(one) == pytest.approx(float(whole[1, 2]), abs=1e-5)


def test_what_stands_in_missing_rows_is_not_seen() -> None:
    encoder, pair_net = networks()
    rng = np.random.default_rng(3)
    own, face = nodes(rng, missing=5), nodes(rng)
    absent = (~own.there[:, None]).astype(np.float32)
    filled = replace(own, features=own.features + 9 * absent, places=own.places + absent)
    with torch.no_grad():
        probes = encoded(encoder, pictures_of([own, replace(filled, there=own.there)], 3), "probe")
        faces = encoded(encoder, pictures_of([face], 3), "face")
        scores, _ = pair_scores(pair_net, probes, faces, SMALL)
    assert float(scores[0, 0]) == pytest.approx(float(scores[1, 0]), abs=1e-6)


def test_one_token_attention_has_one_key() -> None:
    """The paper's letter: softmax over one key is 1, so what is attended is the partner's value, whatever the query."""
    _, pair_net = networks(MODES["one token"])
    side = pair_net.probe_side
    width = side.query.in_features
    other = torch.randn(1, 1, width)
    with torch.no_grad():
        for own in (torch.randn(1, 1, width), torch.zeros(1, 1, width)):
            x = side.norm(own + side.value(other))
            expected = side.last_norm(x + side.outer(torch.relu(side.inner(x))))
            assert side(own, other, torch.ones(1, 1))[0, 0].numpy() == pytest.approx(expected[0].numpy(), abs=1e-5)


def test_widths_are_the_papers() -> None:
    """128 + 768 = 896, four heads of 224."""
    flat = [torch.zeros(FEATURES), torch.ones(FEATURES), torch.zeros(768), torch.ones(768)]
    encoder = GraphEncoder(NetworkSettings(), Statistics(*flat), None)
    side = PairNet(NetworkSettings(), encoder.width).probe_side
    assert encoder.width == 896 and side.query.weight.shape == (896, 896) and encoder.width // side.heads == 224


def test_losses_by_hand() -> None:
    scores = torch.tensor([[0.9, 0.5, 0.7], [0.2, 0.4, 0.6], [0.0, 0.1, 0.8]])
    moved = torch.tensor([[0.2, 9, 9], [9, 0.4, 9], [9, 9, 0.6]])
    total, triplet, transport = losses(scores, moved, 0.3, 0.5)
    assert float(triplet) == pytest.approx((0.1 + 0.5 + 0.0) / 3)  # Eq. 24
    assert float(transport) == pytest.approx(0.4) and float(total) == pytest.approx(0.2 + 0.2)  # Eqs. 20 and 25
    assert float(combined(torch.tensor(0.5), torch.tensor(0.25), 0.4)) == pytest.approx(0.2 - 0.6 * np.tanh(0.25))
    assert float(combined(torch.tensor(0.5), None, 0.4)) == 0.5


def test_projection_finds_who_is_who() -> None:
    """Identity in five of forty numbers, strong noise of the pictures in others, sides far apart; unseen people."""
    rng = np.random.default_rng(0)
    people = np.concatenate([rng.normal(size=(80, 5)), np.zeros((80, 35))], axis=1)

    def pictures(offset: float, copies: int) -> np.ndarray:
        noise = np.concatenate([0.3 * rng.normal(size=(80, copies, 5)), rng.normal(size=(80, copies, 35))], axis=2)
        return (people[:, None] + noise + offset).astype(np.float32)

    probes, faces = pictures(0.0, 3), pictures(7.0, 3)
    same = np.zeros((80, 3), np.intp)
    probe, face = fit_projections((probes[:60], faces[:60]), (same[:60], same[:60]), 5, np.ones(40, np.float32))

    def hits(a: np.ndarray, b: np.ndarray) -> float:
        a, b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
        return float(((a @ b.T).argmax(axis=1) == np.arange(len(a))).mean())

    raw = hits(probes[60:, 0] - probes[:60].mean((0, 1)), faces[60:, 0] - faces[:60].mean((0, 1)))
    found = hits((probes[60:, 0] - probe.means[0]) @ probe.matrix, (faces[60:, 0] - face.means[0]) @ face.matrix)
    assert found > 0.6 and raw < found - 0.2
    assert np.array_equal(probe.matrix, face.matrix)
    views = np.arange(60)[:, None] % 2 + 0 * same[:60]
    moved = [side[:60] + 50 * views[:, :, None].astype(np.float32) for side in (probes, faces)]
    other = fit_projections((moved[0], moved[1]), (views, views), 5, np.ones(40, np.float32))[0]
    # a view's own mean is taken off: what the view adds is not taken for a person
    assert other.means[1] - other.means[0] == pytest.approx(np.full(40, 50.0), abs=1.5)
    assert np.abs(other.matrix[:5]).max() > 3 * np.abs(other.matrix[5:]).mean()
    wide = fit_projections((probes[:4, :1], faces[:4, :1]), (same[:4, :1], same[:4, :1]), 12, np.ones(40, np.float32))[
        0
    ].matrix
    assert wide.shape == (40, 12) and not wide[:, 6:].any()


@pytest.mark.parametrize("mode", MODES)
def test_exported_files_score_as_torch_does(mode: str) -> None:
    settings = replace(SMALL, network=MODES[mode])
    encoder, pair_net = networks(settings.network)
    rng = np.random.default_rng(4)
    probes, faces = [nodes(rng), nodes(rng, missing=3)], [nodes(rng) for _ in range(5)]
    with torch.no_grad():
        a = encoded(encoder, pictures_of(probes, settings.network.neighbours), "probe")
        b = encoded(encoder, pictures_of(faces, settings.network.neighbours), "face")
        expected, _ = pair_scores(pair_net, a, b, settings)
    matcher = packed_matcher(packed_model(Trained(encoder, pair_net, (RECORD,)), settings, ORIGIN))
    own, others = matcher.encode(probes, "probe"), matcher.encode(faces, "face")
    assert np.abs(matcher.score_matrix(own, others) - expected.numpy()).max() < 2e-3  # weights of half precision
    assert matcher.score(own[0], others) == pytest.approx(matcher.score_matrix(own, others)[0], abs=1e-6)
    assert matcher.score(own[0], []).shape == (0,)
    vector = own[1].packed()
    again = matcher.unpack(vector)
    assert vector.dtype == np.float32 and matcher.score(again, others) == pytest.approx(matcher.score(own[1], others))
    assert np.linalg.norm(matcher.embed(own[0])) == pytest.approx(1, abs=1e-5)
    assert WHOLE == 8
