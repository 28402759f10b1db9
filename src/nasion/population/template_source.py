"""Where a template comes from: the built-in one by its name, any other from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from nasion.population.template import Template

BUILTIN: Final = "builtin"


def load_template(source: str | Path) -> Template:
    """Return the built-in template (``"builtin"``) or the one of a folder (see ``template_folder``), canonicalised.

    Raises
    ------
    NasionError
        The folder lacks a file, a landmark is missing or a mesh cannot be read.

    """
    if source == BUILTIN:
        from nasion.population.builtin import builtin_template

        return builtin_template()
    from nasion.population.template_folder import read_template_folder

    return read_template_folder(Path(source)).checked().canonicalised()
