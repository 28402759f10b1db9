"""X-rays: attenuation, film, landmarks, pose; what is inside a skull."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.special import expit

from nasion.geometry.camera import Camera, pose_rotation
from nasion.geometry.paths import path_lengths
from nasion.geometry.surface import FloatArray
from nasion.population.person import Person
from nasion.population.pictures import materials
from nasion.population.pictures.anatomy import Anatomy
from nasion.population.pictures.film import Exposure, FilmSettings, developed
from nasion.population.pictures.materials import attenuation_of_hu
from nasion.population.pictures.xray import XraySettings, sample_xray_shot, take_xray
from nasion.population.template import Template

PLAIN = Exposure(
    scatter_to_primary=0.0,
    scatter_mm=20.0,
    blur_mm=0.0,
    photons=1e12,
    contrast=2.0,
    density=0.0,
    fog=0.0,
    detail=0.0,
    detail_mm=9.0,
)
STILL = XraySettings(yaw_sd_deg=0, pitch_sd_deg=0, roll_sd_deg=0, shift_sd_mm=0, source_mm=(1500, 1500))


def middle_of(person: Person) -> FloatArray:
    skull = person.skull.vertices
    middle: FloatArray = (skull.min(axis=0) + skull.max(axis=0)) / 2
    return middle


@pytest.fixture(scope="module")
def anatomy(builtin: Template) -> Anatomy:
    return Anatomy.of(builtin)


def test_attenuation_of_a_ct() -> None:
    air, water, cortical = attenuation_of_hu(np.array([-1000, 0, 1700], dtype=np.int16))
    assert air == 0
    assert water == pytest.approx(materials.WATER_PER_MM, rel=1e-3)
    assert cortical == pytest.approx(materials.CORTICAL_PER_MM, rel=1e-3)
    rising = attenuation_of_hu(np.arange(-1000, 3000, 10, dtype=np.int16))
    assert (np.diff(rising) > 0).all()


def test_a_film_is_a_logistic_curve_of_the_attenuation() -> None:
    """Without scatter, blur, noise and sharpening; black is the open field."""
    wedge = np.repeat(np.linspace(0.0, 4.0, 64, dtype=np.float32)[None], 64, axis=0)
    grey = developed(wedge, 1, 1.0, PLAIN, np.random.default_rng(0))[0].astype(float)
    assert grey[0] == 0
    assert (np.diff(grey) >= 0).all()  # bone is bright

    def curve(x: FloatArray, slope: float, middle: float) -> FloatArray:
        black = expit(-slope * middle)
        return 255 * (expit(slope * (x - middle)) - black) / (1 - black)

    (slope, middle), _ = curve_fit(curve, wedge[0], grey, p0=(1.0, 2.0))
    assert np.abs(curve(wedge[0], slope, middle) - grey).max() < 1.0
    assert slope > 0.5


def test_noise_is_that_of_the_photons() -> None:
    """Half the noise with four times the photons, and more of it behind more matter."""
    plate = np.full((128, 128), 2.0, dtype=np.float32)
    plate[:, 64:] = 3.0

    def noise(photons: float) -> tuple[float, float]:
        settings = replace(PLAIN, photons=photons, contrast=0.5)
        films = [developed(plate, 1, 1.0, settings, np.random.default_rng(k)).astype(float) for k in (0, 1)]
        half = (films[0] - films[1]) / np.sqrt(2)
        return half[:, 4:60].std(), half[:, 68:124].std()

    thin, thick = noise(2e3)
    assert noise(8e3)[1] == pytest.approx(thick / 2, rel=0.1)
    assert thick > 1.2 * thin


def test_scatter_reaches_from_the_open_into_the_deep() -> None:
    plate = np.full((128, 128), 1.5, dtype=np.float32)
    plate[40:88, 40:88] = 3.0
    soft = replace(PLAIN, contrast=0.6)
    plain = developed(plate, 1, 1.0, soft, np.random.default_rng(0)).astype(int)
    hazy = developed(plate, 1, 1.0, replace(soft, scatter_to_primary=2.0), np.random.default_rng(0)).astype(int)
    assert np.ptp(plain[64, 42:86]) <= 1
    assert hazy[64, 64] - hazy[64, 42] > 5


def test_brains_have_the_size_of_brains(anatomy: Anatomy, people: list[Person]) -> None:
    for person in people:
        brain = anatomy.parts["brain"].bound.on(person.skull)
        a, b, c = (brain.vertices[brain.faces[:, k]] for k in range(3))
        assert 1000 < (a * np.cross(b, c)).sum() / 6000 < 1800  # ml


def test_the_vault_is_a_shell(anatomy: Anatomy, people: list[Person]) -> None:
    """A lateral ray through the braincase's middle meets two walls, of 4 to 9 mm each, and brain between them."""
    for person in people:
        camera = Camera(pose_rotation(90, 0, 0), np.array([0.0, 0.0, 1500.0]), 3000.0, (200.0, 200.0), (401, 401))
        head, dry = anatomy.attenuation(person, camera)
        u, v = camera.project(np.array([[0.0, 60.0, -5.0]]))[0].round().astype(int)
        walls = dry[v, u] / materials.SKULL_PER_MM
        assert 8 < walls < 18
        breadth = path_lengths(person.face, camera)[v, u]
        expected = materials.SKULL_PER_MM * walls + materials.BRAIN_PER_MM * (breadth - walls)
        assert head[v, u] == pytest.approx(expected, rel=0.02)


def test_a_skull_with_inner_surfaces_is_not_hollowed_twice(phantom: Template, phantom_people: list[Person]) -> None:
    """A CT's skull mesh has the vault's inner table; its walls stay as thick as they are."""
    anatomy, person = Anatomy.of(phantom), phantom_people[0]
    camera = Camera(pose_rotation(90, 0, 0), np.array([0.0, 0.0, 1500.0]), 3000.0, (200.0, 200.0), (401, 401))
    dry = anatomy.attenuation(person, camera)[1]
    bone = path_lengths(person.skull, camera)
    u, v = camera.project(np.array([[0.0, 60.0, -5.0]]))[0].round().astype(int)
    vault = np.s_[v - 20 : v + 20, u - 20 : u + 20]
    assert 6 < np.median(bone[vault]) < 25  # both walls
    assert np.median(dry[vault]) / materials.SKULL_PER_MM == pytest.approx(np.median(bone[vault]), rel=0.1)


def test_soft_tissue_only_adds(anatomy: Anatomy, people: list[Person]) -> None:
    camera = sample_xray_shot(middle_of(people[0]), "lateral", np.random.default_rng(0), STILL).camera
    head, dry = anatomy.attenuation(people[0], camera)
    skin = path_lengths(people[0].face, camera)
    assert (head >= dry - 0.02).mean() > 0.999
    assert not head[skin == 0].any()
    assert (dry > 0).sum() < (head > 0).sum()


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_a_still_head_stands_as_in_cephalometry(view: str, people: list[Person]) -> None:
    person = people[0]
    shot = sample_xray_shot(middle_of(person), view, np.random.default_rng(0), STILL)  # type: ignore[arg-type]
    at = {n: shot.camera.project(p[None])[0] for n, p in {**person.cranial, **person.cranial_helpers}.items()}
    porion = (person.cranial_helpers["porion_left"] + person.cranial_helpers["porion_right"]) / 2
    # the central ray runs through the ears
    assert shot.camera.project(porion[None])[0] == pytest.approx(shot.camera.principal_point_px)
    assert shot.camera.center_mm == pytest.approx(
        porion + 1500 * np.array([-1, 0, 0] if view == "lateral" else [0, 0, -1])
    )
    assert at["bregma"][1] < at["nasion"][1] < at["gnathion"][1]
    if view == "lateral":
        assert at["nasion"][0] > at["porion_left"][0] + 50  # looks to the right
        height = person.cranial["nasion"][1] - person.cranial["gnathion"][1]
        # both lie in the middle plane, at the source's distance but for the tilt of asymmetry
        assert (at["gnathion"] - at["nasion"])[1] * shot.mm_per_px == pytest.approx(height, rel=0.005)
    else:
        assert at["zygion_left"][0] > at["zygion_right"][0] + 50  # shown as if facing the viewer
        breadth = person.cranial["zygion_left"][0] - person.cranial["zygion_right"][0]
        seen = (at["zygion_left"][0] - at["zygion_right"][0]) * shot.mm_per_px
        # nearer to the film than the ears, so magnified less
        depth = (person.cranial["zygion_left"][2] + person.cranial["zygion_right"][2]) / 2
        assert seen == pytest.approx(breadth * 1500 / (1500 + depth), rel=0.005)


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_a_nod_lowers_the_chin_in_both_views(view: str, people: list[Person]) -> None:
    from nasion.population.pictures.xray import _rotation

    forward = np.array([0.0, 0.0, 1.0])
    upright, nodding = (_rotation(view, 0.0, pitch, 0.0) @ forward for pitch in (0.0, 10.0))  # type: ignore[arg-type]
    assert upright[1] == pytest.approx(0.0, abs=1e-12)
    assert nodding[1] == pytest.approx(np.sin(np.deg2rad(10.0)))  # rows go down


@pytest.mark.parametrize("view", ["frontal", "lateral"])
def test_landmarks_lie_on_the_bone_of_the_picture(view: str, anatomy: Anatomy, people: list[Person]) -> None:
    """A surface point projects into the skull's shadow, or beside it by less than a pixel or two."""
    from scipy.ndimage import binary_dilation

    for k, person in enumerate(people[:3]):
        rng = np.random.default_rng(k)
        xray, bone = take_xray(person, anatomy, view, rng, np.random.default_rng(50 + k))  # type: ignore[arg-type]
        assert xray.image.shape == bone.image.shape == (256, 256)
        assert xray.shot == bone.shot
        assert xray.exposure != bone.exposure
        shadow = binary_dilation(path_lengths(person.skull, xray.shot.camera) > 0, iterations=2)
        assert set(xray.landmarks_px) == {*person.cranial, *person.cranial_helpers}
        for point in xray.landmarks_px.values():
            u, v = point.round().astype(int)
            assert shadow[v, u]
        # bone is bright, air is dark
        skull = path_lengths(person.skull, xray.shot.camera) > 0
        air = path_lengths(person.face, xray.shot.camera) == 0
        for film in (xray, bone):
            assert np.median(film.image[skull]) > np.median(film.image[air]) + 20


def test_the_same_numbers_make_the_same_film(anatomy: Anatomy, people: list[Person]) -> None:
    films = [
        take_xray(people[0], anatomy, "frontal", np.random.default_rng(1), np.random.default_rng(2)) for _ in range(2)
    ]
    assert np.array_equal(films[0][0].image, films[1][0].image)
    other = take_xray(people[0], anatomy, "frontal", np.random.default_rng(1), np.random.default_rng(3))
    assert np.array_equal(films[0][0].image, other[0].image)
    assert not np.array_equal(films[0][1].image, other[1].image)


def test_exposures_stay_in_their_ranges() -> None:
    settings = FilmSettings()
    drawn = [Exposure.drawn(np.random.default_rng(k), settings) for k in range(200)]
    for name in ("scatter_to_primary", "scatter_mm", "blur_mm", "photons", "contrast", "density", "detail"):
        low, high = getattr(settings, name)
        values = np.array([getattr(exposure, name) for exposure in drawn])
        assert low <= values.min() < low + 0.1 * (high - low)
        assert high >= values.max() > high - 0.15 * (high - low)
