"""Logs in memory and a database of one's own, for tests of segments."""

import pytest

from patron_events.memory import MemoryStore
from patron_events.vault import MemoryVault
from segment_side import SegmentSide


@pytest.fixture
def side(database_url: str) -> SegmentSide:
    store = MemoryStore()
    return SegmentSide(database_url, store, store, MemoryVault())
