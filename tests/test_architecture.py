"""The floors of docs/architecture.md hold, and no modules import one another in a circle."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import permutations
from pathlib import Path

import pytest

from nasion.overlay.problem import SOLVERS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
ALLOWED_ON_ONE_FLOOR = {
    ("readers", "geometry"),
    ("networks", "readers"),
    ("anatomy", "errors"),
    ("reconstruction", "matching"),
}
DOORS = {"__init__", "__main__"}
"""Modules of the package itself that stand above all floors; nobody imports them."""


@cache
def floors() -> dict[str, int]:
    """Return package to floor, from the table of the document."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| ([^|]+) \|", text, flags=re.MULTILINE)
    return {name: int(floor) for floor, names in rows for name in re.findall(r"`(\w+)`", names)}


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((SOURCE / "nasion").rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def _names(tree: ast.Module) -> Iterator[tuple[str, str | None]]:
    """Yield (module, name) of every import, also those inside functions; name is None for ``import module``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the floor"
            yield from ((node.module or "", alias.name) for alias in node.names)


@cache
def imports(module: str) -> frozenset[str]:
    """Return the modules of the package that a module imports."""
    found = set()
    for target, name in _names(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        inner = f"{target}.{name}"
        if name is not None and inner in modules():
            found.add(inner)
        elif target.split(".")[0] == "nasion":
            assert target in modules(), f"{module} imports {target}, which does not exist"
            found.add(target)
    return frozenset(found - {module})


def package_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def test_every_package_has_a_floor() -> None:
    packages = {package_of(module) for module in modules()} - DOORS
    assert packages == set(floors())


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_go_downwards(module: str) -> None:
    own = package_of(module)
    if own in DOORS:
        return
    for target in imports(module):
        other = package_of(target)
        assert other not in DOORS, f"{module} imports {target}, which stands above all floors"
        if other != own and (own, other) not in ALLOWED_ON_ONE_FLOOR:
            assert floors()[other] < floors()[own], f"{module} (floor {floors()[own]}) imports {target}"


def test_no_circles() -> None:
    try:
        TopologicalSorter({module: imports(module) for module in modules()}).prepare()
    except CycleError as error:
        pytest.fail(f"modules import one another in a circle: {' <- '.join(error.args[1])}")


def modules_of(method: str) -> set[str]:
    """Return a solver's own modules: the one of its name, or all of its package."""
    own = f"nasion.overlay.{method}"
    return {module for module in modules() if module == own or module.startswith(f"{own}.")}


@pytest.mark.parametrize(("method", "other"), list(permutations(SOLVERS, 2)))
def test_methods_do_not_know_each_other(method: str, other: str) -> None:
    open_ends = sorted(modules_of(method))
    assert open_ends
    reached = set()
    while open_ends:
        module = open_ends.pop()
        reached.add(module)
        open_ends += [target for target in imports(module) if target not in reached]
    assert not reached & modules_of(other)


def test_the_walls_would_be_seen() -> None:
    # the check itself: known arrows are found, those inside functions too
    assert "nasion.casework.identify" in imports("nasion.cli.overlays")
    assert "nasion.overlay.checks" in imports("nasion.casework.candidates")
    assert "nasion.geometry.surface" in imports("nasion.geometry.shading")
