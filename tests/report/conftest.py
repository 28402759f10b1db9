"""Fixtures of a case on disk."""

from casework.fixtures import case_folder, own_case

__all__ = ["case_folder", "own_case"]
