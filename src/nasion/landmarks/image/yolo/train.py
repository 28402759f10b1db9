"""Training and measures of YOLO-pose by ultralytics, which only this module imports."""

from __future__ import annotations

import importlib.util
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from nasion.errors import NasionError
from nasion.networks.torchvision_operators import import_torchvision
from nasion.readers.files import write_json

VARIANTS: Final = {"v8n": "yolov8n-pose.yaml", "v11n": "yolo11n-pose.yaml"}
"""Cranio-ID's two detectors, built from their description, with random weights: nothing is downloaded."""


@dataclass(frozen=True)
class YoloSettings:
    """How a detector is trained.

    Attributes
    ----------
    variant
        A key of ``VARIANTS``.
    epochs, image_px, batch, seed
        As ultralytics means them.
    device
        ``"cpu"`` or ``"cuda"``.

    """

    variant: str = "v8n"
    epochs: int = 100
    image_px: int = 640
    batch: int = 16
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class YoloScores:
    """Mean average precision on the validation images, of boxes and of poses (Cranio-ID, Table 1)."""

    box_map50: float
    box_map50_95: float
    pose_map50: float
    pose_map50_95: float


def train_yolo(config: Path, out: Path, settings: YoloSettings | None = None) -> YoloScores:
    """Train a detector on a set in YOLO's form, into ``out/run``, and write ``out/scores.json``.

    Parameters
    ----------
    config
        ``data.yaml``, see ``dataset.write_yolo_set``.
    out
        Folder of the result; ``run/weights/best.pt`` is the detector.
    settings
        How.

    Raises
    ------
    NasionError
        ultralytics or torchvision is not installed, or the variant is unknown.

    """
    s = settings or YoloSettings()
    require_yolo(s.variant)
    from ultralytics import YOLO
    from ultralytics import settings as own_settings

    own_settings.update({"sync": False})
    model: Any = YOLO(VARIANTS[s.variant], task="pose")
    # amp=False: its self-test would fetch weights
    model.train(
        data=str(config),
        epochs=s.epochs,
        imgsz=s.image_px,
        batch=s.batch,
        seed=s.seed,
        device=s.device,
        project=str(out.resolve()),
        name="run",
        exist_ok=True,
        pretrained=False,
        amp=False,
        plots=False,
        workers=0 if s.device == "cpu" else 8,
        verbose=False,
    )
    measured = model.val(data=str(config), imgsz=s.image_px, device=s.device, plots=False, verbose=False, workers=0)
    scores = YoloScores(
        float(measured.box.map50), float(measured.box.map), float(measured.pose.map50), float(measured.pose.map)
    )
    write_json(out / "scores.json", {"settings": asdict(s), "scores": asdict(scores)})
    return scores


def require_yolo(variant: str) -> None:
    """Raise NasionError where ultralytics or torchvision is not there, or the variant is unknown."""
    if variant not in VARIANTS:
        raise NasionError(f"there is no YOLO variant {variant!r}; use one of {', '.join(VARIANTS)}")
    if importlib.util.find_spec("ultralytics") is None:
        raise NasionError("YOLO-pose needs ultralytics, whose licence is AGPL-3.0; run: pip install 'nasion[yolo]'")
    try:
        import_torchvision()
    except ImportError:
        raise NasionError("YOLO-pose needs torchvision; run: pip install 'nasion[yolo]'") from None
