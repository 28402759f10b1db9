"""Floor 2: virtual people with known truth."""
