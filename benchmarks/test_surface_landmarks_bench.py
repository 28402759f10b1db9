"""Speed of landmarks on surfaces: graphs, network and second stage at the paper's size, and a step of learning."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from pytest_benchmark.fixture import BenchmarkFixture

torch = pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

from nasion.geometry.surface import FloatArray, Mesh  # noqa: E402
from nasion.landmarks.surface.export import to_onnx  # noqa: E402
from nasion.landmarks.surface.find import find_landmarks  # noqa: E402
from nasion.landmarks.surface.graphs import SurfaceGraph, surface_graph  # noqa: E402
from nasion.landmarks.surface.heads import PopulationHeads, kind_of  # noqa: E402
from nasion.landmarks.surface.heatmaps import heat_maps  # noqa: E402
from nasion.landmarks.surface.model import Neighbourhood, SurfaceNet, adaptive_wing_loss  # noqa: E402
from nasion.landmarks.surface.predict import run_session  # noqa: E402
from nasion.landmarks.surface.refinement import refine  # noqa: E402
from nasion.landmarks.surface.scans import CLEAN, simulate_scan  # noqa: E402
from nasion.landmarks.surface.settings import PRESETS, LossSettings  # noqa: E402
from nasion.networks.sessions import make_session  # noqa: E402
from nasion.population.template_source import load_template  # noqa: E402

LANDMARKS = 20


def even_points(count: int) -> FloatArray:
    """Points spread over a sphere of half the cube's size (Fibonacci), in an order that keeps neighbours near."""
    k = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * k / count), np.pi * (1 + 5**0.5) * k
    points = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
    ordered: FloatArray = 0.8 * points[np.lexsort(np.floor(points * 8).T)]
    return ordered


def graph(points: FloatArray, neighbours: int) -> SurfaceGraph:
    return surface_graph(points, points / 0.8, points[:: len(points) // LANDMARKS][:LANDMARKS], neighbours)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_graphs(benchmark: BenchmarkFixture, preset: str) -> None:
    points = even_points(PRESETS[preset].points)
    benchmark(graph, points, PRESETS[preset].neighbours)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_network(benchmark: BenchmarkFixture, preset: str) -> None:
    settings = PRESETS[preset]
    session = make_session(to_onnx(SurfaceNet(settings, LANDMARKS)))
    benchmark(run_session, session, vars(graph(even_points(settings.points), settings.neighbours)))


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_second_stage_on_160_000_vertices(benchmark: BenchmarkFixture, preset: str) -> None:
    settings = PRESETS[preset]
    ball = trimesh.creation.icosphere(7)
    mesh, points = Mesh(0.8 * ball.vertices, ball.faces), even_points(settings.points)
    heat = heat_maps(points, even_points(LANDMARKS), settings.heat_sigma)
    benchmark(refine, points, heat, mesh, settings)


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_a_step_of_learning_on_one_cloud(benchmark: BenchmarkFixture, preset: str) -> None:
    settings = PRESETS[preset]
    points = even_points(settings.points)
    made = graph(points, settings.neighbours)
    features, coarse = torch.from_numpy(made.features)[None], torch.from_numpy(made.coarse)[None]
    hood = Neighbourhood.of(torch.from_numpy(made.neighbours)[None])
    target = torch.from_numpy(heat_maps(points, even_points(LANDMARKS), settings.heat_sigma))[None]
    model = SurfaceNet(settings, LANDMARKS)
    optimiser = torch.optim.Adam(model.parameters())

    def step() -> None:
        optimiser.zero_grad()
        adaptive_wing_loss(model(features, hood.mean, coarse), target, LossSettings()).backward()
        optimiser.step()

    benchmark(step)


@pytest.mark.parametrize("scheme", ["cranial20", "facial20"])
def test_mesh_of_100_000_vertices_to_landmarks(benchmark: BenchmarkFixture, scheme: str) -> None:
    head = PopulationHeads(load_template("builtin"), scheme, 55).head(0, np.random.default_rng(0))
    how = replace(CLEAN, triangles=(200_000, 200_001))
    scan = simulate_scan(head.mesh, head.points, kind_of(scheme), np.random.default_rng(1), how)
    found = benchmark(find_landmarks, scan.mesh, scheme)
    benchmark.extra_info["vertices"] = len(scan.mesh.vertices)
    benchmark.extra_info["found"] = len(found.result.found())
