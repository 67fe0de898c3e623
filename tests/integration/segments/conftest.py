"""Logs in memory and a database of one's own, for tests of segments."""

import secrets
from collections.abc import Generator

import psycopg
import pytest
from psycopg import sql

from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from segment_side import SegmentSide


@pytest.fixture
def side(database_url: str) -> SegmentSide:
    store = MemoryStore()
    return SegmentSide(database_url, store, store, MemoryVault())


@pytest.fixture
def lost(side: SegmentSide, postgres_url: str) -> Generator[SegmentSide]:
    """Give the same logs over a second, empty database."""
    name = f"lost_{secrets.token_hex(8)}"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    again = SegmentSide(side.url.rpartition("/")[0] + "/" + name, side.store, side.reader, side.vault)
    again.share(side)
    yield again
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
