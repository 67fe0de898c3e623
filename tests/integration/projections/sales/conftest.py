"""A log of the pipeline context and workers on it, for tests of its read models."""

import pytest

from read_side import ReadSide
from sales_history import SalesHistory


@pytest.fixture
def log() -> SalesHistory:
    return SalesHistory()


@pytest.fixture
def side(log: SalesHistory, database_url: str) -> ReadSide:
    """Give the database in which the test's workers live."""
    return ReadSide(database_url, log.memory, log.memory, log.vault, "pipeline")


@pytest.fixture
def fresh(log: SalesHistory, fresh_url: str) -> ReadSide:
    """Give a second, empty database for a fold from the beginning."""
    return ReadSide(fresh_url, log.memory, log.memory, log.vault, "pipeline")
