"""What a translator is and how it learns; the published settings of the four, and presets by size.

CycleGAN: Zhu et al., ICCV 2017. pix2pix: Isola et al., CVPR 2017. CUT, FastCUT: Park et al., ECCV 2020. Equation
numbers are those of FCR (Prasad & Singh). What FCR leaves open follows the four methods' papers and code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from nasion.errors import NasionError

Model = Literal["cyclegan", "pix2pix", "cut", "fastcut"]
Architecture = Literal["resnet", "unet"]
Adversarial = Literal["least_squares", "log"]
IdentityTerm = Literal["none", "nce", "l1"]
Start = Literal["normal", "xavier"]
Augmentation = Literal["none", "published", "strong"]

MODELS: Final[tuple[Model, ...]] = get_args(Model)
SMALLEST_PX: Final = 16
LARGEST_PX: Final = 1024


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise NasionError(f"settings of generators: {message}")


@dataclass(frozen=True)
class NetworkSettings:
    """Generator and critic.

    Attributes
    ----------
    architecture
        ``"resnet"``: Johnson's residual blocks; ``"unet"``: skips down to one pixel.
    side_px
        Of the pictures; a power of two.
    width
        Channels of the generator's first layer.
    blocks
        Residual blocks of ``"resnet"``.
    critic_width, critic_layers
        Channels of the PatchGAN's first layer; its strided layers: 3 see 70 px, 2 see 34 px.
    antialias
        Of ``"resnet"``: blur before each halving and after each doubling (Zhang, ICML 2019), as CUT does. Of
        ``"unet"``, ours: double by interpolation, as transposed convolutions leave a chequered pattern, and let the
        last layers see the source at its full size, as the published one sees it halved.
    dropout
        Share of zeros; of ``"unet"`` numbers of its inner layers, of ``"resnet"`` whole maps in each block. It stays on
        in use: this is what makes samples differ.
    by_view
        The generator is told frontal or lateral, by one more input channel.
    start
        How weights are drawn, SD or gain 0.02.

    """

    architecture: Architecture = "resnet"
    side_px: int = 256
    width: int = 64
    blocks: int = 9
    critic_width: int = 64
    critic_layers: int = 3
    antialias: bool = False
    dropout: float = 0.2
    by_view: bool = False
    start: Start = "normal"

    def __post_init__(self) -> None:
        _require(self.architecture in get_args(Architecture), "the architecture is resnet or unet")
        size = self.side_px
        _require(
            SMALLEST_PX <= size <= LARGEST_PX and size & (size - 1) == 0,
            f"side_px must be a power of two, {SMALLEST_PX} to {LARGEST_PX}",
        )
        _require(min(self.width, self.blocks, self.critic_width, self.critic_layers) >= 1, "widths must be at least 1")
        _require(0 <= self.dropout < 1, "dropout lies between 0 and 1")
        _require(self.start in get_args(Start), "weights start normal or xavier")


@dataclass(frozen=True)
class LossSettings:
    """Weights of the terms; 0 leaves a term out.

    Attributes
    ----------
    adversarial
        ``"log"`` is Eqs. 1 and 5 as written, ``"least_squares"`` what CycleGAN and CUT use in their place.
    cycle
        lambda of Eq. 4.
    identity
        Weight of Eq. 3; CycleGAN's code: half of the cycle's.
    l1
        Of pix2pix's distance to the true face; FCR's Eq. 5 leaves it out, pix2pix has 100.
    perceptual
        Of pix2pix's distance to the true face as a network of ImageNet sees both (Johnson et al., ECCV 2016); ours.
    nce
        lambda_X of Eq. 11.
    nce_identity, identity_term
        lambda_Y of Eq. 11, and its term: ``"l1"`` as Eq. 10 writes it, ``"nce"`` as CUT has it.
    nce_layers, patches, projection, temperature
        Of Eqs. 6 to 9: places in the generator's sequence, patches a layer, K, tau.
    flip_equivariance
        FastCUT: mirror the generator's input at random.

    """

    adversarial: Adversarial = "least_squares"
    cycle: float = 0.0
    identity: float = 0.0
    l1: float = 0.0
    perceptual: float = 0.0
    nce: float = 0.0
    nce_identity: float = 0.0
    identity_term: IdentityTerm = "none"
    nce_layers: tuple[int, ...] = (0, 4, 8, 12, 16)
    patches: int = 256
    projection: int = 256
    temperature: float = 0.07
    flip_equivariance: bool = False

    def __post_init__(self) -> None:
        _require(self.adversarial in get_args(Adversarial), "the adversarial loss is least_squares or log")
        weights = (self.cycle, self.identity, self.l1, self.perceptual, self.nce, self.nce_identity)
        _require(min(weights) >= 0, "weights of losses must not be negative")
        _require(self.identity_term in get_args(IdentityTerm), "the identity term is none, nce or l1")
        _require(min(self.patches, self.projection) >= 1 and self.temperature > 0, "patches and tau must be positive")


@dataclass(frozen=True)
class LearningSettings:
    """How a translator learns.

    Attributes
    ----------
    epochs, decay_epochs
        With the full rate, and with a rate that falls in a line to 0. A time limit keeps their proportion.
    batch, rate, beta1
        Of Adam; beta2 is 0.999.
    pool
        Generated pictures that the critic is shown again (Shrivastava et al., CVPR 2017); 0: none.
    average
        Decay of the weights' running mean, which then is the model; 0: the last weights.
    augmentation
        Of the training pairs: ``"published"`` is flip, rotation, colour jitter and affine (FCR, section 3);
        ``"strong"`` bends the pairs, too, and varies the source's tone, sharpness and grain, as a generator else learns
        few people by heart.
    seed
        Of weights, order, augmentation and dropout.

    """

    epochs: int = 100
    decay_epochs: int = 100
    batch: int = 1
    rate: float = 2e-4
    beta1: float = 0.5
    pool: int = 0
    average: float = 0.0
    augmentation: Augmentation = "published"
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 0 and self.decay_epochs >= 0, "epochs must not be negative")
        _require(self.epochs + self.decay_epochs >= 1 and self.batch >= 1, "one epoch and a batch of 1 are the least")
        _require(self.rate > 0 and 0 <= self.beta1 < 1, "the rate must be positive, beta1 below 1")
        _require(self.augmentation in get_args(Augmentation), "augmentation is none, published or strong")
        _require(self.pool >= 0 and 0 <= self.average < 1, "pool must not be negative, the average's decay below 1")


@dataclass(frozen=True)
class GeneratorSettings:
    """Everything that makes a translator, but for the data."""

    model: Model
    network: NetworkSettings
    losses: LossSettings
    learning: LearningSettings

    def __post_init__(self) -> None:
        _require(self.model in MODELS, f"there is no model {self.model!r}; use one of {', '.join(MODELS)}")
        contrastive = self.model in ("cut", "fastcut")
        _require(not contrastive or self.network.architecture == "resnet", "the patches of CUT are taken from a resnet")
        layers = self.losses.nce_layers
        last = sequence_length(self.network) - 1
        _require(
            not contrastive or (len(layers) > 0 and min(layers) >= 0 and max(layers) <= last),
            f"nce_layers lie between 0 and {last}",
        )


def sequence_length(network: NetworkSettings) -> int:
    """Return the number of layers of a resnet generator's encoder (padding to last block)."""
    return (12 if network.antialias else 10) + network.blocks


PAPER: Final[dict[Model, GeneratorSettings]] = {
    "cyclegan": GeneratorSettings(
        "cyclegan",
        NetworkSettings(),
        LossSettings(cycle=10.0, identity=5.0),
        LearningSettings(pool=50),
    ),
    "pix2pix": GeneratorSettings(
        "pix2pix",
        NetworkSettings(architecture="unet", dropout=0.5),
        LossSettings(adversarial="log", l1=100.0),
        LearningSettings(),
    ),
    "cut": GeneratorSettings(
        "cut",
        NetworkSettings(antialias=True, start="xavier"),
        LossSettings(nce=1.0, nce_identity=1.0, identity_term="nce"),
        LearningSettings(epochs=200, decay_epochs=200),
    ),
    "fastcut": GeneratorSettings(
        "fastcut",
        NetworkSettings(antialias=True, start="xavier"),
        LossSettings(nce=10.0, flip_equivariance=True),
        LearningSettings(epochs=150, decay_epochs=50),
    ),
}
"""The published sizes. The resnets' dropout is ours: without it a skull would have one face only."""

PRESETS: Final = ("tiny", "small", "medium", "paper")
_QUICK_START: Final = "normal"
"""CUT's start, with a gain of 0.02, takes thousands of steps to wake up; small runs have hundreds."""


def generator_settings(model: str, preset: str = "small") -> GeneratorSettings:
    """Return a model's settings by size; an unknown name raises NasionError."""
    if model not in MODELS:
        raise NasionError(f"there is no model {model!r}; use one of {', '.join(MODELS)}")
    if preset not in PRESETS:
        raise NasionError(f"there is no preset {preset!r}; use one of {', '.join(PRESETS)}")
    base = PAPER[model]
    if preset == "paper":
        return base
    return _SMALLER[preset](base)


def _tiny(base: GeneratorSettings) -> GeneratorSettings:
    """64 px, minutes on two cores."""
    network = replace(
        base.network, side_px=64, width=24, blocks=5, critic_width=16, critic_layers=2, start=_QUICK_START
    )
    learning = replace(base.learning, epochs=20, decay_epochs=20, batch=4, rate=5e-4)
    losses = replace(base.losses, patches=64, projection=64)
    return replace(base, network=network, learning=learning, losses=losses)


def _small(base: GeneratorSettings) -> GeneratorSettings:
    """128 px, about an hour of one core, pix2pix a quarter of it.

    Few people and steps: the critic soon knows them all by heart and drives the generator about; the weights' running
    mean and interpolation in place of transposed convolutions keep its marks out of the faces. Where there are pairs,
    most of the loss is a distance of features, as that of pixels is content with blurred eyes.
    """
    network = replace(base.network, side_px=128, width=32, blocks=6, critic_width=32, start=_QUICK_START)
    losses = replace(base.losses, projection=128)
    if base.network.architecture == "unet":
        network = replace(network, antialias=True, dropout=0.2)
        losses = replace(losses, l1=200.0, perceptual=2000.0)
    learning = replace(
        base.learning, epochs=30, decay_epochs=30, batch=2, rate=4e-4, average=0.99, augmentation="strong"
    )
    return replace(base, network=network, learning=learning, losses=losses)


def _medium(base: GeneratorSettings) -> GeneratorSettings:
    """256 px, narrow: pix2pix half an hour of one core, the others a night."""
    small = _small(base)
    network = replace(small.network, side_px=256, width=24)
    return replace(small, network=network, learning=replace(small.learning, batch=1))


_SMALLER: Final[dict[str, Callable[[GeneratorSettings], GeneratorSettings]]] = {
    "tiny": _tiny,
    "small": _small,
    "medium": _medium,
}
