"""The experiment as a user runs it: people by recipe, one folder, a cluster."""

import json
from dataclasses import replace

import numpy as np
import pytest

from nasion.casework.parallel import workers
from nasion.errors import NasionError
from nasion.experiments.command import OverlayExperiment, run_overlay_experiment
from nasion.experiments.people import MadePeople, PopulationFolder
from nasion.population.folder import PopulationSettings, generate_population

SMALL = OverlayExperiment(scenario="A", solvers=("posest",), subjects=2, frontal=1, lateral=1, seed=5)


def figures(table):
    return [{key: value for key, value in row.items() if key != "seconds_per_overlay"} for row in table["rows"]]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    out = tmp_path_factory.mktemp("experiment") / "out"
    return run_overlay_experiment(SMALL, out), out


def test_a_finished_experiment_takes_further_solvers(table):
    first, out = table
    more = run_overlay_experiment(replace(SMALL, solvers=("posest", "posterior-landmarks")), out)
    assert figures(more)[:2] == figures(first)
    assert {row["solver"] for row in more["rows"]} == {"posest", "posterior-landmarks"}
    assert json.loads((out / "table.json").read_text(encoding="utf-8")) == json.loads(json.dumps(more))


def test_other_settings_are_refused_unless_forced(table, tmp_path):
    _, out = table
    with pytest.raises(NasionError, match="other settings"):
        run_overlay_experiment(replace(SMALL, scenario="C"), out)
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(NasionError, match="no experiment"):
        run_overlay_experiment(SMALL, own)
    assert (own / "letter.txt").read_text(encoding="utf-8") == "dear"


def test_a_population_folder_gives_what_its_recipe_gives(tmp_path):
    """Written and read again, the people are the same to the files' rounding."""
    generate_population(PopulationSettings(2, 1, 1, 5), tmp_path / "people")
    made, read = MadePeople(2, 1, 1, 5), PopulationFolder(tmp_path / "people", 2, 1, 1)
    assert made.views == read.views
    for k, (a, b) in enumerate(zip(made.heads(), read.heads(), strict=True)):
        assert a.facial_mm == pytest.approx(b.facial_mm, abs=1e-5)
        assert np.array_equal(a.mesh.faces, b.mesh.faces)
        for p, q in zip(made.photos(k), read.photos(k), strict=True):
            assert p.points_px == pytest.approx(q.points_px, abs=1e-5)
            assert np.array_equal(p.visible, q.visible)
            assert (p.mask() ^ q.mask()).mean() < 1e-4


def test_too_few_people_or_photographs_in_a_folder(tmp_path):
    generate_population(PopulationSettings(1, 1, 0, 5), tmp_path / "people")
    with pytest.raises(NasionError, match="lower --subjects"):
        PopulationFolder(tmp_path / "people", 2, 1, 0)
    with pytest.raises(NasionError, match="lower --frontal"):
        PopulationFolder(tmp_path / "people", 1, 2, 0)


def test_shifted_tissue_is_wrong_and_skulls_stay_the_same():
    right, wrong = MadePeople(3, 0, 0, 5).heads(), MadePeople(3, 0, 0, 5, shifted_tissue=True).heads()
    for a, b in zip(right, wrong, strict=True):
        assert a.skull.landmarks_mm["nasion"] == pytest.approx(b.skull.landmarks_mm["nasion"])
        assert np.linalg.norm(a.facial_mm - b.facial_mm, axis=1).mean() > 1


def test_without_variety_all_skulls_are_alike():
    def spread(variety):
        skulls = [list(head.skull.landmarks_mm.values()) for head in MadePeople(4, 0, 0, 5, variety=variety).heads()]
        return np.std(skulls, axis=0).mean()

    assert spread(0.0) == pytest.approx(0, abs=0.05)
    assert spread(0.5) == pytest.approx(spread(1.0) / 2, rel=0.15)


def test_options_that_contradict_each_other(tmp_path):
    with pytest.raises(NasionError, match="brings its own people"):
        replace(SMALL, population=tmp_path, shifted_tissue=True).people()
    with pytest.raises(NasionError, match="need as many"):
        replace(SMALL, together=3).people()


def test_a_cluster_gives_the_same_figures(table, tmp_path):
    distributed = pytest.importorskip("distributed")
    first, _ = table
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        workers(1, cluster.scheduler_address) as executor,
    ):
        assert figures(run_overlay_experiment(SMALL, tmp_path / "out", executor)) == figures(first)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("nasion.casework.parallel.SCHEDULER_TIMEOUT_S", 0.5)
    with pytest.raises(NasionError, match="dask scheduler"), workers(1, "tcp://127.0.0.1:9"):
        pass
