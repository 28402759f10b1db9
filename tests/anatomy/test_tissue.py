"""The tissue table: symmetry, the file format, replacement by a user's file."""

import json

import numpy as np
import pytest

from nasion.anatomy.landmarks import PAIRS, mirrored, side
from nasion.anatomy.tissue import MIRROR, TissueTable
from nasion.errors import NasionError


def test_right_is_the_mirror_image_of_left():
    table = TissueTable.load()
    index = {p.cranial: j for j, p in enumerate(PAIRS)}
    for name, j in index.items():
        partner = index[mirrored(name)]
        np.testing.assert_allclose(table.mean_mm[partner], MIRROR @ table.mean_mm[j])
        np.testing.assert_allclose(table.covariance_mm2[partner], MIRROR @ table.covariance_mm2[j] @ MIRROR)


def test_depths_agree_with_the_published_table():
    """T-Table 2023 depths (mean, SD; Hona & Stephan 2024) of the rows that it has, against the vectors' lengths."""
    published = {"nasion": (6, 1.5), "glabella": (5.5, 1), "pogonion": (11, 2.5), "gnathion": (7.5, 2.5)}
    published |= {"prosthion": (12, 3), "subspinale": (13.5, 3.5), "zygion_left": (7.5, 3), "gonion_left": (12.5, 6)}
    table = TissueTable.load()
    for j, pair in enumerate(PAIRS):
        if pair.cranial in published:
            mean, sd = published[pair.cranial]
            assert abs(np.linalg.norm(table.mean_mm[j]) - mean) < 1.5 * sd, pair.cranial


def test_joint_covariance_carries_the_left_right_correlation():
    table = TissueTable.load()
    joint = table.joint_covariance_mm2.reshape(20, 3, 20, 3)
    index = {p.cranial: j for j, p in enumerate(PAIRS)}
    left, right = index["gonion_left"], index["gonion_right"]
    for axis in range(3):
        sd = np.sqrt(joint[left, axis, left, axis] * joint[right, axis, right, axis])
        sign = -1 if axis == 0 else 1
        assert joint[left, axis, right, axis] / sd == pytest.approx(sign * table.left_right_correlation)
    assert np.all(joint[index["nasion"], :, index["glabella"], :] == 0)
    assert np.linalg.eigvalsh(table.joint_covariance_mm2)[0] > 0


def test_round_trip_through_a_file(tmp_path):
    table = TissueTable.load()
    path = tmp_path / "tissue.json"
    path.write_text(table.to_json())
    read = TissueTable.load(path)
    np.testing.assert_array_equal(read.mean_mm, table.mean_mm)
    np.testing.assert_array_equal(read.covariance_mm2, table.covariance_mm2)
    assert (read.name, read.sources, read.assumed) == (table.name, table.sources, table.assumed)
    assert all(side(pair["cranial"]) is None for pair in json.loads(path.read_text())["pairs"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["pairs"].pop(), "no row for the pair"),
        (lambda d: d["pairs"][0].update(mean_mm=[0, 0, 6000]), "longer than 60 mm"),
        (lambda d: d["pairs"][0].update(covariance_mm2=[[1, 2, 0], [2, 1, 0], [0, 0, 1]]), "positive definite"),
        (lambda d: d["pairs"][0].update(mean_mm=[0, 0, float("nan")]), "pairs.0.mean_mm"),
        (lambda d: d.update(colour="red"), "colour"),
        (lambda d: d.update(left_right_correlation=1.5), "left_right_correlation"),
    ],
)
def test_faults_are_named_in_one_line(tmp_path, change, message):
    data = json.loads(TissueTable.load().to_json())
    change(data)
    path = tmp_path / "tissue.json"
    path.write_text(json.dumps(data))
    with pytest.raises(NasionError, match=message) as fault:
        TissueTable.load(path)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null"])
def test_garbage_is_refused(tmp_path, content):
    path = tmp_path / "tissue.json"
    path.write_bytes(content)
    with pytest.raises(NasionError):
        TissueTable.load(path)
    with pytest.raises(NasionError, match="cannot be read"):
        TissueTable.load(tmp_path / "absent.json")
