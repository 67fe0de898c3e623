"""A world of customers that the tests of a module look at."""

from collections.abc import Generator

import pytest

from rule_databases import Inhabited, inhabited_database


@pytest.fixture(scope="module")
def inhabited(postgres_url: str) -> Generator[Inhabited]:
    """Give a world of 120 people."""
    with inhabited_database(postgres_url, seed=7, size=120) as world:
        yield world
