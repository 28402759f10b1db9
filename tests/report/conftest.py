"""Fixtures of a case on disk."""

from casework.bare import bare, handmade_weights
from casework.fixtures import case_folder, own_case

__all__ = ["bare", "case_folder", "handmade_weights", "own_case"]
