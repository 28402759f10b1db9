"""Sets whose landmarks are one CSV table: faces with 68 points, and the ISBI 2015 cephalograms."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nasion.errors import NasionError
from nasion.landmarks.image.published.tables import TRAINING, PublishedSet, existing, points_of, read_table
from nasion.landmarks.image.samples import ImageSample

FACES_TABLE: Final = "landmarks68.csv"
FILMS_TABLE: Final = "landmarks.csv"
PAIRS_TABLE: Final = "same_patient_pairs.csv"
ISBI_MM_PER_PX: Final = 0.25
"""The challenge's 0.1 mm a pixel for 1935 x 2400 pixels, at the stored 774 x 960. True sizes seem some 9 % larger."""
_TERMS_300W: Final = "non-commercial research only (the 300-W annotations); the photographs have no licence stated"
_TERMS_ISBI: Final = "no licence stated (ISBI 2015 challenge, for research)"


def read_faces68(folder: Path) -> PublishedSet:
    """Read HELEN and AFW faces: ``landmarks68.csv`` with image, subset and x0, y0 ... x67, y67.

    The subset ``*_train`` is to learn from, every other one to test on. Faces of one photograph count as one person, as
    nothing else is known of who is who.

    Raises
    ------
    NasionError
        The table is damaged or names an image that is not there.

    """
    path = folder / FACES_TABLE
    columns = [(f"x{k}", f"y{k}") for k in range(68)]
    samples = []
    rows = read_table(path, ["image", "subset", *(name for pair in columns for name in pair)])
    for number, row in enumerate(rows, start=2):
        image = existing(folder / row["image"], path)
        part = TRAINING if row["subset"].endswith("train") else row["subset"]
        person = f"{row['subset']}/{image.stem.rpartition('_')[0] or image.stem}"
        samples.append(ImageSample(image, points_of(path, number, row, columns), person, part=part))
    learnt = sorted({row["subset"] for row in rows if row["subset"].endswith("train")})
    return PublishedSet("HELEN and AFW", tuple(samples), _TERMS_300W, " and ".join(learnt))


def read_cephalograms(folder: Path) -> PublishedSet:
    """Read the ISBI 2015 films: ``landmarks.csv`` with image, split and l1_x, l1_y ... l19_x, l19_y.

    Films that ``same_patient_pairs.csv`` names as one patient's carry one person's name.

    Raises
    ------
    NasionError
        A table is damaged or names an image that is not there.

    """
    path = folder / FILMS_TABLE
    columns = [(f"l{k}_x", f"l{k}_y") for k in range(1, 20)]
    rows = read_table(path, ["image", "split", *(name for pair in columns for name in pair)])
    person = _patients(folder, [row["image"] for row in rows])
    samples = [
        ImageSample(
            existing(folder / row["image"], path),
            points_of(path, number, row, columns),
            person[row["image"]],
            part=row["split"],
            mm_per_px=ISBI_MM_PER_PX,
        )
        for number, row in enumerate(rows, start=2)
    ]
    return PublishedSet("ISBI 2015 cephalograms", tuple(samples), _TERMS_ISBI)


def _patients(folder: Path, images: list[str]) -> dict[str, str]:
    """Return each image's patient: the name of the first image of his."""
    patient = {image: image for image in images}

    def first(image: str) -> str:
        while patient[image] != image:
            image = patient[image]
        return image

    path = folder / PAIRS_TABLE
    if path.is_file():
        for row in read_table(path, ["image_a", "image_b"]):
            unknown = [row[name] for name in ("image_a", "image_b") if row[name] not in patient]
            if unknown:
                raise NasionError(f"{path}: names {unknown[0]}, which {FILMS_TABLE} does not; correct it")
            a, b = sorted((first(row["image_a"]), first(row["image_b"])))
            patient[b] = a
    return {image: Path(first(image)).stem for image in images}
