"""Processes of reactions that are killed, all down at the due time, or told the wrong time."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from patron_events.catalog.pipeline import leads
from patron_events.decisions import Asked
from patron_events.jetstream.connection import Connection, connect
from patron_events.jetstream.store import JetStreamStore
from patron_events.jetstream.streams import Sizing, assert_streams, keys_stream, log_stream
from patron_events.jetstream.vault import JetStreamVault, MasterKeys
from patron_events.vault import BlindIndex
from patron_pipeline.api.parts import Parts
from patron_pipeline.composition import parts
from patron_pipeline.domain.deal import DEAL
from patron_pipeline.domain.lead import LEAD
from patron_pipeline.domain.stages import RULE
from patron_reactions.consumers import states_on
from patron_reactions.streams import assert_side_streams
from patron_servers import NatsServer
from pipeline.sales_force import ANYBODY, publish, record_rep
from waiting import soon

SIZING = Sizing(max_bytes=1 << 28)
KEY = b"k" * 32
TEAM = ("ann", "ben", "cy")


@dataclass
class Site:
    """A log, the use cases over it, and processes of reactions."""

    connection: Connection
    url: str
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list["subprocess.Popen[bytes]"])

    @property
    def parts(self) -> Parts:
        """Give the use cases with caches of their own."""
        vault = JetStreamVault(self.connection, MasterKeys({"k": KEY}, "k"))
        return parts(JetStreamStore(self.connection), vault, BlindIndex(KEY))

    def start(self) -> "subprocess.Popen[bytes]":
        """Start a process of reactions."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PATRON_")}
        environment |= {
            "PATRON_NATS_URL": self.url,
            "PATRON_MASTER_KEYS": json.dumps({"k": base64.b64encode(KEY).decode()}),
            "PATRON_STREAM_MAX_BYTES": str(SIZING.max_bytes),
        }
        command = [sys.executable, "-m", "patron_pipeline.app", "reactions"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    @contextmanager
    def reacting(self) -> "Generator[subprocess.Popen[bytes]]":
        """Run a process of reactions for as long as the block runs."""
        process = self.start()
        try:
            yield process
        finally:
            process.terminate()
            process.wait()

    async def is_settled(self) -> bool:
        """Tell whether everything was reacted to."""
        asked = [await states_on(self.connection, stream, "pipeline") for stream in ("PIPELINE", "TIMERS")]
        return all(states and all(state.pending == state.open == 0 for state in states) for states in asked)


@pytest.fixture
async def site(own_nats: NatsServer) -> AsyncGenerator[Site]:
    connection = await connect(own_nats.url)
    declared = [log_stream("pipeline", SIZING), log_stream("contacts", SIZING), keys_stream(SIZING)]
    await assert_streams(connection, declared)
    await assert_side_streams(connection, SIZING)
    site = Site(connection, own_nats.url)
    yield site
    for process in site.processes:
        process.kill()
        process.wait()
    await connection.close()


async def define(site: Site, days: int | None) -> None:
    stage = {"id": "prospecting", "name": "P", **({} if days is None else {"rotting_days": days})}
    closed = [{"id": "won", "name": "W", "kind": "won"}, {"id": "lost", "name": "L", "kind": "lost"}]
    await site.parts.pipelines.define("default", {"name": "Sales", "stages": [stage, *closed]}, Asked(ANYBODY))


async def rotted(site: Site, deal_id: str) -> bool:
    return (await site.parts.decisions.journal.load(DEAL, deal_id)).state.rotted


@pytest.mark.slow
async def test_killed_replicas_leave_no_lead_unassigned_and_none_assigned_twice(site: Site) -> None:
    here = site.parts
    for subject in TEAM:
        await record_rep(here.decisions, subject, team="emea")
    rule = {"id": "emea", "to": {"strategy": "round-robin", "team": "emea"}}
    await publish(here.decisions, "assignment", {"rules": [rule], "fallback": {"strategy": "queue", "queue": "inbox"}})
    site.start()
    site.start()
    captured: list[str] = []
    for turn in range(4):
        for number in range(8):
            body = {"family_name": f"L{turn}-{number}"}
            captured.append((await here.leads.capture(body, Asked(ANYBODY), channel="api")).stream.id)
        victim = site.processes[turn]
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
        site.start()
    await soon(site.is_settled, within_s=120)
    journal = site.parts.decisions.journal
    found = [(await journal.load(LEAD, one)).state for one in captured]
    times = [sum(isinstance(step.fact, leads.LeadAssigned) for step in one.path) for one in found]
    assert times == [1] * len(captured)
    assert {one.owner for one in found} == set(TEAM)


@pytest.mark.slow
async def test_a_timer_that_fell_due_while_every_process_was_down_is_heard_once(site: Site) -> None:
    await define(site, 1)
    almost = (datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=6)).isoformat()
    opened = await site.parts.deals.open({"name": "D", "occurred_at": almost}, Asked(ANYBODY), RULE)
    with site.reacting():
        await soon(site.is_settled, within_s=60)

    async def fired() -> bool:
        return [state.pending for state in await states_on(site.connection, "TIMERS", "pipeline")] == [1]

    if not await rotted(site, opened.stream.id):
        await soon(fired, within_s=30)
    with site.reacting():
        await soon(lambda: rotted(site, opened.stream.id), within_s=60)
        await soon(site.is_settled, within_s=60)
    facts = (await site.parts.decisions.journal.load(DEAL, opened.stream.id)).state
    assert facts.rotted
    assert (facts.status, facts.stage) == ("open", "prospecting")


@pytest.mark.slow
async def test_facts_of_a_machine_whose_clock_is_ahead_fire_when_the_server_says_so(site: Site) -> None:
    """A service ten minutes ahead opens a deal: the timer waits, nothing fires in circles, and it is told once."""
    await define(site, 1)
    ahead = datetime.now(UTC) + timedelta(minutes=10)
    opened = await site.parts.deals.open(
        {"name": "D", "occurred_at": (ahead - timedelta(days=1)).isoformat()}, Asked(ANYBODY), RULE
    )
    with site.reacting():
        await soon(site.is_settled, within_s=60)
        assert not await rotted(site, opened.stream.id)
        await define(site, None)
        await define(site, 1)
        await soon(site.is_settled, within_s=60)
    assert not await rotted(site, opened.stream.id)
    assert (await site.parts.decisions.journal.load(DEAL, opened.stream.id)).version == 1
