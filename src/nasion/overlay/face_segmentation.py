"""The face mask of a photograph from its pixels, seeded by the landmarks; in doubt a place is unknown.

GrabCut (Rother, Kolmogorov & Blake 2004, as in OpenCV) parts the person from the background in an upright picture of
the head at a millimetre a pixel. It runs several times with differing seeds; where the runs disagree the place is
unknown. Of the person, skin that hangs together with the landmarks is face and the rest (hair, hat, beard, clothes)
unknown; below the chin all is unknown, because the head's border is not to be seen there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import SCHEMES
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.head_pose import HeadPose
from nasion.overlay.upright_head import SegmentationSettings, UprightHead, places_in_photo, upright_head

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


COARSE: Final = 3
DIRECTIONS: Final = 72
SPREAD: Final = 2
"""Doubt spreads to as many neighbouring directions, 5 degrees each."""


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
    head = upright_head(image, points, pose, s)
    if head.sure_face.sum() < s.least_seed_mm2:
        return _refused("the landmarks enclose too little of the face")
    if head.seen[head.expected].mean() < s.least_seen_share:
        return _refused("the picture shows too little of the head")
    fault = _implausible(_coarse_person(head, s), head, s)
    if fault is not None:
        return _refused(fault)
    runs = [
        _with_seed(_grabcut(head.image, _labels(head, near, deep), s.iterations), head.sure_face)
        for near, deep in zip(s.background_mm, s.head_mm, strict=True)
    ]
    person, maybe = _agreed(runs, s)
    fault = _implausible(maybe, head, s)
    if fault is not None:
        return _refused(fault)
    places = _places(person, maybe, head, s)
    sure = _sure_directions(person, head, s)
    places[(places == Place.OUTSIDE) & ~sure[_direction(head)]] = Place.UNKNOWN
    quality = float(sure[len(sure) // 2 :].mean())
    if quality < s.least_border_share:
        return _refused(f"only {quality:.0%} of the head's border is sure")
    mask = places_in_photo(places, head, image.shape[:2], pose)
    return Segmented(
        FaceRegion(mask), quality, f"mask: automatic, from the landmarks ({quality:.0%} of the border sure)"
    )


def _refused(reason: str) -> Segmented:
    return Segmented(None, 0.0, f"no automatic mask: {reason}; draw one, or go on with the landmarks alone")


def _labels(head: UprightHead, background_mm: float, head_mm: float) -> NDArray[np.uint8]:
    """Return GrabCut's labels at the start of a run."""
    outward = cv2.distanceTransform((~head.expected).astype(np.uint8), cv2.DIST_L2, 5)
    inward = cv2.distanceTransform(head.expected.astype(np.uint8), cv2.DIST_L2, 5)
    labels: NDArray[np.uint8] = np.full(head.expected.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    labels[(inward - outward > head_mm) | ~head.like_far] = cv2.GC_PR_FGD
    labels[(outward > background_mm) | ~head.seen] = cv2.GC_BGD
    labels[head.sure_face] = cv2.GC_FGD
    return labels


def _grabcut(image: NDArray[np.uint8], labels: NDArray[np.uint8], iterations: int) -> BoolImage:
    """Return the person, by one run."""
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    color = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    cv2.grabCut(color, labels, (0, 0, 1, 1), *models, iterations, cv2.GC_INIT_WITH_MASK)
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))


def _coarse_person(head: UprightHead, s: SegmentationSettings) -> BoolImage:
    """Return a quick result at a third of the size: where colours do not differ, a full run takes many seconds."""
    height, width = head.expected.shape
    labels = np.ascontiguousarray(_labels(head, s.background_mm[0], s.head_mm[0])[1::COARSE, 1::COARSE])
    image = cv2.resize(head.image, labels.shape[::-1], interpolation=cv2.INTER_AREA)
    person = _grabcut(np.asarray(image, dtype=np.uint8), labels, 2)
    large = cv2.resize(person.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return _with_seed(np.asarray(large), head.sure_face)


def _with_seed(person: BoolImage, seed: BoolImage) -> BoolImage:
    """Return the parts that hang together with the sure face, holes filled."""
    from scipy.ndimage import binary_fill_holes

    _, parts = cv2.connectedComponents((person | seed).astype(np.uint8), connectivity=4)
    kept = np.isin(parts, np.unique(parts[seed]))
    closed = np.vstack([kept, np.ones((1, kept.shape[1]), dtype=bool)])
    return np.asarray(kept | binary_fill_holes(closed)[:-1] & binary_fill_holes(kept))


def _implausible(person: BoolImage, head: UprightHead, s: SegmentationSettings) -> str | None:
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


def _agreed(runs: Sequence[BoolImage], s: SegmentationSettings) -> tuple[BoolImage, BoolImage]:
    """Return what all runs take for person, and what any does; in thin bands, as along the border, most decide."""
    person, maybe = np.logical_and.reduce(runs), np.logical_or.reduce(runs)
    thin = (maybe & ~person) & ~_opened(maybe & ~person, s.smooth_mm)
    most = np.sum(runs, axis=0) * 2 > len(runs)
    return np.asarray(person | (thin & most)), np.asarray(maybe & ~(thin & ~most))


def _opened(mask: BoolImage, width: float) -> BoolImage:
    """Return a mask without what is thinner than a width."""
    size = int(width) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc) > 0)


def _places(person: BoolImage, maybe: BoolImage, head: UprightHead, s: SegmentationSettings) -> NDArray[np.uint8]:
    """Return the three values in the upright picture."""
    # colours mix at the border: what is no skin in a thin band is skin's border
    skin = person & ~_opened(person & ~_skin(head, s), s.smooth_mm)
    skin = _with_seed(_opened(skin, s.smooth_mm), head.sure_face) & person
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


def _skin(head: UprightHead, s: SegmentationSettings) -> BoolImage:
    """Return the pixels with the colours of the sure face; lightness may vary more, as light does."""
    color = cv2.GaussianBlur(cv2.cvtColor(head.image, cv2.COLOR_RGB2LAB), (0, 0), 1.5).astype(np.float64)
    sample = color[head.sure_face]
    middle = np.median(sample, axis=0)
    spread = 1.4826 * np.median(np.abs(sample - middle), axis=0)
    spread = np.maximum(spread, [12.0, 3.0, 3.0])
    return np.asarray(np.linalg.norm((color - middle) / spread, axis=2) < s.skin_sd)


def _direction(head: UprightHead) -> NDArray[np.intp]:
    """Return each pixel's direction from the expected head's middle, 0 to ``DIRECTIONS``: right, down, left, up."""
    rows, columns = np.nonzero(head.expected)
    row, column = np.indices(head.expected.shape)
    turn = np.arctan2(row - rows.mean(), column - columns.mean()) / (2 * np.pi) % 1.0
    return np.asarray(np.minimum((turn * DIRECTIONS).astype(np.intp), DIRECTIONS - 1))


def _share(direction: NDArray[np.intp], what: BoolImage, where: BoolImage) -> FloatArray:
    """Return (DIRECTIONS,) shares of places that are so; NaN where there is none."""
    chosen = direction[where]
    count = np.bincount(chosen, minlength=DIRECTIONS)
    total = np.bincount(chosen, weights=what[where], minlength=DIRECTIONS)
    return np.asarray(np.divide(total, count, out=np.full(DIRECTIONS, np.nan), where=count > 0))


def _sure_directions(person: BoolImage, head: UprightHead, s: SegmentationSettings) -> BoolImage:
    """Return (DIRECTIONS,) in which the head's rim was told from the background; neighbours of doubt are in doubt."""
    inward = cv2.distanceTransform(np.pad(head.widest.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rim = (inward > s.rim_mm[0]) & (inward < s.rim_mm[1])
    direction = _direction(head)
    lost = _share(direction, ~person, rim)
    outward = cv2.distanceTransform((~person).astype(np.uint8), cv2.DIST_L2, 5)
    unlike = _share(direction, ~head.like_far, ~person & (outward < s.near_mm) & head.seen)
    doubtful = ~(lost <= s.most_rim_lost) | (unlike > s.most_unlike)
    return np.asarray(~np.any([np.roll(doubtful, turn) for turn in range(-SPREAD, SPREAD + 1)], axis=0))
