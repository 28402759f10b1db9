"""How a matcher looks, what its network is and how it learns; presets and the paper's ablations by name.

[?] marks what the paper does not state: the value is our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from nasion.errors import NasionError
from nasion.matching.frames import FrameKind
from nasion.matching.point_schemes import point_scheme

BACKBONES: Final = ("orientations", "efficientnet_lite0", "resnet18", "mobilenetv2", "efficientnet_b0", "vit_b16")
"""What sees the patches; see ``descriptors`` and ``backbones``."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise NasionError(f"settings of matching: {message}")


@dataclass(frozen=True)
class PictureSettings:
    """What is taken from a picture.

    Attributes
    ----------
    scheme
        Of the landmarks, see ``point_schemes``.
    frame
        See ``frames``.
    patch_px
        P of Eq. 1: patches have 2P x 2P pixels of the frame.
    backbone, global_backbone
        Of ``BACKBONES``: what sees the patches, and the whole picture.
    grey
        Take the colours out first: sketches and radiographs have none.
    inner
        Of orientations in aligned frames: the whole picture is looked at in the inner face only.

    """

    scheme: str = "ibug68"
    frame: FrameKind = "picture"
    patch_px: int = 128
    backbone: str = "efficientnet_lite0"
    global_backbone: str = "efficientnet_lite0"
    grey: bool = False
    inner: bool = False

    def __post_init__(self) -> None:
        point_scheme(self.scheme)
        _require(self.frame in get_args(FrameKind), f"frame is one of {', '.join(get_args(FrameKind))}")
        _require(self.patch_px >= 1, "patch_px must be at least 1")
        for name in (self.backbone, self.global_backbone):
            _require(name in BACKBONES, f"there is no backbone {name!r}; use one of {', '.join(BACKBONES)}")


@dataclass(frozen=True)
class NetworkSettings:
    """The network that learns.

    Attributes
    ----------
    neighbours
        k of Eq. 4 [?].
    hidden
        Width of both graph layers (d_embed).
    heads
        Of the cross-attention.
    feed_forward
        Inner width of the feed-forward network [?].
    cross_attention, transport
        CA and OT of Table 2.
    one_token
        The paper's letter: F in R^d is one token a picture (Eqs. 7 and 8), so that attention has one key and its
        softmax is 1. False: a token a landmark.
    sinkhorn_iterations, epsilon
        Of Eq. 16; epsilon [?].
    beta
        Of Eqs. 22 and 23 [?].
    global_width
        Ours: whole picture and patches together are brought to so many numbers by a projection that is fitted to the
        training people (see ``projection``); this takes the global feature's place. 0, the paper: it enters as it is.
    places_weight
        Ours: in that projection, of where the landmarks lie against what their patches show. A sketch shows what its
        photograph shows; a skull does not, but its landmarks lie under those of the face.
    quiet_start
        Ours: attention and feed-forward network start at zero, so that learning starts from the projection's answer.

    """

    neighbours: int = 4
    hidden: int = 128
    heads: int = 4
    feed_forward: int = 128
    cross_attention: bool = True
    transport: bool = True
    one_token: bool = False
    sinkhorn_iterations: int = 80
    epsilon: float = 0.05
    beta: float = 0.5
    global_width: int = 0
    places_weight: float = 0.5
    quiet_start: bool = False

    def __post_init__(self) -> None:
        whole = (self.neighbours, self.hidden, self.heads, self.feed_forward, self.sinkhorn_iterations)
        _require(min(whole) >= 1, "neighbours, widths, heads and iterations must be at least 1")
        _require(self.epsilon >= 0.005, "epsilon must be at least 0.005")
        _require(0 <= self.beta <= 1, "beta lies between 0 and 1")
        _require(
            self.global_width >= 0 and self.places_weight > 0, "global_width and places_weight must not be negative"
        )


@dataclass(frozen=True)
class LearningSettings:
    """How the network learns; the defaults are the paper's.

    Attributes
    ----------
    epochs, batch, rate, weight_decay
        Of AdamW [?: which optimiser].
    margin
        m of Eq. 24.
    transport_weight
        lambda_OT of Eq. 25 [?].
    held_out
        Share of the training people who choose the snapshot.
    copies
        Ours: turned, scaled, moved and mirrored copies of each training picture, at most; large sets get fewer.
    global_dropout
        Ours: share of the steps that see no global feature, so that the graph learns though the projection knows the
        training people already.
    hide_hair
        Learn and judge the inner face alone, see ``hair``.
    seed
        Of all random numbers.

    """

    epochs: int = 50
    batch: int = 16
    rate: float = 1e-4
    weight_decay: float = 1e-5
    margin: float = 0.3
    transport_weight: float = 0.1
    held_out: float = 0.1
    copies: int = 0
    global_dropout: float = 0.0
    hide_hair: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.epochs >= 0 and self.batch >= 2, "epochs must not be negative, a batch holds at least 2 people")
        _require(self.rate > 0 and self.weight_decay >= 0, "the rate must be positive, the decay not negative")
        _require(self.margin > 0 and self.transport_weight >= 0, "the margin must be positive")
        _require(0 < self.held_out < 1 and 0 <= self.global_dropout < 1, "shares lie between 0 and 1")
        _require(self.copies >= 0, "copies must not be negative")


@dataclass(frozen=True)
class MatchSettings:
    """Everything that makes a matcher, but for the data."""

    pictures: PictureSettings = PictureSettings()
    network: NetworkSettings = NetworkSettings()
    learning: LearningSettings = LearningSettings()


PRESETS: Final[dict[str, MatchSettings]] = {
    "paper": MatchSettings(PictureSettings(backbone="vit_b16", global_backbone="vit_b16")),
    "offline": MatchSettings(),
    "contours": MatchSettings(
        PictureSettings(
            frame="aligned", patch_px=16, backbone="orientations", global_backbone="orientations", grey=True
        ),
        NetworkSettings(global_width=128, quiet_start=True),
        LearningSettings(copies=6, global_dropout=0.5, epochs=30),
    ),
}
"""The paper with ViT-B/16 (its best); the same with the backbone that needs no download; ours, the default."""
DEFAULT_PRESET: Final = "contours"


def _network(**values: Any) -> Callable[[MatchSettings], MatchSettings]:
    return lambda base: replace(base, network=replace(base.network, **values))


def _patch(patch_px: int) -> Callable[[MatchSettings], MatchSettings]:
    return lambda base: replace(base, pictures=replace(base.pictures, patch_px=patch_px))


def _margin(margin: float) -> Callable[[MatchSettings], MatchSettings]:
    return lambda base: replace(base, learning=replace(base.learning, margin=margin))


def _backbone(name: str) -> Callable[[MatchSettings], MatchSettings]:
    return lambda base: replace(base, pictures=replace(base.pictures, backbone=name))


ABLATIONS: Final[dict[str, Callable[[MatchSettings], MatchSettings]]] = {
    "no-ot": _network(transport=False),
    "no-ca": _network(cross_attention=False),
    "no-ot-no-ca": _network(transport=False, cross_attention=False),
    "one-token": _network(one_token=True),
    **{f"patch-{size}": _patch(size) for size in (32, 64, 128)},
    **{f"margin-{margin}": _margin(margin) for margin in (0.1, 0.2, 0.3, 0.4)},
    **{name: _backbone(name) for name in ("resnet18", "mobilenetv2", "efficientnet_b0", "vit_b16")},
}
"""Tables 2 (OT, CA, backbones), 3 (patch) and 4 (margin) by name, and the literal one-token reading."""


def match_settings(preset: str = DEFAULT_PRESET, ablation: str | None = None) -> MatchSettings:
    """Return a preset's settings, with one ablation; an unknown name raises NasionError."""
    _require(preset in PRESETS, f"there is no preset {preset!r}; use one of {', '.join(PRESETS)}")
    if ablation is None:
        return PRESETS[preset]
    _require(ablation in ABLATIONS, f"there is no ablation {ablation!r}; use one of {', '.join(ABLATIONS)}")
    return ABLATIONS[ablation](PRESETS[preset])
