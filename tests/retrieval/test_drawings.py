"""Contact sheets, CMC charts and embedding planes: what is drawn is where it should be."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nasion.retrieval.charts import Axis, Canvas, Plot
from nasion.retrieval.cmc_chart import cmc_png
from nasion.retrieval.contact_sheet import RIGHT, SheetRow, Tile, contact_sheet_png
from nasion.retrieval.embedding_chart import EmbeddedPairs, embedding_png, plane
from nasion.retrieval.figures import retrieval_figures

COLORS = [(200, 30, 40), (30, 160, 220), (240, 200, 20)]


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def columns_of(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.flatnonzero((np.abs(image - color).max(axis=2) < 6).any(axis=0))


@pytest.fixture
def tiles(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{k}.png" for k in range(len(COLORS))]
    for path, color in zip(paths, COLORS, strict=True):
        Image.new("RGB", (64, 80), color).save(path)
    return paths


def test_the_right_face_is_framed_and_the_order_is_kept(tiles):
    row = SheetRow(Tile(tiles[0], ("probe",)), (Tile(tiles[1], ("1",)), Tile(tiles[2], ("2",), right=True)))
    image = pixels(contact_sheet_png([row], "sheet"))
    probe, first, second = (columns_of(image, color) for color in COLORS)
    assert probe.max() < first.min() <= first.max() < second.min()
    # the frame stands round the second face and nowhere near the first
    frame = columns_of(image, RIGHT)
    assert first.max() < frame.min() < second.min()
    assert frame.max() > second.max()
    plain = pixels(contact_sheet_png([SheetRow(row.probe, row.faces[:1])], "sheet"))
    assert len(columns_of(plain, RIGHT)) == 0


def test_a_picture_that_cannot_be_read_leaves_a_field(tiles, tmp_path):
    row = SheetRow(Tile(tmp_path / "absent.png", ("probe",)), (Tile(tiles[1], ("1",)),))
    image = pixels(contact_sheet_png([row], "sheet", "a note"))
    assert len(columns_of(image, COLORS[1])) > 50


def test_values_are_placed_on_the_axes():
    canvas = Canvas(200, 160)
    plot = Plot(canvas, (40, 30, 180, 120), Axis(0, 10, ((0, "0"),), "x"), Axis(-1, 1, (), "y"))
    np.testing.assert_allclose(plot.place([[0, -1], [10, 1], [5, 0]]), [[40, 120], [180, 30], [110, 75]])
    plot.dots([[5, 0]], 4, (255, 0, 0))
    red = np.argwhere(np.abs(pixels(canvas.png()) - (255, 0, 0)).max(axis=2) < 40)
    np.testing.assert_allclose(red.mean(axis=0), [75, 110], atol=1)


def test_the_curve_goes_where_the_figures_say():
    n = 20
    perfect = retrieval_figures(np.eye(n), np.eye(n, dtype=bool), np.arange(n))
    image = pixels(cmc_png([("perfect", perfect)], "title"))
    blue = np.argwhere(np.abs(image - (32, 92, 168)).max(axis=2) < 12)
    across = blue[blue[:, 0] < 200]
    # 100 % from the first to the last rank: a level line near the top, as wide as the axis
    assert np.ptp(across[:, 1]) > 600
    assert np.ptp(across[:, 0]) <= 4


def test_plane_is_principal_components():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((60, 5)) * [5, 3, 1, 0.5, 0.1] + 7
    points, shares = plane(values)
    weights = np.sort(np.linalg.eigvalsh(np.cov(values.T)))[::-1]
    np.testing.assert_allclose(points.var(axis=0, ddof=1), weights[:2])
    np.testing.assert_allclose(shares, weights[:2] / weights.sum())
    # a rotation of the space changes nothing but signs
    turn, _ = np.linalg.qr(rng.standard_normal((5, 5)))
    np.testing.assert_allclose(np.abs(plane(values @ turn)[0]), np.abs(points), atol=1e-9)


def test_plane_of_few_points():
    points, shares = plane(np.ones((2, 3)))
    assert points.tolist() == [[0, 0], [0, 0]]
    assert shares.tolist() == [0, 0]
    assert plane(np.array([[0.0], [2.0]]))[0].shape == (2, 2)


def test_modality_gap_by_hand():
    # means 4 apart; every picture 1 from its own mean
    probes, faces = np.array([[-1.0, 0], [1, 0]]), np.array([[-1.0, 4], [1, 4]])
    assert EmbeddedPairs("", probes, faces).modality_gap() == pytest.approx(4)
    assert EmbeddedPairs("", probes, probes).modality_gap() == 0
    assert pixels(embedding_png([EmbeddedPairs("before", probes, faces)], "sketches")).shape[1] > 400
