"""Scenes: the cropped camera, marks with their ellipses, levels and magnification; the pictures drawn from them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasion.anatomy.planes import reference_skull
from nasion.casework.measures import measure_photo
from nasion.geometry.camera import FRONTAL, Camera
from nasion.geometry.surface import Mesh
from nasion.overlay.face_region import FaceRegion, Place
from nasion.overlay.problem import Photo, PhotoSolution, SkullLandmarks
from nasion.report.pictures import SKULL_LINE, arrow_tip, blend, contours, ellipse_points, encoded, pictures_of, wipe
from nasion.report.scene import CHI2_95_TWO, LONGEST_SIDE_PX, OUTSIDE_SD, Mark, build_scene, cropped_camera

SIZE = (400, 300)
CAMERA = Camera(FRONTAL, (0.0, 0.0, 1000.0), 1000.0, (199.5, 149.5), SIZE)
POINTS = reference_skull()
SKULL = SkullLandmarks(
    {name: POINTS[name] for name in ("nasion", "gnathion", "zygion_left", "zygion_right", "bregma")},
)
SQUARE = Mesh(np.array([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], dtype=float), [[0, 1, 2], [0, 2, 3]])
COVARIANCE = np.array([[[9.0, 2.0], [2.0, 4.0]], [[1.0, 0.0], [0.0, 16.0]]])
RESIDUALS = np.array([[6.0, 8.0], [0.5, 0.0]])


def scene_of(mesh=SQUARE, face=None):
    names = ("nasion", "gnathion")
    predicted = CAMERA.project(np.array([SKULL.landmarks_mm[name] for name in names]))
    solved = PhotoSolution("p", CAMERA, names, predicted, COVARIANCE, RESIDUALS, None, None, (), True)
    photo = Photo("p", dict(zip(names, predicted + RESIDUALS, strict=True)), SIZE)
    picture = np.full((SIZE[1], SIZE[0], 3), 100, dtype=np.uint8)
    return build_scene(picture, face, mesh, solved, measure_photo(SKULL, photo, solved, mesh, face))


@given(
    st.tuples(st.integers(0, 100), st.integers(0, 100)),
    st.floats(0.2, 5),
    st.tuples(*[st.floats(-80, 80)] * 3),
)
def test_a_cropped_and_scaled_picture_has_the_same_projection(corner, scale, point):
    cropped = cropped_camera(CAMERA, corner, scale, (10, 10))
    whole = CAMERA.project(np.array([point]))
    # pixel edges, not centres, scale: u + 0.5 runs from the left edge
    assert cropped.project(np.array([point])) == pytest.approx((whole + 0.5 - corner) * scale - 0.5, abs=1e-6)


def test_marks_stand_where_the_scene_camera_sees_the_landmarks():
    scene = scene_of()
    for mark, residual in zip(scene.marks, RESIDUALS, strict=True):
        assert mark.predicted == pytest.approx(scene.camera.project(SKULL.landmarks_mm[mark.name][None])[0])
        scale = scene.camera.focal_px / CAMERA.focal_px
        assert np.subtract(mark.observed, mark.predicted) == pytest.approx(residual * scale)


def test_ellipses_enclose_95_percent():
    scene = scene_of()
    scale = scene.camera.focal_px / CAMERA.focal_px
    for mark, covariance in zip(scene.marks, COVARIANCE, strict=True):
        offset = (ellipse_points(mark) - mark.predicted) / scale
        squared = np.einsum("ni,ij,nj->n", offset, np.linalg.inv(covariance), offset)
        assert squared == pytest.approx(np.full(len(offset), CHI2_95_TWO))


def test_levels_follow_the_ellipse():
    mark = Mark(1, "nasion", (0, 0), (0, 0), (1, 1), 0.0, 1.0, 1.0, 1.0)
    assert mark.level == "usual"
    assert replace(mark, residual_sd=1.2).level == "large"
    assert replace(mark, residual_sd=OUTSIDE_SD + 0.01).level == "outside"
    # a residual on the 95 % ellipse: r' C^-1 r = 5.99 over two components
    assert np.sqrt(CHI2_95_TWO / 2) == pytest.approx(OUTSIDE_SD)


def test_arrows_start_at_the_prediction_and_are_magnified():
    mark = Mark(1, "nasion", (13.0, 24.0), (10.0, 20.0), (1, 1), 0.0, 5.0, 1.0, 1.0)
    assert arrow_tip(mark, 3) == pytest.approx((19.0, 32.0))
    assert arrow_tip(mark, 1) == pytest.approx(mark.observed)


def test_arrows_stay_within_an_eighth_of_the_picture():
    scene = scene_of()
    longest = max(np.hypot(*np.subtract(m.observed, m.predicted)) for m in scene.marks)
    assert scene.magnification > 1
    assert scene.magnification * longest <= max(scene.size_px) / 8


def test_the_crop_holds_the_skull_and_is_no_larger_than_stated():
    scene = scene_of()
    corners = scene.camera.project(SQUARE.vertices)
    assert (corners > 0).all()
    assert (corners < scene.size_px).all()
    assert max(scene.size_px) <= LONGEST_SIDE_PX


def test_pixels_off_the_skull_stay_as_they_are():
    scene = scene_of()
    off = scene.skull[..., 3] == 0
    assert off.any()
    assert (blend(scene)[off] == 100).all()
    inside = scene.skull[..., 3] == 255
    mixed = (scene.photo[inside].astype(float) + scene.skull[inside][:, :3]) / 2
    assert np.abs(blend(scene)[inside] - mixed).max() <= 0.5


def test_the_wipe_shows_the_photograph_left_and_the_skull_right():
    scene = scene_of()
    picture, middle = wipe(scene), scene.size_px[0] // 2
    assert (picture[:, : middle - 1] == 100).all()
    right = scene.skull[:, middle + 1 :]
    opaque = right[..., 3] == 255
    assert (picture[:, middle + 1 :][opaque] == right[opaque][:, :3]).all()


def test_contours_run_along_the_silhouette():
    scene = scene_of()
    drawn = np.argwhere((contours(scene) == SKULL_LINE).all(axis=2))[:, ::-1]
    low, high = scene.camera.project(SQUARE.vertices).min(axis=0), scene.camera.project(SQUARE.vertices).max(axis=0)
    to_border = np.minimum(np.abs(drawn - low), np.abs(drawn - high)).min(axis=1)
    assert len(drawn) > 100
    assert to_border.max() < 2


def test_without_a_surface_only_landmarks_are_drawn():
    scene = scene_of(mesh=None)
    assert scene.skull is None
    assert list(pictures_of(scene)) == ["landmarks"]
    assert list(pictures_of(scene_of())) == ["blend", "wipe", "contours", "landmarks"]


def test_pictures_are_scaled_down_but_never_up():
    import io

    from PIL import Image

    picture = scene_of().photo
    small = Image.open(io.BytesIO(encoded(picture, "JPEG", 100)))
    assert max(small.size) == 100
    assert Image.open(io.BytesIO(encoded(picture, "PNG", 5000))).size == picture.shape[1::-1]


def test_the_faces_border_is_solid_and_dashed_round_the_unknown():
    mask = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    mask[80:220, 130:270] = Place.FACE
    mask[80:130, 130:270] = Place.UNKNOWN
    curve = np.column_stack([np.arange(150.0, 251.0), np.full(101, 219.5)])
    scene = scene_of(face=FaceRegion(mask))

    def drawn(scene, u, v):
        """Coverage along lines of the photograph's pixels, best of three pixels across."""
        scale = scene.camera.focal_px / CAMERA.focal_px
        corner = np.subtract(CAMERA.principal_point_px, np.subtract(scene.camera.principal_point_px, 0) / scale)
        at = np.rint((np.column_stack([u, v]) - corner) * scale).astype(int)
        return np.max([scene.face_lines[at[:, 1] + k, at[:, 0] + j] for k in (-1, 0, 1) for j in (-1, 0, 1)], axis=0)

    known = drawn(scene, np.full(70, 129.5), np.linspace(140, 210, 70))
    hidden = drawn(scene, np.full(40, 129.5), np.linspace(85, 125, 40))
    assert (known > 0.5).all()
    assert 0.3 < (hidden > 0.5).mean() < 0.9
    assert drawn(scene, np.array([200.0]), np.array([180.0])) == 0
    thick = scene_of(face=FaceRegion(mask, {"chin_jaw": curve})).face_lines
    assert thick.sum() > scene.face_lines.sum()
    assert scene_of().face_lines is None
