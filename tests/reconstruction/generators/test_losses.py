"""Losses, patches, pool and rate by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.reconstruction.generators.cut import Cut  # noqa: E402
from nasion.reconstruction.generators.image_pool import ImagePool  # noqa: E402
from nasion.reconstruction.generators.losses import critic_loss, distance, judged_as  # noqa: E402
from nasion.reconstruction.generators.models import new_translator  # noqa: E402
from nasion.reconstruction.generators.patch_nce import PatchSampler, drawn_places, patch_nce_loss  # noqa: E402
from nasion.reconstruction.generators.perceptual import feature_distance  # noqa: E402
from nasion.reconstruction.generators.progress import linear_rate  # noqa: E402
from nasion.reconstruction.generators.settings import LearningSettings  # noqa: E402
from nasion.reconstruction.generators.translator import Batch  # noqa: E402
from reconstruction.generators.small import small_settings  # noqa: E402


def batch(seed: int = 0, count: int = 2, side: int = 32) -> Batch:
    draws = torch.Generator().manual_seed(seed)
    source, target = (torch.rand(count, 3, side, side, generator=draws) * 2 - 1 for _ in range(2))
    return Batch(source, target, -torch.ones(count), draws, np.random.default_rng(seed))


def test_adversarial_losses_by_hand() -> None:
    verdict = torch.zeros(1, 1, 2, 2)
    assert float(judged_as(verdict, True, "log")) == pytest.approx(math.log(2))
    sure = torch.full((1, 1, 1, 1), 3.0)
    assert float(judged_as(sure, True, "log")) == pytest.approx(math.log(1 + math.exp(-3)))
    assert float(judged_as(sure, False, "log")) == pytest.approx(math.log(1 + math.exp(3)))
    half = torch.full((1, 1, 1, 1), 0.5)
    assert float(judged_as(half, False, "least_squares")) == 0.25
    assert float(critic_loss(torch.ones(1, 1, 1, 1), half, "least_squares")) == 0.125
    assert float(distance(torch.zeros(2, 2), torch.tensor([[1.0, -3.0], [0.0, 0.0]]))) == 1.0


def test_feature_distance_sees_blur_that_a_distance_of_pixels_hardly_does() -> None:
    own = batch(3, side=64).target
    own = torch.nn.functional.avg_pool2d(own, 3, 1, 1)
    assert float(feature_distance(own, own)) == pytest.approx(0, abs=1e-9)
    blurred, darker = torch.nn.functional.avg_pool2d(own, 3, 1, 1), own - 0.3
    assert float(distance(blurred, own)) < float(distance(darker, own))
    assert float(feature_distance(blurred, own)) > 2 * float(feature_distance(darker, own))
    assert 0 < float(feature_distance(blurred, own)) < 4


def test_feature_distance_teaches_the_made_picture_alone() -> None:
    wanted, made = (batch(k, side=64).target.requires_grad_() for k in (1, 2))
    before = feature_distance(made, wanted)
    before.backward()
    assert wanted.grad is None and made.grad is not None
    after = feature_distance(made - 5.0 * made.grad / made.grad.abs().max() * 0.02, wanted)
    assert float(after.detach()) < float(before.detach())


def test_the_network_that_judges_features_is_no_part_of_the_model() -> None:
    plain = small_settings("pix2pix")
    weighted = replace(plain, losses=replace(plain.losses, perceptual=10.0))
    translators = [new_translator(own) for own in (plain, weighted)]
    terms = [own.step(batch()) for own in translators]
    assert "perceptual" not in terms[0] and terms[1]["perceptual"] > 0
    assert translators[0].state_dict().keys() == translators[1].state_dict().keys()
    changed = [own.generator.state_dict()["last.1.weight"] for own in translators]
    assert not torch.equal(*changed)


def test_patch_nce_by_hand() -> None:
    """Two patches, each exactly like its own skull patch and at right angles to the other: -log(e / (e + 1))."""
    vectors = torch.eye(2)[None]
    assert float(patch_nce_loss(vectors, vectors, 1.0)) == pytest.approx(math.log(1 + math.exp(-1)))
    assert float(patch_nce_loss(vectors, vectors, 0.5)) == pytest.approx(math.log(1 + math.exp(-2)))
    # every patch is like the other's skull patch
    assert float(patch_nce_loss(vectors, vectors.flip(1), 1.0)) == pytest.approx(math.log(1 + math.e))


def test_patch_nce_is_equation_8() -> None:
    draws = torch.Generator().manual_seed(1)
    F, S = (torch.nn.functional.normalize(torch.randn(3, 5, 4, generator=draws), dim=2).double() for _ in range(2))
    terms = []
    for n in range(3):
        for i in range(5):
            alike = [math.exp(float(F[n, i] @ S[n, j]) / 0.07) for j in range(5)]
            terms.append(-math.log(alike[i] / (alike[i] + sum(alike[j] for j in range(5) if j != i))))
    assert float(patch_nce_loss(F, S, 0.07)) == pytest.approx(np.mean(terms))


def test_the_key_gets_no_gradient() -> None:
    query, key = (torch.randn(1, 4, 3, requires_grad=True) for _ in range(2))
    patch_nce_loss(query, key, 0.07).backward()
    assert query.grad is not None and key.grad is None


def test_patches_are_unit_vectors_of_the_pixels_that_were_drawn() -> None:
    sampler = PatchSampler([2], 4)
    maps = torch.randn(1, 2, 3, 5)
    places = [torch.tensor([7, 0])]
    made = sampler([maps], places)[0]
    assert torch.allclose(made.norm(dim=2), torch.ones(1, 2), atol=1e-5)
    by_hand = sampler.projections[0](maps[0, :, 1, 2])  # pixel 7 of rows of 5
    assert torch.allclose(made[0, 0], by_hand / by_hand.norm(), atol=1e-5)
    drawn = drawn_places([maps], 256, torch.Generator().manual_seed(0))[0]
    assert sorted(drawn.tolist()) == list(range(15))
    assert len(drawn_places([maps], 6, torch.Generator())[0].unique()) == 6


def test_pool_gives_earlier_pictures_half_of_the_time() -> None:
    pool, rng = ImagePool(50), np.random.default_rng(0)
    given = [float(pool.exchanged(torch.full((1, 1, 1, 1), float(k)), rng)) for k in range(4050)]
    assert given[:50] == list(range(50))
    old = [k for k in range(50, 4050) if given[k] != k]
    assert len(old) / 4000 == pytest.approx(0.5, abs=0.03)  # three SDs of a fair coin are 0.024
    assert all(given[k] < k for k in old)
    assert len({given[k] for k in old}) == len(old)  # what was given back is no longer there
    # each stored picture is as likely to be taken: it stays 50 x 2 steps on average
    assert np.mean([k - given[k] for k in old]) == pytest.approx(100, rel=0.15)
    assert len(pool.pictures) == 50


def test_no_pool_gives_the_picture_itself() -> None:
    picture = torch.randn(2, 3, 4, 4)
    assert ImagePool(0).exchanged(picture, np.random.default_rng(0)) is picture


def test_rate_by_hand() -> None:
    learning = LearningSettings(epochs=2, decay_epochs=2, rate=8.0)
    assert [linear_rate(learning, share) for share in (0, 0.25, 0.5, 0.625, 0.75, 1)] == [8, 8, 8, 6, 4, 0]
    assert linear_rate(LearningSettings(epochs=3, decay_epochs=0, rate=8.0), 1.0) == 8
    assert linear_rate(LearningSettings(epochs=0, decay_epochs=4, rate=8.0), 0.25) == 6


@pytest.mark.parametrize("term", ["nce", "l1", "none"])
def test_both_readings_of_cuts_identity(term: str) -> None:
    settings = small_settings("cut")
    settings = replace(settings, losses=replace(settings.losses, identity_term=term))
    translator = new_translator(settings)
    assert isinstance(translator, Cut)
    before = {name: value.clone() for name, value in translator.state_dict().items()}
    found = translator.step(batch())["identity"]
    translator.load_state_dict(before)
    own = batch()
    noise = own.noise(translator.generator)
    with torch.no_grad():
        face, same = (translator.generator(shown, own.view, noise) for shown in (own.source, own.target))
        translator.patch_loss(own.source, face, own, noise)  # which draws its patches first
        wanted = {
            "nce": float(translator.patch_loss(own.target, same, own, noise)),  # Eq. 9 of faces
            "l1": float((same - own.target).abs().mean()),  # Eq. 10, a pixel and channel
            "none": 0.0,
        }
    assert found == pytest.approx(wanted[term], rel=1e-3)
    assert len(set(wanted.values())) == 3


def test_mirrored_input_is_compared_in_its_own_places() -> None:
    """FastCUT: what was made of the mirror image, mirrored back, is compared with the skull."""
    settings = small_settings("fastcut")
    # the first layer alone (the padded picture) knows no direction
    settings = replace(settings, losses=replace(settings.losses, nce_layers=(0,)))
    translator = new_translator(settings)
    assert isinstance(translator, Cut)
    noise = torch.zeros(2, translator.generator.noise_size)
    with torch.no_grad():
        one = batch()
        plain = translator.patch_loss(one.source, one.target, one, noise)
        other = batch()
        mirrored = translator.patch_loss(other.source, other.target.flip(3), other, noise, mirrored=True)
        third = batch()
        wrong = translator.patch_loss(third.source, third.target.flip(3), third, noise)
    assert float(plain) == pytest.approx(float(mirrored), rel=1e-5)
    assert float(plain) != pytest.approx(float(wrong), rel=1e-3)


def test_a_processor_computes_in_full_precision() -> None:
    translator = new_translator(small_settings("pix2pix"))
    with translator.mixed(batch()):
        assert not torch.is_autocast_enabled("cpu")
