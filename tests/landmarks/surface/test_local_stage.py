"""The local stage: what it sees is free of turn and size, it learns, its export is the network, it finds bumps."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.procrustes import fit_similarity
from nasion.geometry.surface import Mesh
from nasion.landmarks.surface.cloud import Cloud, Sample
from nasion.landmarks.surface.local_input import local_input
from nasion.landmarks.surface.patches import PatchSource, landmark_patches
from nasion.landmarks.surface.settings import LocalSettings

pytest.importorskip("torch", reason="PyTorch is not installed; pip install 'nasion[train]'")

import torch

from nasion.landmarks.surface.local_batches import LocalData, _aligned, _bent, draw_batch
from nasion.landmarks.surface.local_export import local_to_onnx
from nasion.landmarks.surface.local_model import LocalNet, local_loss
from nasion.landmarks.surface.local_stage import LocalStage
from nasion.landmarks.surface.local_train import local_data, train_local
from nasion.networks.sessions import make_session

SETTINGS = LocalSettings(points=96, radius_mm=14.0, draws=2, steps=1000, batch=8, learning_rate=3e-3)
PROTOTYPE = np.array([[0.0, 0, 60], [40, 0, 45], [-40, 0, 45], [0, 45, 40], [0, -45, 40]])
MIRROR = np.array([0, 2, 1, 3, 4])


def head(seed: int) -> tuple[Mesh, np.ndarray]:
    """A ball of 60 mm with five bumps of 4 mm, whose tops are the landmarks."""
    rng = np.random.default_rng(seed)
    ball = trimesh.creation.icosphere(subdivisions=5, radius=60.0)
    tops = PROTOTYPE + rng.normal(0, 3.0, PROTOTYPE.shape)
    tops *= 60.0 / np.linalg.norm(tops, axis=1, keepdims=True)
    unit = np.asarray(ball.vertices) / 60.0
    away = np.linalg.norm(ball.vertices[:, None] - tops[None], axis=2)
    lift = 4.0 * np.exp(-((away / 5.0) ** 2)).sum(axis=1)
    return Mesh(unit * (60.0 + lift)[:, None], np.asarray(ball.faces, dtype=np.int32)), tops * (64.0 / 60.0)


def sample(seed: int) -> Sample:
    mesh, tops = head(seed)
    cloud = Cloud(np.zeros((1, 3)), np.array([[0.0, 0, 1]]), np.zeros(3), 130.0, np.eye(3))
    bare = Sample(cloud, tops / 130.0, f"person {seed}", mesh)
    return replace(bare, mesh=None, patches=landmark_patches(bare, np.random.default_rng(seed)))


def data(seeds: range) -> LocalData:
    return local_data([sample(seed) for seed in seeds], PROTOTYPE / 130.0, MIRROR)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> LocalNet:
    return train_local(tmp_path_factory.mktemp("local"), data(range(24)), data(range(50, 54)), SETTINGS).model


def test_what_is_seen_knows_nothing_of_turn_and_size() -> None:
    mesh, tops = head(1)
    guesses, there = tops + np.random.default_rng(0).normal(0, 2, tops.shape), np.ones(5, dtype=bool)
    turn = Rotation.from_euler("xyz", [10, -8, 6], degrees=True).as_matrix()
    moved = mesh.moved(mesh.vertices @ turn.T + [5.0, -3.0, 2.0])
    seen = [
        local_input(points, there, PROTOTYPE, [PatchSource.of(surface)] * 5, SETTINGS, np.random.default_rng(7))
        for surface, points in ((mesh, guesses), (moved, guesses @ turn.T + [5.0, -3.0, 2.0]))
    ]
    assert seen[0] is not None
    assert seen[1] is not None
    assert seen[1].patches == pytest.approx(seen[0].patches, abs=1e-4)
    assert seen[1].residual == pytest.approx(seen[0].residual, abs=1e-4)
    bigger = local_input(
        1.2 * guesses, there, PROTOTYPE, [PatchSource.of(mesh)] * 5, SETTINGS, np.random.default_rng(7)
    )
    assert bigger is not None
    assert bigger.residual == pytest.approx(seen[0].residual, abs=1e-4)


def test_two_estimates_cannot_be_aligned() -> None:
    mesh, tops = head(1)
    there = np.array([True, True, False, False, False])
    assert local_input(tops, there, PROTOTYPE, [PatchSource.of(mesh)] * 5, SETTINGS, np.random.default_rng(0)) is None


@pytest.mark.parametrize("there", [[1, 1, 1, 1, 1], [1, 0, 1, 1, 1]])
def test_batches_are_aligned_as_in_use(there: list[int]) -> None:
    present = np.array(there, dtype=bool)
    guesses = PROTOTYPE * 1.1 + np.random.default_rng(5).normal(0, 4, PROTOTYPE.shape) + 7.0
    fit = fit_similarity(guesses[present], PROTOTYPE[present])
    turn, residual = _aligned(
        torch.from_numpy(guesses)[None].float(),
        torch.from_numpy(present)[None],
        torch.from_numpy(PROTOTYPE).float(),
    )
    assert turn[0].numpy() == pytest.approx(fit.rotation.T, abs=1e-5)
    wanted = np.where(present[:, None], (fit.apply(guesses) - PROTOTYPE) / 10.0, 0.0)
    assert residual[0].numpy() == pytest.approx(wanted, abs=1e-4)


def test_targets_lead_back_to_the_landmarks() -> None:
    held = data(range(2))
    batch = draw_batch(held, np.arange(2), SETTINGS, torch.Generator().manual_seed(3), varied=False, sd_mm=2.0)
    near = batch.filled.bool()
    for k in range(2):
        # a bump's top is the highest point of its surroundings: none of the patch lies farther along its normal
        for n in range(5):
            points = batch.patches[k, n][near[k, n]].numpy().astype(np.float64)
            to_top = points[:, :3] * SETTINGS.radius_mm - batch.target[k, n].numpy()
            assert np.linalg.norm(to_top, axis=1).min() < 4.0
            outward = points[:, 3:].mean(axis=0)
            assert (to_top @ outward).max() < 1.0


def test_mirrored_twice_is_the_same_person() -> None:
    one = data(range(1))
    twice = LocalData(
        one.pieces[:, MIRROR][:, MIRROR], one.landmarks_mm[:, MIRROR][:, MIRROR], one.prototype_mm, MIRROR
    )
    assert np.array_equal(twice.landmarks_mm, one.landmarks_mm)
    assert np.array_equal(twice.pieces, one.pieces, equal_nan=True)


def test_bent_pieces_keep_their_landmark_and_their_normals() -> None:
    """On a ball: normals of the bent surface by differences along it."""
    rng = np.random.default_rng(0)
    up = rng.normal(size=(40, 3)) * [0.15, 0.15, 0.0] + [0.0, 0.0, 1.0]
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    aside = np.cross(up, [1.0, 0.0, 0.0])
    step = 1e-3
    grid = [up, up + step * aside, up + step * np.cross(up, aside)]
    points = 60.0 * np.concatenate([p / np.linalg.norm(p, axis=1, keepdims=True) for p in grid]) - [0.0, 0.0, 60.0]
    points = np.concatenate([points, np.zeros((1, 3))])
    normals = np.concatenate([np.tile(up, (3, 1)), [[0.0, 0.0, 1.0]]])
    pieces = torch.from_numpy(np.concatenate([points, normals], axis=1))[None, None].double()
    for seed in range(5):
        bent = _bent(pieces.float(), torch.Generator().manual_seed(seed))[0, 0].double().numpy()
        assert bent[-1, :3] == pytest.approx(np.zeros(3), abs=1e-5)
        moved = bent[:-1, :3].reshape(3, 40, 3)
        true = np.cross(moved[1] - moved[0], moved[2] - moved[0])
        true /= np.linalg.norm(true, axis=1, keepdims=True)
        cosine = np.einsum("ij,ij->i", true, bent[:40, 3:])
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 2.5


def test_loss_by_hand() -> None:
    moves = torch.tensor([[[3.0, 0.0, 4.0], [9.0, 9.0, 9.0]]])
    log_error = torch.tensor([[np.log(2.0), 0.0]], dtype=torch.float32)
    there = torch.tensor([[1.0, 0.0]])
    loss = local_loss(moves, log_error, torch.zeros(1, 2, 3), there)
    assert float(loss) == pytest.approx(5.0 + 0.5 * (5.0 / 2.0 + np.log(2.0)), abs=1e-5)


def test_estimates_go_to_the_bumps(trained: LocalNet) -> None:
    stage = LocalStage.of(local_to_onnx(trained), PROTOTYPE, SETTINGS)
    before, after, expected = [], [], []
    for seed in range(80, 90):
        mesh, tops = head(seed)
        rng = np.random.default_rng(seed)
        guesses = tops + rng.normal(0, 2.5, tops.shape)
        moved, told = stage.move(guesses, np.ones(5), mesh)
        assert told is not None
        before.append(np.linalg.norm(guesses - tops, axis=1))
        after.append(np.linalg.norm(moved - tops, axis=1))
        expected.append(told)
    assert np.mean(after) < 0.35 * np.mean(before)
    assert 0.4 < np.mean(expected) / np.mean(after) < 2.5


def test_a_wrong_order_of_landmarks_fails(trained: LocalNet) -> None:
    stage = LocalStage.of(local_to_onnx(trained), PROTOTYPE, SETTINGS)
    mesh, tops = head(91)
    order = np.array([3, 4, 0, 1, 2])
    right = np.linalg.norm(stage.move(tops, np.ones(5), mesh)[0] - tops, axis=1).mean()
    wrong = np.linalg.norm(stage.move(tops[order], np.ones(5), mesh)[0] - tops[order], axis=1).mean()
    assert wrong > 2 * right


def test_too_few_sure_estimates_stay(trained: LocalNet) -> None:
    stage = LocalStage.of(local_to_onnx(trained), PROTOTYPE, SETTINGS)
    mesh, tops = head(92)
    moved, expected = stage.move(tops, np.array([1.0, 1.0, 0.0, 0.0, 0.0]), mesh)
    assert expected is None
    assert np.array_equal(moved, tops)


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-4), ("float16", 0.05)])
def test_export_equals_the_network(trained: LocalNet, precision: str, tolerance: float) -> None:
    batch = draw_batch(data(range(3)), np.arange(3), SETTINGS, torch.Generator().manual_seed(1))
    inputs = {name: getattr(batch, name) for name in ("patches", "filled", "residual", "there")}
    with torch.no_grad():
        moves, log_error = trained(**inputs)
    session = make_session(local_to_onnx(trained, precision))  # type: ignore[arg-type]
    told = session.run(["moves", "log_error"], {name: value.numpy() for name, value in inputs.items()})
    assert told[0] == pytest.approx(moves.numpy(), abs=tolerance)
    assert told[1] == pytest.approx(log_error.numpy(), abs=tolerance)


def test_four_heads_are_learnt_by_heart(tmp_path) -> None:  # type: ignore[no-untyped-def]
    few = data(range(4))
    settings = replace(SETTINGS, steps=1000, batch=4)
    train_local(tmp_path / "run", few, few, settings)
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert log[0].startswith("step,loss")
    assert float(log[-1].split(",")[2]) < 0.8  # estimates missed by 2 mm on average


def test_a_stopped_run_ends_as_one_that_was_not(tmp_path) -> None:  # type: ignore[no-untyped-def]
    few, settings = data(range(4)), replace(SETTINGS, steps=12, batch=2, points=16)
    whole = train_local(tmp_path / "whole", few, few, settings).model.state_dict()

    class Stopped(Exception):  # noqa: N818
        pass

    def stop(done: int, total: int) -> None:
        if done == 12:
            raise Stopped

    with pytest.raises(Stopped):
        train_local(tmp_path / "stopped", few, few, settings, told=stop)
    again = train_local(tmp_path / "stopped", few, few, settings).model.state_dict()
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    (tmp_path / "whole" / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(NasionError, match="is damaged"):
        train_local(tmp_path / "whole", few, few, settings)


def test_the_log_has_the_mean_loss_of_its_steps(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    few, settings = data(range(4)), replace(SETTINGS, steps=5, batch=2, points=16)
    monkeypatch.setattr("nasion.landmarks.surface.local_train._JUDGED_EVERY", 1)
    train_local(tmp_path / "each", few, few, settings)
    monkeypatch.setattr("nasion.landmarks.surface.local_train._JUDGED_EVERY", 3)
    train_local(tmp_path / "three", few, few, settings)
    each, three = (
        [float(line.split(",")[1]) for line in (tmp_path / name / "log.csv").read_text().splitlines()[1:]]
        for name in ("each", "three")
    )
    assert len(each) == 5
    assert three == pytest.approx([np.mean(each[:3]), np.mean(each[3:])])


def test_samples_without_pieces_are_refused() -> None:
    with pytest.raises(NasionError, match="holds no pieces of its surface"):
        local_data([replace(sample(0), patches=None)], PROTOTYPE / 130.0, MIRROR)
