"""The vault in JetStream: the cases of every vault, what other processes see, rotation, and what is on disk."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack

import pytest

from event_logs import api
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.streams import KEYS_STREAM, Sizing, assert_streams, keys_stream
from patron_events.jetstream.vault import JetStreamVault, MasterKeys, MasterKeyUnknown
from patron_events.sealing import SealBroken
from patron_events.testing import VAULT_CASES, VaultCase
from patron_events.vault import KeyDestroyed
from patron_servers import NatsCluster, NatsServer
from waiting import soon

MASTERS = MasterKeys({"m1": b"\x01" * 32}, "m1")
OpenVault = Callable[..., JetStreamVault]


@pytest.fixture
async def connection(own_nats: NatsServer) -> AsyncGenerator[Connection]:
    connection = await connect(own_nats.url)
    await assert_streams(connection, [keys_stream(Sizing(max_bytes=1 << 28))])
    yield connection
    await connection.close()


@pytest.fixture
async def opened(connection: Connection) -> AsyncGenerator[OpenVault]:
    async with AsyncExitStack() as stack:

        def opened(masters: MasterKeys = MASTERS) -> JetStreamVault:
            vault = JetStreamVault(connection, masters, most_cached=100)
            stack.push_async_callback(vault.close)
            return vault

        yield opened


@pytest.mark.parametrize("case", VAULT_CASES, ids=lambda case: case.__name__)
async def test_cases(case: VaultCase, opened: OpenVault) -> None:
    await case(opened())


@pytest.mark.parametrize("case", VAULT_CASES, ids=lambda case: case.__name__)
async def test_cases_on_three_replicas(case: VaultCase, nats_cluster: NatsCluster) -> None:
    connection = await connect(nats_cluster.urls)
    await assert_streams(connection, [keys_stream(Sizing(replicas=3, max_bytes=1 << 28))])
    vault = JetStreamVault(connection, MASTERS)
    await case(vault)
    await vault.close()
    await api(connection, f"STREAM.DELETE.{KEYS_STREAM}")
    await connection.close()


async def test_other_processes_forget_a_destroyed_key(opened: OpenVault) -> None:
    here, there = opened(), opened()
    await here.create(["ann", "ben"])
    assert set(await there.find(["ann", "ben"])) == {"ann", "ben"}
    await here.destroy("ann")
    assert set(await here.find(["ann", "ben"])) == {"ben"}

    async def ann_is_gone() -> bool:
        return set(await there.find(["ann", "ben"])) == {"ben"}

    await soon(ann_is_gone)
    with pytest.raises(KeyDestroyed):
        await there.create(["ann"])


async def test_what_was_destroyed_while_the_connection_was_down(
    own_nats: NatsServer, connection: Connection, opened: OpenVault
) -> None:
    here = opened()
    await here.create(["ann", "ben"])
    elsewhere = await connect(own_nats.url)
    other = JetStreamVault(elsewhere, MASTERS)
    await connection.force_reconnect()
    await other.destroy("ann")

    async def ann_is_gone() -> bool:
        return set(await here.find(["ann", "ben"])) == {"ben"}

    await soon(ann_is_gone)
    await other.close()
    await elsewhere.close()


async def test_a_restarted_server_keeps_keys_and_markers(own_nats: NatsServer, opened: OpenVault) -> None:
    vault = opened()
    made = await vault.create(["ann", "ben"])
    await vault.destroy("ben")
    own_nats.kill()
    await asyncio.to_thread(own_nats.start)
    found = await vault.find(["ann", "ben"])
    assert {subject: key.raw for subject, key in found.items()} == {"ann": made["ann"].raw}
    with pytest.raises(KeyDestroyed):
        await vault.create(["ben"])


async def test_master_keys_rotate(connection: Connection, opened: OpenVault) -> None:
    old = await opened().create(["ann"])
    rotated = MasterKeys({"m1": b"\x01" * 32, "m2": b"\x02" * 32}, "m2")
    vault = opened(rotated)
    assert (await vault.find(["ann"]))["ann"].raw == old["ann"].raw
    await vault.create(["ben"])
    with pytest.raises(MasterKeyUnknown):
        await opened().find(["ben"])
    with pytest.raises(SealBroken):
        await opened(MasterKeys({"m1": b"\x03" * 32}, "m1")).find(["ann"])
    with pytest.raises(MasterKeyUnknown):
        MasterKeys({"m1": b"\x01" * 32}, "m2")


async def test_an_entry_moved_to_another_subject_does_not_open(connection: Connection, opened: OpenVault) -> None:
    await opened().create(["ann"])
    kept = await connection.ask(f"$JS.API.DIRECT.GET.{KEYS_STREAM}.$KV.PATRON_KEYS.ann", timeout_s=5)
    await connection.ask("$KV.PATRON_KEYS.eve", kept.body, timeout_s=5)
    with pytest.raises(SealBroken):
        await opened().find(["eve"])


async def test_nothing_of_a_destroyed_key_is_on_disk(
    own_nats: NatsServer, connection: Connection, opened: OpenVault
) -> None:
    vault = opened()
    await vault.create(["ann", "ben"])
    entries: dict[str, bytes] = {}
    for subject in ("ann", "ben"):
        kept = await connection.ask(f"$JS.API.DIRECT.GET.{KEYS_STREAM}.$KV.PATRON_KEYS.{subject}", timeout_s=5)
        entries[subject] = kept.body
    await vault.destroy("ann")
    own_nats.stop()
    stored = b"".join(path.read_bytes() for path in own_nats.data_dir.rglob("*.blk"))
    assert entries["ben"] in stored
    assert entries["ann"] not in stored
    assert not any(entries["ann"][part : part + 24] in stored for part in range(20, len(entries["ann"]) - 24))
    own_nats.start()  # for the fixtures, which say goodbye
