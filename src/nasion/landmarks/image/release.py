"""From a finished training run to a model that can be shipped: export, calibration, test, card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from nasion.errors import NasionError
from nasion.geometry.surface import FloatArray
from nasion.landmarks.image import metrics
from nasion.landmarks.image.augmentation import with_patches
from nasion.landmarks.image.card import Card, Interval, TestErrors, write_model
from nasion.landmarks.image.confidence import Calibration, Evidence, calibrate
from nasion.landmarks.image.crops import Frame, frame_of_picture, frame_of_points
from nasion.landmarks.image.export import Precision, to_onnx
from nasion.landmarks.image.model import parameter_count
from nasion.landmarks.image.passes import two_looks
from nasion.landmarks.image.samples import ImageSample, Pixels
from nasion.landmarks.image.schemes import ImageScheme
from nasion.landmarks.image.settings import ImageNetSettings
from nasion.landmarks.image.train import TrainedNet
from nasion.networks.model_folder import hash_of
from nasion.networks.sessions import make_session
from nasion.networks.split import check_apart
from nasion.version import __version__

_BOX_SHIFT: Final = 0.06
_BOX_SCALE: Final = 0.12
"""Standard deviations of the first frame against the truth's box, share of its side and of its logarithm: a face finder
stood in for, so that no finder has to be there for a test."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What a network did on s images.

    Attributes
    ----------
    points, start, truth
        (s, l, 2) image pixels.
    evidence
        (s, l) arrays.
    scale
        (s,) image pixels to a crop pixel.
    people, mm_per_px
        (s,) whose image it is, and its scale, NaN where it is not known.

    """

    points: FloatArray
    start: FloatArray
    truth: FloatArray
    evidence: Evidence
    scale: FloatArray
    people: tuple[str, ...]
    mm_per_px: FloatArray

    def __len__(self) -> int:
        return len(self.people)


def measure(
    session: Any,
    samples: Iterable[ImageSample],
    scheme: ImageScheme,
    network: ImageNetSettings,
    shape: FloatArray,
    *,
    mirrored: bool = False,
    seed: int = 0,
    hidden: bool = False,
) -> Measured:
    """Return what an exported network does on samples, by two looks as in use.

    Parameters
    ----------
    session
        See ``sessions.make_session``.
    samples, scheme
        Images and what their points are.
    network, shape
        Of the model.
    mirrored
        Look at the mirrored crop, too; for networks that learnt from such crops.
    seed
        Of the first frames and of the patches.
    hidden
        Hide parts of each face with random patches.

    Raises
    ------
    NasionError
        There are no samples, or one cannot be read.

    """
    rng = np.random.default_rng(seed)
    flip = scheme.flip_index if mirrored else None
    looks, evidence, used = [], [], []
    for sample in samples:
        image = sample.pixels()
        if hidden:
            low, high = np.nanmin(sample.points_px, axis=0), np.nanmax(sample.points_px, axis=0)
            image = with_patches(image, (int(low[0]), int(low[1]), int(high[0]) + 1, int(high[1]) + 1), rng)
        first = first_frame(image, sample, scheme, network, rng)
        seen = two_looks(session, image, first, network.input_size_px, network.margin, shape, flip)
        looks.append(seen)
        evidence.append(Evidence.of(seen))
        used.append(sample)
    if not used:
        raise NasionError("there are no images to measure; give images of held-out people and of test people")
    return Measured(
        np.stack([seen.points_px for seen in looks]),
        np.stack([seen.start_px for seen in looks]),
        np.stack([sample.points_px for sample in used]),
        Evidence.stacked(evidence),
        np.array([seen.frame.scale for seen in looks]),
        tuple(sample.person for sample in used),
        np.array([np.nan if sample.mm_per_px is None else sample.mm_per_px for sample in used]),
    )


def first_frame(
    image: Pixels, sample: ImageSample, scheme: ImageScheme, network: ImageNetSettings, rng: np.random.Generator
) -> Frame:
    """Return the frame of the first look: of a radiograph the picture; of a face about its box, as a finder errs."""
    size = network.input_size_px
    if scheme.subject == "cephalogram":
        return frame_of_picture(image, size)
    box = frame_of_points(sample.points_px, size, network.margin)
    shift = rng.normal(0, _BOX_SHIFT, 2) * np.array(size) * box.scale
    centre = (box.centre_px[0] + float(shift[0]), box.centre_px[1] + float(shift[1]))
    return Frame(centre, box.scale * float(np.exp(rng.normal(0, _BOX_SCALE))))


def release(
    trained: TrainedNet,
    folder: Path,
    scheme: ImageScheme,
    calibration: Sequence[ImageSample],
    tests: Mapping[str, Sequence[ImageSample]],
    *,
    data: str,
    terms: str,
    precision: Precision = "float16",
    force: bool = False,
) -> Card:
    """Write a model's folder.

    Parameters
    ----------
    trained
        The finished run.
    folder
        To write.
    scheme
        What the points are.
    calibration
        Images of people who are not learnt from; those that chose the best epoch may calibrate.
    tests
        By name, images of people who are nowhere else; each is measured as it is and with random patches.
    data, terms
        The training data, and what its terms allow, in words.
    precision
        Of the stored weights.
    force
        Replace what the folder holds.

    Raises
    ------
    NasionError
        A person is on both sides, there are too few people, or the folder cannot be written.

    """
    tested = (own.person for part in tests.values() for own in part)
    check_apart("calibration", (own.person for own in calibration), "test", tested)
    onnx = to_onnx(trained.model, precision)
    session = make_session(onnx)
    meaning = _calibrated(session, trained, scheme, calibration)
    card = Card(
        data=data,
        terms=terms,
        weights=precision,
        calibration=meaning.to_plain(),
        held_out_images=len(calibration),
        tests=_tested(session, trained, scheme, tests, meaning),
        model_sha256=hash_of(onnx),
        **_made_of(trained, scheme),
    )
    write_model(folder, card, onnx, force=force)
    return card


def _made_of(trained: TrainedNet, scheme: ImageScheme) -> dict[str, Any]:
    """Return what a card tells of the network and its training."""
    return {
        "scheme": scheme.name,
        "names": scheme.names,
        "subject": scheme.subject,
        "input_size_px": trained.network.input_size_px,
        "margin": trained.network.margin,
        "shape": tuple((float(x), float(y)) for x, y in trained.shape),
        "mirrored": _mirrored(trained),
        "network": asdict(trained.network),
        "training": asdict(trained.settings),
        "seed": trained.settings.seed,
        "best_epoch": trained.best_epoch,
        "parameters": parameter_count(trained.model),
        "code_version": __version__,
    }


def _mirrored(trained: TrainedNet) -> bool:
    return trained.settings.augment.mirrored > 0


def _calibrated(
    session: Any, trained: TrainedNet, scheme: ImageScheme, calibration: Sequence[ImageSample]
) -> Calibration:
    """Return what the evidence means; hidden parts are among the images that tell, since use meets them too."""
    learnt = [
        measure(
            session, calibration, scheme, trained.network, trained.shape,
            mirrored=_mirrored(trained), seed=number, hidden=number > 0,
        )
        for number in range(2)
    ]  # fmt: skip
    evidence = Evidence(
        *(np.concatenate([getattr(own.evidence, name) for own in learnt]) for name in ("peak", "spread", "move"))
    )
    errors = np.concatenate([metrics.point_errors(own.points, own.truth) / own.scale[:, None] for own in learnt])
    return calibrate(evidence, errors, [person for own in learnt for person in own.people])


def _tested(
    session: Any,
    trained: TrainedNet,
    scheme: ImageScheme,
    tests: Mapping[str, Sequence[ImageSample]],
    meaning: Calibration,
) -> dict[str, TestErrors]:
    """Return the errors of each test set as it is, and with parts hidden."""
    judged = {}
    for name, samples in tests.items():
        for hidden in (False, True):
            measured = measure(
                session, samples, scheme, trained.network, trained.shape,
                mirrored=_mirrored(trained), seed=2, hidden=hidden,
            )  # fmt: skip
            judged[f"{name}, parts hidden" if hidden else name] = judge(measured, meaning, scheme)
    return judged


def judge(measured: Measured, meaning: Calibration, scheme: ImageScheme) -> TestErrors:
    """Return the errors of a test set."""
    measures = _film_measures if np.isfinite(measured.mm_per_px).all() else _face_measures
    names, values = measures(measured, measured.points, scheme)
    _, start = measures(measured, measured.start, scheme)
    errors = metrics.point_errors(measured.points, measured.truth)
    marked = np.isfinite(errors)
    radius = meaning.radius_px(measured.evidence, measured.scale[:, None])
    unit = measured.mm_per_px if measures is _film_measures else 1 / metrics.face_size(measured.truth, scheme)
    first = names[0]

    def interval(statistic: Any) -> Interval:
        made = metrics.bootstrap(measured.people, statistic)
        return Interval(value=made.value, low=made.low, high=made.high)

    return TestErrors(
        images=len(measured),
        people=len(set(measured.people)),
        mean={name: interval(values[name]) for name in names},
        start={name: interval(start[name]) for name in names},
        gain=interval(lambda rows: 1 - values[first](rows) / start[first](rows)),
        per_landmark=metrics.per_landmark(errors * unit[:, None], scheme.names),
        inside_90=float(np.mean(errors[marked] <= radius[marked])),
        lost=float(np.mean((measured.evidence.peak < meaning.least_peak)[marked])),
    )


def _face_measures(measured: Measured, points: FloatArray, scheme: ImageScheme) -> tuple[list[str], dict[str, Any]]:
    kinds: list[metrics.Length] = ["box"]
    kinds += ["face_height"] if scheme.face_height else []
    kinds = ["inter_ocular", *kinds] if scheme.eye_corners else kinds
    table: dict[str, Any] = {}
    for kind in kinds:
        errors = metrics.nme(points, measured.truth, metrics.lengths(measured.truth, scheme, kind))
        table[f"nme_{kind}"] = lambda rows, errors=errors: float(np.nanmean(errors[rows]))
    main = metrics.nme(points, measured.truth, metrics.face_size(measured.truth, scheme))
    table["failure_rate_10"] = lambda rows: metrics.failure_rate(main[rows])
    table["auc_10"] = lambda rows: metrics.auc(main[rows])
    return list(table), table


def _film_measures(measured: Measured, points: FloatArray, scheme: ImageScheme) -> tuple[list[str], dict[str, Any]]:
    del scheme
    errors = metrics.point_errors(points, measured.truth) * measured.mm_per_px[:, None]
    table: dict[str, Any] = {"mean_radial_error_mm": lambda rows: metrics.mean_radial_error(errors[rows])}
    for reach in metrics.SDR_MM:
        table[f"sdr_{reach:g}_mm"] = lambda rows, reach=reach: metrics.success_rate(errors[rows], reach)
    return list(table), table
