from collections.abc import AsyncIterator

import httpx
import pytest

from pipeline.served import Selling


@pytest.fixture
def selling() -> Selling:
    """A log that holds nothing yet, and the service over it."""
    return Selling()


@pytest.fixture
async def agent(selling: Selling) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do everyday work."""
    async with selling.client("agent") as client:
        yield client


@pytest.fixture
async def other(selling: Selling) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else, in a second process over the same log."""
    async with selling.client("agent", subject="ben") as client:
        yield client


@pytest.fixture
async def admin(selling: Selling) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may also say how the installation sells."""
    async with selling.client("admin", subject="eve") as client:
        yield client
