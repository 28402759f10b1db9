"""Floor 5: the papers' experiments by name."""
