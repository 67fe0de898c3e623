"""Whole installations for journeys of customers and operators."""

from collections.abc import Generator

import pytest

from installations import Installation, an_installation
from patron_servers import throwaway_folder


@pytest.fixture(scope="session")
def installation() -> Generator[Installation]:
    """Run one embedded installation for the session; records of other tests are in it."""
    with throwaway_folder("patron-e2e-") as folder, an_installation(folder / "data") as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs whole installations."""
    for item in items:
        if "/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.integration)
