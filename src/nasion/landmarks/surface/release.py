"""From a finished training run to a model that can be shipped: export, calibration, test, card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.distance import closest_points
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.card import Card, ConditionErrors, LandmarkErrors, ModelFolder, write_model
from nasion.landmarks.surface.cloud import Sample
from nasion.landmarks.surface.confidence import Calibration, Evidence, calibrate
from nasion.landmarks.surface.export import Precision, to_onnx
from nasion.landmarks.surface.graphs import surface_graph
from nasion.landmarks.surface.local_export import local_to_onnx
from nasion.landmarks.surface.local_stage import LocalStage
from nasion.landmarks.surface.local_train import TrainedLocal
from nasion.landmarks.surface.locate import locate
from nasion.landmarks.surface.model import parameter_count
from nasion.landmarks.surface.orientation_template import STANDARD_MM, OrientationTemplate
from nasion.landmarks.surface.predict import run_session
from nasion.landmarks.surface.settings import SurfaceNetSettings
from nasion.landmarks.surface.train import TrainedNet
from nasion.networks.model_folder import hash_of
from nasion.networks.sessions import make_session
from nasion.networks.split import check_apart
from nasion.version import __version__


@dataclass(frozen=True, eq=False)
class TestSet:
    """Samples of test people under one condition, and how many more scans could not be oriented."""

    __test__ = False

    samples: Iterable[Sample]
    refused: int = 0


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network did on samples.

    Attributes
    ----------
    errors_mm, prototype_mm
        (s, l) errors of the network and of the surface's points nearest to the prototype, NaN where the landmark is
        absent.
    evidence
        (s, l) arrays.
    people
        (s,) whose sample it is.

    """

    errors_mm: FloatArray
    prototype_mm: FloatArray
    evidence: Evidence
    people: tuple[str, ...]

    @classmethod
    def joined(cls, parts: Sequence[Measured]) -> Measured:
        """Return all samples of several."""
        evidence = [vars(part.evidence) for part in parts]
        return cls(
            np.concatenate([part.errors_mm for part in parts]),
            np.concatenate([part.prototype_mm for part in parts]),
            Evidence(**{name: np.concatenate([arrays[name] for arrays in evidence]) for name in evidence[0]}),
            tuple(person for part in parts for person in part.people),
        )


def measure(
    onnx: bytes,
    samples: Iterable[Sample],
    prototype: FloatArray,
    settings: SurfaceNetSettings,
    local: LocalStage | None = None,
) -> Measured:
    """Return errors and evidence of an exported network, with or without a local stage, on samples.

    Raises
    ------
    NasionError
        There are no samples, or one has no mesh, which the second stage needs.

    """
    session = make_session(onnx)
    errors: list[FloatArray] = []
    plain: list[FloatArray] = []
    rows, people = [], []
    for sample in samples:
        if sample.mesh is None:
            raise NasionError(f"{sample.person}: the sample has no mesh; keep meshes for calibration and test")
        cloud = sample.cloud
        graph = surface_graph(cloud.points, cloud.normals, prototype, settings.neighbours)
        found, evidence = locate(cloud, cloud.points, run_session(session, vars(graph)), sample.mesh, settings, local)
        snapped = closest_points(sample.mesh.moved(cloud.to_standard(sample.mesh.vertices)), prototype)[0]
        for column, points in ((errors, found), (plain, snapped)):
            column.append(np.linalg.norm(points - sample.landmarks, axis=1) * cloud.scale_mm)
        rows.append((evidence.peak, evidence.spread_mm, evidence.misfit))
        people.append(sample.person)
    if not people:
        raise NasionError("there are no samples to measure; give calibration people and test people")
    peak, spread_mm, misfit = (np.stack(column) for column in zip(*rows, strict=True))
    return Measured(np.stack(errors), np.stack(plain), Evidence(peak, spread_mm, misfit), tuple(people))


def release(
    trained: TrainedNet,
    folder: Path,
    scheme: str,
    names: Sequence[str],
    calibration: Iterable[Sample],
    tests: Mapping[str, TestSet],
    *,
    data: str,
    orientation: OrientationTemplate | None = None,
    local: TrainedLocal | None = None,
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
    calibration
        Samples with meshes of people who are neither in the training data nor among the test people; those that chose
        the best epoch may calibrate.
    tests
        By condition, samples with meshes of people who are nowhere else.
    data
        The training data in words.
    orientation
        What brings scans into the standard frame.
    local
        The trained local stage, where there is one.
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
    local_onnx = None if local is None else local_to_onnx(local.model, precision)
    stage = _stage(trained, local, local_onnx)
    judged_on = partial(measure, onnx, prototype=trained.prototype, settings=trained.network, local=stage)
    learnt, parts = judged_on(calibration), {name: judged_on(test.samples) for name, test in tests.items()}
    made, told = _made_of(trained, local), _told(learnt, parts, tests, names)
    made |= {"model_sha256": hash_of(onnx), "local_sha256": None if local_onnx is None else hash_of(local_onnx)}
    card = Card(scheme=scheme, names=tuple(names), data=data, weights=precision, **made, **told)
    write_model(folder, ModelFolder(card, onnx, local_onnx), orientation, force=force)
    return card


def _stage(trained: TrainedNet, local: TrainedLocal | None, onnx: bytes | None) -> LocalStage | None:
    if local is None or onnx is None:
        return None
    return LocalStage.of(onnx, trained.prototype * STANDARD_MM, local.settings)


def _made_of(trained: TrainedNet, local: TrainedLocal | None) -> dict[str, Any]:
    """Return what a card tells of the networks and their training."""
    return {
        "network": asdict(trained.network),
        "training": asdict(trained.settings),
        "local": None if local is None else asdict(local.settings),
        "seed": trained.settings.seed,
        "best_epoch": trained.best_epoch,
        "parameters": parameter_count(trained.model) + (0 if local is None else parameter_count(local.model)),
        "prototype": tuple((float(x), float(y), float(z)) for x, y, z in trained.prototype),
        "code_version": __version__,
    }


def _told(
    learnt: Measured, parts: Mapping[str, Measured], tests: Mapping[str, TestSet], names: Sequence[str]
) -> dict[str, Any]:
    """Return what a card tells of the calibration people (``learnt``) and of the tests (``parts``)."""
    judged = Measured.joined(list(parts.values()))
    check_apart("calibration", learnt.people, "test", judged.people)
    meaning = calibrate(learnt.evidence, learnt.errors_mm, learnt.people)
    errors, invented = judge(meaning, judged, names)
    conditions = {
        name: ConditionErrors(
            samples=len(part.people),
            refused=tests[name].refused,
            error_mm=judge(meaning, part, names)[0][""],
            prototype_mm=float(np.nanmean(part.prototype_mm)),
        )
        for name, part in parts.items()
    }
    return {
        "calibration": meaning.to_plain(),
        "test_people": len(set(judged.people)),
        "test_samples": len(judged.people),
        "error_mm": errors.pop(""),
        "errors_mm": errors,
        "absent_invented": invented,
        "conditions": conditions,
    }


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
