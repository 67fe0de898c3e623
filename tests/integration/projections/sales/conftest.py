"""A log of the pipeline context and workers on it, for tests of its read models."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from projections_http import Queries, client
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


@pytest.fixture
async def queries(side: ReadSide, tmp_path: Path) -> AsyncGenerator[Queries]:
    """Serve the queries over the test's database."""
    async for one in client(side.url, tmp_path):
        yield one
