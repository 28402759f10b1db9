"""A folder of pictures of heads to learn from: skins of photographed people on the face model, at random.

The idea is that of 300W-LP (Zhu et al., "Face alignment across large poses", 2016): photographs are the texture of a
fitted face model, which is seen anew from elsewhere. Here the shape changes too, so that the points are exact by
construction. The folder is a plain set (``published.plain``); people carry the names that they have in the London Set.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from nasion.errors import NasionError
from nasion.geometry.interpolation import FloatImage
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image.published.london import (
    LONDON,
    LONDON_TERMS,
    LondonFace,
    ibug68_of_template,
    read_london_faces,
)
from nasion.landmarks.image.published.plain import ABOUT, ENDING, About
from nasion.landmarks.image.rendered import surroundings
from nasion.landmarks.image.rendered.colours import Cover
from nasion.landmarks.image.rendered.drawing import FINE, DrawnHead, draw_head, marked_points
from nasion.landmarks.image.rendered.fitting import fit_face
from nasion.landmarks.image.rendered.head import HeadModel, head_model
from nasion.landmarks.image.rendered.photograph import developed, jpeg
from nasion.landmarks.image.rendered.sampling import Rng
from nasion.landmarks.image.rendered.scene import PICTURE_PX, camera_of, drawn_scene
from nasion.landmarks.image.rendered.skin import Skin, skin_of_photograph
from nasion.landmarks.image.rendered.surroundings import natural_colour
from nasion.landmarks.image.rendered.worn import long_hair, put_fringe, put_glasses
from nasion.landmarks.image.samples import ImageSample, Pixels
from nasion.landmarks.image.schemes import SCHEMES
from nasion.landmarks.surface.heads import face_model
from nasion.readers.files import claim_folder, write_bytes, write_json
from nasion.version import __version__

RECORD: Final = "faces.json"
PHOTOGRAPHS: Final = "photos/london"
_FACE_MODEL_TERMS: Final = "MIT (ICT-FaceKit)"
_HAIR_COLOURS: Final = (
    (0.01, 0.008, 0.007),
    (0.04, 0.02, 0.012),
    (0.10, 0.05, 0.025),
    (0.35, 0.22, 0.10),
    (0.3, 0.28, 0.26),
)
TEXTURE_PX: Final = 256
_CAPS: Final = 0.08
_SHAVEN: Final = 0.12
_LONG_HAIRED: Final = 0.3
_WITH_FRINGE: Final = 0.12
_WITH_GLASSES: Final = 0.15
_CLOTHED: Final = 0.85
_WITH_THINGS: Final = 0.15
"""Shares of the pictures."""
_USUAL_LIGHT: Final = 0.3


@dataclass(frozen=True)
class FacesPlan:
    """What a folder of pictures is made from.

    Attributes
    ----------
    data
        Folder with ``face_models`` and ``photos/london``.
    count
        Pictures.
    seed
        Of everything; the same plan gives the same pictures.

    """

    data: str
    count: int = 3000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1:
            raise NasionError(f"{self.count} pictures cannot be made; give a number above 0")


@dataclass(frozen=True, eq=False)
class Painted:
    """A picture (h, w, 3) with its points (68, 2)."""

    image: Pixels
    points_px: FloatArray


def make_faces(plan: FacesPlan, out: Path, told: Callable[[int, int], None] | None = None) -> int:
    """Write pictures with landmark files and ``set.json`` into a folder; return how many had to be made.

    A folder that was begun by the same plan is filled up.

    Parameters
    ----------
    plan
        What to make.
    out
        The folder; new, empty, or of the same plan.
    told
        Called with (pictures there, all).

    Raises
    ------
    NasionError
        The face model or the photographs are missing, or the folder holds something else.

    """
    data = Path(plan.data)
    model = face_model(data)[0]
    people = read_london_faces(data / PHOTOGRAPHS)
    claim_folder(out, RECORD, {"nasion": __version__, "plan": asdict(plan)}, "set of rendered faces")
    terms = f"{LONDON_TERMS}; {_FACE_MODEL_TERMS}"
    write_json(out / ABOUT, About(name="rendered faces", terms=terms, people=LONDON).model_dump())
    head = head_model(model)
    made, done = 0, 0
    for first, person in enumerate(people):
        numbers = range(first, plan.count, len(people))
        stems = {number: out / f"{person.person}__{number:05d}" for number in numbers}
        open_ = [number for number in numbers if not _ending(stems[number], ENDING).exists()]
        done += len(numbers) - len(open_)
        if not open_:
            continue
        skin, identity = skin_and_shape(head, person)
        for number in open_:
            rng = np.random.default_rng([plan.seed, number])
            _write(stems[number], painted(head, skin, identity, rng), rng)
            made, done = made + 1, done + 1
            if told is not None:
                told(done, plan.count)
    return made


def skin_and_shape(head: HeadModel, person: LondonFace) -> tuple[Skin, FloatArray]:
    """Return a person's skin on the face model, and the weights of the person's identity."""
    points = ibug68_of_template(person.template_px)
    photograph = ImageSample(person.image, points, person.person).pixels()
    face = fit_face(head.model, head.landmarks, points, (photograph.shape[1], photograph.shape[0]))
    skin = skin_of_photograph(
        photograph, points, person.skin_outline_px(), person.hair_places_px(), head.model, head.landmarks, face
    )
    return skin, face.identity


def painted(head: HeadModel, skin: Skin, identity: FloatArray, rng: Rng) -> Painted:
    """Return a picture of a person's skin on a head like the person's or another's.

    Parameters
    ----------
    head, skin
        See there.
    identity
        Weights of the person's own shape.
    rng
        Source of all chance.

    """
    scene = drawn_scene(identity, head.model.expressions, rng)
    cover = drawn_cover(skin.hair, rng)
    vertices = head.vertices(scene.identity, scene.expression)
    landmarks = vertices[head.landmarks]
    camera = camera_of(scene, landmarks)
    points = marked_points(head, vertices, camera, scene.roll_deg)
    drawn = draw_head(head, skin, cover, scene, vertices, camera, rng)
    drawn = replace(drawn, light=drawn.light * exposure(drawn, points, scene.exposure))
    picture = surroundings.background(FINE * PICTURE_PX, skin.photograph, rng)
    picture = dressed(picture, drawn, landmarks, cover.colour, rng)
    if rng.random() < _WITH_THINGS:
        box = np.concatenate([points.min(axis=0), points.max(axis=0)]) * FINE
        surroundings.things(picture, box, rng)
    return Painted(developed(picture, PICTURE_PX, rng), points)


def dressed(behind: FloatImage, drawn: DrawnHead, landmarks_mm: FloatArray, colour: FloatArray, rng: Rng) -> FloatImage:
    """Return the head before a background, some with long hair, a fringe or glasses."""
    long, fringe, glasses = rng.random(3) < (_LONG_HAIRED, _WITH_FRINGE, _WITH_GLASSES)
    light = float(drawn.light[drawn.mask].mean())
    colour = colour * np.clip(light / _USUAL_LIGHT, 0.2, 2.0)
    hanging = rng.integers(2**31)
    if long:
        long_hair(behind, drawn, landmarks_mm, colour, np.random.default_rng(hanging), front=False)
    picture = surroundings.composed(behind, drawn, float(rng.uniform(0.8, 2.0)))
    if glasses:
        put_glasses(picture, drawn, landmarks_mm, rng)
    if fringe:
        put_fringe(picture, drawn, landmarks_mm, colour, rng)
    if long:
        long_hair(picture, drawn, landmarks_mm, colour, np.random.default_rng(hanging), front=True)
    return picture


def exposure(drawn: DrawnHead, points_px: FloatArray, wanted: float) -> float:
    """Return the factor that gives the face's box its mean luminance."""
    low, high = np.clip(np.rint(FINE * np.array([points_px.min(axis=0), points_px.max(axis=0)])), 0, None).astype(int)
    box = np.s_[low[1] : high[1], low[0] : high[0]]
    light = drawn.light[box][drawn.mask[box]]
    return wanted / max(float(light.mean()), 1e-3)


def drawn_cover(own: FloatArray, rng: Rng) -> Cover:
    """Return the person's hair, other hair, a shaven head, or a cap; and clothes."""
    texture = surroundings.clouds(TEXTURE_PX, rng.uniform(0.0, 0.7), rng)
    texture = np.asarray(cv2.blur(texture, (1, 31), borderType=cv2.BORDER_REFLECT), np.float32)
    texture /= texture.std()
    colour = own if rng.random() < 0.6 else np.array(_HAIR_COLOURS[rng.integers(len(_HAIR_COLOURS))])
    colour = np.maximum(colour * np.exp(rng.normal(0, 0.25)), 0.004)
    bare = Cover(
        colour,
        line_mm=float(rng.uniform(-12, 28)),
        edge_mm=float(rng.uniform(6, 26)),
        volume_mm=float(rng.uniform(2, 32)),
        strands=float(rng.uniform(0.1, 0.45)),
        texture=texture,
        cloth=natural_colour(rng),
        collar_mm=float(rng.uniform(-30, 30)) if rng.random() < _CLOTHED else -200.0,
    )
    kind = rng.random()
    if kind < _CAPS:
        cap = natural_colour(rng), float(rng.uniform(-14, 12)), float(rng.uniform(4, 12))
        return replace(bare, colour=cap[0], line_mm=cap[1], volume_mm=cap[2], edge_mm=1.5, strands=0.02)
    if kind < _CAPS + _SHAVEN:
        line, edge = float(rng.uniform(-5, 60)), float(rng.uniform(15, 50))
        return replace(bare, line_mm=line, edge_mm=edge, volume_mm=0.5, strands=0.1)
    return bare


def _ending(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _write(stem: Path, picture: Painted, rng: Rng) -> None:
    """Write picture and landmark file; the latter comes last, and says that both are whole."""
    height, width = picture.image.shape[:2]
    write_bytes(_ending(stem, ".jpg"), jpeg(picture.image, rng))
    names = SCHEMES["ibug68"].names
    points = {name: [round(float(v), 3) for v in point] for name, point in zip(names, picture.points_px, strict=True)}
    landmarks = {"scheme": "ibug68", "units": "px", "image_size_px": [width, height], "landmarks": points}
    write_json(_ending(stem, ENDING), landmarks)
