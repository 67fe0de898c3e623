"""Many records at once: each item is decided by itself, and all share the batches of the log."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from patron_contacts.domain.claim import CLAIM, UniqueKey, taken
from patron_contacts.domain.errors import KeyTaken, RepeatedInRequest
from patron_contacts.domain.record import Record
from patron_contacts.handlers.changing import RecordHandlers
from patron_contacts.handlers.kinds import Draft
from patron_contacts.handlers.records import Body
from patron_events.catalog import contacts as events
from patron_events.decisions import Asked, Committed, Unit, Work
from patron_events.envelope import Position
from patron_events.rejections import Rejection

CHUNK: Final = 500
STATUSES: Final = ("created", "updated", "unchanged", "duplicate", "rejected")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item; `refusal` where it is a duplicate or rejected."""

    status: str
    id: str | None = None
    version: int | None = None
    sequence: int = 0
    refusal: Rejection | None = None


def rejected(refusal: Rejection) -> Result:
    """Answer for an item that was refused."""
    return Result("duplicate" if isinstance(refusal, KeyTaken | RepeatedInRequest) else "rejected", refusal=refusal)


def counts(results: Sequence[Result]) -> Mapping[str, int]:
    """Count results by status."""
    counted = Counter(result.status for result in results)
    return {status: counted[status] for status in STATUSES}


def last_position(results: Sequence[Result]) -> Position | None:
    """Tell up to where a reader must have read to have seen all of it."""
    sequence = max((result.sequence for result in results), default=0)
    return Position("contacts", None, sequence) if sequence else None


def item_asked(asked: Asked, index: int) -> Asked:
    """Give an item of a bulk request a command id of its own, the same when the request is repeated."""
    return replace(asked, command_id=f"{asked.command_id}:{index}", expected_version=None)


@dataclass(slots=True)
class RecordBulk:
    """Create or upsert many records of one kind."""

    handlers: RecordHandlers

    async def run(self, bodies: Sequence[Body | Rejection], asked: Asked, *, upsert: bool) -> Sequence[Result]:
        """Decide every item by itself; the answers are in the order of the items.

        bodies: a Rejection stands where an item was not even a body.
        A second item about the same record (by its first unique key) is a duplicate and not applied.
        """
        results: dict[int, Result] = {}
        seen: set[UniqueKey] = set()
        for start in range(0, len(bodies), CHUNK):
            drafts: dict[int, Draft] = {}
            for index in range(start, min(start + CHUNK, len(bodies))):
                try:
                    draft = await self._draft(bodies[index], asked, seen, upsert=upsert)
                    drafts[index] = draft
                except Rejection as refusal:
                    results[index] = rejected(refusal)
            results |= await self._chunk(drafts, asked, upsert=upsert)
            await asyncio.sleep(0)  # a long request must not keep others waiting
        return [results[index] for index in range(len(bodies))]

    async def _draft(self, body: Body | Rejection, asked: Asked, seen: set[UniqueKey], *, upsert: bool) -> Draft:
        if isinstance(body, Rejection):
            raise body
        draft = await self.handlers.draft(body, asked, adding=upsert)
        keys = draft.unique_keys()
        if keys and keys[0] in seen:
            raise RepeatedInRequest(field=keys[0].field)
        seen.update(keys[:1])
        return draft

    async def _chunk(self, drafts: Mapping[int, Draft], asked: Asked, *, upsert: bool) -> dict[int, Result]:
        records, entity, decider = self.handlers.records, self.handlers.kind.entity, self.handlers.kind.decider
        journal = records.decisions.journal
        keys = {key for draft in drafts.values() for key in draft.unique_keys()}
        reads = records.claims(entity, keys)
        claims = await journal.load_each(reads)
        owners = {loaded.state.owner for loaded in claims.values() if loaded.state.owner is not None}
        works: list[tuple[Work, Asked]] = []
        for index, draft in drafts.items():
            one = item_asked(asked, index)
            works.append((self._upserting(draft, one) if upsert else self._creating(draft, one), one))
        committed = await records.decisions.transact_each(works, [(decider, owner) for owner in sorted(owners)])
        return dict(zip(drafts, (self._result(one) for one in committed), strict=True))

    def _creating(self, draft: Draft, asked: Asked) -> Work:
        return self.handlers.creating(draft, self.handlers.new_id(asked))

    def _upserting(self, draft: Draft, asked: Asked) -> Work:
        async def work(unit: Unit) -> None:
            owner = await self._match(unit, draft)
            if owner is None:
                await self._creating(draft, asked)(unit)
            else:
                await self.handlers.updating(draft, owner)(unit)

        return work

    async def _match(self, unit: Unit, draft: Draft) -> str | None:
        """Find the record that an item is about: by external id, then e-mail, then unique custom fields.

        An e-mail match with another id of the same source is another record with the same address: refused.
        """
        for key in draft.unique_keys():
            owner = (await unit.state(CLAIM, self.handlers.records.claim_id(self.handlers.kind.entity, key))).owner
            if owner is None or (key.kind == "email" and self.handlers.kind.entity != "people"):
                continue
            if key.kind == "email" and self._another(await unit.state(self.handlers.kind.decider, owner), draft):
                raise taken(key)
            return owner
        return None

    @staticmethod
    def _another(record: Record, draft: Draft) -> bool:
        sources = {one.source for one in record.facet(events.ExternalIdsChanged).external_ids}
        return any(one.source in sources for one in draft.changes.add_external_ids)

    def _result(self, answer: Committed | Rejection) -> Result:
        if isinstance(answer, Rejection):
            return rejected(answer)
        status = "unchanged"
        if answer.events:
            created = isinstance(answer.events[0], events.PersonCreated | events.CompanyCreated)
            status = "created" if created else "updated"
        return Result(status, answer.stream.id, answer.version, answer.last or answer.position.sequence)
