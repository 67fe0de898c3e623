"""Durable consumers of reactions: what a service has reacted to is kept by the server, not by a process.

One for each category of the log that a service follows, so that an import of deals lets no lead wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import ApiError, LogFault
from patron_events.jetstream.streams import stream_name
from patron_reactions.dead_letters import retry_subject
from patron_reactions.jetstream_timers import due_subject
from patron_reactions.service import Reactions
from patron_reactions.streams import DEAD_LETTERS, TIMERS

ACK_WAIT_S: Final = 15.0
"""After so much silence another replica gets the message; those who work on one say so in between."""
_MOST_OPEN: Final = 2048
_TIMEOUT_S: Final = 10.0
_NS: Final = 10**9
_NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True)
class Consumer:
    """One durable consumer. category: `context.aggregate`; None for timers and repetitions of dead letters."""

    stream: str
    durable: str
    subject: str
    category: str | None = None


class ConsumerState(msgspec.Struct, frozen=True):
    """How far a consumer is.

    pending: messages that nobody was given yet. open: given and not settled. again: of these, given before.
    waiting: requests of hosts that wait for messages; none and nothing open means that no host lives.
    consumer: its durable name, unique on its stream.
    """

    stream: str
    consumer: str
    pending: int
    open: int
    again: int
    waiting: int
    active_at: datetime | None = None


class _Delivered(msgspec.Struct, frozen=True):
    last_active: datetime | None = None


class _Names(msgspec.Struct, frozen=True):
    total: int = 0
    consumers: list[str] | None = None
    error: ApiError | None = None


class _Config(msgspec.Struct, frozen=True):
    opt_start_seq: int = 0


class _Floor(msgspec.Struct, frozen=True):
    stream_seq: int = 0


class _Info(msgspec.Struct, frozen=True):
    config: _Config = _Config()
    ack_floor: _Floor = _Floor()
    num_pending: int = 0
    num_ack_pending: int = 0
    num_redelivered: int = 0
    num_waiting: int = 0
    delivered: _Delivered = _Delivered()
    error: ApiError | None = None


_decode_names: Final = msgspec.json.Decoder(_Names).decode
_decode_info: Final = msgspec.json.Decoder(_Info).decode
_encode: Final = msgspec.json.Encoder().encode


def durable_name(service: str, aggregate: str | None = None) -> str:
    """Name a durable consumer of a service; neither part holds an underscore."""
    return f"reactions-{service}" if aggregate is None else f"reactions-{service}_{aggregate}"


def consumers_of(reactions: Reactions) -> Sequence[Consumer]:
    """List what a host of these reactions consumes: logs, its timers, and wishes to repeat dead letters."""
    name = durable_name(reactions.service)
    return [
        *(_of_log(reactions.service, category) for category in reactions.categories),
        Consumer(TIMERS, name, due_subject(reactions.service)),
        Consumer(DEAD_LETTERS, name, retry_subject(reactions.service)),
    ]


def _of_log(service: str, category: str) -> Consumer:
    context, _, aggregate = category.partition(".")
    name = durable_name(service, aggregate)
    return Consumer(stream_name(context), name, f"crm.{context}.*.{aggregate}.>", category)


async def declare_all(connection: Connection, reactions: Reactions) -> None:
    """Create what a host of these reactions consumes, and retire what it does not any more; raises LogFault.

    One durable for a whole log, as there was before each category had its own, is followed where it had come to: what
    it had in hand is delivered again, which changes nothing.
    """
    for consumer in consumers_of(reactions):
        before = await _whole(connection, consumer, reactions.service)
        await declare(connection, consumer, after=before.ack_floor.stream_seq if before else 0)
    await retire(connection, reactions)


async def retire(connection: Connection, reactions: Reactions) -> None:
    """Delete the durables of whole logs at which no host of an older release waits any more.

    Others that this release does not know may be those of a newer one, and stay.
    """
    whole = durable_name(reactions.service)
    for consumer in consumers_of(reactions):
        before = await _whole(connection, consumer, reactions.service)
        if before is not None and not before.num_waiting:
            await connection.ask(f"$JS.API.CONSUMER.DELETE.{consumer.stream}.{whole}", timeout_s=_TIMEOUT_S)


async def _whole(connection: Connection, consumer: Consumer, service: str) -> _Info | None:
    """Find the durable that followed the whole log of which this one follows a category."""
    return None if consumer.category is None else await _info(connection, consumer.stream, durable_name(service))


async def declare(connection: Connection, consumer: Consumer, *, after: int = 0) -> None:
    """Create a consumer that reads its stream from above a sequence, or leave it where it is; raises LogFault.

    Without `max_deliver`: a server that gives up says so to nobody. The host gives up itself, and leaves a letter.
    """
    error = await _create(connection, consumer, after and after + 1)
    if error is not None:  # another host was quicker, and had read that a few more were done
        error = await _create(connection, consumer, 0)
    if error is not None:
        raise LogFault(error)


async def _create(connection: Connection, consumer: Consumer, start: int) -> ApiError | None:
    told = await _info(connection, consumer.stream, consumer.durable)
    start = start if told is None else told.config.opt_start_seq
    config: dict[str, Any] = {
        "name": consumer.durable,
        "durable_name": consumer.durable,
        "filter_subject": consumer.subject,
        "ack_policy": "explicit",
        "ack_wait": int(ACK_WAIT_S * _NS),
        **({"deliver_policy": "by_start_sequence", "opt_start_seq": start} if start else {"deliver_policy": "all"}),
        "max_deliver": -1,
        "max_ack_pending": _MOST_OPEN,
        "max_waiting": 64,
    }
    subject = f"$JS.API.CONSUMER.CREATE.{consumer.stream}.{consumer.durable}.{consumer.subject}"
    request = _encode({"stream_name": consumer.stream, "config": config})
    return _decode_info((await connection.ask(subject, request, timeout_s=_TIMEOUT_S)).body).error


async def states_on(connection: Connection, stream: str, service: str) -> Sequence[ConsumerState]:
    """Ask how far a service is with a stream, consumer by consumer; none where it never read it."""
    names = await _own_names(connection, stream, service)
    states = [await state_of(connection, stream, name) for name in sorted(names)]
    return [state for state in states if state is not None]


async def state_of(connection: Connection, stream: str, durable: str) -> ConsumerState | None:
    """Ask how far a consumer is; None where it does not exist."""
    told = await _info(connection, stream, durable)
    if told is None:
        return None
    return ConsumerState(
        stream,
        durable,
        told.num_pending,
        told.num_ack_pending,
        told.num_redelivered,
        told.num_waiting,
        told.delivered.last_active,
    )


async def _info(connection: Connection, stream: str, durable: str) -> _Info | None:
    told = _decode_info((await connection.ask(f"$JS.API.CONSUMER.INFO.{stream}.{durable}", timeout_s=_TIMEOUT_S)).body)
    if told.error is None:
        return told
    if told.error.code == _NOT_FOUND:
        return None
    raise LogFault(told.error)


async def _own_names(connection: Connection, stream: str, service: str) -> Sequence[str]:
    own = durable_name(service)
    return [name for name in await _names(connection, stream) if name.partition("_")[0] == own]


async def _names(connection: Connection, stream: str) -> Sequence[str]:
    """List the consumers of a stream, which the server tells in pages."""
    found: list[str] = []
    while True:
        request = _encode({"offset": len(found)})
        answer = await connection.ask(f"$JS.API.CONSUMER.NAMES.{stream}", request, timeout_s=_TIMEOUT_S)
        told = _decode_names(answer.body)
        if told.error is not None:
            if told.error.code == _NOT_FOUND:
                return ()
            raise LogFault(told.error)
        found += told.consumers or ()
        if not told.consumers or len(found) >= told.total:
            return found
