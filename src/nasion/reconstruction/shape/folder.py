"""The folder of a shape-true reconstruction: meshes, pictures, ``overview.png`` and ``result.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.anatomy.landmarks import SCHEMES
from nasion.geometry.surface import FloatArray, Mesh
from nasion.readers.files import write_bytes, write_json
from nasion.readers.landmarks import LandmarkFile, write_landmarks
from nasion.readers.meshes import write_mesh
from nasion.reconstruction.shape.made import MadeFaces
from nasion.reconstruction.shape.overview import MAP_TITLE, NOTICE, encoded, overview_png, stage_of
from nasion.reconstruction.shape.pictures import VIEWS, map_colors, scale_bar
from nasion.reconstruction.shape.sampler import DrawnFace
from nasion.version import __version__

_PICTURE_PX: Final = 800
_FACIAL: Final = frozenset(SCHEMES["facial20"])


def write_faces(made: MadeFaces, folder: Path, name: str, inputs: Mapping[str, str], notes: Sequence[str] = ()) -> None:
    """Write a run's faces; all meshes and landmarks lie in the frame in which the skull was given, mm.

    Parameters
    ----------
    made
        The faces.
    folder
        An existing folder.
    name
        Of the skull, for titles.
    inputs
        File to its SHA-256.
    notes
        What the user should know, one line each.

    """
    write_bytes(folder / "mean.ply", ply_with_sd(made.mean.mesh, made.sd_mm, made.scale_mm))
    write_landmarks(folder / "mean.landmarks.json", _landmark_file(made.mean))
    stems = {"mean": made.mean, **{f"build_{key}": face for key, face in made.builds.items()}}
    stems |= {f"sample_{number:02d}": face for number, face in enumerate(made.samples, start=1)}
    stage = stage_of(made, _PICTURE_PX)
    for stem, face in stems.items():
        if stem != "mean":
            write_mesh(folder / f"{stem}.ply", face.mesh)
        for view in VIEWS:
            write_bytes(folder / f"{stem}_{view}.png", encoded(stage.face(face.mesh, view)))
    end = made.scale_mm
    bar = scale_bar(end, _PICTURE_PX, MAP_TITLE)
    for view in VIEWS:
        drawn = stage.map(made.mean.mesh, made.sd_mm, end, view)
        write_bytes(folder / f"sd_{view}.png", encoded(np.hstack([drawn, bar])))
    write_bytes(folder / "overview.png", overview_png(made, f"Possible faces of {name}"))
    write_json(folder / "result.json", _record(made, name, inputs, notes, {stem: f.build for stem, f in stems.items()}))


def ply_with_sd(mesh: Mesh, sd_mm: FloatArray, scale_mm: float) -> bytes:
    """Return a binary PLY with a float ``sd_mm`` of each vertex, and vertex colours from 0 to ``scale_mm``."""
    shade = np.rint(255 * map_colors(sd_mm / scale_mm)).astype(np.uint8)
    kinds = [("xyz", "<f4", (3,)), ("rgb", "u1", (3,)), ("sd_mm", "<f4")]
    vertices = np.zeros(len(mesh.vertices), dtype=np.dtype(kinds))
    vertices["xyz"], vertices["rgb"], vertices["sd_mm"] = mesh.vertices, shade, sd_mm
    faces = np.zeros(len(mesh.faces), dtype=np.dtype([("count", "u1"), ("corners", "<i4", (3,))]))
    faces["count"], faces["corners"] = 3, mesh.faces
    properties = [*(f"float {a}" for a in "xyz"), *(f"uchar {c}" for c in ("red", "green", "blue")), "float sd_mm"]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(vertices)}",
        *(f"property {text}" for text in properties),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    return "\n".join([*header, ""]).encode() + vertices.tobytes() + faces.tobytes()


def _landmark_file(face: DrawnFace) -> LandmarkFile:
    points = face.landmarks_mm
    return LandmarkFile(
        scheme="facial20",
        units="mm",
        landmarks={name: point for name, point in points.items() if name in _FACIAL},
        helpers={name: point for name, point in points.items() if name not in _FACIAL},
    )


def _record(
    made: MadeFaces, name: str, inputs: Mapping[str, str], notes: Sequence[str], builds: Mapping[str, float]
) -> dict[str, Any]:
    sampler = made.sampler
    settings, fit = sampler.settings, sampler.fit
    names, draws = sampler.landmark_draws()
    spread = draws.std(axis=0, ddof=1)
    return {
        "nasion": __version__,
        "notice": NOTICE,
        "notes": list(notes),
        "skull": name,
        "inputs": dict(inputs),
        "model": "shape",
        "face_model": fit.template.name,
        "tissue": settings.tissue.name,
        "settings": {
            "seed": sampler.seed,
            "build": settings.build,
            "placement_sd_mm": settings.placement_sd_mm,
            "unexplained_mm": settings.unexplained_mm,
            "draws": settings.draws,
        },
        "frame": {
            "of_meshes": "the skull's, mm",
            "head_rotation": fit.placed.rotation.tolist(),
            "head_translation_mm": fit.placed.translation_mm.tolist(),
            "head_axes_from": fit.placed.frame_source,
        },
        "left_out_share": round(fit.left_out_share, 4),
        "faces": {stem: {"build": round(build, 3)} for stem, build in builds.items()},
        "sd_mm": {
            "median": round(float(np.median(made.sd_mm)), 2),
            "largest": round(float(made.sd_mm.max()), 2),
            "color_scale_end": made.scale_mm,
            "landmarks": {n: [round(float(v), 2) for v in row] for n, row in zip(names, spread, strict=True)},
        },
    }
