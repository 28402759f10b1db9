"""What the network for landmarks in images is made of, how it learns, and the paper's variants by name.

Nguyen et al., "Facial landmark detection with learnable connectivity graph convolutional network" (IEEE Access 2022).
The paper leaves open: widths of the small MLPs, activations, scaling of coordinates, epochs, the soft-argmax's range
and temperature, the heat maps' width; it predicts coordinates where we predict corrections of the heat maps' points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from nasion.errors import NasionError
from nasion.landmarks.image.schemes import Subject

Precision = Literal["float32", "bfloat16"]
"""Of the convolutions while learning; losses and the graph network always have float32."""
Connectivity = Literal["shape", "image", "task", "none"]
"""Whom a landmark listens to: by a shape model and the heat maps' heights (ours), by image (the paper), by one learnt
matrix a task (Li et al. 2020), or no graph network."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise NasionError(f"image network: {message}")


@dataclass(frozen=True)
class ImageNetSettings:
    """The network.

    Attributes
    ----------
    backbone
        A key of ``backbones.BACKBONES``.
    input_size_px
        Width and height of a crop, multiples of 32.
    margin
        Crop over the box of the landmarks.
    window_cells
        Reach of the soft-argmax to each side of the highest cell; a cell is 4 crop pixels.
    connectivity
        See ``Connectivity``.
    shape_modes
        Principal components of ``"shape"``.
    heads
        How many connectivities a graph of ``"image"`` or ``"task"`` has (the paper: 1).
    visual_features, label_features
        Features of a node from the image and of its own class; the paper has none of the latter.
    graph_widths
        Hidden widths of the graph blocks before the last one.
    absolute
        The graph network gives coordinates (the paper), not corrections of the heat maps' points.

    """

    backbone: str = "efficientnet_lite0"
    input_size_px: tuple[int, int] = (256, 256)
    margin: float = 1.3
    window_cells: int = 5
    connectivity: Connectivity = "shape"
    shape_modes: int = 32
    heads: int = 4
    visual_features: int = 64
    label_features: int = 16
    graph_widths: tuple[int, ...] = (64, 16)
    absolute: bool = False

    def __post_init__(self) -> None:
        _require(all(side >= 32 and side % 32 == 0 for side in self.input_size_px), "sides must be multiples of 32")
        _require(self.margin >= 1, "margin must be at least 1")
        _require(min(self.window_cells, self.heads, self.visual_features) >= 1, "window, heads, features: at least 1")
        _require(self.shape_modes >= 0, "shape_modes must not be negative")
        _require(self.label_features >= 0 and min(self.graph_widths, default=1) >= 1, "widths must not be negative")
        _require(self.connectivity in get_args(Connectivity), f"connectivity is one of {get_args(Connectivity)}")


@dataclass(frozen=True)
class LossSettings:
    """Eqs. 7 to 9, with lengths in cells of the heat maps.

    Attributes
    ----------
    points_weight, heat_weight
        lambda 1 and 2 of Eq. 9.
    start_weight
        Of the L1 error of the soft-argmax itself; ours.
    alpha, beta
        Of Eq. 8.
    sigma_cells
        Standard deviation of a target heat map.
    near_cells
        Distance from the truth beyond which L1 errors no longer move the soft-argmax: its window does not see the truth
        from there, so only the heat map's own loss can help.

    """

    points_weight: float = 1.0
    heat_weight: float = 1.0
    start_weight: float = 0.0
    alpha: float = 2.0
    beta: float = 4.0
    sigma_cells: float = 1.5
    near_cells: float = 6.0

    def __post_init__(self) -> None:
        _require(min(self.points_weight, self.heat_weight, self.start_weight) >= 0, "weights must not be negative")
        _require(min(self.alpha, self.beta, self.sigma_cells, self.near_cells) > 0, "alpha to near_cells: positive")


@dataclass(frozen=True)
class AugmentSettings:
    """How crops to learn from vary; rotation, scale, shift, mirroring and colour are the paper's.

    Attributes
    ----------
    rotation_deg
        Largest turn to either side.
    scale
        Smallest and largest factor of the crop's content.
    shift
        Largest shift, share of the crop.
    mirrored
        Share of mirrored crops.
    colour
        Largest change of brightness, contrast and colour, share.
    patches
        Share of crops with patches that hide parts; ours.
    blurred
        Share of crops with blur or coarse pixels; ours.
    far
        Share of crops that are framed as loosely as a whole picture; ours, for radiographs.
    far_scale, far_shift
        Factors of the content of those, and their largest shift.
    tint
        Largest change of one colour channel against the others, share; part of the colour jitter.
    peaked
        Turns, scales and shifts are drawn with a triangular density, not a uniform one; ours, as the second look in
        use is nearly upright and centred.

    """

    rotation_deg: float = 30.0
    scale: tuple[float, float] = (0.8, 1.2)
    shift: float = 0.1
    mirrored: float = 0.5
    colour: float = 0.3
    patches: float = 0.0
    blurred: float = 0.0
    far: float = 0.0
    far_scale: tuple[float, float] = (0.5, 0.85)
    far_shift: float = 0.2
    tint: float = 0.1
    peaked: bool = False

    def __post_init__(self) -> None:
        shares = (self.mirrored, self.patches, self.blurred, self.far)
        _require(all(0 <= share <= 1 for share in shares), "shares lie between 0 and 1")
        _require(0 < self.scale[0] <= self.scale[1] and 0 < self.far_scale[0] <= self.far_scale[1], "scales ascend")
        _require(
            min(self.rotation_deg, self.shift, self.far_shift, self.colour) >= 0,
            "rotation, shift and colour are not negative",
        )


@dataclass(frozen=True)
class TrainSettings:
    """How the network learns.

    Attributes
    ----------
    epochs, batch
        Passes over the training images; images a step.
    heat_rate, graph_rate
        Learning rates of the heat map network and of the graph network.
    final_share
        Share of the rates at the end of half a cosine wave; 1 keeps them constant.
    warmup_steps
        First steps, with rising rates.
    weight_decay
        Of AdamW; 0 is Adam.
    average
        Weights are judged and kept as a running mean with this decay; 0 keeps the last ones.
    keep_last
        Keep the weights of the last epoch, not of that with the least error on the held-out people. Where the rates
        fall to nothing the last is the best, a few held-out people choose by chance, and so calibration has people who
        chose nothing.
    patience
        Epochs without a better error on the held-out people after which learning stops; no matter with ``keep_last``.
    held_out
        Share of the people who are held out.
    precision
        See ``Precision``.
    seed
        Of first weights, split, order and augmentation.
    loss, augment
        See there.

    """

    epochs: int = 60
    batch: int = 8
    heat_rate: float = 1e-4
    graph_rate: float = 1e-3
    final_share: float = 1.0
    warmup_steps: int = 0
    weight_decay: float = 0.0
    average: float = 0.0
    keep_last: bool = False
    patience: int = 20
    held_out: float = 0.1
    precision: Precision = "float32"
    seed: int = 0
    loss: LossSettings = LossSettings()
    augment: AugmentSettings = AugmentSettings()

    def __post_init__(self) -> None:
        _require(min(self.epochs, self.batch, self.patience) >= 1, "epochs, batch and patience must be at least 1")
        _require(min(self.heat_rate, self.graph_rate) > 0, "the learning rates must be positive")
        _require(0 < self.final_share <= 1 and 0 < self.held_out < 1, "final_share and held_out lie between 0 and 1")
        _require(
            0 <= self.average < 1 and self.weight_decay >= 0, "average lies between 0 and 1, decay is not negative"
        )
        _require(self.warmup_steps >= 0, "warmup_steps must not be negative")
        _require(self.precision in get_args(Precision), f"precision is one of {get_args(Precision)}")


_PAPER: Final = ImageNetSettings(
    backbone="hrnet_w18", connectivity="image", heads=1, visual_features=32, label_features=0, absolute=True, margin=1.3
)
VARIANTS: Final[dict[str, ImageNetSettings]] = {
    "lc-gcn": _PAPER,
    "li-2020": replace(_PAPER, connectivity="task"),
    "heat-maps": replace(_PAPER, connectivity="none"),
}
"""The paper's network and its ablations (Table 3)."""

_LARGE: Final[dict[Subject, tuple[int, int]]] = {"face": (256, 256), "cephalogram": (512, 640)}
PRESETS: Final = ("small", "paper")
"""For CPUs; the paper's own, for a GPU."""


def network_preset(preset: str, subject: Subject) -> ImageNetSettings:
    """Return the network of a preset; an unknown name raises NasionError."""
    _require(preset in PRESETS, f"there is no preset {preset!r}; use one of {', '.join(PRESETS)}")
    base = _PAPER if preset == "paper" else ImageNetSettings()
    return replace(base, input_size_px=_LARGE[subject])


def learning_preset(preset: str, subject: Subject) -> TrainSettings:
    """Return how a preset learns; radiographs are not mirrored, as all of them face the same side."""
    _require(preset in PRESETS, f"there is no preset {preset!r}; use one of {', '.join(PRESETS)}")
    film = subject == "cephalogram"
    if preset == "paper":
        return TrainSettings(precision="bfloat16", augment=AugmentSettings(mirrored=0.0 if film else 0.5))
    augment = AugmentSettings(patches=0.3, blurred=0.2, peaked=True)
    if film:
        augment = AugmentSettings(
            rotation_deg=15.0, mirrored=0.0, patches=0.2, blurred=0.1, far=0.3, tint=0.0, peaked=True
        )
    return TrainSettings(
        batch=4 if film else 8,
        heat_rate=1e-3,
        graph_rate=3e-3,
        final_share=0.01,
        warmup_steps=100,
        weight_decay=1e-2,
        average=0.998,
        keep_last=True,
        loss=LossSettings(start_weight=1.0),
        augment=augment,
    )
