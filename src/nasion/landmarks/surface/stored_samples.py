"""Samples as files, made once: one ``.npz`` a scan, or an empty ``.refused`` where the scan could not be oriented."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import Mesh
from nasion.landmarks.surface.augmentation import AugmentSettings, augmented
from nasion.landmarks.surface.cloud import Cloud, Sample
from nasion.landmarks.surface.lazy_samples import LazySamples
from nasion.readers.files import write_bytes

ENDING: Final = ".npz"
REFUSED: Final = ".refused"


def sample_path(folder: Path, number: int) -> Path:
    """Return the file of a sample."""
    return folder / f"{number:06d}{ENDING}"


def is_made(folder: Path, number: int) -> bool:
    """Tell whether a sample is there, or known to be refused."""
    path = sample_path(folder, number)
    return path.exists() or path.with_suffix(REFUSED).exists()


def write_sample(path: Path, sample: Sample) -> None:
    """Write a sample, whole or not at all; normals are kept in half precision, the rest in single."""
    cloud = sample.cloud
    arrays = {
        "points": cloud.points.astype(np.float32),
        "normals": cloud.normals.astype(np.float16),
        "landmarks": sample.landmarks.astype(np.float32),
        "center_mm": cloud.center_mm,
        "scale_mm": np.array(cloud.scale_mm),
        "rotation": cloud.rotation,
        "person": np.array(sample.person),
    }
    if sample.mesh is not None:
        arrays |= {"vertices": sample.mesh.vertices.astype(np.float32), "faces": sample.mesh.faces}
    if sample.patches is not None:
        arrays["patches"] = sample.patches
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    write_bytes(path, content.getvalue())


def read_sample(path: Path, *, patches: bool = False) -> Sample:
    """Read what ``write_sample`` wrote; a damaged file raises NasionError.

    ``patches`` asks for the pieces of surface, too, where the sample has them: they are most of its bytes, and the
    local stage alone learns from them.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            normals = stored["normals"].astype(np.float64)
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            cloud = Cloud(
                stored["points"].astype(np.float64),
                normals,
                stored["center_mm"],
                float(stored["scale_mm"]),
                stored["rotation"],
            )
            mesh = None
            if "faces" in stored.files:
                mesh = Mesh(stored["vertices"].astype(np.float64), stored["faces"])
            pieces = stored["patches"] if patches and "patches" in stored.files else None
            return Sample(cloud, stored["landmarks"].astype(np.float64), str(stored["person"]), mesh, pieces)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        raise NasionError(f"{path}: the sample is damaged; remove it and start the training again") from None


@dataclass(frozen=True, eq=False)
class StoredSamples(LazySamples):
    """The samples of a folder that were not refused, read when they are asked for.

    Attributes
    ----------
    paths
        Their files.
    names
        The landmarks.
    augment
        How they vary; None leaves them as they are.
    seed, epoch
        Decide what varies.
    patches
        With the pieces of surface; see ``read_sample``.

    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    augment: AugmentSettings | None = None
    seed: int = 0
    epoch: int = 0
    patches: bool = False

    @classmethod
    def of(
        cls,
        folder: Path,
        names: tuple[str, ...],
        augment: AugmentSettings | None = None,
        seed: int = 0,
        epoch: int = 0,
        *,
        patches: bool = False,
    ) -> StoredSamples:
        """Return the samples of a folder, in the order of their numbers."""
        return cls(tuple(sorted(folder.glob(f"*{ENDING}"))), names, augment, seed, epoch, patches)

    def __len__(self) -> int:
        return len(self.paths)

    def sample(self, k: int) -> Sample:
        """Return sample ``k``."""
        sample = read_sample(self.paths[k], patches=self.patches)
        if self.augment is None:
            return sample
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(self.epoch, k)))
        return augmented(sample, self.names, rng, self.augment)


def refused_in(folder: Path) -> int:
    """Return how many scans of a folder could not be oriented."""
    return len(list(folder.glob(f"*{REFUSED}")))
