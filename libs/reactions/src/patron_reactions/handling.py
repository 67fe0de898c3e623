"""Running the reactions to a message: once each, side by side with others, and again later where one failed."""

import asyncio
import random
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from msgspec.structs import replace
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from patron_events.rejections import Rejection, Unavailable
from patron_reactions.dead_letters import DeadLetter, DeadLetters
from patron_reactions.figures import ReactionFigures
from patron_reactions.reaction import LoopSuspected
from patron_reactions.streams import TIMERS
from patron_reactions.work import Delivery, Job, NobodyReacts, Work

DELIVERIES: Final = 8
"""How often a message is delivered to a reaction that fails: within about a minute and a half."""
_REFUSED: Final = 4
_UNAVAILABLE: Final = 120
_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 30.0
_LONGEST_RUN_S: Final = 600.0
_REMEMBERED: Final = 4096
_MOST_FRAMES: Final = 8
_PROPAGATOR: Final = TraceContextTextMapPropagator()

_log = structlog.stdlib.get_logger("patron.reactions")


class Handling:
    """Runs the jobs of messages, and leaves dead letters. service: whose reactions they are."""

    def __init__(self, service: str, work: Work, letters: DeadLetters, figures: ReactionFigures) -> None:
        self._service = service
        self._work = work
        self._letters = letters
        self._figures = figures
        self._tracer = trace.get_tracer("patron_reactions")
        # What succeeded before another reaction to the same message failed; running it again would be harmless.
        self._done: OrderedDict[tuple[str, int], set[str]] = OrderedDict()

    async def handle(self, delivery: Delivery) -> float | None:
        """React to a message; answers None when it is done with, or in how many seconds to deliver it again."""
        try:
            jobs = await self._work.jobs(delivery)
        except Unavailable:
            return _delay_s(delivery.deliveries)
        except Exception as error:  # noqa: BLE001  # nobody can know what a broken message calls for
            jobs = [self._work.broken(delivery, error)]
        key = delivery.stream, delivery.sequence
        done = self._done.get(key, set[str]())
        again = False
        for job in jobs:
            if job.id in done:
                continue
            error = await self._run(job, delivery)
            if error is None or await self._given_up(job, delivery, error):
                done.add(job.id)
            else:
                again = True
        if not again:
            self._done.pop(key, None)
            return None
        self._done[key] = done
        if len(self._done) > _REMEMBERED:
            self._done.popitem(last=False)
        return _delay_s(delivery.deliveries)

    async def repeat(self, letter: DeadLetter, deliveries: int) -> float | None:
        """Run what a dead letter names once more; it goes when that succeeds, and says why when it fails again."""
        delivery = await self._delivery_of(letter)
        jobs: Sequence[Job] = () if delivery is None else await self._work.jobs(delivery)
        job = next((job for job in jobs if job.id == letter.id), None)
        if delivery is None or job is None:  # the log was restored from a backup, or nobody reacts to this any more
            error: Exception | None = NobodyReacts()
            failed = _failed_again(letter, error)
        else:
            error = await self._run(job, delivery)
            failed = None if error is None else _failed_again(letter, error)
        if failed is None:
            await self._letters.remove(letter.id)
            _log.info("reaction.dead-letter.repeated", reaction=letter.reaction, letter=letter.id)
            return None
        if isinstance(error, Unavailable) and deliveries < _UNAVAILABLE:
            return _delay_s(deliveries)
        await self._letters.leave(failed)
        await self._letters.fulfilled(letter.id)
        return None

    async def _delivery_of(self, letter: DeadLetter) -> Delivery | None:
        if letter.message:
            return Delivery(letter.stream, letter.sequence, letter.subject, letter.stored_at, 1, letter.message)
        kept = await self._letters.original(letter)
        if kept is None:
            return None
        return Delivery(letter.stream, kept.sequence, kept.subject, kept.stored_at, 1, kept.body)

    async def _run(self, job: Job, delivery: Delivery) -> Exception | None:
        carrier = {"traceparent": job.cause.traceparent} if job.cause.traceparent else {}
        begun = asyncio.get_running_loop().time()
        error: Exception | None = None
        attributes = {"patron.what": job.what, "patron.deliveries": delivery.deliveries}
        parent = _PROPAGATOR.extract(carrier)
        with self._tracer.start_as_current_span(
            f"react {job.reaction}", parent, trace.SpanKind.CONSUMER, attributes, record_exception=False
        ) as span:
            try:
                async with asyncio.timeout(_LONGEST_RUN_S):
                    await job.run()
            except Exception as raised:  # noqa: BLE001  # whatever a reaction raises means: not done
                error = raised
                span.set_status(trace.StatusCode.ERROR, type(raised).__name__)
                self._tell(job, delivery, raised)
        self._count(job, delivery, error, asyncio.get_running_loop().time() - begun)
        return error

    def _count(self, job: Job, delivery: Delivery, error: Exception | None, seconds: float) -> None:
        self._figures.seconds.labels(job.reaction).observe(seconds)
        self._figures.handled.labels(job.reaction, "done" if error is None else "failed").inc()
        if error is None:
            now = datetime.now(UTC)
            if job.due_at is None:
                self._figures.delay.labels(job.reaction).observe((now - delivery.stored_at).total_seconds())
            else:
                self._figures.lateness.labels(job.what).observe(max(0.0, (now - job.due_at).total_seconds()))

    def _tell(self, job: Job, delivery: Delivery, error: Exception) -> None:
        level = _log.info if isinstance(error, Unavailable) else _log.warning
        level(
            "reaction.failed",
            reaction=job.reaction,
            what=job.what,
            event_id=job.event_id,
            deliveries=delivery.deliveries,
            error_type=type(error).__qualname__,
            code=error.code if isinstance(error, Rejection) else None,
            frames=_frames(error)[-3:],
        )

    async def _given_up(self, job: Job, delivery: Delivery, error: Exception) -> bool:
        if delivery.deliveries < _most(error):
            return False
        letter = DeadLetter(
            id=job.id,
            service=self._service,
            reaction=job.reaction,
            what=job.what,
            event_id=job.event_id,
            stream=delivery.stream,
            sequence=delivery.sequence,
            subject=delivery.subject,
            stored_at=delivery.stored_at,
            deliveries=delivery.deliveries,
            died_at=datetime.now(UTC),
            message=delivery.body if delivery.stream == TIMERS else b"",
            error=type(error).__qualname__,
            **_told(error),
        )
        try:
            await self._letters.leave(letter)
        except Unavailable:
            return False
        self._figures.dead.labels(job.reaction).inc()
        _log.error("reaction.dead", reaction=job.reaction, what=job.what, event_id=job.event_id, letter=job.id)
        return True


def _failed_again(letter: DeadLetter, error: Exception) -> DeadLetter:
    name, retries = type(error).__qualname__, letter.retries + 1
    return replace(letter, died_at=datetime.now(UTC), retries=retries, error=name, **_told(error))


def _told(error: Exception) -> dict[str, Any]:
    """Say what may be said about an error: texts of refusals carry no personal data, those of exceptions may."""
    refused = error if isinstance(error, Rejection) else None
    return {
        "code": refused.code if refused else None,
        "detail": refused.detail if refused else None,
        "frames": _frames(error),
    }


def _most(error: Exception) -> int:
    if isinstance(error, LoopSuspected):
        return 1
    if isinstance(error, Unavailable):
        return _UNAVAILABLE
    return _REFUSED if isinstance(error, Rejection) else DELIVERIES


def _delay_s(deliveries: int) -> float:
    longest = min(_LONGEST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(deliveries - 1, 10))
    return longest * random.uniform(0.75, 1.25)  # noqa: S311  # jitter


def _frames(error: Exception) -> tuple[str, ...]:
    walked = traceback.walk_tb(error.__traceback__)
    frames = [f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}" for frame, line in walked]
    return tuple(frames[-_MOST_FRAMES:])
