"""Portraits and sketches: the shape is the person's, all else the picture's; hair hides scalps, not faces."""

from dataclasses import replace

import numpy as np
import pytest

from nasion.geometry.raster import depth_of, silhouette_of
from nasion.population.person import Person
from nasion.population.photograph import View
from nasion.population.pictures.hair import HairStyle, hair_cap
from nasion.population.pictures.portrait import PortraitSettings, Sitters, sample_portrait_shot
from nasion.population.pictures.scalp import bald_albedo
from nasion.population.pictures.sketch import draw_sketch
from nasion.population.template import Template

VIEWS: tuple[View, ...] = ("frontal", "lateral")
SMALL = PortraitSettings(size_px=128)


@pytest.fixture(scope="module")
def sitters(builtin: Template) -> Sitters:
    return Sitters(builtin.face.vertices, bald_albedo(builtin))


def test_bald_heads_keep_their_brows(builtin: Template) -> None:
    albedo = bald_albedo(builtin)
    v = builtin.face.vertices
    brightness, before = albedo.mean(axis=1), builtin.face_albedo.mean(axis=1)
    crown = v[:, 1] > builtin.facial["metopion"][1] + 30
    assert before[crown].max() < 0.9 * brightness[crown].min()  # the painted hair was dark
    assert np.ptp(brightness[crown]) < 0.1
    in_front = (v[:, 2] > builtin.facial_helpers["orbitale_left"][2] - 15) & (v[:, 1] < builtin.facial["glabella"][1])
    assert np.array_equal(albedo[in_front], builtin.face_albedo[in_front])


@pytest.mark.parametrize("view", VIEWS)
def test_the_persons_own_colours_are_not_used(view: View, sitters: Sitters, people: list[Person]) -> None:
    other = replace(people[0], face_albedo=1.0 - people[0].face_albedo, seed=99, name="other")
    one, two = (sitters.portrait(p, view, np.random.default_rng(3), SMALL) for p in (people[0], other))
    assert np.array_equal(one.image, two.image)


def test_looks_do_not_depend_on_the_person(sitters: Sitters, people: list[Person]) -> None:
    for hair in (False, True):
        pictures = [
            sitters.portrait(p, "frontal", np.random.default_rng(7), SMALL, with_hair=hair) for p in people[::2]
        ]
        assert len({repr(p.look) + repr(p.hair) + repr(p.shot.pose_deg) for p in pictures}) == 1
        assert len({p.image.tobytes() for p in pictures}) == len(pictures)


@pytest.mark.parametrize("view", VIEWS)
def test_heads_are_in_the_picture_and_landmarks_on_them(view: View, sitters: Sitters, people: list[Person]) -> None:
    for k, person in enumerate(people):
        portrait = sitters.portrait(person, view, np.random.default_rng(k), SMALL)
        camera = portrait.shot.camera
        skin = silhouette_of(person.face, camera)
        assert not skin[:2].any()  # air above the head
        assert not skin[:, :1].any()
        truth = portrait.landmarks
        assert {"pronasale", "gnathion", "labiale_superius"} <= truth.visible
        for name, point in {**person.facial, **person.facial_helpers}.items():
            assert truth.points_px[name] == pytest.approx(camera.project(point[None])[0])
        if view == "lateral":
            assert truth.points_px["pronasale"][0] > truth.points_px["tragion_right"][0]
            assert "tragion_right" in truth.visible
            assert "tragion_left" not in truth.visible


def test_a_portraits_nod_lowers_the_chin_in_both_views(people: list[Person]) -> None:
    forward = np.array([0.0, 0.0, 1.0])
    for view in VIEWS:
        shots = [sample_portrait_shot(people[0], view, np.random.default_rng(k), PortraitSettings()) for k in range(40)]
        frontal = view == "frontal"
        nod = np.array([shot.pose_deg[1 if frontal else 2] for shot in shots])
        down = np.array([(shot.camera.rotation @ forward)[1] for shot in shots])
        assert np.corrcoef(nod, down)[0, 1] > 0.9


@pytest.mark.parametrize("view", VIEWS)
def test_hair_hides_the_scalp_and_not_the_face(view: View, sitters: Sitters, people: list[Person]) -> None:
    for k in range(6):
        person = people[k]
        style = HairStyle.drawn(np.random.default_rng(100 + k))
        cap, colors = hair_cap(person, style)
        assert len(colors) == len(cap.vertices)
        camera = sample_portrait_shot(person, view, np.random.default_rng(k), SMALL).camera
        skin, hair = depth_of(person.face, camera)[0], depth_of(cap, camera)[0]

        def hidden(name: str, places: dict[str, np.ndarray]) -> bool:
            u, v = camera.project(places[name][None])[0].round().astype(int)  # noqa: B023
            return bool(hair[v, u] < skin[v, u])  # noqa: B023

        facial = {**person.facial, **person.facial_helpers}
        assert hidden("bregma", facial) or view == "lateral"
        for name in ("nasion", "pronasale", "subnasale", "labiale_superius", "pogonion", "alare_right"):
            assert not hidden(name, facial), (k, name)
        covered = (hair < skin) & np.isfinite(skin)
        assert 0.1 < covered.sum() / np.isfinite(skin).sum() < 0.85


def test_landmarks_under_hair_are_not_called_visible(sitters: Sitters, people: list[Person]) -> None:
    for k in range(4):
        bare = sitters.portrait(people[k], "frontal", np.random.default_rng(k), SMALL)
        hairy = sitters.portrait(people[k], "frontal", np.random.default_rng(k), SMALL, with_hair=True)
        assert bare.hair is None
        assert hairy.hair is not None
        assert "bregma" not in hairy.landmarks.visible
        assert {"pronasale", "subnasale", "pogonion"} <= hairy.landmarks.visible


@pytest.mark.parametrize("view", VIEWS)
def test_a_sketch_is_lines_on_paper(view: View, builtin: Template, people: list[Person]) -> None:
    sketch = draw_sketch(people[0], view, bald_albedo(builtin), np.random.default_rng(0), SMALL)
    skin = silhouette_of(people[0].face, sketch.shot.camera)
    assert abs(np.median(sketch.image[~skin]) - sketch.hand.paper) < 4
    rim = skin & ~np.roll(skin, 2, axis=1)
    assert np.median(sketch.image[rim]) < np.median(sketch.image[skin]) - 15  # an outline
    # brows and lips are darker than cheeks: the drawing shows the face
    lips = sketch.landmarks.points_px["labiale_superius"].round().astype(int)
    patch = sketch.image[lips[1] - 3 : lips[1] + 6, lips[0] - 3 : lips[0] + 4]
    assert patch.min() < np.median(sketch.image[skin]) - 25
    again = draw_sketch(people[0], view, bald_albedo(builtin), np.random.default_rng(0), SMALL)
    assert np.array_equal(again.image, sketch.image)
