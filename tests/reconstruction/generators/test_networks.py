"""Generators and critic against the published sizes and by what each pixel depends on."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from nasion.errors import NasionError  # noqa: E402
from nasion.reconstruction.generators.dropout import InputDropout  # noqa: E402
from nasion.reconstruction.generators.layers import Doubled, Halved  # noqa: E402
from nasion.reconstruction.generators.patchgan import PatchCritic  # noqa: E402
from nasion.reconstruction.generators.resnet import ResnetGenerator  # noqa: E402
from nasion.reconstruction.generators.settings import (  # noqa: E402
    MODELS,
    PAPER,
    PRESETS,
    NetworkSettings,
    generator_settings,
    sequence_length,
)
from nasion.reconstruction.generators.translator import new_critic, new_generator  # noqa: E402
from nasion.reconstruction.generators.unet import UnetGenerator  # noqa: E402

SMALL = NetworkSettings(side_px=32, width=4, blocks=2)


def size(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def given(settings: NetworkSettings, noise_size: int, count: int = 2) -> tuple:
    draws = torch.Generator().manual_seed(0)
    side = settings.side_px
    picture = torch.rand(count, 3, side, side, generator=draws) * 2 - 1
    return picture, torch.ones(count), torch.rand(count, noise_size, generator=draws)


@pytest.mark.parametrize(("model", "millions"), [("cyclegan", 11.378), ("pix2pix", 54.41), ("cut", 11.378)])
def test_published_sizes_of_generators(model: str, millions: float) -> None:
    # CycleGAN's, pix2pix's and CUT's code print 11.378 and 54.414 million; instance normalisation takes 4,352 of the
    # latter's, as its layers have a bias in place of batch normalisation's two weights
    assert size(new_generator(PAPER[model].network)) / 1e6 == pytest.approx(millions, abs=0.005)


def test_published_sizes_of_critics() -> None:
    # CycleGAN's code prints 2.765 million, pix2pix's, which sees the source too, 2.769
    assert size(new_critic(PAPER["cyclegan"].network)) / 1e6 == pytest.approx(2.765, abs=5e-4)
    assert size(new_critic(PAPER["pix2pix"].network, 6)) / 1e6 == pytest.approx(2.768, abs=1e-3)


@pytest.mark.parametrize(("layers", "field_px"), [(3, 70), (2, 34), (1, 16)])
def test_a_verdict_sees_one_patch(layers: int, field_px: int) -> None:
    critic = PatchCritic(3, 4, layers)
    for own in critic.modules():  # a normalisation sees the whole map; the patch is the convolutions'
        for name, child in own.named_children():
            if isinstance(child, nn.InstanceNorm2d):
                setattr(own, name, nn.Identity())
    picture = torch.randn(1, 3, 128, 128, requires_grad=True)
    verdict = critic(picture)
    verdict[0, 0, verdict.shape[2] // 2, verdict.shape[3] // 2].backward()
    seen = picture.grad[0].abs().sum(dim=0) > 0
    rows, columns = torch.where(seen)
    assert rows.max() - rows.min() + 1 == field_px
    assert columns.max() - columns.min() + 1 == field_px


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("preset", PRESETS[:2])
def test_faces_have_the_size_of_their_sources(model: str, preset: str) -> None:
    settings = generator_settings(model, preset).network
    generator = new_generator(settings).eval()
    with torch.no_grad():
        face = generator(*given(settings, generator.noise_size, 1))
    assert face.shape == (1, 3, settings.side_px, settings.side_px)
    assert face.abs().max() <= 1


@pytest.mark.parametrize("antialias", [False, True])
def test_the_encoder_is_a_part_of_the_generator(antialias: bool) -> None:
    """The places of its layers are those of the published sequence, and its last maps are what the decoder takes."""
    settings = replace(SMALL, antialias=antialias)
    generator = ResnetGenerator(settings).eval()
    assert len(generator.encoder) == sequence_length(settings)
    inputs = given(settings, generator.noise_size)
    layers = (0, 4, 8, sequence_length(settings) - 1)
    with torch.no_grad():
        maps = generator.features(*inputs, layers)
        assert torch.equal(generator.decoder(maps[-1]), generator(*inputs))
    assert torch.equal(maps[0], functional.pad(inputs[0], (3, 3, 3, 3), mode="reflect"))
    if antialias:  # CUT: RGB, the two halving convolutions, residual blocks
        assert [own.shape[1:] for own in maps[:3]] == [(3, 38, 38), (8, 32, 32), (16, 16, 16)]


def test_the_unet_has_a_way_across_at_every_size() -> None:
    settings = replace(SMALL, architecture="unet", dropout=0.0)
    generator = UnetGenerator(settings).eval()
    picture, view, noise = given(settings, 0)
    for silenced in range(len(generator.up)):
        # what comes up from below the level is taken away: the picture still comes through
        with torch.no_grad():
            hook = generator.up[silenced].register_forward_hook(lambda module, given, made: torch.zeros_like(made))
            one, other = generator(picture, view, noise), generator(picture.flip(0), view, noise)
            hook.remove()
        assert not torch.allclose(one, other, atol=1e-4)


def test_the_view_changes_the_face_only_where_it_is_told() -> None:
    for architecture in ("resnet", "unet"):
        for by_view in (False, True):
            settings = replace(SMALL, architecture=architecture, by_view=by_view, dropout=0.0)
            generator = new_generator(settings).eval()
            picture, view, noise = given(settings, 0)
            with torch.no_grad():
                same = torch.allclose(generator(picture, view, noise), generator(picture, -view, noise), atol=1e-6)
            assert same != by_view


def test_dropout_takes_what_its_noise_says() -> None:
    first, second = InputDropout((2, 1, 1), 0.5, 0), InputDropout((1, 1, 2), 0.25, 2)
    assert (first.stop, second.stop) == (2, 4)
    noise = torch.tensor([[0.4, 0.6, 0.2, 0.3]])
    x = torch.ones(1, 2, 1, 2)
    assert first(x, noise).tolist() == [[[[0.0, 0.0]], [[2.0, 2.0]]]]
    assert second(x[:, :1], noise)[0, 0, 0].tolist() == pytest.approx([0.0, 4 / 3])
    nothing = InputDropout((2, 1, 1), 0.0, 7)
    assert nothing.stop == 7 and nothing(x, noise) is x


@pytest.mark.parametrize("architecture", ["resnet", "unet"])
def test_noise_decides_the_sample_and_counts_in_training_and_use(architecture: str) -> None:
    settings = replace(SMALL, architecture=architecture, dropout=0.5)
    generator = new_generator(settings)
    picture, view, noise = given(settings, generator.noise_size)
    for mode in (True, False):
        generator.train(mode)
        with torch.no_grad():
            face = generator(picture, view, noise)
            assert torch.equal(face, generator(picture, view, noise))
            assert not torch.allclose(face, generator(picture, view, noise.flip(0)), atol=1e-4)


def test_blurs() -> None:
    flat = torch.full((1, 2, 8, 8), 3.0)
    assert torch.allclose(Halved(2)(flat), torch.full((1, 2, 4, 4), 3.0))
    assert torch.allclose(Doubled()(flat), torch.full((1, 2, 16, 16), 3.0))
    x = torch.randn(1, 2, 8, 8)
    line = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = (4 * line[:, None] * line / 64).expand(2, 1, 4, 4)
    # CUT's own form: edges repeated, zeros between the pixels, blurred
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    assert torch.allclose(
        Doubled()(x), functional.conv_transpose2d(padded, kernel, stride=2, padding=3, groups=2), atol=1e-6
    )
    step = torch.arange(8.0).expand(1, 1, 8, 8)
    assert Halved(1)(step)[0, 0, 0, 1:].tolist() == pytest.approx([2.0, 4.0, 6.0])


def test_settings_refuse_what_cannot_be() -> None:
    for change in ({"side_px": 100}, {"side_px": 8}, {"dropout": 1.0}, {"width": 0}, {"architecture": "vgg"}):
        with pytest.raises(NasionError, match="settings of generators"):
            replace(SMALL, **change)
    for arguments in (("gan", "tiny"), ("cut", "huge")):
        with pytest.raises(NasionError, match="use one of"):
            generator_settings(*arguments)
    cut = generator_settings("cut", "tiny")
    with pytest.raises(NasionError, match="nce_layers"):
        replace(cut, losses=replace(cut.losses, nce_layers=(0, 40)))
    with pytest.raises(NasionError, match="resnet"):
        replace(cut, network=replace(cut.network, architecture="unet"))


def test_published_settings() -> None:
    """The tables of the four papers, and CUT's and FastCUT's lambdas as FCR states them below Eq. 11."""
    cycle, pix, cut, fast = (PAPER[name] for name in MODELS)
    assert (cycle.losses.cycle, cycle.losses.identity, cycle.learning.pool) == (10.0, 5.0, 50)
    assert (pix.losses.l1, pix.losses.adversarial, pix.network.architecture) == (100.0, "log", "unet")
    assert (cut.losses.nce, cut.losses.nce_identity, cut.losses.identity_term) == (1.0, 1.0, "nce")
    assert (fast.losses.nce, fast.losses.nce_identity, fast.losses.flip_equivariance) == (10.0, 0.0, True)
    for own in (cut, fast):
        contrast = own.losses
        assert (contrast.nce_layers, contrast.patches) == ((0, 4, 8, 12, 16), 256)
        assert (contrast.temperature, contrast.projection) == (0.07, 256)
    assert {own.network.side_px for own in PAPER.values()} == {256}
    assert {own.learning.rate for own in PAPER.values()} == {2e-4}
