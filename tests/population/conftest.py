"""People shared by the population's tests; they are drawn once."""

from pathlib import Path

import numpy as np
import pytest

from nasion.anatomy.tissue import TissueTable
from nasion.population.person import Person, PersonSampler, PersonSettings
from nasion.population.phantom_ict import phantom_ict_template
from nasion.population.template import Template
from nasion.population.template_source import load_template
from nasion.population.tissue_sampling import WIDEST_BUILD_SD, TissueDraw


@pytest.fixture(scope="session")
def builtin() -> Template:
    return load_template("builtin")


@pytest.fixture(scope="session")
def phantom(shared_data: Path) -> Template:
    return phantom_ict_template(shared_data)


def varied(template: Template) -> list[Person]:
    """Return two ordinary people, two as thin and two as obese as people get."""
    table = TissueTable.load()
    thin, obese = np.exp(np.array([-1, 1]) * WIDEST_BUILD_SD * table.build_factor_log_sd)
    people = []
    for build_range in (None, (thin, thin), (obese, obese)):
        draw = TissueDraw(table, build_range=build_range)
        sampler = PersonSampler(template, PersonSettings(tissue=draw))
        people += [sampler.sample(seed) for seed in (1, 2)]
    return people


@pytest.fixture(scope="session")
def people(builtin: Template) -> list[Person]:
    return varied(builtin)


@pytest.fixture(scope="session")
def phantom_people(phantom: Template) -> list[Person]:
    return varied(phantom)
