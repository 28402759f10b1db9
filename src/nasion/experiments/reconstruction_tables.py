"""The reconstruction experiment's tables as Markdown, under the paper's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from nasion.experiments.markdown import grid, percent

DEPTHS: Final = ("1", "5", "10", "20")
MAP_DEPTHS: Final = ("10", "20")


def reconstruction_table_markdown(table: dict[str, Any]) -> str:
    """Return the table (``reconstruction.run_reconstruction_experiment``) as Markdown."""
    blocks = [f"# Faces from skulls and sketches, {table['dataset']}", table["protocol"]]
    for view, rows in table["table1"].items():
        blocks += [f"## Table 1, {view}", _quality_note(table, rows), _quality(rows)]
    for view, descriptors in table["table2"].items():
        blocks.append(f"## Table 2, {view}, {table['people'][view]} probes among as many faces")
        blocks += [_retrieval(name, rows) for name, rows in descriptors.items()]
    if table["left_out"]:
        blocks.append("## Left out\n\n" + "\n".join(f"* {name}: {why}" for name, why in table["left_out"].items()))
    lost = table["failures"]
    blocks.append(
        f"Pictures without usable landmarks: {len(lost)}; they count as not found. Intervals: 95 %, over people "
        "(bootstrap; KID: random halves). The paper's mAP counts another person's picture of the same view as right; "
        "here only the person's own is, so that mAP@K cannot exceed R@K, and mAP@R is R@1."
    )
    return "\n\n".join(blocks) + "\n"


def _quality_note(table: dict[str, Any], rows: dict[str, Any]) -> str:
    first = next(iter(rows.values()))
    note = (
        f"KID and FID by the {first['fid']['features']} features of {table['extractor']} (ImageNet), not Inception's: "
        "compare them within this table only. IS by the same network's ImageNet classes, none of which is a face. "
        "KID counts pairs of people of one fold, so that no face is compared with one that its model has learnt from; "
        f"FID cannot. SSIM at {table['side_px']} px."
    )
    if taught := table["taught_by_extractor"]:
        note += f" {', '.join(taught)} learnt by this network's features: for them KID, FID and IS are too good."
    if any(row["fid"]["meaningless"] for row in rows.values()):
        note += (
            f" **FID of {first['pictures']} pictures with {first['fid']['features']} features is meaningless: the "
            "covariances are singular. Read KID.**"
        )
    return note


def _quality(rows: dict[str, Any]) -> str:
    head = ["", "KID", "FID", "IS", "SSIM", "SSIM above the mean face", "pictures"]
    lines = []
    for name, row in rows.items():
        fid = f"({row['fid']['value']:.1f})" if row["fid"]["meaningless"] else f"{row['fid']['value']:.1f}"
        cells = [
            _number(row["kid"]["value"], row["kid"]["interval95"], 4),
            fid,
            f"{row['is']['mean']:.2f} ± {row['is']['sd']:.2f}",
            _number(row["ssim"]["mean"], row["ssim"]["interval95"], 3),
            _number(row["ssim_above_floor"]["mean"], row["ssim_above_floor"]["interval95"], 3),
            str(row["pictures"]),
        ]
        lines.append([name, *cells])
    return grid(head, lines)


def _retrieval(descriptor: str, rows: dict[str, Any]) -> str:
    head = [descriptor, *(f"R@{k}" for k in DEPTHS), *(f"mAP@{k}" for k in MAP_DEPTHS), "MRR", "probes / faces lost"]
    lines = [_found(name, row, row["interval95"]) for name, row in rows.items()]
    first = next(iter(rows.values()))
    return grid(head, [*lines, _found("chance", first["chance"], None)])


def _found(name: str, row: dict[str, Any], interval: dict[str, Any] | None) -> list[str]:
    recall = [percent(row["recall"][k], None if interval is None else interval["recall"][k]) for k in DEPTHS]
    precision = [percent(row["map"][k]) for k in MAP_DEPTHS]
    lost = f"{row['probes_lost']} / {row['faces_lost']}" if interval is not None else ""
    return [name, *recall, *precision, f"{row['mrr']:.3f}", lost]


def _number(value: float, interval: Sequence[float], digits: int) -> str:
    return f"{value:.{digits}f} ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})"
