"""What goes wrong with the surface of a real scan, one fault a function. Meshes are in head axes, millimetres.

Every function returns a new mesh; none moves what it does not name.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.decimation import decimate
from nasion.geometry.regions import clip
from nasion.geometry.surface import FloatArray, Mesh
from nasion.readers.meshes import components

MANDIBLE_POINTS: Final = frozenset(
    {
        "pogonion",
        "gnathion",
        "gonion_left",
        "gonion_right",
        "infradentale",
        "mental_foramen_left",
        "mental_foramen_right",
    }
)
"""Cranial landmarks and helpers that go with the mandible."""

_JOINT_MM: Final = (0.0, -4.0, 13.0)
"""The condyle's axis from the middle between the porions: below and before them."""
_OCCLUSAL_SLOPE: Final = 0.12
"""How far the plane between the tooth rows rises to the back."""
_LEAST_TRIANGLES: Final = 200


def kept(mesh: Mesh, keep: NDArray[np.bool_]) -> Mesh:
    """Return the triangles that are kept, with the vertices that they use."""
    faces = mesh.faces[keep]
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[faces] = True
    return Mesh(mesh.vertices[used], (np.cumsum(used, dtype=np.int32) - 1)[faces].astype(np.int32))


def mandible(mesh: Mesh, points: dict[str, FloatArray]) -> NDArray[np.bool_]:
    """Return (m,) which triangles of a skull belong to the mandible.

    A piece of its own that reaches the chin but not the nasion is taken as it is. Otherwise the body is what lies below
    the tooth rows' plane before the throat, the ramus what lies at the side below a plane from condyle to teeth.
    """
    _require(points, ("gnathion", "nasion", "prosthion", "infradentale", "gonion_left", "gonion_right"))
    center = mesh.vertices[mesh.faces].mean(axis=1)
    piece = components(mesh.faces, len(mesh.vertices))
    tree = cKDTree(center)
    chin, root = (piece[tree.query(points[name])[1]] for name in ("gnathion", "nasion"))
    if chin != root:
        return np.asarray(piece == chin)
    joint = _joint(points)
    bite = (points["prosthion"] + points["infradentale"]) / 2
    slope = (bite[1] - joint[1]) / (bite[2] - joint[2])
    gonion = (points["gonion_left"] + points["gonion_right"]) / 2
    half = np.abs(points["gonion_left"] - points["gonion_right"])[0] / 2
    below_joint = center[:, 1] < joint[1] + slope * (center[:, 2] - joint[2])
    below_teeth = center[:, 1] < bite[1] + _OCCLUSAL_SLOPE * (bite[2] - center[:, 2])
    side = np.abs(center[:, 0] - gonion[0])
    ramus = below_joint & (side > 0.75 * half) & (center[:, 2] > min(gonion[2], joint[2]) - 12.0)
    body = below_teeth & (center[:, 2] > gonion[2] + 0.3 * (bite[2] - gonion[2]))
    below_gonion = (center[:, 1] < gonion[1] + 15.0) & (side > 0.55 * half) & (center[:, 2] > gonion[2] - 12.0)
    return np.asarray(ramus | body | below_gonion)


def with_open_jaw(mesh: Mesh, points: dict[str, FloatArray], angle_deg: float) -> tuple[Mesh, dict[str, FloatArray]]:
    """Return a skull and its points with the mandible turned downwards about the condyles."""
    own = mandible(mesh, points)
    joint = _joint(points)
    turn = Rotation.from_euler("x", angle_deg, degrees=True).as_matrix()
    upper, lower = kept(mesh, ~own), kept(mesh, own)
    opened = lower.moved((lower.vertices - joint) @ turn.T + joint)
    moved = {name: turn @ (p - joint) + joint if name in MANDIBLE_POINTS else p for name, p in points.items()}
    return joined(upper, opened), moved


def without_teeth(mesh: Mesh, points: dict[str, FloatArray]) -> Mesh:
    """Return a skull without what lies between prosthion and infradentale, from the incisors to the molars."""
    _require(points, ("prosthion", "infradentale", "gonion_left", "gonion_right"))
    upper, lower = points["prosthion"], points["infradentale"]
    back = 0.5 * (points["gonion_left"] + points["gonion_right"])[2] + 0.5 * upper[2]
    center = mesh.vertices[mesh.faces].mean(axis=1)
    between = (center[:, 1] < upper[1] - 1.5) & (center[:, 1] > lower[1] + 1.5)
    return kept(mesh, ~(between & (center[:, 2] > back)))


def with_shoulders(mesh: Mesh, chin_mm: FloatArray, rng: np.random.Generator) -> Mesh:
    """Return a head on a neck and shoulders of varied build: a tube and part of an ellipsoid.

    The head's own neck is cut off 25 mm below the chin (its gnathion), the tube begins inside it.
    """
    import trimesh

    head = clip(mesh, chin_mm - [0.0, 25.0, 0.0], (0.0, 1.0, 0.0))
    hind = float(chin_mm[2] - rng.uniform(75, 95))
    neck, lean = rng.uniform(48, 68), rng.uniform(-0.1, 0.4)
    top, length = float(chin_mm[1]) - 5.0, rng.uniform(60, 110)
    tube = trimesh.creation.cylinder(radius=1.0, height=1.0, sections=48)
    wall = tube.faces[np.abs(tube.face_normals[:, 2]) < 0.5][:, ::-1]
    ring = tube.vertices[:, [0, 2, 1]] * [neck, length + 40.0, 1.1 * neck]
    ring += [chin_mm[0], top - (length + 40.0) / 2, hind]
    ring[:, 2] -= lean * (top - ring[:, 1])
    width, reach, depth = rng.uniform(170, 250), rng.uniform(60, 120), rng.uniform(75, 130)
    center = np.array([chin_mm[0], top - length - 0.8 * reach, hind - lean * length])
    ball = trimesh.creation.icosphere(4)
    bust = Mesh(ball.vertices * [width, reach, depth] + center, ball.faces)
    cut = clip(bust, center - [0.0, rng.uniform(-0.2, 0.8) * reach, 0.0], (0.0, 1.0, 0.0))
    return joined(head, joined(Mesh(ring, wall), cut))


def remeshed(mesh: Mesh, triangles: int, unevenness: float, rng: np.random.Generator) -> Mesh:
    """Return the surface over new vertices, which know nothing of the old ones.

    Every triangle is divided in four, the vertices slide on it at random, and edges are collapsed until ``triangles``
    are left. Collapsing happens after a projective map, which keeps planes plane but makes one side of the head
    smaller, so that fewer triangles remain there.

    Parameters
    ----------
    mesh
        The surface.
    triangles
        How many are wanted; four times those of the mesh at most.
    unevenness
        0 for none; u makes triangles of one side larger than those of the other by about ((1 + u) / (1 - u))^2.
    rng
        Of the directions and the slides.

    """
    from trimesh.remesh import subdivide

    vertices, faces = subdivide(mesh.vertices, mesh.faces)  # type: ignore[no-untyped-call]
    faces = np.asarray(faces, dtype=np.int64)
    partner = np.arange(len(vertices))
    order = rng.permutation(len(faces))
    partner[faces[order, 0]] = faces[order, 1]
    partner[faces[order[::2], 2]] = faces[order[::2], 0]
    slid = vertices + rng.uniform(0.0, 0.45, (len(vertices), 1)) * (vertices[partner] - vertices)
    center = slid.mean(axis=0)
    direction = rng.standard_normal(3)
    direction *= unevenness / max(float(np.linalg.norm(direction)), 1e-12) / np.abs(slid - center).max()
    local = slid - center
    squeezed = local / (1.0 + local @ direction)[:, None]
    coarse = decimate(Mesh(squeezed, faces.astype(np.int32)), max(triangles, _LEAST_TRIANGLES))
    v = coarse.vertices
    return coarse.moved(v / (1.0 - v @ direction)[:, None] + center)


def with_holes(mesh: Mesh, share: float, radius_mm: tuple[float, float], rng: np.random.Generator) -> Mesh:
    """Return the mesh with ragged round holes until about ``share`` of its area is gone."""
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    center = corners.mean(axis=1)
    tree = cKDTree(center)
    gone = np.zeros(len(center), dtype=bool)
    wanted = share * area.sum()
    probability = area / area.sum()
    while area[gone].sum() < wanted:
        middle = center[rng.choice(len(center), p=probability)]
        lack = np.sqrt((wanted - area[gone].sum()) / np.pi)
        radius = min(rng.uniform(*radius_mm), 1.2 * lack + 0.5)
        near = np.asarray(tree.query_ball_point(middle, 1.35 * radius), dtype=np.int64)
        if len(near) == 0:
            continue
        away = center[near] - middle
        waves = rng.standard_normal((3, 3)) * 3.0 / radius
        edge = radius * (1.0 + 0.35 * np.tanh(np.sin(away @ waves.T).sum(axis=1)))
        gone[near[np.linalg.norm(away, axis=1) < edge]] = True
        gone[tree.query(middle)[1]] = True
    return kept(mesh, ~gone)


def with_noise(mesh: Mesh, sd_mm: float, rng: np.random.Generator) -> Mesh:
    """Return the mesh with noise along its normals: half of it from vertex to vertex, half over some 10 mm."""
    if sd_mm <= 0:
        return mesh
    fine = rng.standard_normal(len(mesh.vertices))
    waves = rng.standard_normal((24, 3)) / 7.0
    phase = rng.uniform(0, 2 * np.pi, 24)
    broad = np.sin(mesh.vertices @ waves.T + phase).sum(axis=1) / np.sqrt(12.0)
    height = sd_mm * (fine + broad) / np.sqrt(2.0)
    return mesh.moved(mesh.vertices + height[:, None] * mesh.vertex_normals())


def joined(first: Mesh, second: Mesh) -> Mesh:
    """Return two meshes as one."""
    return Mesh(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.faces, second.faces + np.int32(len(first.vertices))]),
    )


def _joint(points: dict[str, FloatArray]) -> FloatArray:
    _require(points, ("porion_left", "porion_right"))
    joint: FloatArray = (points["porion_left"] + points["porion_right"]) / 2 + np.asarray(_JOINT_MM)
    return joint


def _require(points: dict[str, FloatArray], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in points]
    if missing:
        raise NasionError(f"a changed jaw needs the landmark {', '.join(missing)}; give it or leave the jaw")
