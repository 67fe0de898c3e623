"""Routes of people."""

from typing import Any, Final

from fastapi import Response

from patron_contacts.api import refusal_lists
from patron_contacts.api.asking import accepted, bulk_answer, match_of, read_items
from patron_contacts.api.bodies import (
    Accepted,
    BulkAnswer,
    BulkRecords,
    LinkTerms,
    PersonBody,
    StageBody,
    UpsertPerson,
)
from patron_contacts.api.parts import RecordId, Using
from patron_contacts.api.views import person_view
from patron_contacts.domain.lifecycle import check_stage
from patron_contacts.domain.person import MoveStage, StageMove, UnlinkCompany
from patron_contacts.handlers.bulk import Origin, RecordBulk
from patron_contacts.handlers.kinds import link
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Commanding, Reading
from patron_values.moments import instant

people: Final = router(prefix="/contacts/v1/people", tags=["people"])


@people.post("", status_code=201, responses=problems(*refusal_lists.CREATE))
async def create_person(body: PersonBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Record a person. With an `Idempotency-Key`, repeating the request changes nothing."""
    content = plain(body)
    return accepted(response, await using.real.people.create(content, asked(by, "people", using.index, content)))


@people.post("/upsert", responses=problems(*refusal_lists.UPSERT))
async def upsert_person(body: UpsertPerson, using: Using, by: Commanding, response: Response) -> Accepted:
    """Change the person who holds a unique key, or record one; tags and external ids are added to those on record."""
    match = match_of(body.match, await using.real.fields.current("people"))
    command = asked(by, "people/upsert", using.index, plain(body))
    return accepted(response, await using.real.people.upsert(match, plain(body.person), command))


@people.post("/bulk", responses=problems(*refusal_lists.BULK), response_model=BulkAnswer)
async def bulk_people(body: BulkRecords, using: Using, by: Commanding, response: Response) -> Response:
    """Create or upsert up to 10,000 people; each item is decided by itself. `dry_run` records nothing."""
    cases = using.rehearse() if body.dry_run else using.real
    command = asked(by, "people/bulk", using.index, [body.mode, body.items])
    items = read_items(PersonBody, body.items)
    origin = None if body.origin is None else Origin(body.origin.file, body.origin.rows)
    results = await RecordBulk(cases.people, origin).run(items, command, upsert=body.mode == "upsert")
    return bulk_answer(response, results, dry_run=body.dry_run)


@people.get("/{record_id}", responses=problems(*refusal_lists.READ))
async def read_person(record_id: RecordId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a person from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.real.people.read(record_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return person_view(loaded)


@people.patch("/{record_id}", responses=problems(*refusal_lists.CHANGE))
async def change_person(
    record_id: RecordId, body: PersonBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Change what the body states; members that are absent stay, null clears. Only what differs is recorded."""
    content = plain(body)
    command = asked(by, f"people/{record_id}", using.index, content)
    return accepted(response, await using.real.people.change(record_id, content, command))


@people.post("/{record_id}/lifecycle-stage", responses=problems(*refusal_lists.STAGE))
async def move_person(
    record_id: RecordId, body: StageBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Move a person along the customer lifecycle, now or at a time in the past."""
    command = asked(by, f"people/{record_id}/lifecycle-stage", using.index, plain(body))
    terms = await using.real.people.records.terms("people", command, adding=False)
    at = None if body.at is None else instant(body.at, "at", now=terms.now)
    move = MoveStage(StageMove(check_stage(body.to, "to"), at))
    return accepted(response, await using.real.people.command(record_id, move, command))


@people.put("/{record_id}/companies/{company_id}", responses=problems(*refusal_lists.LINK))
async def link_company(
    record_id: RecordId, company_id: RecordId, body: LinkTerms, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Link a person to a company, or change that link."""
    command = asked(by, f"people/{record_id}/companies/{company_id}", using.index, plain(body))
    return accepted(response, await using.real.people.link(record_id, link(company_id, plain(body)), command))


@people.delete("/{record_id}/companies/{company_id}", responses=problems(*refusal_lists.LINK))
async def unlink_company(
    record_id: RecordId, company_id: RecordId, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Remove a link that was a mistake; a link that ended gets an end date instead."""
    command = asked(by, f"people/{record_id}/companies/{company_id}/delete", using.index)
    return accepted(response, await using.real.people.command(record_id, UnlinkCompany(company_id), command))
