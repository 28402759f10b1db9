"""Fixtures of the casework tests."""

from pathlib import Path

import pytest
from casework.case_folder import CaseFolder, make_case


@pytest.fixture(scope="session")
def case_folder(tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    """A case to read only."""
    return make_case(tmp_path_factory.mktemp("case"))


@pytest.fixture
def own_case(tmp_path: Path) -> CaseFolder:
    """A small case to change: two people, the true one among them."""
    return make_case(tmp_path / "my case")
