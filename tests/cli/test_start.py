"""The command starts fast and explains itself."""

import subprocess
import sys

import pytest

from cli.command import nasion
from nasion.version import __version__

COMMANDS = ("overlay", "identify", "demo", "skull", "population", "experiment", "gallery", "match")


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['nasion', '--help']\n"
        "from nasion.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'numba', 'cv2', 'PIL', 'trimesh', 'pydantic', 'jinja2', 'poselib', 'sqlalchemy'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "loaded: []"
    assert all(command in ended.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    ended = nasion(command, "--help")
    assert ended.code == 0
    assert ended.err == ""
    assert "Usage" in ended.out


def test_version() -> None:
    assert nasion("--version").out == f"nasion {__version__}\n"


def test_module_is_the_same_command() -> None:
    ended = subprocess.run([sys.executable, "-m", "nasion", "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"nasion {__version__}\n"


@pytest.mark.parametrize("arguments", [("nonsense",), ("overlay",), ("identify",), ("skull",), ("experiment", "x")])
def test_wrong_use_is_one_line(arguments: tuple[str, ...]) -> None:
    ended = nasion(*arguments)
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith("nasion: ")
    assert "--help" in line


def test_a_fault_of_the_program_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("nasion.readers.ct.read_ct", broken)
    ended = nasion("skull", "x.nii", "--out", "y.ply")
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert "a fault of the program (RuntimeError: two lines)" in line
    monkeypatch.setenv("NASION_DEBUG", "1")
    with pytest.raises(RuntimeError):
        nasion("skull", "x.nii", "--out", "y.ply")
