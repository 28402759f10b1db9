"""The alarm for the leak of Cranio-ID: features drawn at random, a person's two pictures independently, carry nobody.

With cross-attention an embedding depends on its partner. Whoever embeds each probe with its true partner and ranks the
results finds everybody, in features that hold nothing; scored pair by pair the same networks must be at chance.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from dataclasses import replace  # noqa: E402

from matching.small import MODES, SMALL, random_pair  # noqa: E402
from nasion.matching.batches import pictures_of, tensors_of  # noqa: E402
from nasion.matching.model import Encoded, GraphEncoder, PairNet  # noqa: E402
from nasion.matching.release import Origin, packed_matcher, packed_model  # noqa: E402
from nasion.matching.scoring import gallery_scores, own_ranks  # noqa: E402
from nasion.matching.train import Trained, build, encoded, learn, losses, pair_scores  # noqa: E402

PEOPLE = 60
ORIGIN = Origin("small", None, "drawn at random", "none", 8, 4, 0)


def trained_on_nothing(mode: str, folder: object) -> tuple[Trained, object]:
    rng = np.random.default_rng(7)
    settings = replace(SMALL, network=MODES[mode])
    own = [random_pair(f"training {k}", rng) for k in range(8)]
    held = [random_pair(f"held out {k}", rng) for k in range(4)]
    return learn(folder / "run", own, held, settings), settings  # type: ignore[operator]


@pytest.mark.parametrize("mode", MODES)
def test_random_features_are_at_chance(mode: str, tmp_path: object) -> None:
    trained, settings = trained_on_nothing(mode, tmp_path)
    rng = np.random.default_rng(11)
    pairs = [random_pair(f"test {k}", rng) for k in range(PEOPLE)]
    matcher = packed_matcher(packed_model(trained, settings, ORIGIN))
    ranks = own_ranks(gallery_scores(matcher, pairs), range(PEOPLE))
    # of 60 probes each finds its face with 1 in 60: more than 5 hits have a probability of 0.0004
    assert (ranks <= 1).sum() <= 5
    # the mean of 60 ranks out of 60 is 30.5, its SD 2.2
    assert abs(ranks.mean() - (PEOPLE + 1) / 2) < 3.5 * PEOPLE / np.sqrt(12 * PEOPLE)


def embedded_with_partner(net: PairNet, probes: Encoded, faces: Encoded) -> torch.Tensor:
    """The wrong way, on purpose: similarities of probes and faces after a look at their true partners."""
    own = [
        net.probe_side(probes.tokens[k : k + 1], faces.tokens[k : k + 1], faces.there[k : k + 1])
        for k in range(len(probes.there))
    ]
    other = [
        net.face_side(faces.tokens[k : k + 1], probes.tokens[k : k + 1], probes.there[k : k + 1])
        for k in range(len(probes.there))
    ]
    a, b = (torch.stack([x[0, 0].mean(dim=0) for x in side]) for side in (own, other))
    return torch.nn.functional.normalize(a) @ torch.nn.functional.normalize(b).T


def test_the_alarm_would_ring() -> None:
    """Negative control: taught and judged the leaking way, the network finds everybody in random features.

    The same network, scored pair by pair, finds nobody: the alarm tells the two apart.
    """
    torch.manual_seed(0)
    rng = np.random.default_rng(13)
    settings = replace(SMALL, network=replace(MODES["one token"], transport=False))
    neighbours = settings.network.neighbours

    def sides(encoder: GraphEncoder, count: int) -> tuple[Encoded, Encoded]:
        pairs = [random_pair(str(k), rng) for k in range(count)]
        with torch.no_grad():
            return (
                encoded(encoder, pictures_of([pair.probe.plain for pair in pairs], neighbours), "probe"),
                encoded(encoder, pictures_of([pair.face.plain for pair in pairs], neighbours), "face"),
            )

    encoder, net = build(settings, tensors_of([random_pair(str(k), rng) for k in range(8)], neighbours))
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    probes, faces = sides(encoder, 320)  # the encoder does not learn here
    for _ in range(120):
        some = torch.from_numpy(rng.choice(320, 16, replace=False))
        scores = embedded_with_partner(net, *(Encoded(*(part[some] for part in side)) for side in (probes, faces)))
        loss = losses(scores, None, 0.3, 0.0)[0]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    probes, faces = sides(encoder, PEOPLE)
    with torch.no_grad():
        leaking = own_ranks(embedded_with_partner(net, probes, faces).double().numpy(), range(PEOPLE))
        honest = own_ranks(pair_scores(net, probes, faces, settings)[0].double().numpy(), range(PEOPLE))
    assert (leaking <= 1).mean() > 0.8  # chance is 0.017
    assert (honest <= 1).sum() <= 5
