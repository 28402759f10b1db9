"""Settings come back from what a card or a run's record holds of them."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from nasion.errors import NasionError
from nasion.landmarks.image import settings as image
from nasion.landmarks.surface import settings as surface
from nasion.networks.stored_settings import settings_from

ALL: list[Any] = [
    *surface.PRESETS.values(),
    surface.LocalSettings(place_sd_mm=0.5),
    surface.TrainSettings(loss=surface.LossSettings(omega=3.0)),
    *(image.network_preset(preset, "cephalogram") for preset in image.PRESETS),
    *(image.learning_preset(preset, "face") for preset in image.PRESETS),
    replace(image.TrainSettings(), augment=image.AugmentSettings(rotation_deg=3.0)),
]


@pytest.mark.parametrize("settings", ALL)
def test_settings_come_back_from_json(settings: Any) -> None:
    assert settings_from(type(settings), json.loads(json.dumps(asdict(settings)))) == settings


def test_settings_of_another_version_are_refused() -> None:
    with pytest.raises(NasionError, match="unknown setting 'depths'"):
        settings_from(surface.SurfaceNetSettings, {"depths": 3})
    with pytest.raises(NasionError, match="unknown setting 'omicron'"):
        settings_from(surface.TrainSettings, {"loss": {"omicron": 3}})
    with pytest.raises(NasionError, match="depth"):
        settings_from(surface.SurfaceNetSettings, {"depth": 0})
