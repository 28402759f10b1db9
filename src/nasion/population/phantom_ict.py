"""A template of a CT skull phantom and the ICT FaceKit's mean face, built from a folder of development data.

Neither is shipped with the package: the folder (``NASION_DATA`` of the tests) holds ``heads/elshin_phantom`` and
``face_models``. The face is laid on the skull by a similarity, then by a warp that puts its landmarks at mean tissue.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import numpy as np

from nasion.anatomy.landmarks import PAIRS, SCHEMES
from nasion.anatomy.tissue import TissueTable
from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.procrustes import fit_similarity
from nasion.geometry.rbf import RbfWarp
from nasion.geometry.surface import FloatArray, Mesh
from nasion.population.face_fit import scalp_anchors
from nasion.population.template import Points, Template, frankfurt_motion, moved_points
from nasion.readers.meshes import read_mesh

_SKULL: Final = "heads/elshin_phantom/skull.ply"
_CRANIAL: Final = "heads/elshin_phantom/cranial.landmarks.json"
_FACE: Final = "face_models/ict_facekit_head.npz"
_FACIAL: Final = "face_models/ict_facial_landmarks.json"

_EYEBALLS: Final = (3, 4)
_SCALP_MM: Final = 5.5


def phantom_ict_template(folder: Path, modes: int = 40) -> Template:
    """Return the template, canonicalised.

    Parameters
    ----------
    folder
        Holds the four files.
    modes
        How many of the face model's identity modes are kept.

    Raises
    ------
    NasionError
        A file is missing.

    """
    for name in (_SKULL, _CRANIAL, _FACE, _FACIAL):
        if not (folder / name).is_file():
            raise NasionError(f"{folder / name}: no such file; give the folder of development data")
    marks = json.loads((folder / _CRANIAL).read_text(encoding="utf-8"))
    rotation, translation = frankfurt_motion({**_arrays(marks["landmarks"]), **_arrays(marks["helpers"])})
    skull = read_mesh(folder / _SKULL).mesh.transformed(rotation, translation)
    cranial = _snapped(skull, moved_points(_arrays(marks["landmarks"]), rotation, translation))
    helpers = moved_points(_arrays(marks["helpers"]), rotation, translation)
    with np.load(folder / _FACE) as model:
        face = Mesh(model["mean"], model["faces"])
        displacements = model["identity_modes"][:modes].astype(np.float32)
        eyeballs = np.unique(model["faces"][np.isin(model["face_part"], _EYEBALLS)])
    vertex = json.loads((folder / _FACIAL).read_text(encoding="utf-8"))["vertex"]
    face, scale_rotation = _laid_on(face, vertex, skull, cranial)
    names = SCHEMES["facial20"]
    return Template(
        name="phantom-ict",
        skull=skull,
        face=face,
        cranial=cranial,
        cranial_helpers=helpers,
        facial={name: face.vertices[vertex[name]].copy() for name in names},
        facial_helpers={name: face.vertices[i].copy() for name, i in vertex.items() if name not in names},
        face_albedo=_painted(face, eyeballs, {name: face.vertices[i] for name, i in vertex.items()}),
        identity_modes=displacements @ scale_rotation.T.astype(np.float32),
    ).checked()


def _arrays(points: dict[str, list[float]]) -> Points:
    return {name: np.asarray(point, dtype=np.float64) for name, point in points.items()}


def _snapped(mesh: Mesh, points: Points) -> dict[str, FloatArray]:
    """Return the points on the surface: observers mark beside it by a millimetre."""
    foot = closest_points(mesh, np.array(list(points.values())))[0]
    return dict(zip(points, foot, strict=True))


def _laid_on(face: Mesh, vertex: dict[str, int], skull: Mesh, cranial: Points) -> tuple[Mesh, FloatArray]:
    """Return the face over the skull at mean tissue, and the linear map that its displacements undergo."""
    table = TissueTable.load()
    source = face.vertices[[vertex[pair.facial] for pair in PAIRS]]
    target = np.array([cranial[pair.cranial] for pair in PAIRS]) + table.mean_mm
    similarity = fit_similarity(source, target)
    moved = face.moved(similarity.apply(face.vertices))
    anchors = scalp_anchors(skull, moved)
    bones, skins = anchors.on_skull(skull), anchors.on_face(moved)
    lifted = bones + _SCALP_MM * anchors.directions
    warp = RbfWarp.fit(
        np.concatenate([similarity.apply(source), skins]), np.concatenate([target, lifted]), smoothing_mm=0.0
    )
    return warp.mesh(moved), similarity.scale * similarity.rotation


def _painted(face: Mesh, eyeballs: FloatArray, points: Points) -> FloatArray:
    """Return vertex colours: skin, lips, brows, hair and eyes."""
    v = face.vertices
    albedo = np.tile([0.80, 0.62, 0.53], (len(v), 1))
    mouth = (points["cheilion_left"] + points["cheilion_right"]) / 2
    half = np.abs(points["cheilion_left"][0] - mouth[0])
    lip = np.hypot((v[:, 0] - mouth[0]) / half, (v[:, 1] - mouth[1]) / (0.33 * half))
    _blend(albedo, (0.70, 0.42, 0.40), np.clip(1.6 - 1.6 * lip, 0, 0.8) * (v[:, 2] > mouth[2] - 4.0))
    for side in ("left", "right"):
        inner, outer = points[f"endocanthion_{side}"], points[f"exocanthion_{side}"]
        along = (v[:, 0] - inner[0]) / (outer[0] - inner[0])
        height = v[:, 1] - (points["nasion"][1] + 7.0 + 5.0 * np.clip(along, 0, 0.7))
        brow = np.clip(1.5 - np.abs(height) / 4.0, 0, 1) * ((along > -0.05) & (along < 1.15) & (v[:, 2] > outer[2] - 5))
        _blend(albedo, (0.30, 0.21, 0.16), 0.75 * brow)
    above = v[:, 1] - (points["metopion"][1] + 12.0) + 0.9 * (points["metopion"][2] - v[:, 2]) - 25.0
    behind_ear = (v[:, 2] < points["tragion_left"][2] - 10.0) & (v[:, 1] > points["subnasale"][1] - 25.0)
    hair = np.clip(above / 8.0, 0, 1) * ((v[:, 1] > points["nasion"][1] + 8.0) | behind_ear)
    _blend(albedo, (0.24, 0.17, 0.13), 0.9 * hair)
    albedo[eyeballs] = (0.90, 0.88, 0.86)
    for side in ("left", "right"):
        own = eyeballs[np.sign(v[eyeballs, 0]) == (1 if side == "left" else -1)]
        front = v[own[np.argmax(v[own, 2])]]
        away = np.linalg.norm(v[own, :2] - front[:2], axis=1)
        albedo[own[away < 6.0]] = (0.33, 0.24, 0.17)
        albedo[own[away < 2.6]] = (0.05, 0.05, 0.05)
    return albedo


def _blend(albedo: FloatArray, color: tuple[float, float, float], share: FloatArray) -> None:
    albedo += share[:, None] * (np.asarray(color) - albedo)
