"""Floor 4: galleries, ranking, rank metrics."""
