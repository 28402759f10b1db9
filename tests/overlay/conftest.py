"""Fixtures of the overlay tests."""

import numpy as np
import pytest

from nasion.anatomy.tissue import TissueTable


@pytest.fixture(scope="session")
def tissue() -> TissueTable:
    return TissueTable.load()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
