"""Training samples: scans of known heads as clouds with landmarks, the same for the same seed, apart by person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.surface.cloud import POINTS, Cloud, Frame, Sample, cloud_of_surface, make_cloud
from nasion.landmarks.surface.heads import NAMES, Head, HeadSource, kind_of
from nasion.landmarks.surface.lazy_samples import LazySamples
from nasion.landmarks.surface.orientation import orient
from nasion.landmarks.surface.orientation_template import STANDARD_CENTER_MM, STANDARD_MM, OrientationTemplate
from nasion.landmarks.surface.scans import Scan, ScanSettings, simulate_scan


@dataclass(frozen=True)
class SampleSettings:
    """How samples are made.

    Attributes
    ----------
    points
        Of a cloud.
    scan
        How scans vary.
    rotation_sd_deg, shift_sd_mm
        What orientation leaves: standard deviations of the turn (about a random axis) and of the displacement (each
        axis) of the standard frame against the true one. Measured (``orient``, mean heads of both templates):
        90 % of the population's scans within 5 degrees and 8 mm, of the face model's within 5 degrees and 12 mm.

    """

    points: int = POINTS
    scan: ScanSettings = field(default_factory=ScanSettings)
    rotation_sd_deg: float = 4.0
    shift_sd_mm: float = 5.0


class PeopleSamples(LazySamples):
    """Samples of people, made when they are asked for: one for each source, person and repetition.

    Parameters
    ----------
    sources
        Whose heads.
    indices
        Numbers of the people, of each source.
    scheme
        A key of ``heads.NAMES``.
    settings
        How samples vary.
    seed, epoch
        Decide what varies; another epoch gives other scans of the same people.
    repetitions
        Scans of each person.
    orientation
        Where given, samples are as in use: each scan is oriented by it, and asking for one that is refused raises
        NasionError.

    """

    def __init__(
        self,
        sources: Sequence[HeadSource],
        indices: Sequence[int],
        scheme: str,
        settings: SampleSettings | None = None,
        seed: int = 0,
        epoch: int = 0,
        repetitions: int = 1,
        orientation: OrientationTemplate | None = None,
    ) -> None:
        if not sources or not len(indices) or repetitions < 1:
            raise NasionError("samples need at least one source, one person and one repetition; give some")
        self._kind, self._names = kind_of(scheme), NAMES[scheme]
        self._sources, self._indices, self._repetitions = sources, indices, repetitions
        self._settings = settings or SampleSettings()
        self._seed, self._epoch, self._orientation = seed, epoch, orientation

    def __len__(self) -> int:
        return len(self._sources) * len(self._indices) * self._repetitions

    def sample(self, k: int) -> Sample:
        """Return sample ``k``; one that is refused raises NasionError."""
        rest, source = divmod(k, len(self._sources))
        person = self._indices[rest % len(self._indices)]
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(self._epoch, k)))
        head = self._sources[source].head(int(person), rng)
        scan = simulate_scan(head.mesh, head.points, self._kind, rng, self._settings.scan)
        if self._orientation is not None:
            return oriented_sample(scan, head, self._names, self._settings.points, self._orientation)
        return sample_of(scan, head, self._names, rng, self._settings)


def sample_of(
    scan: Scan, head: Head, names: Sequence[str], rng: np.random.Generator, settings: SampleSettings
) -> Sample:
    """Return the sample of a scan in the true standard frame, turned and moved as orientation would miss it.

    Landmarks outside the cube count as absent, as their surface is not in the cloud.
    """
    frame = missed_frame(scan, rng, settings)
    cloud = make_cloud(scan.mesh, frame, settings.points, int(rng.integers(2**31)))
    return Sample(cloud, landmarks_in(cloud, scan, names), head.person, scan.mesh)


def oriented_sample(scan: Scan, head: Head, names: Sequence[str], points: int, template: OrientationTemplate) -> Sample:
    """Return the sample of a scan as it is oriented in use; a scan that is refused raises NasionError."""
    oriented = orient(scan.mesh, template)
    cloud = cloud_of_surface(oriented.mesh, oriented.frame, points)
    return Sample(cloud, landmarks_in(cloud, scan, names), head.person, scan.mesh)


def missed_frame(scan: Scan, rng: np.random.Generator, settings: SampleSettings) -> Frame:
    """Return the scan's standard frame with an error of orientation."""
    turn = rng.standard_normal(3)
    turn *= np.radians(settings.rotation_sd_deg) * rng.standard_normal() / np.linalg.norm(turn)
    shift = settings.shift_sd_mm * rng.standard_normal(3)
    center = scan.rotation @ (np.array(STANDARD_CENTER_MM) + shift) + scan.translation_mm
    rotation: FloatArray = Rotation.from_rotvec(turn).as_matrix() @ scan.rotation.T
    return Frame(rotation, center, STANDARD_MM)


def landmarks_in(cloud: Cloud, scan: Scan, names: Sequence[str]) -> FloatArray:
    """Return (l, 3) standard coordinates, NaN where absent or outside the cube."""
    absent = np.full(3, np.nan)
    marks = cloud.to_standard(np.array([scan.points.get(name, absent) for name in names]))
    outside = np.abs(marks).max(axis=1) > 1.0
    marks[outside] = np.nan
    return marks


def split_people(count: int, shares: Sequence[float], seed: int) -> list[NDArray[np.int64]]:
    """Return disjoint sets of the numbers 0 to ``count`` - 1, drawn at random: people of training, testing and so on.

    Parameters
    ----------
    count
        Number of people.
    shares
        Of the parts; they add up to 1, and each part gets at least one person.
    seed
        Of the draw.

    Raises
    ------
    NasionError
        The shares do not add up to 1, or there are fewer people than parts.

    """
    if min(shares) <= 0 or abs(sum(shares) - 1.0) > 1e-6:
        raise NasionError(f"shares {tuple(shares)} must be positive and add up to 1")
    if count < len(shares):
        raise NasionError(f"{count} people cannot be split into {len(shares)} parts; take more people")
    order = np.random.default_rng(seed).permutation(count)
    ends = np.round(np.cumsum(shares) * count).astype(np.int64)
    for k in range(len(ends)):
        least = ends[k - 1] + 1 if k else 1
        ends[k] = min(max(ends[k], least), count - (len(ends) - 1 - k))
    parts = np.split(order, ends[:-1])
    return [np.sort(part) for part in parts]
