"""Reading single subjects of a stream: the last message of many, or the messages of one, always current.

Direct gets are answered by any replica, so on a replicated stream an answer can be old. A read of many subjects
is therefore fenced: the leader names its newest message, and an answer that does not reach it is asked for again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from patron_events.jetstream.connection import LOST, Connection, command, header, status_of
from patron_events.jetstream.errors import ApiError, ConnectionLost, NoAnswer, NoResponders

_MOST_SUBJECTS: Final = 1000  # the server refuses more than 1,024
_LAGGING_WAIT_S: Final = 0.01
_encode: Final = msgspec.json.Encoder().encode


class Kept(NamedTuple):
    """One message as the stream keeps it; `message_id` is empty where it was sent without."""

    subject: str
    sequence: int
    stored_at: datetime
    message_id: str
    body: bytes


class _Message(msgspec.Struct, frozen=True):
    subject: str
    seq: int
    time: str
    hdrs: bytes = b""
    data: bytes = b""


class _Got(msgspec.Struct, frozen=True):
    message: _Message | None = None
    error: ApiError | None = None


_decode_got: Final = msgspec.json.Decoder(_Got).decode


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)  # cuts nanoseconds off, as the reader does


def _kept(headers: bytes, body: bytes) -> Kept:
    return Kept(
        header(headers, b"Nats-Subject:").decode(),
        int(header(headers, b"Nats-Sequence:")),
        _moment(header(headers, b"Nats-Time-Stamp:").decode()),
        header(headers, b"Nats-Msg-Id:").decode(),
        body,
    )


class _Ending(NamedTuple):
    """How a batch of direct answers ended; `through` is the newest message its replica held, 0 if unsaid."""

    status: bytes
    pending: int
    through: int


class Lookup:
    """Reads of one stream. Raises (every method) ConnectionLost, NoResponders, NoAnswer."""

    def __init__(self, connection: Connection, stream: str, *, replicated: bool, timeout_s: float) -> None:
        self._connection = connection
        self._direct = f"$JS.API.DIRECT.GET.{stream}"
        self._leader = f"$JS.API.STREAM.MSG.GET.{stream}"
        self._replicated = replicated
        self._timeout_s = timeout_s

    async def newest(self) -> Kept | None:
        """Ask the leader for the newest message of the whole stream."""
        return await self._from_leader(">")

    async def last(self, subjects: Sequence[str]) -> Mapping[str, Kept]:
        """Find the last message of each subject; subjects without any are absent."""
        if len(subjects) == 1:
            one = await (self._from_leader if self._replicated else self._from_any)(subjects[0])
            return {} if one is None else {one.subject: one}
        fence = await self.newest() if self._replicated else None
        if self._replicated and fence is None:
            return {}
        parts = [subjects[start : start + _MOST_SUBJECTS] for start in range(0, len(subjects), _MOST_SUBJECTS)]
        found: dict[str, Kept] = {}
        for part in parts:
            found |= await self._last_of(part, fence)
        return found

    async def read(self, subject: str, *, after: int, count: int) -> Sequence[Kept]:
        """Read up to `count` messages of one subject above sequence `after`, oldest first."""
        kept: list[Kept] = []
        while len(kept) < count:
            start = kept[-1].sequence if kept else after
            # The count is what keeps the server from scanning to the end of the stream: 1.4 ms against 36-217 ms.
            request = {"seq": start + 1, "next_by_subj": subject, "batch": count - len(kept)}
            fresh, ending = await self._batch(request, count - len(kept))
            kept += fresh
            if len(kept) < count and not ending.pending and await self._is_all(subject, kept, after):
                break
        return kept

    async def _is_all(self, subject: str, kept: Sequence[Kept], after: int) -> bool:
        if not self._replicated:
            return True
        newest = await self._from_leader(subject)
        if newest is None or newest.sequence <= (kept[-1].sequence if kept else after):
            return True
        await asyncio.sleep(_LAGGING_WAIT_S)  # a replica that lags answered
        return False

    async def _last_of(self, subjects: Sequence[str], fence: Kept | None) -> dict[str, Kept]:
        # The fence's own subject is asked for too: an answer without any message does not tell how far it reaches.
        asked = list(subjects) if fence is None else [*subjects, fence.subject]
        wanted = set(subjects)
        found: dict[str, Kept] = {}
        start = 0
        while True:
            request: dict[str, object] = {"multi_last": asked}
            if start:
                request |= {"seq": start}
            fresh, ending = await self._batch(request, None)
            if fence is not None and ending.through < fence.sequence:
                await asyncio.sleep(_LAGGING_WAIT_S)
                continue
            found |= {one.subject: one for one in fresh if one.subject in wanted}
            if not ending.pending or not fresh:
                return found
            start = fresh[-1].sequence + 1

    async def _batch(self, request: Mapping[str, object], count: int | None) -> tuple[list[Kept], _Ending]:
        done: asyncio.Future[_Ending] = asyncio.get_running_loop().create_future()
        raw: list[tuple[bytes, bytes]] = []

        def answered(headers: bytes, body: bytes) -> None:
            status = status_of(headers)
            if done.done():
                return
            if headers == LOST.headers:
                done.set_exception(ConnectionLost())
            elif status == b"503":
                done.set_exception(NoResponders())
            elif status:
                pending, through = header(headers, b"Nats-Num-Pending:"), header(headers, b"Nats-UpTo-Sequence:")
                done.set_result(_Ending(status, int(pending or 0), int(through or 0)))
            else:
                raw.append((headers, body))
                if len(raw) == count:
                    done.set_result(_Ending(b"", 0, 0))

        reply = self._connection.expect(answered)
        try:
            self._connection.send(command(self._direct, _encode(request), reply=reply))
            async with asyncio.timeout(self._timeout_s):
                ending = await done
        except TimeoutError:
            raise NoAnswer from None
        finally:
            self._connection.forget(reply)
        return [_kept(headers, body) for headers, body in raw], ending

    async def _from_any(self, subject: str) -> Kept | None:
        answer = await self._connection.ask(f"{self._direct}.{subject}", timeout_s=self._timeout_s)
        status = status_of(answer.headers)
        if status and status != b"404":
            raise NoResponders(status.decode())
        return None if status else _kept(answer.headers, answer.body)

    async def _from_leader(self, subject: str) -> Kept | None:
        request = _encode({"last_by_subj": subject})
        answer = await self._connection.ask(self._leader, request, timeout_s=self._timeout_s)
        got = _decode_got(answer.body)
        if got.message is None:
            if got.error is not None and got.error.err_code != 10037:  # noqa: PLR2004  # no message found
                raise NoResponders(got.error.description)
            return None
        one = got.message
        return Kept(one.subject, one.seq, _moment(one.time), header(one.hdrs, b"Nats-Msg-Id:").decode(), one.data)
