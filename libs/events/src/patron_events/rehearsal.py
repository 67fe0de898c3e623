"""A log for dry runs: reads come from the real one, appends stay in memory and are thrown away.

The same rules run over it as over the real log, so a dry run cannot answer differently.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from patron_events.envelope import StreamId
from patron_events.sealing import SubjectKey, new_key
from patron_events.store import Append, EventStore, StaleExpectation, Stored
from patron_events.vault import KeyVault

# Above every real sequence: what was appended here comes last on its stream.
_FIRST = 2**62


class RehearsalStore:
    """Puts appends of its own over what another store holds."""

    def __init__(self, real: EventStore) -> None:
        self._real = real
        self._own: dict[StreamId, list[Stored]] = {}
        self._through: dict[StreamId, int] = {}
        self._next = _FIRST

    async def append(self, group: Sequence[Append]) -> Sequence[int]:
        """Keep all commits of a group or none, in memory."""
        last = await self.last([append.stream for append in group])
        for append in group:
            newest = last.get(append.stream)
            if (newest.sequence if newest else 0) != append.expected:
                raise StaleExpectation
        return [self._keep(append) for append in group]

    def _keep(self, append: Append) -> int:
        self._next += 1
        stored = Stored(append.stream, self._next, datetime.now(UTC), append.body)
        self._through.setdefault(append.stream, append.expected)
        self._own.setdefault(append.stream, []).append(stored)
        return stored.sequence

    async def append_each(self, groups: Sequence[Sequence[Append]]) -> Sequence[Sequence[int] | StaleExpectation]:
        """Keep many independent groups."""
        answers: list[Sequence[int] | StaleExpectation] = []
        last = await self.last([append.stream for group in groups for append in group])
        known = {stream: stored.sequence for stream, stored in last.items()}
        for group in groups:
            if any(known.get(append.stream, 0) != append.expected for append in group):
                answers.append(StaleExpectation())
                continue
            sequences = [self._keep(append) for append in group]
            known |= {append.stream: sequence for append, sequence in zip(group, sequences, strict=True)}
            answers.append(sequences)
        return answers

    async def last(self, streams: Sequence[StreamId]) -> Mapping[StreamId, Stored]:
        """Find the last commit of each stream, here or there."""
        elsewhere = [stream for stream in streams if stream not in self._own]
        found = dict(await self._real.last(elsewhere)) if elsewhere else {}
        return found | {stream: self._own[stream][-1] for stream in streams if stream in self._own}

    async def read(self, stream: StreamId, *, after: int = 0, count: int) -> Sequence[Stored]:
        """Read commits of one stream, the real ones first."""
        real: Sequence[Stored] = ()
        if after < _FIRST:
            # What the real log gained after the first append here would come too late for what was decided.
            through = self._through.get(stream, _FIRST)
            real = [one for one in await self._real.read(stream, after=after, count=count) if one.sequence <= through]
        return [*real, *(stored for stored in self._own.get(stream, ()) if stored.sequence > after)][:count]


class RehearsalVault:
    """Reads real keys, and makes new ones that nobody keeps."""

    def __init__(self, real: KeyVault) -> None:
        self._real = real
        self._own: dict[str, SubjectKey] = {}

    async def find(self, subjects: Collection[str]) -> Mapping[str, SubjectKey]:
        """Find living keys, here or there."""
        elsewhere = [subject for subject in subjects if subject not in self._own]
        found = dict(await self._real.find(elsewhere)) if elsewhere else {}
        return found | {subject: self._own[subject] for subject in subjects if subject in self._own}

    async def create(self, subjects: Collection[str], *, new: Collection[str] = ()) -> Mapping[str, SubjectKey]:
        """Find real keys and make the missing ones."""
        found = dict(await self.find([subject for subject in subjects if subject not in new]))
        for subject in subjects:
            if subject not in found:
                found[subject] = self._own.setdefault(subject, new_key())
        return found

    async def destroy(self, subject: str) -> None:
        """Forget a key that was made here; real ones stay."""
        self._own.pop(subject, None)
