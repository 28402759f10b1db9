"""Learning on drawn discs: losses by hand, falling loss, overfitting, going on, frozen heat maps, faults."""

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from landmarks.image.discs import NET, SCHEME, STILL, prepared  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.landmarks.image.losses import losses  # noqa: E402
from nasion.landmarks.image.model import ImageLandmarkNet, NetOutput, parameter_count, to_pixels  # noqa: E402
from nasion.landmarks.image.network_weights import heat_weights  # noqa: E402
from nasion.landmarks.image.prepared import Prepared  # noqa: E402
from nasion.landmarks.image.settings import LossSettings, TrainSettings  # noqa: E402
from nasion.landmarks.image.train import train  # noqa: E402
from nasion.networks.checkpoints import read_checkpoint  # noqa: E402

LEARN = TrainSettings(
    epochs=2, batch=4, heat_rate=3e-3, graph_rate=3e-3, loss=LossSettings(start_weight=1.0), augment=STILL
)


def names(state: dict, part: str) -> dict:
    return {name: value for name, value in state.items() if name.startswith(part)}


def test_losses_by_hand() -> None:
    """Eq. 7 counts cells; points outside the crop and points that are not marked teach no position."""
    cells = torch.tensor([[[1.0, 2.0], [3.0, 3.0], [0.0, 0.0], [5.0, 5.0]]])
    truth = to_pixels(torch.tensor([[[1.5, 2.0], [3.0, 1.0], [40.0, 0.0], [float("nan"), 5.0]]]))
    out = NetOutput(to_pixels(cells), to_pixels(cells + 1), *(torch.zeros(1, 4),) * 2, torch.zeros(1, 4, 8, 8), None)
    told = LossSettings(points_weight=2.0, heat_weight=0.0, start_weight=3.0)
    total, points, _ = losses(out, truth, told)
    assert float(points) == pytest.approx((0.5 + 2.0) / 2)
    start = (0.5 + 1 + 1 + 3) / 2
    assert float(total) == pytest.approx(2 * 1.25 + 3 * start)
    frozen = losses(out, truth, replace(told, heat_weight=1.0), heat=False)
    assert float(frozen[0]) == pytest.approx(2 * 1.25) and float(frozen[2]) == 0


def test_far_soft_argmax_is_moved_by_the_heat_maps_alone() -> None:
    cells = torch.tensor([[[1.0, 2.0], [1.0, 2.0]]], requires_grad=True)
    truth = to_pixels(torch.tensor([[[2.0, 2.0], [1.0, 15.0]]]))
    start = to_pixels(cells)
    out = NetOutput(start + 0.0, start, *(torch.zeros(1, 2),) * 2, torch.zeros(1, 2, 20, 20), None)
    total, points, _ = losses(out, truth, LossSettings(start_weight=1.0, heat_weight=0.0))
    total.backward()
    assert float(points) == pytest.approx((1 + 13) / 2)  # both count
    assert cells.grad.tolist() == [[[-1.0, 0.0], [0.0, 0.0]]]  # -1/2 of each of two terms; the far one stays


def test_overfits_four_images(tmp_path: Path) -> None:
    items = [prepared(seed) for seed in range(4)]
    trained = train(
        tmp_path / "run",
        SCHEME,
        items,
        [replace_person(item) for item in items],
        NET,
        replace(LEARN, epochs=120, heat_rate=1e-2, graph_rate=5e-3, final_share=0.05),
    )
    first, last = trained.history[0], trained.history[-1]
    assert last.loss < first.loss / 10
    # inter-ocular distance is about 24 crop pixels: within half a pixel
    assert min(record.held_out_error for record in trained.history) < 0.02


def replace_person(item: Prepared) -> Prepared:
    return Prepared(item.image, item.points_px, f"{item.person} again")


def test_going_on_ends_with_the_same_weights(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    items, held = [prepared(seed) for seed in range(6)], [prepared(9)]
    told = replace(LEARN, epochs=3, average=0.9, batch=2)
    whole = train(tmp_path / "whole", SCHEME, items, held, NET, told)

    class StoppedError(Exception):
        pass

    def stop(at: object) -> None:
        if getattr(at, "record", None) is not None and at.epoch == 2:  # type: ignore[attr-defined]
            raise StoppedError

    with pytest.raises(StoppedError):
        train(tmp_path / "parts", SCHEME, items, held, NET, told, progress=stop)
    again = train(tmp_path / "parts", SCHEME, items, held, NET, told)
    assert [r.held_out_error for r in again.history] == [r.held_out_error for r in whole.history]
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    lines = (tmp_path / "parts" / "log.csv").read_text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("epoch,loss,points_loss,heat_loss,held_out_error")


def test_running_mean_of_weights_is_what_is_kept(tmp_path: Path) -> None:
    items, held = [prepared(seed) for seed in range(4)], [prepared(9)]
    trained = train(tmp_path / "run", SCHEME, items, held, NET, replace(LEARN, epochs=1, average=0.9))
    own = read_checkpoint(tmp_path / "run" / "checkpoint.pt")["model"]["heat.bias"]
    begin = torch.logit(torch.tensor(0.01)) * torch.ones(4)
    # one step: the decay is 2 / 11
    expected = begin * 2 / 11 + own * 9 / 11
    assert trained.model.state_dict()["heat.bias"].numpy() == pytest.approx(expected.numpy(), rel=1e-5)


@pytest.mark.parametrize("keep_last", [False, True])
def test_which_epoch_is_kept(tmp_path: Path, keep_last: bool) -> None:
    """A rate that ruins the network after a good start: the best epoch is not the last."""
    items, held = [prepared(seed) for seed in range(8)], [prepared(50)]
    told = replace(LEARN, epochs=8, batch=2, heat_rate=0.3, graph_rate=0.3, keep_last=keep_last)
    trained = train(tmp_path / "run", SCHEME, items, held, NET, told)
    errors = [record.held_out_error for record in trained.history]
    best = 1 + errors.index(min(errors))
    assert best < 8, "the case does not tell the two apart"
    assert trained.best_epoch == (8 if keep_last else best)


def test_frozen_heat_maps_stay_and_the_graph_learns(tmp_path: Path) -> None:
    items, held = [prepared(seed) for seed in range(4)], [prepared(9)]
    train(tmp_path / "first", SCHEME, items, held, NET, LEARN)
    weights = heat_weights(tmp_path / "first")
    task = replace(NET, connectivity="task")
    second = train(tmp_path / "second", SCHEME, items, held, task, LEARN, frozen=weights).model.state_dict()
    for part in ("backbone.", "heat.", "soft_argmax."):
        for name, value in names(second, part).items():
            assert torch.equal(value, weights[name]), name
    assert second["graph.blocks.1.own.weight"].abs().max() > 0
    other = replace(NET, backbone="efficientnet_lite0")
    with pytest.raises(NasionError, match="another backbone or scheme"):
        train(tmp_path / "third", SCHEME, items, held, other, LEARN, frozen=weights)
    with pytest.raises(NasionError, match="nothing is left to learn"):
        train(tmp_path / "fourth", SCHEME, items, held, replace(NET, connectivity="none"), LEARN, frozen=weights)


def test_faults(tmp_path: Path) -> None:
    items = [prepared(seed) for seed in range(3)]
    with pytest.raises(NasionError, match="p1 is among the training people and the held-out people"):
        train(tmp_path / "a", SCHEME, items, [items[1]], NET, LEARN)
    short = Prepared(items[0].image, items[0].points_px[:3], "short")
    with pytest.raises(NasionError, match="short: has 3 landmarks, but discs4 has 4"):
        train(tmp_path / "b", SCHEME, [*items, short], [prepared(8)], NET, LEARN)
    with pytest.raises(NasionError, match="no held-out images"):
        train(tmp_path / "c", SCHEME, items, [], NET, LEARN)
    with pytest.raises(NasionError, match="no device 'tpu'"):
        train(tmp_path / "d", SCHEME, items, [prepared(8)], NET, LEARN, device="tpu")
    assert not list(tmp_path.iterdir())
    with pytest.raises(NasionError, match="diverged"):
        wild = replace(LEARN, epochs=30, heat_rate=1e30, graph_rate=1e30)
        train(tmp_path / "e", SCHEME, items, [prepared(8)], NET, wild)
    (tmp_path / "e" / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(NasionError, match="is damaged"):
        train(tmp_path / "e", SCHEME, items, [prepared(8)], NET, wild)
    with pytest.raises(NasionError):
        train(tmp_path / "e", SCHEME, items, [prepared(8)], NET, LEARN)


def test_every_backbone_gives_stride_4_and_every_part_learns() -> None:
    for backbone, channels in (("tiny", 16), ("efficientnet_lite0", 96)):
        net = ImageLandmarkNet(replace(NET, backbone=backbone), 4, pretrained=False)
        out = net(torch.rand(2, 3, 64, 64) * 255)
        assert net.backbone.channels == channels and out.logits.shape == (2, 4, 16, 16)
        assert len(net.heat_parameters()) + len(net.graph_parameters()) == len(list(net.parameters()))
        (out.points.sum() + out.logits.sum()).backward()
        without = [name for name, own in net.named_parameters() if own.grad is None]
        assert not without
    assert parameter_count(net) == sum(p.numel() for p in net.parameters()) < 1_200_000


def test_hrnet_has_the_papers_270_channels() -> None:
    try:
        net = ImageLandmarkNet(replace(NET, backbone="hrnet_w18"), 4)
    except NasionError as error:
        pytest.skip(str(error))
    assert net.backbone.channels == 270
    assert net.eval()(torch.zeros(1, 3, 64, 64)).logits.shape == (1, 4, 16, 16)


def test_absolute_coordinates_do_not_lean_on_the_start() -> None:
    """The paper's output: with the last block at 0 all points lie in the middle; ours lie at the start."""
    image = torch.rand(1, 3, 64, 64) * 255
    absolute = ImageLandmarkNet(replace(NET, connectivity="image", absolute=True), 4).eval()(image)
    assert absolute.points.detach().numpy() == pytest.approx(31.5)
    ours = ImageLandmarkNet(replace(NET, connectivity="image"), 4).eval()(image)
    assert torch.equal(ours.points, ours.start)


def test_settings_refuse_nonsense() -> None:
    for wrong in ({"epochs": 0}, {"heat_rate": 0.0}, {"held_out": 1.0}, {"average": 1.0}, {"precision": "int8"}):
        with pytest.raises(NasionError, match="image network"):
            replace(LEARN, **wrong)
    for wrong in ({"input_size_px": (60, 64)}, {"margin": 0.5}, {"connectivity": "all"}, {"heads": 0}):
        with pytest.raises(NasionError, match="image network"):
            replace(NET, **wrong)
