"""Fixtures for all tests."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data: NASION_DATA, or ``shared/data`` beside the checkout; tests skip where it is absent."""
    folder = Path(os.environ.get("NASION_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set NASION_DATA to its folder")
    return folder
