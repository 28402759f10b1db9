"""P_par: how parallel the skull's curve runs to the face's (Lilium, section II-F), compiled.

Curves are polylines with points at even distances; the search uses a coarse distance, the final judgement one pixel.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TERMINAL = 0.2
"""Share of a curve's length over which its end's normal is averaged."""
JUMP_SHARE = 0.15
"""Neighbouring points of a curve that lie farther apart than this share of its stretch belong to two pieces."""


@njit(cache=True, nogil=True, error_model="numpy")
def resample(points, count, step, out):  # type: ignore[no-untyped-def]
    """Write points of a polyline at every ``step`` of its length, from its first point; return how many.

    Parameters
    ----------
    points, count
        (n, 2) px, of which the first ``count`` are the polyline.
    step
        Distance, px; enlarged where ``out`` would not hold the points.
    out
        (m, 2), overwritten.

    """
    length = 0.0
    for i in range(count - 1):
        length += math.hypot(points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1])
    step = max(step, length / (out.shape[0] - 1))
    out[0] = points[0]
    made, ahead = 1, step
    for i in range(count - 1):
        du, dv = points[i + 1, 0] - points[i, 0], points[i + 1, 1] - points[i, 1]
        part = math.hypot(du, dv)
        while part > 0.0 and ahead <= part + 1e-9 * step and made < out.shape[0]:
            out[made, 0] = points[i, 0] + du * ahead / part
            out[made, 1] = points[i, 1] + dv * ahead / part
            made += 1
            ahead += step
        ahead -= part
    return made


@njit(cache=True, nogil=True, error_model="numpy")
def normal_at_end(curve, first, last, at_first):  # type: ignore[no-untyped-def]
    """Return the (not unit) normal averaged over the terminal fifth of points ``first`` to ``last`` of a curve.

    The mean of a polyline's normals, weighted by length, is the normal of its chord.
    """
    reach = max(int(TERMINAL * (last - first) + 0.5), 1)
    a, b = (first, min(first + reach, last)) if at_first else (last, max(last - reach, first))
    return -(curve[b, 1] - curve[a, 1]), curve[b, 0] - curve[a, 0]


@njit(cache=True, nogil=True, error_model="numpy")
def crossing(curve, first, last, u, v, nu, nv, reach):  # type: ignore[no-untyped-def]
    """Return where the line through (u, v) along (nu, nv) crosses a curve nearest to (u, v), as a fractional index.

    -1 where it does not cross within ``reach``.
    """
    best, nearest = -1.0, reach * reach
    before = (curve[first, 0] - u) * nv - (curve[first, 1] - v) * nu
    for i in range(first, last):
        after = (curve[i + 1, 0] - u) * nv - (curve[i + 1, 1] - v) * nu
        if before * after <= 0.0 and before != after:
            share = before / (before - after)
            du = curve[i, 0] + share * (curve[i + 1, 0] - curve[i, 0]) - u
            dv = curve[i, 1] + share * (curve[i + 1, 1] - curve[i, 1]) - v
            if du * du + dv * dv < nearest:
                nearest = du * du + dv * dv
                best = i + share
        before = after
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def trimmed(curve, count, other, other_count, step):  # type: ignore[no-untyped-def]
    """Return the first and last point of a curve that lie within the normals of the other curve's ends.

    A normal counts within half its own curve's length: farther on it meets the other flank of a bent curve.
    """
    first, last = 0, count - 1
    for at_first in (True, False):
        end = 0 if at_first else other_count - 1
        nu, nv = normal_at_end(other, 0, other_count - 1, at_first)
        reach = 0.5 * step * (other_count - 1)
        at = crossing(curve, 0, count - 1, other[end, 0], other[end, 1], nu, nv, reach)
        if at >= 0.0:
            if at_first:
                first = math.ceil(at)
            else:
                last = math.floor(at)
    return first, last


@njit(cache=True, nogil=True, error_model="numpy")
def _nearest(curve, first, last, u, v):  # type: ignore[no-untyped-def]
    best, nearest = first, np.inf
    for i in range(first, last + 1):
        du, dv = curve[i, 0] - u, curve[i, 1] - v
        d = du * du + dv * dv
        if d < nearest:
            nearest, best = d, i
    return best, math.sqrt(nearest)


@njit(cache=True, nogil=True, error_model="numpy")
def parallelism(  # type: ignore[no-untyped-def]
    skull, skull_count, face, face_count, step, outward_u, outward_v, tolerance, crossing_penalty, paired
):
    """Return P_par's three parts, spread, convergence and crossing; a negative spread where the curves share no part.

    Both curves are trimmed at the normals of the other's ends. Each skull point is paired with the nearest face point,
    and each face point left over with the nearest skull point. Spread is the standard deviation of the distances.
    Convergence is the sum of both end pairs' deviations from the mean where one exceeds the tolerance. A pair violates
    where the skull's point lies farther outwards than the face's; violations are counted in pixels of curve.

    Parameters
    ----------
    skull, skull_count, face, face_count
        (n, 2) px polylines with points at even distances, both in the same direction, and how many points count.
    step
        Distance of the points, px: what one violation counts.
    outward_u, outward_v
        Image direction out of the face: down the head for the chin, to the front for the forehead.
    tolerance
        As a share of the mean distance.
    crossing_penalty
        Of a pixel.
    paired
        (m,) bool scratch, at least as long as the face's curve.

    """
    s0, s1 = trimmed(skull, skull_count, face, face_count, step)
    f0, f1 = trimmed(face, face_count, skull, skull_count, step)
    if s1 <= s0 or f1 <= f0:
        return -1.0, 0.0, 0.0
    paired[:] = False
    total, squares, pairs, beyond = 0.0, 0.0, 0, 0
    start, end = 0.0, 0.0
    for i in range(s0, s1 + 1):
        j, d = _nearest(face, f0, f1, skull[i, 0], skull[i, 1])
        paired[j] = True
        total += d
        squares += d * d
        pairs += 1
        if i == s0:
            start = d
        end = d
        if (skull[i, 0] - face[j, 0]) * outward_u + (skull[i, 1] - face[j, 1]) * outward_v > 0.0:
            beyond += 1
    for j in range(f0, f1 + 1):
        if paired[j]:
            continue
        i, d = _nearest(skull, s0, s1, face[j, 0], face[j, 1])
        total += d
        squares += d * d
        pairs += 1
        if (skull[i, 0] - face[j, 0]) * outward_u + (skull[i, 1] - face[j, 1]) * outward_v > 0.0:
            beyond += 1
    mean = total / pairs
    spread = math.sqrt(max(squares / pairs - mean * mean, 0.0))
    at_start, at_end = abs(start - mean), abs(end - mean)
    convergence = at_start + at_end if max(at_start, at_end) > tolerance * mean else 0.0
    return spread, convergence, crossing_penalty * beyond * step


@njit(cache=True, nogil=True, error_model="numpy")
def _gap(curve, k):  # type: ignore[no-untyped-def]
    return math.hypot(curve[k + 1, 0] - curve[k, 0], curve[k + 1, 1] - curve[k, 1])


@njit(cache=True, nogil=True, error_model="numpy")
def front_of(segments, count, origin_u, origin_v, along_u, along_v, length, out, curve):  # type: ignore[no-untyped-def]
    """Write the outermost points of an outline over a stretch of a line; return how many.

    Parameters
    ----------
    segments, count
        (n, 4) px.
    origin_u, origin_v, along_u, along_v, length
        The stretch: origin, unit direction, length in px.
    out
        1.0 or -1.0: outermost to the right or to the left of the direction (rows go down).
    curve
        (bins, 2): a point at the middle of each of as many equal parts of the stretch; overwritten.

    """
    bins = curve.shape[0]
    height = np.full(bins, -np.inf)
    width = length / bins
    for s in range(count):
        du, dv = segments[s, 0] - origin_u, segments[s, 1] - origin_v
        a0, h0 = du * along_u + dv * along_v, out * (dv * along_u - du * along_v)
        du, dv = segments[s, 2] - origin_u, segments[s, 3] - origin_v
        a1, h1 = du * along_u + dv * along_v, out * (dv * along_u - du * along_v)
        if a0 > a1:
            a0, h0, a1, h1 = a1, h1, a0, h0
        if a1 <= 0.0 or a0 >= length or a0 == a1:
            continue
        first = max(math.ceil(a0 / width - 0.5), 0)
        last = min(math.floor(a1 / width - 0.5), bins - 1)
        slope = (h1 - h0) / (a1 - a0)
        for k in range(first, last + 1):
            height[k] = max(height[k], h0 + ((k + 0.5) * width - a0) * slope)
    made = 0
    for k in range(bins):
        if height[k] > -np.inf:
            a, h = (k + 0.5) * width, out * height[k]
            curve[made, 0] = origin_u + a * along_u - h * along_v
            curve[made, 1] = origin_v + a * along_v + h * along_u
            made += 1
    # where a region's edge is oblique, an end shows its far side only
    jump = max(3.0, JUMP_SHARE * length) + width
    while made > 1 and _gap(curve, made - 2) > jump:
        made -= 1
    first = 0
    while first + 1 < made and _gap(curve, first) > jump:
        first += 1
    if first > 0:
        for k in range(made - first):
            curve[k] = curve[k + first]
    return made - first
