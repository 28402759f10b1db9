"""Schemes: counts, mirror maps, lengths."""

import numpy as np
import pytest

from nasion.errors import NasionError
from nasion.landmarks.image.schemes import SCHEMES, image_scheme


@pytest.mark.parametrize("name", SCHEMES)
def test_mirror_map_twice_is_identity_and_keeps_the_midline(name: str) -> None:
    scheme = SCHEMES[name]
    flip = scheme.flip_index
    assert np.array_equal(flip[flip], np.arange(len(scheme)))
    for k, own in enumerate(scheme.names):
        if own.endswith("_left"):
            assert scheme.names[flip[k]] == own.removesuffix("_left") + "_right"


def test_counts_are_those_of_the_publications() -> None:
    counts = {name: len(scheme) for name, scheme in SCHEMES.items()}
    assert counts == {
        "ibug68": 68, "wflw98": 98, "facial20": 27, "cephalo19": 19, "cranio_frontal18": 18, "cranio_lateral13": 13,
    }  # fmt: skip
    sided = {name.removesuffix("_left").removesuffix("_right") for name in SCHEMES["cranio_frontal18"].names}
    # 19 places: the frontal 18 and the one that only the side view shows
    assert set(SCHEMES["cranio_lateral13"].names) - sided == {"pogonion"}
    assert sided <= set(SCHEMES["cranio_lateral13"].names)


def test_known_mirror_pairs() -> None:
    """Pairs read off the published figures of the layouts."""
    ibug = {1: 17, 9: 9, 18: 27, 22: 23, 28: 28, 32: 36, 37: 46, 40: 43, 42: 47, 49: 55, 58: 58, 61: 65, 68: 66}
    wflw = {1: 33, 17: 17, 34: 47, 39: 51, 55: 55, 56: 60, 61: 73, 68: 74, 77: 83, 86: 86, 89: 93, 94: 96, 97: 98}
    for name, pairs in (("ibug68", ibug), ("wflw98", wflw)):
        mirror = SCHEMES[name].mirror
        for a, b in pairs.items():
            assert mirror[a - 1] == b - 1 and mirror[b - 1] == a - 1


def test_mirror_of_a_real_face(shared_data) -> None:
    """A frontal face and its mirrored points nearly coincide; with another order they do not."""
    from nasion.landmarks.image.published.csv_sets import read_faces68

    samples = read_faces68(shared_data / "photos" / "helen_afw").samples
    shapes = []
    for own in samples:
        points = own.points_px - own.points_px.mean(axis=0)
        shapes.append(points / np.linalg.norm(points))
    mean = np.mean(shapes, axis=0)
    turned = mean[SCHEMES["ibug68"].flip_index] * (-1, 1)
    assert np.abs(turned - mean).max() < 0.01
    assert np.abs(mean[::-1] * (-1, 1) - mean).max() > 0.1


def test_unknown_scheme() -> None:
    with pytest.raises(NasionError, match="no scheme 'ibug70'"):
        image_scheme("ibug70")
