"""Settings: the paper's values, its variants by name, refusals."""

from dataclasses import asdict

import pytest

from nasion.errors import NasionError
from nasion.landmarks.surface.settings import (
    PRESETS,
    VARIANTS,
    LossSettings,
    SurfaceNetSettings,
    TrainSettings,
)
from nasion.networks.stored_settings import settings_from


def test_the_papers_values() -> None:
    net, learning, loss = SurfaceNetSettings(), TrainSettings(), LossSettings()
    assert (net.points, net.neighbours, net.depth, net.width) == (8000, 16, 20, 64)
    assert (net.heat_sigma, net.top_points, net.ball_factor, net.stratified) == (0.03, 12, 5, True)
    assert net.residual == "branch"
    assert (loss.omega, loss.theta, loss.alpha, loss.epsilon, loss.peak_weight) == (14, 0.5, 2.1, 1, 50)
    assert (learning.epochs, learning.batch) == (500, 4)


def test_variants_differ_in_what_their_names_say() -> None:
    assert set(VARIANTS) == {"1S-GCN", "1S-SGCN", "2S-GCN", "2S-SGCN"}
    for name, settings in VARIANTS.items():
        assert settings.stratified == ("SGCN" in name)
        assert settings.refinement == ("vertex" if name.startswith("2S") else "mean")
        assert {**asdict(settings), "stratified": 0, "refinement": 0} == {
            **asdict(SurfaceNetSettings()),
            "stratified": 0,
            "refinement": 0,
        }


def test_plain_values_come_back() -> None:
    assert settings_from(SurfaceNetSettings, asdict(PRESETS["small"])) == PRESETS["small"]
    learning = TrainSettings(epochs=3, loss=LossSettings(peak_weight=1))
    assert settings_from(TrainSettings, asdict(learning)) == learning


@pytest.mark.parametrize(
    "wrong",
    [
        {"depth": 0},
        {"points": 11},
        {"top_points": 2},
        {"heat_sigma": 0},
        {"ball_factor": 1},
        {"refinement": "best"},
        {"residual": "none"},
        {"colour": 1},
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NasionError):
        settings_from(SurfaceNetSettings, wrong)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"learning_rate": 0}, {"loss": {"theta": 0}}, {"loss": {"alpha": 1}}])
def test_wrong_learning_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(NasionError):
        settings_from(TrainSettings, wrong)
