"""Fixtures for every package whose tests need a case on disk; a conftest.py imports them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from casework.case_folder import CaseFolder, make_case

__all__ = ["case_folder", "own_case"]


@pytest.fixture(scope="session")
def case_folder(tmp_path_factory: pytest.TempPathFactory) -> CaseFolder:
    """A case to read only."""
    return make_case(tmp_path_factory.mktemp("case"))


@pytest.fixture
def own_case(tmp_path: Path, case_folder: CaseFolder) -> CaseFolder:
    """A copy of the case to change; its path has a blank and letters beyond ASCII."""
    own = tmp_path / "Fäll 7 頭"
    shutil.copytree(case_folder.root, own)
    return replace(case_folder, root=own)
