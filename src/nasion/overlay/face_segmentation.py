"""The face mask of a photograph from its pixels, seeded by the landmarks; in doubt a place is unknown.

GrabCut (Rother, Kolmogorov & Blake 2004, as in OpenCV) parts the person from the background in an upright picture of
the head at a millimetre a pixel. It runs several times with differing seeds; where the runs disagree the place is
unknown. Of the person, skin that hangs together with the landmarks is face and the rest (hair, hat, beard, clothes)
unknown; below the chin all is unknown, because the head's border is not to be seen there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.head_pose import HeadPose, expected_outline

FloatArray = NDArray[np.float64]
BoolImage = NDArray[np.bool_]

SEEDS: Final = frozenset(
    name
    for name in SCHEMES["facial20"]
    if name in {"nasion", "glabella", "subnasale", "labiale_superius"} or name.startswith(("exo", "endo", "alare"))
)
"""Landmarks whose hull is surely face; the others may lie under hair or beard."""
LATERAL_SEEDS: Final = SEEDS | {"zygion_left", "zygion_right"}
"""In profile zygion lies in the middle of the cheek."""


UPPER_LIP_MM: Final = (0.0, -40.0, 111.0)
"""Of the generic head, Frankfurt axes from between the porions."""
DIRECTIONS: Final = 72
SPREAD: Final = 2
"""Doubt spreads to as many neighbouring directions, 5 degrees each."""


@dataclass(frozen=True)
class SegmentationSettings:
    """How the head is looked for; lengths in mm at the head's distance.

    Attributes
    ----------
    margin_mm
        Of the picture of the head round the expected outline.
    background_mm
        (nearest, farthest) distances from the expected outline at which the runs take all for background.
    head_mm
        Depths inside the expected outline from which the runs take all for head until colours say otherwise.
    seed_depth_mm
        Inside the hull of the landmarks the place is surely face from this depth on.
    least_seed_mm2
        Refused where the surely face is smaller.
    least_seen_share
        Refused where less of the expected head is in the picture.
    iterations
        Of GrabCut in each run.
    skin_sd
        Pixels nearer than this to the colours of the face, in SDs of these, are skin.
    smooth_mm
        Smaller spots and gaps are smoothed away.
    most_beard
        Where more than this share of the expected chin (the lower half below the upper lip) is not skin, all that is
        not face below the upper lip is unknown: a beard hides chin and jaw, and what is behind is often as dark.
    least_core_share
        Refused where less of the expected head's inner part is found.
    core_mm
        Depth of that part.
    rim_mm, most_rim_lost
        Least and greatest depth of the expected head's rim. In directions where more than this share of the rim went
        to the background the border is unknown: hair that looks like the background.
    most_at_edge
        Refused where the person covers more than this share of the picture's sides and top.
    least_border_share
        Refused where less of the head's border above the chin is sure.

    """

    margin_mm: float = 85.0
    background_mm: tuple[float, ...] = (40.0, 55.0, 70.0)
    head_mm: tuple[float, ...] = (4.0, 0.0, -4.0)
    seed_depth_mm: float = 7.0
    least_seed_mm2: float = 200.0
    least_seen_share: float = 0.7
    iterations: int = 4
    skin_sd: float = 3.5
    smooth_mm: float = 4.0
    most_beard: float = 0.3
    least_core_share: float = 0.8
    rim_mm: tuple[float, float] = (7.0, 20.0)
    most_rim_lost: float = 0.12
    core_mm: float = 18.0
    most_at_edge: float = 0.35
    least_border_share: float = 0.25


@dataclass(frozen=True)
class Segmented:
    """What was found.

    Attributes
    ----------
    region
        The face region, without contours; None where the result was refused.
    quality
        0 to 1: share of the head's border above the chin that is sure.
    note
        One line for the user.

    """

    region: FaceRegion | None
    quality: float
    note: str


@dataclass(frozen=True)
class _Upright:
    """The head upright at a millimetre a pixel; ``to_photo`` (2, 3) leads from its pixels to the photograph's.

    ``mouth_row`` is the level of the upper lip.
    """

    image: NDArray[np.uint8]
    seen: BoolImage
    expected: BoolImage
    sure_face: BoolImage
    mouth_row: int
    to_photo: FloatArray


def segment_face(
    image: NDArray[np.uint8],
    landmarks_px: Mapping[str, FloatArray],
    pose: HeadPose,
    settings: SegmentationSettings | None = None,
) -> Segmented:
    """Return the face region of a photograph.

    Parameters
    ----------
    image
        (h, w, 3) uint8 RGB.
    landmarks_px
        Facial landmarks, (2,) px.
    pose
        From ``head_pose``.
    settings
        How it is looked for.

    """
    s = settings or SegmentationSettings()
    names = LATERAL_SEEDS if pose.lateral else SEEDS
    points = np.array([point for name, point in landmarks_px.items() if name in names], dtype=np.float64).reshape(-1, 2)
    if len(points) < 4:
        return _refused("too few landmarks of the face")
    head = _upright(image, points, pose, s)
    if head.sure_face.sum() < s.least_seed_mm2:
        return _refused("the landmarks enclose too little of the face")
    if head.seen[head.expected].mean() < s.least_seen_share:
        return _refused("the picture shows too little of the head")
    runs = [
        _with_seed(_grabcut(head, near, deep, s), head.sure_face)
        for near, deep in zip(s.background_mm, s.head_mm, strict=True)
    ]
    person, maybe = np.logical_and.reduce(runs), np.logical_or.reduce(runs)
    fault = _implausible(maybe, head, s)
    if fault is not None:
        return _refused(fault)
    places = _places(person, maybe, head, s)
    sure = _sure_directions(person, head, s)
    places[(places == Place.OUTSIDE) & ~sure[_direction(head)]] = Place.UNKNOWN
    quality = float(sure[len(sure) // 2 :].mean())
    if quality < s.least_border_share:
        return _refused(f"only {quality:.0%} of the head's border is sure")
    mask = _in_photo(places, head, image.shape[:2], pose)
    return Segmented(
        FaceRegion(mask), quality, f"mask: automatic, from the landmarks ({quality:.0%} of the border sure)"
    )


def _refused(reason: str) -> Segmented:
    return Segmented(None, 0.0, f"no automatic mask: {reason}; draw one, or go on with the landmarks alone")


def _upright(image: NDArray[np.uint8], seeds_px: FloatArray, pose: HeadPose, s: SegmentationSettings) -> _Upright:
    """Cut out the head; the lower edge is the chin's level."""
    outline = expected_outline(pose)
    down = -pose.up_px
    right = np.array([down[1], -down[0]])
    axes = np.stack([right, down], axis=1) / pose.scale
    inner = outline @ axes * 1.0
    seeds = seeds_px @ axes
    low = np.minimum(inner.min(axis=0), seeds.min(axis=0)) - s.margin_mm
    high = np.maximum(inner.max(axis=0), seeds.max(axis=0))
    high[0] += s.margin_mm
    size = tuple(int(v) for v in np.ceil(high - low))
    to_photo = np.column_stack([right * pose.scale, down * pose.scale, (low[0] * right + low[1] * down) * pose.scale])
    shrunk, factor = _not_larger(image, pose.scale)
    matrix = to_photo * factor
    matrix[:, 2] += (factor - 1) / 2
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    upright = cv2.warpAffine(shrunk, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    inside = np.ones(image.shape[:2], dtype=np.uint8)
    seen = cv2.warpAffine(inside, to_photo, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    blank = np.zeros(size[::-1], dtype=np.uint8)
    expected = cv2.fillConvexPoly(blank.copy(), np.rint(inner - low).astype(np.int32), 1) > 0
    hull = cv2.convexHull(np.rint(seeds - low).astype(np.int32))
    # in profile the midline landmarks lie on the border, and between lip and chin the hull crosses the background
    reach = int(2 * s.seed_depth_mm) | 1
    depth = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    sure = cv2.erode(cv2.fillConvexPoly(blank, hull, 1), depth) > 0
    mouth = float((pose.camera.project(np.array([UPPER_LIP_MM]))[0] @ axes - low)[1])
    return _Upright(
        np.asarray(upright, dtype=np.uint8), np.asarray(seen), expected, sure & seen, max(int(mouth), 0), to_photo
    )


def _not_larger(image: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], float]:
    """Return the picture at two pixels a millimetre at most, so that sampling it at one skips little; the factor."""
    if scale <= 2:
        return image, 1.0
    factor = 2 / scale
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), size[0] / image.shape[1]


def _grabcut(head: _Upright, background_mm: float, head_mm: float, s: SegmentationSettings) -> BoolImage:
    """Return the person, by one run."""
    outward = cv2.distanceTransform((~head.expected).astype(np.uint8), cv2.DIST_L2, 5)
    inward = cv2.distanceTransform(head.expected.astype(np.uint8), cv2.DIST_L2, 5)
    labels: NDArray[np.uint8] = np.full(head.expected.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    labels[inward - outward > head_mm] = cv2.GC_PR_FGD
    labels[(outward > background_mm) | ~head.seen] = cv2.GC_BGD
    labels[head.sure_face] = cv2.GC_FGD
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    color = cv2.cvtColor(head.image, cv2.COLOR_RGB2LAB)
    cv2.grabCut(color, labels, (0, 0, 1, 1), *models, s.iterations, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def _with_seed(person: BoolImage, seed: BoolImage) -> BoolImage:
    """Return the parts that hang together with the sure face, holes filled."""
    from scipy.ndimage import binary_fill_holes

    _, parts = cv2.connectedComponents((person | seed).astype(np.uint8), connectivity=4)
    kept = np.isin(parts, np.unique(parts[seed]))
    closed = np.vstack([kept, np.ones((1, kept.shape[1]), dtype=bool)])
    return np.asarray(kept | binary_fill_holes(closed)[:-1] & binary_fill_holes(kept))


def _implausible(person: BoolImage, head: _Upright, s: SegmentationSettings) -> str | None:
    """Return what speaks against the result."""
    inward = cv2.distanceTransform(np.pad(head.expected.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    core = (inward > s.core_mm) & head.seen
    share = float(person[core].mean()) if core.any() else 0.0
    if share < s.least_core_share:
        return f"only {share:.0%} of the head was told from the background"
    edge = np.concatenate([person[0], person[: person.shape[0] * 2 // 3, 0], person[: person.shape[0] * 2 // 3, -1]])
    if edge.mean() > s.most_at_edge:
        return "the background was not told from the head"
    return None


def _places(person: BoolImage, maybe: BoolImage, head: _Upright, s: SegmentationSettings) -> NDArray[np.uint8]:
    """Return the three values in the upright picture."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (int(s.smooth_mm) | 1, int(s.smooth_mm) | 1))
    smooth = cv2.morphologyEx((_skin(head, s) & person).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_OPEN, disc)
    skin = _with_seed(np.asarray(smooth > 0) & person, head.sure_face)
    # a place well inside an average head is no background, whatever its colour
    inward = cv2.distanceTransform(np.pad(head.expected.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    outward = cv2.distanceTransform((~head.expected).astype(np.uint8), cv2.DIST_L2, 5)
    doubtful = maybe | (inward > s.core_mm) | (~head.seen & (outward < s.background_mm[0]))
    places = np.where(skin & person, Place.FACE, np.where(doubtful, Place.UNKNOWN, Place.OUTSIDE))
    chin = head.expected.copy()
    chin[: (head.mouth_row + len(chin)) // 2] = False
    if not chin.any() or (places[chin] != Place.FACE).mean() > s.most_beard:
        jaw = places[head.mouth_row :]
        jaw[jaw == Place.OUTSIDE] = Place.UNKNOWN
    return places.astype(np.uint8)


def _skin(head: _Upright, s: SegmentationSettings) -> BoolImage:
    """Return the pixels with the colours of the sure face; lightness may vary more, as light does."""
    color = cv2.GaussianBlur(cv2.cvtColor(head.image, cv2.COLOR_RGB2LAB), (0, 0), 1.5).astype(np.float64)
    sample = color[head.sure_face]
    middle = np.median(sample, axis=0)
    spread = 1.4826 * np.median(np.abs(sample - middle), axis=0)
    spread = np.maximum(spread, [12.0, 3.0, 3.0])
    return np.asarray((np.abs(color - middle) / spread < s.skin_sd).all(axis=2))


def _direction(head: _Upright) -> NDArray[np.intp]:
    """Return each pixel's direction from the expected head's middle, 0 to ``DIRECTIONS``: right, down, left, up."""
    rows, columns = np.nonzero(head.expected)
    row, column = np.indices(head.expected.shape)
    turn = np.arctan2(row - rows.mean(), column - columns.mean()) / (2 * np.pi) % 1.0
    return np.minimum((turn * DIRECTIONS).astype(np.intp), DIRECTIONS - 1)


def _sure_directions(person: BoolImage, head: _Upright, s: SegmentationSettings) -> BoolImage:
    """Return (DIRECTIONS,) in which the head's rim was told from the background; neighbours of doubt are in doubt."""
    inward = cv2.distanceTransform(np.pad(head.expected.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rim = (inward > s.rim_mm[0]) & (inward < s.rim_mm[1])
    direction = _direction(head)[rim]
    count = np.bincount(direction, minlength=DIRECTIONS)
    lost = np.bincount(direction, weights=~person[rim], minlength=DIRECTIONS)
    doubtful = (lost > s.most_rim_lost * count) | (count == 0)
    return ~np.any([np.roll(doubtful, turn) for turn in range(-SPREAD, SPREAD + 1)], axis=0)


def _in_photo(places: NDArray[np.uint8], head: _Upright, shape: tuple[int, ...], pose: HeadPose) -> NDArray[np.uint8]:
    """Return the photograph's mask: above and beside the cut outside, below the chin's level unknown."""
    height, width = shape[:2]
    down = -pose.up_px
    level = places.shape[0] - 1
    origin = head.to_photo @ np.array([0.0, level, 1.0])
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    below = (column - origin[0]) * down[0] + (row - origin[1]) * down[1] > 0
    kind = [
        cv2.warpAffine((places == place).astype(np.float32), head.to_photo, (width, height), flags=cv2.INTER_LINEAR)
        for place in (Place.FACE, Place.UNKNOWN)
    ]
    face, unknown = kind
    mask = np.where(face > 0.5, Place.FACE, np.where(face + unknown > 0.5, Place.UNKNOWN, Place.OUTSIDE))
    return np.where(below, Place.UNKNOWN, mask).astype(np.uint8)
