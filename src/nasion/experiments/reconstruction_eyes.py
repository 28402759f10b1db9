"""What looks at generated faces, as far as it can be had; what cannot is named with the reason."""

from __future__ import annotations

import importlib.util

from nasion.errors import NasionError
from nasion.experiments.reconstruction import Eyes
from nasion.experiments.reconstruction_retrieval import Descriptor
from nasion.reconstruction.scores import face_descriptor
from nasion.reconstruction.scores.networks import LITE, TABLE_2, Network

NEVER_HERE = {
    "Inception-v3": f"its weights come in no package; {LITE} stands in for it, and every KID, FID and IS says so",
    "LPIPS": "the ImageNet weights of the networks that it is calibrated for come in no package",
}


def usual_eyes() -> Eyes:
    """Return EfficientNet-Lite0, the networks of Table 2 whose weights timm can get, and dlib's face descriptor.

    Raises
    ------
    NasionError
        EfficientNet-Lite0 is not installed.

    """
    if importlib.util.find_spec("torch") is None:
        raise NasionError("this experiment needs PyTorch; install nasion[train]")
    from nasion.reconstruction.scores.export import network_onnx

    left_out = dict(NEVER_HERE)
    extractor = Network(LITE, network_onnx(LITE))
    descriptors: list[Descriptor] = []
    for name in TABLE_2:
        try:
            descriptors.append(Network(name, network_onnx(name)))
        except NasionError as fault:
            left_out[name] = str(fault)
    descriptors.append(extractor)
    try:
        descriptors.append(face_descriptor.FaceDescriptor())
    except NasionError as fault:
        left_out[face_descriptor.NAME] = str(fault)
    return Eyes(extractor, tuple(descriptors), frozenset({face_descriptor.NAME}), left_out)
