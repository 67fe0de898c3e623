"""Timers as message schedules of the server (ADR-51 of NATS): no process of ours has to be up when one falls due.

`timers.set.<service>.<key>` holds the schedule; the server moves it to `timers.due.<service>.<kind>` at its time, also
when it was down at that time. One schedule per subject: setting it again replaces it. Cancelling purges the subject,
because neither a plain message nor a deletion takes a schedule back without leaving something behind.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from patron_events.envelope import Cause
from patron_events.jetstream.connection import Connection
from patron_events.jetstream.patience import BUDGET_S
from patron_reactions.asking import ATTEMPT_S, accepted
from patron_reactions.streams import TIMERS
from patron_reactions.timers import Because, Fired, cause_of_timer, check_key, check_timer

_encode: Final = msgspec.json.Encoder().encode


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """A timer as the schedule carries it. set_at: by the clock of whoever set it; only used for `cause_of_timer`."""

    key: str
    kind: str
    at: datetime
    set_at: datetime
    data: dict[str, Any] = {}
    cause: Cause = Cause()


_decode_kept: Final = msgspec.json.Decoder(_Kept).decode


def due_subject(service: str, kind: str = "*") -> str:
    """Name where timers of a service go when they fire."""
    return f"timers.due.{service}.{kind}"


def set_subject(service: str, key: str) -> str:
    """Name where a timer waits."""
    return f"timers.set.{service}.{key}"


class JetStreamTimers:
    """The adapter of `Timers`; the stream TIMERS must exist. service: whose timers they are."""

    def __init__(self, connection: Connection, service: str, *, budget_s: float = BUDGET_S) -> None:
        self._connection = connection
        self._service = service
        self._budget_s = budget_s

    async def put(
        self, key: str, kind: str, at: datetime, data: Mapping[str, Any] | None = None, *, because: Because
    ) -> None:
        """Set a timer, or set it anew."""
        check_timer(key, kind, at)
        when = at.astimezone(UTC)
        body = _encode(_Kept(key, kind, when, datetime.now(UTC), dict(data or {}), because.cause()))
        lines = (
            f"Nats-Schedule: @at {when.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}\r\n"
            f"Nats-Schedule-Target: {due_subject(self._service, kind)}\r\n"
        )
        subject = set_subject(self._service, key)
        headers = lines.encode()
        await accepted(
            lambda: self._connection.ask(subject, body, timeout_s=ATTEMPT_S, headers=headers), self._budget_s
        )

    async def cancel(self, key: str) -> None:
        """Take a timer back."""
        check_key(key)
        request = _encode({"filter": set_subject(self._service, key)})
        purge = f"$JS.API.STREAM.PURGE.{TIMERS}"
        await accepted(lambda: self._connection.ask(purge, request, timeout_s=ATTEMPT_S), self._budget_s)


def read_fired(body: bytes, fired_at: datetime) -> Fired:
    """Read what the server moved to `due_subject`; raises msgspec.DecodeError. fired_at: the server's clock."""
    kept = _decode_kept(body)
    because = cause_of_timer(kept.cause, kept.set_at, fired_at)
    return Fired(kept.key, kept.kind, kept.at, fired_at, kept.data, because)
