"""Ties between records: ids of other systems, and the people a record speaks of; both stored with the record itself."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from patron_events.decisions import Unit
from patron_events.journal import AnyDecider
from patron_events.vault import BlindIndex
from patron_pipeline.domain.claim import CLAIM, ReleaseId, TakeId, claim_id
from patron_pipeline.domain.customer import CUSTOMER, Link, LinkRecord, UnlinkRecord


class ExternalId(NamedTuple):
    """The id of a record in another system."""

    source: str
    id: str


async def relink(unit: Unit, link: Link, *, before: Collection[str], after: Collection[str]) -> None:
    """State which people a record speaks of, in the unit that changes the record; call it after deciding the record.

    link: kind and id of the record. before, after: ids of people, as the record had and has them.
    """
    for person_id in sorted(set(after) - set(before)):
        await unit.decide(CUSTOMER, person_id, LinkRecord(link))
    for person_id in sorted(set(before) - set(after)):
        await unit.decide(CUSTOMER, person_id, UnlinkRecord(link))


async def take_id(unit: Unit, index: BlindIndex, link: Link, external_id: ExternalId) -> None:
    """Claim an id for a record in the unit that creates the record, after deciding it; raises ExternalIdTaken."""
    claim = claim_id(index, link.kind, external_id)
    unit.presume_new(CLAIM, claim)
    await unit.decide(CLAIM, claim, TakeId(*link))


async def release_id(unit: Unit, index: BlindIndex, link: Link, external_id: ExternalId) -> None:
    """Free the id of a record that is live no more."""
    await unit.decide(CLAIM, claim_id(index, link.kind, external_id), ReleaseId(link.record_id))


async def holder(unit: Unit, index: BlindIndex, kind: str, external_id: ExternalId) -> str | None:
    """Find the live record of a kind that holds an id."""
    return (await unit.state(CLAIM, claim_id(index, kind, external_id))).owner


def claims(index: BlindIndex, kind: str, external_ids: Iterable[ExternalId]) -> list[tuple[AnyDecider, str]]:
    """Name the claims of ids, for reading them together."""
    return [(CLAIM, claim_id(index, kind, one)) for one in external_ids]
