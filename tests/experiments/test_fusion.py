"""The fusion rule from virtual people: skulls made anew, errors of landmarks, strangers only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from nasion.errors import NasionError
from nasion.experiments.fusion import fit_fusion
from nasion.matching.card import picture_mark
from nasion.matching.frames import aligning
from nasion.matching.point_schemes import point_scheme
from nasion.matching.tokens import Tokens
from nasion.population.pictures.folder import MatchingSettings, generate_matching, person_in
from nasion.population.pictures.portrait import PortraitSettings
from nasion.population.pictures.xray import XraySettings

PEOPLE = 14
SCHEME = point_scheme("pairs20")


class Places:
    """Finds pictures alike whose landmarks lie alike in the average head."""

    scheme = "pairs20"
    sha256 = "p" * 64

    def __init__(self, learnt_from: Sequence[str] = ()) -> None:
        self.card = SimpleNamespace(learnt_from=list(learnt_from))

    def features(self, picture: NDArray[np.uint8], points_px: NDArray[np.float64], modality: str) -> Tokens:
        matrix, _ = aligning(points_px, SCHEME)
        own = points_px @ matrix[:, :2].T + matrix[:, 2]
        there = np.isfinite(own).all(axis=1)
        return Tokens(np.nan_to_num(own).astype(np.float32), np.zeros(1, np.float32), there)

    def score(self, probe: Tokens, faces: Sequence[Tokens]) -> NDArray[np.float64]:
        both = [probe.there & face.there for face in faces]
        return np.array(
            [-np.abs(probe.tokens[own] - face.tokens[own]).mean() for face, own in zip(faces, both, strict=True)]
        )


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("people") / "set"
    settings = MatchingSettings(PEOPLE, 0, 5, portraits=PortraitSettings(size_px=64), xrays=XraySettings(size_px=64))
    generate_matching(settings, out)
    return out


def test_overlay_finds_the_skulls_of_the_pictures(people: Path) -> None:
    fit = fit_fusion(people, Places(), PEOPLE)  # type: ignore[arg-type]
    assert set(fit.rule.parts) == {"overlay", "xray_frontal", "xray_lateral"}
    # chance is 1 of 14; skulls that were made anew wrongly would be at chance
    assert fit.figures["overlay"]["recall"]["1"] > 0.5
    assert fit.figures["radiographs"]["recall"]["5"] > 5 / PEOPLE
    assert fit.rule.record["people"] == PEOPLE
    assert fit.figures["fused"]["chance"]["recall"]["1"] == pytest.approx(1 / PEOPLE)


def test_people_learnt_from_do_not_take_part(people: Path) -> None:
    known = [picture_mark(people / f"subject_{k:03d}" / "frontal_photo.png") for k in range(2)]
    fit = fit_fusion(people, Places(known), PEOPLE)  # type: ignore[arg-type]
    assert fit.rule.record["people"] == PEOPLE - 2
    every = [picture_mark(people / f"subject_{k:03d}" / "lateral_xray.png") for k in range(PEOPLE)]
    with pytest.raises(NasionError, match="learnt from all"):
        fit_fusion(people, Places(every), PEOPLE)  # type: ignore[arg-type]


def test_a_person_made_anew_casts_the_stored_landmarks(people: Path) -> None:
    import json

    from nasion.geometry.camera import Camera

    truth = json.loads((people / "subject_003" / "truth.json").read_text())["frontal_xray"]
    camera = Camera.from_dict(truth["camera"])
    person = person_in(people, "subject_003")
    for name in ("nasion", "gnathion", "zygion_left"):
        assert camera.project(person.cranial[name][None])[0] == pytest.approx(truth["landmarks_px"][name], abs=0.01)
    with pytest.raises(NasionError, match="no person subject_099"):
        person_in(people, "subject_099")
