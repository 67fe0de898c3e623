"""The in-memory twins pass the cases that every store and vault must pass."""

import pytest

from patron_events.memory import MemoryStore
from patron_events.testing import STORE_CASES, VAULT_CASES, Log, StoreCase, VaultCase
from patron_events.vault import MemoryVault


@pytest.mark.parametrize("case", STORE_CASES, ids=lambda case: case.__name__)
async def test_memory_store(case: StoreCase) -> None:
    store = MemoryStore()
    await case(Log(store, store, "cases"))


@pytest.mark.parametrize("case", VAULT_CASES, ids=lambda case: case.__name__)
async def test_memory_vault(case: VaultCase) -> None:
    await case(MemoryVault())
