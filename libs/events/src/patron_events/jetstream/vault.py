"""The keys of data subjects in a NATS KV bucket, wrapped by a master key, cached until the bucket says otherwise.

One entry per subject: `$KV.PATRON_KEYS.<subject>`. Destroying overwrites the stored bytes and leaves an empty
marker, so that the key is gone for good and cannot be made again. Every process follows the bucket and forgets a
key when its marker comes; whenever that watch was interrupted, it forgets all of them.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from patron_events.ending import ended
from patron_events.jetstream.connection import Connection
from patron_events.jetstream.errors import LogFault, NoResponders, PubAck, Verdict, decode_ack, judge
from patron_events.jetstream.patience import BUDGET_S, patiently
from patron_events.jetstream.puller import Puller
from patron_events.jetstream.store import Desk, open_desk
from patron_events.jetstream.streams import KEYS_BUCKET, KEYS_STREAM
from patron_events.jetstream.writes import Write
from patron_events.sealing import SealBroken, SubjectKey, new_key
from patron_events.store import StaleExpectation
from patron_events.vault import KeyDestroyed

_PREFIX: Final = f"$KV.{KEYS_BUCKET}."
_MARKER: Final = b"KV-Operation: PURGE\r\n"
_NONCE_BYTES: Final = 12
_MOST_CACHED: Final = 20_000  # a key with its cipher takes over a kilobyte
_ATTEMPT_S: Final = 4.0
_WATCH_S: Final = 60.0


class MasterKeyUnknown(Exception):
    """A key is wrapped by a master key that the settings of this process do not name."""

    def __init__(self, master: str) -> None:
        self.master = master
        super().__init__(f"no master key {master!r} in the settings")


class _Entry(msgspec.Struct, frozen=True):
    master: str
    wrapped: bytes


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Entry).decode


class MasterKeys:
    """Wraps keys with the current master key, and unwraps what any of them wrapped (AES-256-GCM).

    keys: 32 bytes each, by an id that is stored beside what it wrapped; keep old ones until everything is rewrapped.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._current = current
        if current not in self._ciphers:
            raise MasterKeyUnknown(current)

    def wrap(self, subject: str, key: SubjectKey) -> bytes:
        """Write the entry of a subject."""
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = self._ciphers[self._current].encrypt(nonce, key.raw, _bound_to(self._current, subject))
        return _encode(_Entry(self._current, nonce + wrapped))

    def unwrap(self, subject: str, entry: bytes) -> SubjectKey:
        """Read the entry of a subject.

        Raises:
            MasterKeyUnknown: it was wrapped by a master key that is not among these.
            SealBroken: the entry was altered, or belongs to another subject.
        """
        stored = _decode(entry)
        cipher = self._ciphers.get(stored.master)
        if cipher is None:
            raise MasterKeyUnknown(stored.master)
        nonce, wrapped = stored.wrapped[:_NONCE_BYTES], stored.wrapped[_NONCE_BYTES:]
        try:
            return SubjectKey(cipher.decrypt(nonce, wrapped, _bound_to(stored.master, subject)))
        except InvalidTag as error:
            msg = f"the key of {subject} does not open"
            raise SealBroken(msg) from error


def _bound_to(master: str, subject: str) -> bytes:
    return f"patron key v1|{master}|{subject}".encode()


class KeyCache:
    """The most recently used keys; a subject that was once seen destroyed is never kept again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: OrderedDict[str, SubjectKey] = OrderedDict()
        self._destroyed: OrderedDict[str, None] = OrderedDict()
        self.generation = 0

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, subject: str) -> SubjectKey | None:
        """Find a key and count it as used."""
        key = self._keys.get(subject)
        if key is not None:
            self._keys.move_to_end(subject)
        return key

    def put(self, subject: str, key: SubjectKey, generation: int) -> None:
        """Keep a key that was read while the cache was of this generation."""
        # What was read before the last interruption, or is being destroyed, may be old already.
        if generation == self.generation and subject not in self._destroyed:
            self._keys[subject] = key
            if len(self._keys) > self._most:
                self._keys.popitem(last=False)

    def forget(self, subject: str) -> None:
        """Drop a destroyed key, and never keep it again."""
        self._keys.pop(subject, None)
        self._destroyed[subject] = None
        if len(self._destroyed) > self._most:
            self._destroyed.popitem(last=False)

    def forget_all(self) -> None:
        """Drop everything, and what is being read just now."""
        self.generation += 1
        self._keys.clear()


class JetStreamVault:
    """The adapter of `KeyVault`; one per process. Close it with `close`."""

    def __init__(
        self,
        connection: Connection,
        masters: MasterKeys,
        *,
        budget_s: float = BUDGET_S,
        most_cached: int = _MOST_CACHED,
    ) -> None:
        self._connection = connection
        self._masters = masters
        self._budget_s = budget_s
        self._cache = KeyCache(most_cached)
        self._desk: Desk | None = None
        self._watching: asyncio.Task[None] | None = None
        connection.on_change.add(self._cache.forget_all)

    async def find(self, subjects: Collection[str]) -> Mapping[str, SubjectKey]:
        """Find the living keys among `subjects`."""
        found, missing = await self._cached(subjects)
        return found | {subject: key for subject, key in (await self._stored(missing)).items() if key is not None}

    async def create(self, subjects: Collection[str], *, new: Collection[str] = ()) -> Mapping[str, SubjectKey]:
        """Find or make the key of each subject; new ones share batches, and probably new ones skip the search."""
        found, missing = await self._cached(subjects)
        if new:
            found |= await self._made([subject for subject in missing if subject in new])
            missing = [subject for subject in missing if subject not in found]
        while missing:
            for subject, key in (await self._stored(missing)).items():
                if key is None:
                    raise KeyDestroyed
                found[subject] = key
            found |= await self._made([subject for subject in missing if subject not in found])
            missing = [subject for subject in missing if subject not in found]  # others made them at the same time
        return found

    async def destroy(self, subject: str) -> None:
        """Overwrite the stored key, then leave the marker."""
        desk = await self._ready()
        self._cache.forget(subject)
        kept = (await patiently(lambda: desk.lookup.last([_PREFIX + subject]), self._budget_s)).get(_PREFIX + subject)
        if kept is not None and not kept.body:
            return
        if kept is not None:
            await patiently(lambda: self._overwrite(kept.sequence), self._budget_s)
        await patiently(lambda: self._mark(subject), self._budget_s)

    async def close(self) -> None:
        """Stop watching and forget all keys."""
        self._connection.on_change.discard(self._cache.forget_all)
        self._cache.forget_all()
        if self._watching is not None:
            await ended(self._watching)

    async def _cached(self, subjects: Collection[str]) -> tuple[dict[str, SubjectKey], Sequence[str]]:
        await self._ready()
        found = {subject: key for subject in subjects if (key := self._cache.get(subject)) is not None}
        return found, [subject for subject in dict.fromkeys(subjects) if subject not in found]

    async def _stored(self, subjects: Sequence[str]) -> Mapping[str, SubjectKey | None]:
        if not subjects:
            return {}
        desk, generation = await self._ready(), self._cache.generation
        names = [_PREFIX + subject for subject in subjects]
        kept = await patiently(lambda: desk.lookup.last(names), self._budget_s)
        found: dict[str, SubjectKey | None] = {}
        for name, one in kept.items():
            subject = name.removeprefix(_PREFIX)
            found[subject] = key = self._masters.unwrap(subject, one.body) if one.body else None
            if key is not None:
                self._cache.put(subject, key, generation)
        return found

    async def _made(self, subjects: Sequence[str]) -> Mapping[str, SubjectKey]:
        desk, generation = await self._ready(), self._cache.generation
        fresh = {subject: new_key() for subject in subjects}
        writes = [Write(_PREFIX + subject, 0, "", self._masters.wrap(subject, key)) for subject, key in fresh.items()]
        futures = [desk.committer.submit([write], self._budget_s) for write in writes]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        made: dict[str, SubjectKey] = {}
        for (subject, key), answer in zip(fresh.items(), answers, strict=True):
            if isinstance(answer, StaleExpectation):
                continue
            if isinstance(answer, BaseException):
                raise answer
            made[subject] = key
            self._cache.put(subject, key, generation)
        return made

    async def _overwrite(self, sequence: int) -> None:
        # Without this the wrapped key would stay in the stream's file until the file is compacted.
        request = _encode({"seq": sequence})
        await self._connection.ask(f"$JS.API.STREAM.MSG.DELETE.{KEYS_STREAM}", request, timeout_s=_ATTEMPT_S)

    async def _mark(self, subject: str) -> None:
        answer = await self._connection.ask(_PREFIX + subject, headers=_MARKER, timeout_s=_ATTEMPT_S)
        ack: PubAck = decode_ack(answer.body)
        if ack.error is None:
            return
        if judge(ack.error) is Verdict.NOT_NOW:
            raise NoResponders
        raise LogFault(ack.error)

    async def _ready(self) -> Desk:
        if self._desk is None or self._watching is None or self._watching.done():
            self._cache.forget_all()
            self._desk = desk = await patiently(lambda: open_desk(self._connection, KEYS_STREAM), self._budget_s)
            newest = await patiently(desk.lookup.newest, self._budget_s)
            if self._watching is None or self._watching.done():
                self._watching = asyncio.create_task(self._watch(0 if newest is None else newest.sequence))
        return self._desk

    async def _watch(self, after: int) -> None:
        puller, breaks = Puller(self._connection, KEYS_STREAM, after), 0
        try:
            while True:
                await puller.wait(_WATCH_S)
                if puller.breaks != breaks:
                    breaks = puller.breaks
                    self._cache.forget_all()
                for one in puller.take(1000):
                    if not one.body:
                        self._cache.forget(one.subject.decode().removeprefix(_PREFIX))
        finally:
            puller.close()
