"""Shape-true faces from a skull's surface: the tissue table and a face model, no training."""
