"""What a case is made of, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nasion.overlay.problem import CameraPrior, OverlaySolution, Photo, PhotoSolution, SkullLandmarks

if TYPE_CHECKING:
    from nasion.evidence.fusion import FusionRule
    from nasion.evidence.support import Support
    from nasion.geometry.surface import Mesh
    from nasion.landmarks.image.find import FoundImageLandmarks
    from nasion.landmarks.surface.find import FoundLandmarks
    from nasion.matching.samples import MatchPicture
    from nasion.matching.tokens import Tokens
    from nasion.readers.landmarks import LandmarkFile


@dataclass(frozen=True)
class InputFile:
    """A file that was read, and its SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class AutomaticLandmarks:
    """Landmarks that nobody placed.

    Attributes
    ----------
    path
        The mesh or photograph in which they were found, or the landmark file that says so by ``found_by``.
    file
        The landmarks, in the frame of that file (mm, or pixels).
    given
        Whether they come from a landmark file.

    """

    path: str
    file: LandmarkFile
    given: bool = False


@dataclass(frozen=True)
class SkullFiles:
    """Where a skull is read from: landmarks, mesh or both; without landmarks they are found on the mesh."""

    name: str
    landmarks: Path | None
    mesh: Path | None = None
    units: str | None = None


@dataclass(frozen=True)
class PhotoFiles:
    """Where a photograph is read from; the face mask and the face's contours are optional.

    Without landmarks they are found in the picture. Without a mask ``find_face`` looks for the face by the landmarks
    (``overlay.face_segmentation``).
    """

    name: str
    image: Path
    landmarks: Path | None
    mask: Path | None = None
    prior: CameraPrior = field(default_factory=CameraPrior)
    contours: Path | None = None
    find_face: bool = False


@dataclass(frozen=True, eq=False)
class Skull:
    """A skull in memory: landmarks, and the mesh where there is one (pictures and the containment measure need it).

    ``found`` is there where the landmarks were found in this run; landmarks and mesh then lie in head axes, whatever
    the file's own frame. ``automatic`` holds landmarks that nobody placed, found in this run or before.
    """

    name: str
    landmarks: SkullLandmarks
    mesh: Mesh | None = None
    files: SkullFiles | None = None
    inputs: tuple[InputFile, ...] = ()
    notes: tuple[str, ...] = ()
    found: FoundLandmarks | None = None
    automatic: tuple[AutomaticLandmarks, ...] = ()


@dataclass(frozen=True, eq=False)
class Photograph:
    """A photograph's landmarks and files; the pixels are read again where they are needed.

    Attributes
    ----------
    photo
        What the solvers see, without the face, which ``inputs.face_region_of`` makes where it is needed.
    files
        Where it was read from.
    helpers_px
        Helper points (corners of the mouth, ...), (2,) px.
    found_mask
        The automatic face mask as PNG bytes; None where none was asked for or found.
    inputs, notes
        Files with their SHA-256; what the user should know.
    found
        What was found in the picture; None where the landmarks were given.
    automatic
        Landmarks that nobody placed, found in this run or before.

    """

    photo: Photo
    files: PhotoFiles | None = None
    helpers_px: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    found_mask: bytes | None = None
    inputs: tuple[InputFile, ...] = ()
    notes: tuple[str, ...] = ()
    found: FoundImageLandmarks | None = None
    automatic: tuple[AutomaticLandmarks, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Something of a case that could not be used; the rest went on."""

    id: str
    photo: str | None
    reason: str


@dataclass(frozen=True)
class CameraFigures:
    """An estimated camera in figures a reader can judge, each with its SD where the solver gives one.

    Attributes
    ----------
    distance_mm
        From the camera to the centre of the skull's landmarks.
    field_of_view_deg
        Horizontal, of the whole photograph.
    focal_35mm
        Focal length of the same diagonal field of view on a 36 x 24 mm frame.
    pose_deg
        (yaw, pitch, roll) of ``geometry.camera.pose_rotation``.

    """

    distance_mm: float
    field_of_view_deg: float
    focal_35mm: float
    pose_deg: tuple[float, float, float]
    distance_sd_mm: float | None = None
    field_of_view_sd_deg: float | None = None
    focal_35mm_sd: float | None = None
    pose_sd_deg: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class PhotoMeasures:
    """Figures of one solved photograph. Mappings go by facial landmark name.

    Attributes
    ----------
    residuals_px
        Length of observed minus predicted.
    residuals_mm
        The same at the landmark's depth.
    residuals_sd
        ``sqrt(r' C^-1 r / 2)``: root mean square of the two image components in SD of the predicted covariance
        (tissue table, skull and image noise); about 1 is usual, above 1.73 lies outside the 95 % ellipse.
    rms_px, rms_face_height
        Root mean square residual, in px and over the face height (nasion to gnathion in the photograph; where
        one of them is absent 118 mm at the head's distance).
    outside_face_fraction
        Share of the skull's silhouette outside the face mask; None without a mask or a mesh.
    camera
        The camera in figures.

    """

    residuals_px: Mapping[str, float]
    residuals_mm: Mapping[str, float]
    residuals_sd: Mapping[str, float]
    rms_px: float
    face_height_px: float
    rms_face_height: float
    outside_face_fraction: float | None
    camera: CameraFigures


@dataclass(frozen=True)
class FilmFiles:
    """Where a radiograph is read from; its landmarks lie in ``NAME.landmarks.json`` beside it where None."""

    view: str
    image: Path
    landmarks: Path | None = None

    @property
    def picture(self) -> MatchPicture:
        """As a matcher's own reader takes it."""
        from nasion.matching.samples import MatchPicture

        return MatchPicture(self.image, self.image.stem, self.view, "xray", self.landmarks)


@dataclass(frozen=True, eq=False)
class Film:
    """A radiograph's features.

    Attributes
    ----------
    files
        Where it was read from.
    tokens
        Of the matcher.
    inputs, notes
        Files with their SHA-256; what the user should know.

    """

    files: FilmFiles
    tokens: Tokens
    inputs: tuple[InputFile, ...]
    notes: tuple[str, ...] = ()

    @property
    def part(self) -> str:
        """Its name among the parts of a comparison."""
        return f"xray_{self.files.view}"


@dataclass(frozen=True, eq=False)
class Films:
    """All radiographs of the unknown skull; small enough to travel to every process.

    Attributes
    ----------
    model
        The matcher's folder.
    model_sha256
        Of the matcher.
    films
        At least one, of different views.
    rule
        How the parts are put together; None where there is one part.

    """

    model: Path
    model_sha256: str
    films: tuple[Film, ...]
    rule: FusionRule | None = None


@dataclass(frozen=True)
class Comparison:
    """One candidate's scores by part, ``"overlay"`` and the radiographs, and what becomes of them.

    Attributes
    ----------
    scores
        Of each part; None where it could not be compared.
    shares
        What each part adds to ``fused`` (``evidence.fusion``); a single part stands for itself.
    fused
        All together; None where nothing could be compared.
    photos
        Of each radiograph's part, the photograph that scored best.

    """

    scores: Mapping[str, float | None]
    shares: Mapping[str, float]
    fused: float | None
    photos: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Candidate:
    """One skull against the photographs of one person.

    ``solution`` is None where nothing could be solved; ``photographs`` and ``measures`` go with ``solution.photos``
    where there is one. ``comparison`` is there where the skull has radiographs.
    """

    id: str
    skull_name: str
    skull_files: SkullFiles | None
    photographs: tuple[Photograph, ...]
    solution: OverlaySolution | None
    measures: tuple[PhotoMeasures, ...] = ()
    problems: tuple[Problem, ...] = ()
    inputs: tuple[InputFile, ...] = ()
    automatic: tuple[AutomaticLandmarks, ...] = ()
    rank: int = 0
    support: Support | None = None
    comparison: Comparison | None = None

    @property
    def score(self) -> float | None:
        """What candidates are ranked by: the solver's score, with radiographs the fused one; None for a failure."""
        if self.comparison is not None:
            return self.comparison.fused
        return None if self.solution is None else self.solution.score

    @property
    def log_likelihood(self) -> float | None:
        """Joint log marginal likelihood of the photographs; None where the solver has none."""
        return None if self.solution is None else self.solution.log_likelihood

    @property
    def photos(self) -> tuple[PhotoSolution, ...]:
        """The solved photographs."""
        return () if self.solution is None else self.solution.photos

    @property
    def flags(self) -> tuple[str, ...]:
        """All photographs' flags, each once."""
        return tuple(dict.fromkeys(flag for photo in self.photos for flag in photo.flags))


@dataclass(frozen=True, eq=False)
class Case:
    """Everything that a run found: what ``result.json`` holds and the report shows.

    Attributes
    ----------
    command
        ``"overlay"`` or ``"identify"``.
    question
        ``"one skull, several people"`` and the like, for the report.
    settings
        Plain values, as they go into ``result.json``.
    candidates
        Best rank first.
    skull
        The one skull of the case; None where several skulls were compared, or radiographs alone.
    films
        Its radiographs.
    fusion
        The rule that puts overlay and radiographs together.

    """

    command: str
    question: str
    settings: Mapping[str, Any]
    candidates: tuple[Candidate, ...]
    skull: Skull | None
    inputs: tuple[InputFile, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    automatic: tuple[AutomaticLandmarks, ...] = ()
    tissue: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    films: tuple[Film, ...] = ()
    fusion: FusionRule | None = None

    @property
    def best(self) -> Candidate:
        """The candidate of rank 1."""
        return self.candidates[0]

    @property
    def partial(self) -> bool:
        """True where a part of the input could not be used."""
        return bool(self.problems)

    def moved(self, old: Path, new: Path) -> Case:
        """Return the case with the folder ``old`` shown as ``new`` wherever it names files."""

        def shown(text: str) -> str:
            return text.replace(str(old), str(new))

        return replace(
            self,
            inputs=tuple(InputFile(shown(file.path), file.sha256) for file in self.inputs),
            problems=tuple(replace(problem, reason=shown(problem.reason)) for problem in self.problems),
            automatic=tuple(replace(found, path=shown(found.path)) for found in self.automatic),
            settings={key: shown(value) if isinstance(value, str) else value for key, value in self.settings.items()},
        )
