from collections.abc import AsyncIterator

import httpx
import pytest

from campaigns.served import Campaigns


@pytest.fixture
def campaigns() -> Campaigns:
    """A log that holds nothing yet, and the service over it."""
    return Campaigns()


@pytest.fixture
async def agent(campaigns: Campaigns) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do everyday work."""
    async with campaigns.client("agent") as client:
        yield client


@pytest.fixture
async def other(campaigns: Campaigns) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody else, in a second process over the same log."""
    async with campaigns.client("agent") as client:
        yield client
