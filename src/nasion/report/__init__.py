"""Floor 5: the self-contained HTML report and its pictures."""
