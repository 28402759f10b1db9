"""The exported file against the PyTorch network, and release from start to end."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from landmarks.image.discs import NET, SCHEME, STILL, prepared, sample  # noqa: E402
from nasion.errors import NasionError  # noqa: E402
from nasion.landmarks.image.card import INPUT, OUTPUTS, read_model  # noqa: E402
from nasion.landmarks.image.crops import frame_of_points  # noqa: E402
from nasion.landmarks.image.export import to_onnx  # noqa: E402
from nasion.landmarks.image.model import ImageLandmarkNet  # noqa: E402
from nasion.landmarks.image.passes import two_looks  # noqa: E402
from nasion.landmarks.image.release import measure, release  # noqa: E402
from nasion.landmarks.image.settings import ImageNetSettings, LossSettings, TrainSettings  # noqa: E402
from nasion.landmarks.image.train import train  # noqa: E402
from nasion.networks.sessions import make_session  # noqa: E402


def stirred(settings: ImageNetSettings, landmarks: int) -> ImageLandmarkNet:
    """A network whose every number matters."""
    torch.manual_seed(3)
    net = ImageLandmarkNet(settings, landmarks, pretrained=False)
    for name, own in net.named_parameters():
        if "graph." in name or name == "soft_argmax.log_sharpness":
            torch.nn.init.normal_(own, std=0.3)
    width, height = settings.input_size_px
    net.learn_shapes(np.random.default_rng(4).uniform(0, 1, (12, landmarks, 2)) * (width - 1, height - 1))
    torch.nn.init.normal_(net.heat.weight, std=0.3)
    return net.eval()


@pytest.mark.parametrize(
    "settings",
    [NET, replace(NET, connectivity="image"), replace(NET, backbone="efficientnet_lite0", connectivity="task")],
)
def test_file_equals_the_network(settings: ImageNetSettings) -> None:
    net = stirred(settings, 4)
    images = np.random.default_rng(0).uniform(0, 255, (3, 3, 64, 64)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.from_numpy(images))[:4]
    full = make_session(to_onnx(net, "float32")).run(list(OUTPUTS), {INPUT: images})
    for own, true in zip(full, expected, strict=True):
        assert own == pytest.approx(true.numpy(), abs=2e-3)
    half = make_session(to_onnx(net, "float16")).run(list(OUTPUTS), {INPUT: images})
    assert np.abs(half[0] - full[0]).max() < 1.0


def test_half_precision_halves_the_file_and_small_network_is_small() -> None:
    net = ImageLandmarkNet(replace(NET, backbone="efficientnet_lite0"), 68, pretrained=False)
    full, half = len(to_onnx(net, "float32")), len(to_onnx(net))
    assert half < 0.65 * full and half < 6e6


def test_weights_that_are_no_numbers_are_refused() -> None:
    net = stirred(replace(NET, connectivity="image"), 4)
    with torch.no_grad():
        net.heat.bias[0] = float("nan")
    with pytest.raises(NasionError, match=r"heat\.bias holds weights that are no numbers"):
        to_onnx(net)
    with torch.no_grad():
        net.heat.bias[0] = 0
        net.embed[0].weight[0, 0] = 1e6
    with pytest.raises(NasionError, match="too large for half precision"):
        to_onnx(net)


def test_release_from_start_to_end(tmp_path: Path) -> None:
    told = TrainSettings(
        epochs=80, batch=8, heat_rate=1e-2, graph_rate=5e-3, final_share=0.05, loss=LossSettings(start_weight=1.0),
        augment=replace(STILL, scale=(0.8, 1.2), shift=0.1),
    )  # fmt: skip
    trained = train(
        tmp_path / "run", SCHEME, [prepared(k) for k in range(16)], [prepared(k) for k in range(50, 56)], NET, told
    )
    held, test = [sample(k) for k in range(50, 60)], [sample(k) for k in range(70, 80)]
    card = release(trained, tmp_path / "model", SCHEME, held, {"discs": test}, data="discs", terms="none")
    model = read_model(tmp_path / "model")
    assert model.card.model_dump_json() == card.model_dump_json() and card.names == SCHEME.names
    assert card.model_sha256 == hashlib.sha256((tmp_path / "model" / "model.onnx").read_bytes()).hexdigest()
    errors = card.tests["discs"]
    # discs of other images are found to about a pixel of 36; hidden ones are harder
    assert errors.mean["nme_inter_ocular"].value < 0.05
    assert errors.mean["nme_inter_ocular"].low <= errors.mean["nme_inter_ocular"].value
    assert card.tests["discs, parts hidden"].mean["nme_inter_ocular"].value > errors.mean["nme_inter_ocular"].value
    assert errors.images == errors.people == 10 and 0.5 < errors.inside_90 <= 1
    session = make_session(model.onnx)
    again = measure(session, test, SCHEME, NET, trained.shape, seed=2)
    own = np.linalg.norm(again.points - again.truth, axis=2) / np.linalg.norm(
        again.truth[:, :1] - again.truth[:, 1:2], axis=2
    )
    assert own.mean() == pytest.approx(errors.mean["nme_inter_ocular"].value)

    # a labelling in another order is no longer right
    swapped = [replace(one, points_px=one.points_px[[1, 0, 2, 3]]) for one in test]
    wrong = measure(session, swapped, SCHEME, NET, trained.shape, seed=2)
    assert np.linalg.norm(wrong.points - wrong.truth, axis=2)[:, :2].min() > 10

    # a tilted picture is turned upright by the second look
    one = test[0]
    tilt = frame_of_points(one.points_px, (96, 96), 1.6, 20.0)
    from nasion.landmarks.image.crops import cut

    image, truth = cut(one.pixels(), tilt, (96, 96)), tilt.to_crop(one.points_px, (96, 96))
    seen = two_looks(session, image, frame_of_points(truth, (64, 64), 1.6), (64, 64), 1.6, trained.shape)
    assert abs(seen.frame.angle_deg + 20) < 10

    with pytest.raises(NasionError, match="p50 is among the calibration people and the test people"):
        release(trained, tmp_path / "m2", SCHEME, held, {"discs": [sample(50)]}, data="", terms="")
    (tmp_path / "model" / "model.onnx").write_bytes(b"another")
    with pytest.raises(NasionError, match="SHA-256 differs"):
        read_model(tmp_path / "model")
