"""People and samplers that the shape-true tests share; drawing them takes longer than the tests."""

import pytest

from nasion.population.builtin import builtin_template
from nasion.population.person import Person, sample_person
from nasion.population.template import Template
from nasion.reconstruction.shape.registration import BareSkull
from nasion.reconstruction.shape.sampler import FaceSampler, face_sampler
from nasion.reconstruction.shape.settings import ShapeSettings
from reconstruction.shape.small import bare


@pytest.fixture(scope="session")
def template() -> Template:
    return builtin_template()


@pytest.fixture(scope="session")
def person(template: Template) -> Person:
    return sample_person(template, 3101)


@pytest.fixture(scope="session")
def skull(person: Person) -> BareSkull:
    return bare(person)


@pytest.fixture(scope="session")
def sampler(template: Template, skull: BareSkull) -> FaceSampler:
    return face_sampler(template, skull, ShapeSettings(draws=150), seed=4)
