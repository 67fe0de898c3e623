"""The process of reactions: FastStream runs durable pull consumers and drains them; the rest is ours.

Any number of hosts share the work. FastStream's own acknowledgement is off (its default drops a message whose handler
raised); its metrics and spans name the concrete subject, so that each aggregate would be a label, and are not used.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from logging import getLogger
from typing import Any, Final
from uuid import UUID

import structlog
from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, NatsMessage, PullSub
from nats.aio.client import Client
from typing_extensions import override

from patron_events.jetstream.connection import Connection
from patron_events.jetstream.patience import patiently
from patron_events.jetstream.streams import Sizing
from patron_events.rejections import Unavailable
from patron_events.vault import KeyVault
from patron_reactions.consumers import ACK_WAIT_S, Consumer, consumers_of, declare_all, retire, state_of
from patron_reactions.dead_letters import DeadLetterNotFound, DeadLetters
from patron_reactions.figures import ReactionFigures
from patron_reactions.handling import Handling
from patron_reactions.pulling import DurablePull, FetchingConnection, IsWanted
from patron_reactions.service import Reactions
from patron_reactions.streams import assert_side_streams
from patron_reactions.work import Delivery, Work
from patron_runtime.metrics import Metrics

WORKERS: Final = 32
"""Messages of one consumer that are worked on at the same time: one that waits for a mail server stops no others."""
_BATCH: Final = 32
_FETCH_S: Final = 5.0
_DRAIN_S: Final = 15.0
_LOOK_S: Final = 1.0
_GAUGES_EVERY: Final = 15
_TIMEOUT_S: Final = 10.0

_log = structlog.stdlib.get_logger("patron.reactions")


class ConsumerGone(Exception):
    """A durable consumer was deleted; a new start creates it again, from the beginning of its stream."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host works. servers: of FastStream's own connection; connection: for everything else."""

    servers: tuple[str, ...]
    connection: Connection
    vault: KeyVault
    sizing: Sizing
    metrics: Metrics


class _Broker(NatsBroker):
    """FastStream's broker over a connection of ours, which reconnects for ever and fetches better."""

    def __init__(self, servers: tuple[str, ...], connection: FetchingConnection) -> None:
        logger = getLogger("patron.faststream")
        super().__init__(servers, logger=logger, apply_types=False, graceful_timeout=_DRAIN_S)
        self._servers = servers
        self._ours = connection

    @override
    async def _connect(self) -> Client:
        await self._ours.open(self._servers, patient=True)
        self.config.connect(self._ours)
        return self._ours


class Host:
    """Runs the reactions of one service until it is told to stop."""

    def __init__(self, place: Place, reactions: Reactions, figures: ReactionFigures) -> None:
        self._place = place
        self._reactions = reactions
        self._figures = figures
        self._work = Work(reactions, place.vault)
        self._letters = DeadLetters(place.connection, reactions.service)
        self._handling = Handling(reactions.service, self._work, self._letters, figures)
        self._consumers = consumers_of(reactions)

    async def run(self, stop: asyncio.Event) -> None:
        """React until `stop` is set; then finish what is under way, for at most 15 s.

        Raises:
            ConsumerGone: somebody deleted a consumer. LogFault, StreamDiffers: the log is not as it must be.
            Unavailable: it did not answer for 15 s at the start; later silence is waited out.
        """
        await patiently(self._declare)
        connection = FetchingConnection(self._wanted())
        broker = _Broker(self._place.servers, connection)
        for consumer in self._consumers:
            self._subscribe(broker, connection, consumer)
        await broker.start()
        _log.info("reactions.started", of=self._reactions.service, categories=list(self._reactions.categories))
        try:
            await self._watch(connection, stop)
        finally:
            await broker.stop()
            _log.info("reactions.stopped", of=self._reactions.service)

    async def _declare(self) -> None:
        await assert_side_streams(self._place.connection, self._place.sizing)
        await declare_all(self._place.connection, self._reactions)

    def _wanted(self) -> dict[str, IsWanted]:
        return {
            consumer.subject: _everything if consumer.category is None else self._work.is_wanted(consumer.category)
            for consumer in self._consumers
        }

    def _subscribe(self, broker: NatsBroker, connection: FetchingConnection, consumer: Consumer) -> None:
        repeats = consumer.subject.startswith("dead.")

        async def react(message: NatsMessage) -> None:
            pull = _pulls(connection)[consumer.subject]
            raw = message.raw_message
            told = raw.metadata
            delivery = Delivery(
                consumer.stream, told.sequence.stream, raw.subject, told.timestamp, told.num_delivered, raw.data
            )
            again_s: float | None = 0.0  # when this host is being stopped, another one gets it at once
            try:
                again_s = await (self._repeat(delivery) if repeats else self._handling.handle(delivery))
            finally:
                pull.settle(raw.reply, _settlement(again_s))

        subscriber = broker.subscriber(
            consumer.subject,
            durable=consumer.durable,
            stream=JStream(consumer.stream, declare=False),
            pull_sub=PullSub(batch_size=_BATCH, timeout=_FETCH_S),
            ack_policy=AckPolicy.MANUAL,
            max_workers=WORKERS,
            decoder=_as_it_is,
            title=f"{self._reactions.service} reacts to {consumer.subject}",
        )
        subscriber(react)

    async def _repeat(self, delivery: Delivery) -> float | None:
        letter_id = delivery.subject.rpartition(".")[2]
        try:
            letter = await self._letters.find(UUID(letter_id))
            return await self._handling.repeat(letter, delivery.deliveries)
        except DeadLetterNotFound:
            await self._letters.fulfilled(letter_id)
            return None
        except Unavailable:
            return _LOOK_S

    async def _watch(self, connection: FetchingConnection, stop: asyncio.Event) -> None:
        """Say in time what is still worked on, and show how far the consumers are."""
        turn = 0
        while not stop.is_set():
            try:
                async with asyncio.timeout(_LOOK_S):
                    await stop.wait()
            except TimeoutError:
                pass
            for subject, pull in _pulls(connection).items():
                pull.beat(ACK_WAIT_S / 4)
                if pull.gone:
                    raise ConsumerGone(f"{self._reactions.service} reads {subject} no more")
            turn += 1
            if turn % _GAUGES_EVERY == 1:
                await self._show()

    async def _show(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await retire(self._place.connection, self._reactions)
        except Exception as error:  # noqa: BLE001  # the next time will do
            _log.debug("reactions.not-retired", error_type=type(error).__name__)
        for consumer in self._consumers:
            try:
                async with asyncio.timeout(_LOOK_S):
                    state = await state_of(self._place.connection, consumer.stream, consumer.durable)
            except Exception as error:  # noqa: BLE001  # figures wait until the server answers again
                _log.debug("reactions.unseen", consumer=consumer.durable, error_type=type(error).__name__)
                return
            if state is not None:
                self._figures.pending.labels(consumer.stream, consumer.durable).set(state.pending)
                self._figures.open.labels(consumer.stream, consumer.durable).set(state.open)


def _pulls(connection: FetchingConnection) -> Mapping[str, DurablePull]:
    return {} if connection.fetching is None else connection.fetching.pulls


def _settlement(again_s: float | None) -> bytes:
    return b"+ACK" if again_s is None else b'-NAK {"delay":%d}' % int(again_s * 10**9)


def _everything(body: bytes) -> bool:
    del body
    return True


async def _as_it_is(message: Any) -> Any:
    """Keep FastStream from reading the body: it is a commit, a timer or a wish."""
    return message
