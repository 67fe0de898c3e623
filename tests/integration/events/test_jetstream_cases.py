"""The JetStream store passes the cases of every store, on one server and on a cluster of three."""

import pytest

from patron_events.testing import STORE_CASES, Log, StoreCase


@pytest.mark.parametrize("case", STORE_CASES, ids=lambda case: case.__name__)
async def test_one_server(case: StoreCase, log: Log) -> None:
    await case(log)


@pytest.mark.parametrize("case", STORE_CASES, ids=lambda case: case.__name__)
async def test_three_replicas(case: StoreCase, cluster_log: Log) -> None:
    await case(cluster_log)
