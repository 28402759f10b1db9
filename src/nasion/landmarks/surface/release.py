"""From a finished training run to a model that can be shipped: export, calibration, test, card."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.card import Card, LandmarkErrors, write_model
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.confidence import Calibration, Evidence, calibrate
from nasion.landmarks.surface.export import Precision, to_onnx
from nasion.landmarks.surface.graphs import surface_graph
from nasion.landmarks.surface.model import parameter_count
from nasion.landmarks.surface.predict import make_session, run_session
from nasion.landmarks.surface.refinement import refine
from nasion.landmarks.surface.settings import SurfaceNetSettings
from nasion.landmarks.surface.train import TrainedNet
from nasion.version import __version__


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network did on samples: (s, l) errors, NaN where the landmark is absent, and evidence."""

    errors_mm: FloatArray
    evidence: Evidence
    people: tuple[str, ...]


def measure(onnx: bytes, samples: Iterable[Sample], prototype: FloatArray, settings: SurfaceNetSettings) -> Measured:
    """Return errors and evidence of an exported network on samples.

    Raises
    ------
    NasionError
        There are no samples, or one has no mesh, which the second stage needs.

    """
    session = make_session(onnx)
    errors, rows, people = [], [], []
    for sample in samples:
        if sample.mesh is None:
            raise NasionError(f"{sample.person}: the sample has no mesh; keep meshes for calibration and test")
        cloud = sample.cloud
        graph = surface_graph(cloud.points, cloud.normals, prototype, settings.neighbours)
        mesh = sample.mesh.moved(cloud.to_standard(sample.mesh.vertices))
        found = refine(cloud.points, run_session(session, vars(graph)), mesh, settings)
        errors.append(np.linalg.norm(found.points - sample.landmarks, axis=1) * cloud.scale_mm)
        rows.append((found.peak, found.spread * cloud.scale_mm, found.misfit))
        people.append(sample.person)
    if not people:
        raise NasionError("there are no samples to measure; give calibration people and test people")
    peak, spread_mm, misfit = (np.stack(column) for column in zip(*rows, strict=True))
    return Measured(np.stack(errors), Evidence(peak, spread_mm, misfit), tuple(people))


def release(
    trained: TrainedNet,
    folder: Path,
    scheme: str,
    names: Sequence[str],
    calibration: Iterable[Sample],
    test: Iterable[Sample],
    *,
    data: str,
    precision: Precision = "float16",
    force: bool = False,
) -> Card:
    """Write a model's folder.

    Parameters
    ----------
    trained
        The finished run.
    folder
        To write.
    scheme, names
        The landmarks.
    calibration, test
        Samples with meshes of people who are in neither the training data nor the other of these two; those that
        chose the best epoch may calibrate.
    data
        The training data in words.
    precision
        Of the stored weights.
    force
        Replace what the folder holds.

    Raises
    ------
    NasionError
        A person is on both sides, there are too few people, or the folder cannot be written.

    """
    onnx = to_onnx(trained.model, precision)
    learnt = measure(onnx, calibration, trained.prototype, trained.network)
    judged = measure(onnx, test, trained.prototype, trained.network)
    both = sorted(set(learnt.people) & set(judged.people))
    if both:
        raise NasionError(f"{both[0]} is among the calibration people and the test people; split by person")
    meaning = calibrate(learnt.evidence, learnt.errors_mm, learnt.people)
    errors, invented = judge(meaning, judged, names)
    card = Card(
        scheme=scheme,
        names=tuple(names),
        network=asdict(trained.network),
        training=asdict(trained.settings),
        seed=trained.settings.seed,
        data=data,
        best_epoch=trained.best_epoch,
        parameters=parameter_count(trained.model),
        weights=precision,
        prototype=tuple((float(x), float(y), float(z)) for x, y, z in trained.prototype),
        calibration=meaning.to_plain(),
        test_people=len(set(judged.people)),
        test_samples=len(judged.people),
        error_mm=errors.pop(""),
        errors_mm=errors,
        absent_invented=invented,
        code_version=__version__,
        model_sha256=hashlib.sha256(onnx).hexdigest(),
    )
    write_model(folder, card, onnx, force=force)
    return card


def judge(
    meaning: Calibration, judged: Measured, names: Sequence[str]
) -> tuple[dict[str, LandmarkErrors], float | None]:
    """Return the errors of each landmark and, under ``""``, of all; and the share of absent ones that were found.

    A landmark that is never found is left out; where none is found at all, NasionError is raised.
    """
    present = np.isfinite(judged.errors_mm)
    found = judged.evidence.peak >= meaning.least_peak
    radius_mm = meaning.radius_mm(judged.evidence)
    columns: list[tuple[str, slice | int]] = [("", slice(None)), *((name, k) for k, name in enumerate(names))]
    table = {}
    for name, k in columns:
        there = present[:, k]
        used = there & found[:, k]
        if not used.any():
            if not name:
                raise NasionError("no landmark was found on any of the test people; train longer")
            continue
        errors = judged.errors_mm[:, k][used]
        table[name] = LandmarkErrors(
            count=len(errors),
            mean_mm=float(errors.mean()),
            median_mm=float(np.median(errors)),
            p95_mm=float(np.quantile(errors, 0.95)),
            inside_90=float(np.mean(errors <= radius_mm[:, k][used])),
            lost=float(1 - used.sum() / there.sum()),
        )
    absent = ~present
    return table, float(found[absent].mean()) if absent.any() else None
