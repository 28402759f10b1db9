"""Fixtures of the command-line tests."""

from pathlib import Path

import pytest

from casework.tiny import TinyCase, write_case


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCase:
    return write_case(tmp_path / "case with ünicode")
