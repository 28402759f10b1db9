"""Shape-true faces in millimetres, on virtual people and on real heads, and as a way to find the right person.

    python benchmarks/shape_reconstruction.py people    --out OUT [--people 60] [--data DATA]
    python benchmarks/shape_reconstruction.py real      --out OUT --data DATA
    python benchmarks/shape_reconstruction.py retrieval --out OUT [--people 200] [--found]

``people``: each virtual person's skull, with its exact cranial landmarks, against the person's true skin: the mean
face, the average build's face, the face of the true build, and the template's mean face posed by the skull's landmarks
(with and without its size). The tissue drawn comes from the very table that the reconstruction uses; the set "other
tissue" has means shifted by one SD and builds from 0.6 to 2. With DATA, people and models of another template as well.
``real``: CT heads with a tissue table that knows nothing of them (as in real_heads.py).
``retrieval``: every skull against a photograph of every person by facial landmarks, all with an observer's errors (SD 1
mm; with ``--found`` those of photographs are found by the shipped network). People have seeds of their own; nothing of
them enters the reconstruction but the skull. Intervals: bootstrap by person. A stopped run of ``people`` goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nasion.anatomy.landmarks import PAIRS
from nasion.anatomy.tissue import TissueTable
from nasion.geometry.procrustes import fit_similarity
from nasion.geometry.surface import Mesh
from nasion.population.folder import person_of
from nasion.population.person import Person, PersonSettings
from nasion.population.phantom_ict import phantom_ict_template
from nasion.population.photograph import VIEWS, View, landmark_truth
from nasion.population.pictures.folder import MatchingSettings, Studio
from nasion.population.pictures.portrait import PortraitSettings, sample_portrait_shot
from nasion.population.template import Template
from nasion.population.template_source import load_template
from nasion.population.tissue_sampling import TissueDraw
from nasion.reconstruction.shape.judging import (
    face_region,
    landmark_coverage,
    landmark_distance_mm,
    skin_coverage,
    surface_distance_mm,
    vertex_coverage,
)
from nasion.reconstruction.shape.photograph_score import SeenFace, log_likelihoods
from nasion.reconstruction.shape.registration import BareSkull
from nasion.reconstruction.shape.sampler import anybody, face_sampler
from nasion.reconstruction.shape.settings import ShapeSettings
from nasion.retrieval.intervals import mean_intervals95
from nasion.retrieval.metrics import rank_outcome

FloatArray = NDArray[np.float64]
Row = dict[str, float]

SEED = 8117
"""Of the people: a stream of their own."""
NOISE_MM = 1.0
"""SD of the image landmarks' noise at the head's distance."""
OTHER_TISSUE = {"mean_shift_sd": 1.0, "build_range": (0.6, 2.0)}
SETS = (
    # people's template, their tissue, the model's template
    ("builtin", "table", "builtin"),
    ("builtin", "other", "builtin"),
    ("ict", "table", "ict"),
    ("ict", "table", "builtin"),
    ("builtin", "table", "ict"),
)
CUT_MM = 15.0
"""Skin of a scan farther away than this was cut off."""


def bare(person: Person) -> BareSkull:
    return BareSkull(person.skull, person.cranial, person.cranial_helpers)


def settings_of(tissue: str) -> PersonSettings | None:
    return None if tissue == "table" else PersonSettings(tissue=TissueDraw(TissueTable.load(), **OTHER_TISSUE))


def posed(template: Template, skull: BareSkull, scale: bool) -> tuple[Mesh, dict[str, FloatArray]]:
    """Return the template's own face laid on a skull by the cranial landmarks: the floor."""
    names = [pair.cranial for pair in PAIRS if pair.cranial in skull.landmarks_mm]
    fit = fit_similarity([template.cranial[n] for n in names], [skull.landmarks_mm[n] for n in names], scale=scale)
    points = {**template.facial_helpers, **template.facial}
    return template.face.moved(fit.apply(template.face.vertices)), {n: fit.apply(p[None])[0] for n, p in points.items()}


def judge(
    model: Template,
    skull: BareSkull,
    true_points: FloatArray,
    true_skin: Mesh,
    true_marks: dict[str, FloatArray],
    settings: ShapeSettings,
    build: float | None,
    counted: Callable[[Mesh], NDArray[np.bool_]],
    cut_mm: float = np.inf,
) -> Row:
    """Return errors and coverage of one skull's faces."""
    sampler = face_sampler(model, skull, settings)
    mean = sampler.mean()
    faces = {"mean": (mean.mesh, mean.landmarks_mm)}
    for name, factor in (("average build", 1.0), ("true build", build)):
        if factor is not None:
            face = sampler.at_build(factor).mean()
            faces[name] = (face.mesh, face.landmarks_mm)
    faces["posed"], faces["posed, sized"] = posed(model, skull, False), posed(model, skull, True)
    row: Row = {}
    for name, (mesh, marks) in faces.items():
        row[f"{name}: skin mm"] = surface_distance_mm(mesh, true_points)
        row[f"{name}: landmarks mm"] = landmark_distance_mm(marks, true_marks)
    covariance = sampler.covariance_mm2()
    row["coverage of skin"] = skin_coverage(mean.mesh, covariance, counted(mean.mesh), true_skin, cut_mm)
    if true_skin.faces.shape == mean.mesh.faces.shape and (true_skin.faces == mean.mesh.faces).all():
        row["coverage of vertices"] = vertex_coverage(mean.mesh, covariance, counted(mean.mesh), true_skin.vertices)
    row["coverage of landmarks"] = landmark_coverage(*sampler.landmark_draws(), true_marks)
    return row


def people(out: Path, count: int, data: Path | None) -> None:
    templates = {"builtin": load_template("builtin")}
    if data is not None:
        templates["ict"] = phantom_ict_template(data).canonicalised()
    for whose, tissue, model in SETS:
        if not {whose, model} <= set(templates):
            continue
        name = f"people of {whose}, {tissue} tissue, by {model}"
        region = face_region(templates[whose])
        model_region = face_region(templates[model])

        def row(index: int) -> Row:
            person = person_of(templates[whose], SEED, index, settings_of(tissue))  # noqa: B023
            return judge(
                templates[model],  # noqa: B023
                bare(person),
                person.face.vertices[region],  # noqa: B023
                person.face,
                {**person.facial_helpers, **person.facial},
                ShapeSettings(placement_sd_mm=0.0),
                min(max(person.build_factor, 0.3), 3.0),
                lambda _: model_region,  # noqa: B023
            )

        show(name, rows_of(out / f"{whose}_{tissue}_{model}.jsonl", count, row))


def rows_of(path: Path, count: int, make: Callable[[int], Row]) -> list[Row]:
    """Return rows by number; those of an earlier run are read."""
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    with path.open("a") as file:
        for index in range(len(rows), count):
            rows.append(make(index))
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
    return rows[:count]


def show(name: str, rows: list[Row]) -> None:
    rows = [row | gains(row) for row in rows]
    keys = list(rows[0])
    values = np.array([[row[key] for key in keys] for row in rows])
    intervals = mean_intervals95(values, np.arange(len(rows)))
    print(f"\n{name}: {len(rows)} people")
    for key, mean, (low, high) in zip(keys, values.mean(axis=0), intervals, strict=True):
        print(f"  {key:32s} {mean:6.3f}  [{low:.3f}, {high:.3f}]", flush=True)


def gains(row: Row) -> Row:
    """Return how much nearer than the floors the mean face is."""
    return {
        f"{floor} - mean: {what}": row[f"{floor}: {what}"] - row[f"mean: {what}"]
        for floor in ("posed", "posed, sized")
        for what in ("skin mm", "landmarks mm")
    }


def real(out: Path, data: Path) -> None:
    from real_heads import FACIAL, HEADS, real_head, tissue_of

    models = {"builtin": load_template("builtin"), "ict": phantom_ict_template(data).canonicalised()}
    table = {}
    for head, other in HEADS.items():
        landmarks, face, mesh = real_head(data, head)
        skull = BareSkull(mesh, landmarks.landmarks_mm, landmarks.helpers_mm)
        marks = {n: p for n, p in zip(FACIAL, face.landmarks_mm, strict=True) if not np.isnan(p[0])}
        for name, model in models.items():
            settings = ShapeSettings(tissue=tissue_of(data, other))
            placed = face_sampler(model, skull, settings).fit.placed

            def upright(points: FloatArray) -> FloatArray:
                return points @ placed.rotation.T + placed.translation_mm  # noqa: B023

            there = {n: upright(p[None])[0] for n, p in marks.items()}
            # one scan ends below the upper lip, the other at the chin
            low = there["gnathion"][1] + 6 if "gnathion" in there else there["labiale_superius"][1] + 3
            skin = upright(face.mesh.vertices)
            seen = (skin[:, 2] > 25) & (skin[:, 1] > low) & (skin[:, 1] < there["metopion"][1] + 8)
            region = face_region(model)
            row = judge(
                model,
                skull,
                face.mesh.vertices[seen],
                face.mesh,
                marks,
                settings,
                None,
                lambda m: region & (upright(m.vertices)[:, 1] > low),  # noqa: B023
                CUT_MM,
            )
            table[f"{head} by {name}"] = row
            print(f"\n{head} by {name}, tissue of {other}")
            for key, value in row.items():
                print(f"  {key:32s} {value:6.3f}", flush=True)
    (out / "real.json").write_text(json.dumps(table, indent=1))


def retrieval(out: Path, count: int, found: bool) -> None:
    template = load_template("builtin")
    persons = [person_of(template, SEED, index) for index in range(count)]
    spreads = [face_sampler(template, placed_by_hand(person, k)).landmark_spread() for k, person in enumerate(persons)]
    nobody = anybody(template)
    shots = found_faces if found else noisy_faces
    total: FloatArray = np.zeros((count, count))
    # no face is found in profiles
    for view in VIEWS[:1] if found else VIEWS:
        photographs = list(shots(template, persons, view))
        base = log_likelihoods(nobody, photographs)
        scores = np.array([log_likelihoods(spread, photographs) - base for spread in spreads])
        np.save(out / f"scores_{view}_{'found' if found else 'exact'}.npy", scores)
        ranked(f"{view}, landmarks {'found' if found else f'with {NOISE_MM:g} mm of noise'}", scores)
        total = total + np.nan_to_num(scores)
    if not found:
        ranked("both views", total)


def placed_by_hand(person: Person, index: int) -> BareSkull:
    """Return a skull whose landmarks carry an observer's errors."""
    rng, sd = np.random.default_rng([SEED, index, len(VIEWS)]), ShapeSettings().placement_sd_mm

    def noisy(points: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: point + sd * rng.standard_normal(3) for name, point in points.items()}

    return BareSkull(person.skull, noisy(person.cranial), noisy(person.cranial_helpers))


def noisy_faces(template: Template, persons: list[Person], view: View) -> Iterator[SeenFace]:
    """Yield each person's visible landmarks in a portrait, with noise."""
    for index, person in enumerate(persons):
        rng = np.random.default_rng([SEED, index, VIEWS.index(view)])
        shot = sample_portrait_shot(person, view, rng, PortraitSettings())
        truth = landmark_truth(person, shot.camera)
        noise = NOISE_MM * shot.camera.focal_px / shot.distance_mm
        seen = {n: truth.points_px[n] + rng.normal(0, noise, 2) for n in sorted(truth.visible)}
        yield SeenFace(seen, shot.camera.image_size_px)


def found_faces(template: Template, persons: list[Person], view: View) -> Iterator[SeenFace]:
    """Yield the landmarks that the shipped network finds in each person's hair-free portrait; none where it fails."""
    from nasion.errors import NasionError
    from nasion.landmarks.image.find import find_image_landmarks

    studio = Studio(template)
    settings = replace(MatchingSettings(), subjects=len(persons), seed=SEED)
    for index, person in enumerate(persons):
        image = studio.pictures(person, index, view, settings)["photo"].image
        try:
            file = find_image_landmarks(image, "facial20").landmark_file()
            points, sigma = {**file.helpers, **file.landmarks}, file.sigma
        except NasionError:
            points, sigma = {}, {}
        yield SeenFace(points, (image.shape[1], image.shape[0]), sigma)


def ranked(name: str, scores: FloatArray) -> None:
    """Print what (q, g) scores are worth; a photograph without score stands last."""
    outcomes = [rank_outcome(row, np.arange(len(scores)) == k) for k, row in enumerate(scores)]
    values = np.array([[o.recall(1), o.recall(5), o.recall(10), o.reciprocal_rank] for o in outcomes])
    intervals = mean_intervals95(values, np.arange(len(scores)))
    print(f"\n{name}: {len(scores)} skulls, {len(scores)} faces, chance R@10 {10 / len(scores):.3f}")
    for key, mean, (low, high) in zip(("R@1", "R@5", "R@10", "MRR"), values.mean(axis=0), intervals, strict=True):
        print(f"  {key:5s} {mean:.3f}  [{low:.3f}, {high:.3f}]")
    print(f"  photographs without a score: {int(np.isnan(scores).any(axis=0).sum())}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("people", "real", "retrieval"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--people", type=int)
    parser.add_argument("--found", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.part == "people":
        people(options.out, options.people or 60, options.data)
    elif options.part == "real":
        if options.data is None:
            parser.error("real heads need --data")
        real(options.out, options.data)
    else:
        retrieval(options.out, options.people or 200, options.found)


if __name__ == "__main__":
    main()
