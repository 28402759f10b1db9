"""The experiments' tables as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from nasion.experiments.judging import FAILURE_BPE_MM
from nasion.experiments.markdown import grid, with_interval

Row = dict[str, Any]

_TESTS: Final = (
    "Wilcoxon signed-rank tests, two-sided, uncorrected: p over photographs (as published; photographs of one person "
    "are alike, so that it is too small) and over the people's means. A negative difference speaks for the first."
)


def table_markdown(table: dict[str, Any]) -> str:
    """Return an experiment's tables (``tables.summarise``) as Markdown, with what each solver was given."""
    blocks = [f"# Overlay experiment, scenario {table['scenario']}", _protocol(table), _main(table["rows"])]
    if table["common_rows"]:
        blocks += ["On the photographs that every solver was given:", _main(table["common_rows"])]
    blocks += [
        "Implausible overlays, and how much of the skull (mean share of its pixels) lies outside the face:",
        _implausible(table["rows"]),
    ]
    if table["tests"]:
        blocks += [_TESTS, _paired(table["tests"])]
    given = sorted({row["solver"]: row["given"] for row in table["rows"]}.items())
    blocks += ["What each solver was given:", "\n".join(f"* `{name}`: {text}." for name, text in given)]
    blocks += [table["people"], f"Most memory of a process: {table['peak_memory_mib']:.0f} MiB."]
    return "\n\n".join(blocks) + "\n"


def surface_table_markdown(table: dict[str, Any]) -> str:
    """Return the surface landmark experiment's table (``surface_landmarks.run_surface_experiment``) as Markdown."""
    head = ("method", "test scans", "mean error mm", "median", "95 % within", "scans", "refused")
    rows = [
        (
            row["method"],
            row["condition"],
            with_interval(row["mean_mm"], row["interval95"]),
            f"{row['median_mm']:.2f}",
            f"{row['p95_mm']:.2f}",
            str(row["scans"]),
            str(table["refused"][row["condition"]]),
        )
        for row in table["rows"]
    ]
    told = (
        f"Learnt from {table['learnt_from']}. Judged on {table['test_people']} other people of each. All landmarks "
        "that are on the scan count, found or not. Intervals: 95 %, bootstrap over people. Refused: scans that could "
        "not be oriented, in no other figure."
    )
    return "\n\n".join([f"# Landmarks on surfaces, {table['scheme']}", told, grid(head, rows)]) + "\n"


def _protocol(table: dict[str, Any]) -> str:
    together = table["together"]
    what = "every photograph" if together == 1 else f"every {together} photographs of a person, solved together,"
    return (
        f"{table['subjects']} people, {what} against every skull; runs: {table['runs']}. Landmark noise: uniform, "
        f"up to {table['landmark_noise_face_height']:.1%} of the face height. Directions of the oracle turned by "
        f"up to {table['direction_error_deg']:.0f} degrees. Mean rank by chance: {table['chance_mean_rank']:.1f}. "
        "Intervals: 95 %, bootstrap over people. A failed overlay ranks last, counts "
        f"{FAILURE_BPE_MM:.0f} mm and as outside the face; equal scores rank behind."
    )


def _main(rows: Sequence[Row]) -> str:
    head = ("solver", "view", "mean rank", "BPE mm", "s per overlay", "failures / not converged", "ranked / overlays")
    return grid(
        head,
        [
            (
                row["solver"],
                row["view"],
                with_interval(row["mean_rank"], row["interval95"]["mean_rank"]),
                with_interval(row["bpe_mm"], row["interval95"]["bpe_mm"]),
                f"{row['seconds_per_overlay']:.4f}",
                f"{row['failures']} / {row['not_converged']}",
                f"{row['n_ranked']} of {row['n_photographs']} / {row['n_overlays']}",
            )
            for row in rows
        ],
    )


def _implausible(rows: Sequence[Row]) -> str:
    head = (
        "solver",
        "view",
        "all pairs, worst run",
        "true pairs, worst run",
        "pixels, all pairs",
        "pixels, true pairs",
    )
    keys = (
        "worst_run_outside_face_share",
        "worst_run_outside_face_share_true_pairs",
        "skull_pixels_outside",
        "skull_pixels_outside_true_pairs",
    )
    digits = (1, 1, 2, 2)
    return grid(
        head,
        [
            (row["solver"], row["view"], *(_percent(row[key], d) for key, d in zip(keys, digits, strict=True)))
            for row in rows
        ],
    )


def _percent(share: float | None, digits: int) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def _paired(tests: Sequence[Row]) -> str:
    head = ("first", "second", "view", "figure", "median difference", "p photographs", "p people", "photographs")
    return grid(
        head,
        [
            (
                test["first"],
                test["second"],
                test["view"],
                "BPE mm" if test["figure"] == "bpe_mm" else "rank",
                f"{test['median_difference']:+.2f}",
                f"{test['p_photographs']:.2g}",
                f"{test['p_people']:.2g}",
                str(test["pairs"]),
            )
            for test in tests
        ],
    )
