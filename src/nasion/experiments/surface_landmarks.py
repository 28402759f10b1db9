"""The surface network against its ablations and the nearest prototype, on people and on a template it never met.

Burger et al. (2S-SGCN), Table 1: one stage or two, with and without the stratified graph. Both stages read the same
heat maps, so two trainings give the four. All learn from the same scans and are judged on the same scans of other
people, which the program orients itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nasion.experiments.statistics import mean_interval95
from nasion.experiments.table_text import surface_table_markdown
from nasion.landmarks.surface.card import ORIENTATION_FILE
from nasion.landmarks.surface.orientation_template import STANDARD_MM
from nasion.landmarks.surface.sample_making import make_samples
from nasion.landmarks.surface.settings import SurfaceNetSettings
from nasion.landmarks.surface.stored_samples import StoredSamples, refused_in
from nasion.landmarks.surface.training_plan import TrainingPlan
from nasion.readers.files import claim_folder, read_bytes, write_bytes, write_json, write_text
from nasion.version import __version__

if TYPE_CHECKING:
    from nasion.landmarks.surface.release import Measured
    from nasion.landmarks.surface.train import Progress

RECORD: Final = "experiment.json"
NEAREST: Final = "nearest prototype"
OURS: Final = "2S-SGCN, triangles, local stage"
METHODS: Final[dict[str, dict[str, Any]]] = {
    "1S-GCN": {"stratified": False, "refinement": "mean"},
    "1S-SGCN": {"stratified": True, "refinement": "mean"},
    "2S-GCN": {"stratified": False, "refinement": "vertex"},
    "2S-SGCN": {"stratified": True, "refinement": "vertex"},
    OURS: {"stratified": True, "refinement": "triangle"},
}
"""The paper's Table 1 in its order, and what this package adds: refinement on triangles and the local stage."""
_CONDITIONS: Final = ("clean", "raw")

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SurfaceExperiment:
    """What is trained and on whom it is judged.

    Attributes
    ----------
    plan
        People, scans and learning; ``minutes`` are each network's.
    others
        Templates of further test people, ``"builtin"`` or folders; none of them to learn from.

    """

    plan: TrainingPlan
    others: tuple[str, ...] = ()


def run_surface_experiment(
    experiment: SurfaceExperiment,
    out: Path,
    *,
    device: str = "cpu",
    threads: int = 1,
    executor: Executor | None = None,
    advance: Advance = lambda label, done, total: None,
) -> dict[str, Any]:
    """Make the scans, train, judge, and write ``table.json`` and ``table.md``; a stopped run goes on.

    Parameters
    ----------
    experiment
        See there.
    out
        New, empty, or of the same experiment.
    device, threads
        Of learning.
    executor
        Makes scans; None makes them in this process.
    advance
        Called with (what is done, done, total).

    Raises
    ------
    NasionError
        A source cannot be used, the folder holds something else, or learning fails.

    """
    plan = experiment.plan
    claim_folder(out, RECORD, {"nasion": __version__, **asdict(experiment)}, "surface landmark experiment")
    samples = out / "samples"
    make_samples(plan, samples, executor, lambda done, total: advance("scans", done, total))
    tests = {name: samples / name for name in _CONDITIONS}
    for number, other in enumerate(experiment.others):
        folder = out / f"other_{number + 1}"
        write_bytes(folder / ORIENTATION_FILE, read_bytes(samples / ORIENTATION_FILE))
        stranger = replace(plan, templates=(other,), face_model=None)
        make_samples(stranger, folder, executor, lambda done, total: advance("other scans", done, total), _CONDITIONS)
        tests |= {f"{Path(other).name}, {name}": folder / name for name in _CONDITIONS}
    measured = _measured(plan, out, tests, device, threads, advance)
    table = {
        "nasion": __version__,
        "scheme": plan.scheme,
        "learnt_from": plan.in_words(),
        "test_people": len(plan.people_of("clean")),
        "settings": plan.record(),
        "refused": {name: refused_in(folder) for name, folder in tests.items()},
        "rows": [
            {"method": method, "condition": condition, **_figures(errors, people)}
            for condition in tests
            for method, errors, people in _methods(measured, condition)
        ],
    }
    write_json(out / "table.json", table)
    write_text(out / "table.md", surface_table_markdown(table))
    return table


def _measured(
    plan: TrainingPlan, out: Path, tests: dict[str, Path], device: str, threads: int, advance: Advance
) -> dict[tuple[str, str], Measured]:
    """Return what each method did under each condition."""
    from nasion.landmarks.surface.export import to_onnx
    from nasion.landmarks.surface.local_export import local_to_onnx
    from nasion.landmarks.surface.local_stage import LocalStage
    from nasion.landmarks.surface.release import measure
    from nasion.landmarks.surface.training_run import learn_from, learn_local

    found = {}
    budget_s = None if plan.minutes is None else 60.0 * plan.minutes
    for stratified in (False, True):
        network = replace(plan.network, stratified=stratified)
        kind = "SGCN" if stratified else "GCN"

        def learnt(at: Progress, kind: str = kind) -> None:
            advance(kind, (at.epoch - 1) * at.steps + at.step, at.epochs * at.steps)

        trained = learn_from(
            plan,
            out / "samples",
            out / kind,
            network,
            device=device,
            threads=threads,
            budget_s=budget_s,
            learnt=learnt,
        )
        onnx = to_onnx(trained.model, "float16")
        for method, changes in METHODS.items():
            settings: SurfaceNetSettings = replace(network, **changes)
            if settings.stratified != stratified:
                continue
            stage = None
            if method == OURS:
                told = partial(advance, "local stage")
                local = learn_local(plan, out / "samples", out / "local", trained.prototype, budget_s, told)
                onnx_local, prototype_mm = local_to_onnx(local.model), trained.prototype * STANDARD_MM
                stage = LocalStage.of(onnx_local, prototype_mm, local.settings)
            for condition, folder in tests.items():
                samples = StoredSamples.of(folder, plan.names)
                found[method, condition] = measure(onnx, samples, trained.prototype, settings, stage)
    return found


def _methods(
    measured: dict[tuple[str, str], Measured], condition: str
) -> list[tuple[str, np.ndarray[Any, np.dtype[np.float64]], tuple[str, ...]]]:
    ours = measured[OURS, condition]
    rows = [(NEAREST, ours.prototype_mm, ours.people)]
    return rows + [(name, measured[name, condition].errors_mm, measured[name, condition].people) for name in METHODS]


def _figures(errors_mm: np.ndarray[Any, np.dtype[np.float64]], people: tuple[str, ...]) -> dict[str, Any]:
    """Return figures over all landmarks that are there, found or not; the interval is over people."""
    own = np.repeat(np.array(people), errors_mm.shape[1]).reshape(errors_mm.shape)
    there = np.isfinite(errors_mm)
    errors = errors_mm[there]
    return {
        "scans": len(errors_mm),
        "mean_mm": float(errors.mean()),
        "interval95": mean_interval95(errors, own[there]),
        "median_mm": float(np.median(errors)),
        "p95_mm": float(np.quantile(errors, 0.95)),
    }
