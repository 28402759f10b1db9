"""The picture of a head turned upright at a millimetre a pixel, as the segmentation works on it, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from nasion.overlay.face_region import Place
from nasion.overlay.head_pose import HeadPose, expected_outline

FloatArray = NDArray[np.float64]
BoolImage = NDArray[np.bool_]

UPPER_LIP_MM: Final = (0.0, -40.0, 111.0)
"""Of the generic head, Frankfurt axes from between the porions."""
FAR_SAMPLES: Final = 1000
NEIGHBORS: Final = 10
"""Of 1000: a colour with a smaller share of the far background than a hundredth is none of its colours."""


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
        Depths inside the expected outline from which the runs take all for head until colours say otherwise; below 0
        outside of it, for hair.
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
    nod_sds
        The rim is that of the outline which holds every nod up to so many SDs.
    near_mm, most_unlike, color_reach
        Likewise where more than this share of the outside so near to the head has no like (within this distance of
        Lab colours, 0 to 255 each) in the background far from it: hair that was cut off.
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
    head_mm: tuple[float, ...] = (0.0, -12.0, -24.0)
    seed_depth_mm: float = 7.0
    least_seed_mm2: float = 200.0
    least_seen_share: float = 0.7
    iterations: int = 4
    skin_sd: float = 3.5
    smooth_mm: float = 4.0
    most_beard: float = 0.3
    least_core_share: float = 0.8
    nod_sds: float = 1.5
    near_mm: float = 18.0
    most_unlike: float = 0.2
    color_reach: float = 9.0
    rim_mm: tuple[float, float] = (7.0, 20.0)
    most_rim_lost: float = 0.12
    core_mm: float = 18.0
    most_at_edge: float = 0.35
    least_border_share: float = 0.25


@dataclass(frozen=True)
class UprightHead:
    """The head upright at a millimetre a pixel; ``to_photo`` (2, 3) leads from its pixels to the photograph's.

    ``widest`` holds the expected head in every nod that the landmarks allow, ``like_far`` tells where the colours of
    the background far from the head are found, ``mouth_row`` is the level of the upper lip.
    """

    image: NDArray[np.uint8]
    seen: BoolImage
    expected: BoolImage
    widest: BoolImage
    like_far: BoolImage
    sure_face: BoolImage
    mouth_row: int
    to_photo: FloatArray


def upright_head(
    image: NDArray[np.uint8], seeds_px: FloatArray, pose: HeadPose, s: SegmentationSettings
) -> UprightHead:
    """Cut out the head; the lower edge is the chin's level."""
    outline = expected_outline(pose)
    down = -pose.up_px
    right = np.array([down[1], -down[0]])
    axes = np.stack([right, down], axis=1) / pose.scale
    inner, wide = outline @ axes, expected_outline(pose, s.nod_sds) @ axes
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
    widest = cv2.fillConvexPoly(blank.copy(), np.rint(wide - low).astype(np.int32), 1) > 0
    hull = cv2.convexHull(np.rint(seeds - low).astype(np.int32))
    # in profile the midline landmarks lie on the border, and between lip and chin the hull crosses the background
    reach = int(2 * s.seed_depth_mm) | 1
    depth = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    sure = cv2.erode(cv2.fillConvexPoly(blank, hull, 1), depth) > 0
    mouth = float((pose.camera.project(np.array([UPPER_LIP_MM]))[0] @ axes - low)[1])
    picture, shown = np.asarray(upright, dtype=np.uint8), np.asarray(seen)
    like_far = _like_far_background(picture, expected, shown, s)
    return UprightHead(picture, shown, expected, widest, like_far, sure & seen, max(int(mouth), 0), to_photo)


def _not_larger(image: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], float]:
    """Return the picture at two pixels a millimetre at most, so that sampling it at one skips little; the factor."""
    if scale <= 2:
        return image, 1.0
    factor = 2 / scale
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), size[0] / image.shape[1]


def _like_far_background(
    image: NDArray[np.uint8], expected: BoolImage, seen: BoolImage, s: SegmentationSettings
) -> BoolImage:
    """Return the places whose colour occurs in the background far from the head."""
    from scipy.spatial import cKDTree

    outward = cv2.distanceTransform((~expected).astype(np.uint8), cv2.DIST_L2, 5)
    color = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2LAB), (0, 0), 1.5).astype(np.float64)
    far = color[(outward > s.background_mm[1]) & seen]
    if len(far) < NEIGHBORS * 10:
        return np.zeros(outward.shape, dtype=np.bool_)
    tree = cKDTree(far[:: max(1, len(far) // FAR_SAMPLES)])
    # several neighbours: a lock of hair that reaches so far is no background
    distance = np.asarray(tree.query(color.reshape(-1, 3), k=[NEIGHBORS], distance_upper_bound=s.color_reach)[0])
    return np.asarray(np.isfinite(distance).reshape(outward.shape))


def places_in_photo(
    places: NDArray[np.uint8], head: UprightHead, shape: tuple[int, ...], pose: HeadPose
) -> NDArray[np.uint8]:
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
