"""Tables of experiments as Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, ["---"] * len(head), *rows])


def percent(share: float, interval: Sequence[float] | None = None) -> str:
    """Return a share, with its interval where there is one, in per cent."""
    text = f"{100 * share:.1f} %"
    return text if interval is None else f"{text} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def with_interval(mean: float | None, interval: Sequence[float] | None) -> str:
    """Return a mean with its interval, ``-`` where there is none."""
    if mean is None or interval is None:
        return "-"
    return f"{mean:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
