from collections.abc import AsyncIterator

import httpx
import pytest

from contacts.served import Contacts


@pytest.fixture
def contacts() -> Contacts:
    """A log that holds nothing yet, and the service over it."""
    return Contacts()


@pytest.fixture
async def agent(contacts: Contacts) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do everyday work."""
    async with contacts.client("agent") as client:
        yield client


@pytest.fixture
async def admin(contacts: Contacts) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do everything, in a second process over the same log."""
    async with contacts.client("admin") as client:
        yield client
