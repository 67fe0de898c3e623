"""Routes of single leads."""

from typing import Annotated, Any, Final

from fastapi import Path, Response

from patron_pipeline.api import lead_refusals
from patron_pipeline.api.bulk import BulkAnswer, bulk_answer, item_result, read_items
from patron_pipeline.api.deals import mover
from patron_pipeline.api.lead_bodies import (
    AssignmentBody,
    BulkLeads,
    ConversionBody,
    Id,
    LeadBody,
    LeadFields,
    LeadItem,
    LeadView,
    MatchBody,
    StatusBody,
)
from patron_pipeline.api.lead_views import lead_view
from patron_pipeline.api.parts import Using
from patron_pipeline.handlers.lead_bulk import LeadBulk
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Commanding, Reading

leads: Final = router(prefix="/pipeline/v1/leads", tags=["leads"])
LeadId = Annotated[Id, Path(description="UUID of the lead", examples=["1c9d7e4f-6b42-5d77-9c1f-4a7b2d2b6322"])]


@leads.post("", status_code=201, responses=problems(*lead_refusals.CAPTURE))
async def capture_lead(body: LeadBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Record a lead. With an `Idempotency-Key`, repeating the request changes nothing."""
    content = plain(body)
    command = asked(by, "pipeline/leads", using.index, content)
    return accepted(response, await using.leads.capture(content, command, channel="api"))


@leads.post("/bulk", response_model=BulkAnswer, responses=problems(*lead_refusals.ALWAYS))
async def bulk_leads(body: BulkLeads, using: Using, by: Commanding, response: Response) -> Response:
    """Capture or upsert up to 10,000 leads, each with its past; every item is decided by itself.

    `dry_run` records nothing. A lead that is converted so links to its person and company, and gets no deal.
    """
    cases = using.rehearse() if body.dry_run else using
    command = asked(by, "pipeline/leads/bulk", using.index, [body.mode, body.channel, body.items])
    items = read_items(LeadItem, body.items)
    answers = await LeadBulk(cases.leads, body.channel).run(items, command, upsert=body.mode == "upsert")
    return bulk_answer(response, [item_result(one) for one in answers], dry_run=body.dry_run)


@leads.get("/{lead_id}", response_model=LeadView, responses=problems(*lead_refusals.READ))
async def read_lead(lead_id: LeadId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a lead from the log, always current, with every step of its path and what decided it."""
    del by  # it stands for the permission
    loaded = await using.leads.read(lead_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return lead_view(loaded)


@leads.patch("/{lead_id}", responses=problems(*lead_refusals.CHANGE))
async def change_lead(lead_id: LeadId, body: LeadFields, using: Using, by: Commanding, response: Response) -> Accepted:
    """Change what the body states; absent members stay, null clears. Only what differs is recorded."""
    content = plain(body)
    command = asked(by, f"pipeline/leads/{lead_id}", using.index, content)
    return accepted(response, await using.leads.change(lead_id, content, command))


@leads.post("/{lead_id}/match", responses=problems(*lead_refusals.MATCH))
async def match_lead(lead_id: LeadId, body: MatchBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Take the lead to be this person and company of the contacts context; an empty body: nobody."""
    content = plain(body)
    command = asked(by, f"pipeline/leads/{lead_id}/match", using.index, content)
    return accepted(response, await using.leads.match(lead_id, content, command))


@leads.post("/{lead_id}/assignment", responses=problems(*lead_refusals.ASSIGN))
async def assign_lead(
    lead_id: LeadId, body: AssignmentBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Make somebody responsible by hand, now or at a time in the past; rules assign by themselves."""
    content = plain(body)
    command = asked(by, f"pipeline/leads/{lead_id}/assignment", using.index, content)
    return accepted(response, await using.leads.assign(lead_id, content, command))


@leads.post("/{lead_id}/status", responses=problems(*lead_refusals.MOVE))
async def move_lead(lead_id: LeadId, body: StatusBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Move a lead on, recycle it, give it up, or bring it back; converting has a route of its own."""
    content = plain(body)
    command = asked(by, f"pipeline/leads/{lead_id}/status", using.index, content)
    return accepted(response, await using.leads.move(lead_id, content, command))


@leads.post("/{lead_id}/conversion", responses=problems(*lead_refusals.CONVERT))
async def convert_lead(
    lead_id: LeadId, body: ConversionBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Turn a lead into a customer: person, company and, if asked for, a deal; all of it or nothing.

    The lead links to all three. Contacts make whom they do not know a moment later.
    """
    content = plain(body)
    command = asked(by, f"pipeline/leads/{lead_id}/conversion", using.index, content)
    return accepted(response, await using.conversion.convert(lead_id, content, command, mover(by)))


@leads.post("/{lead_id}/erasure", responses=problems(*lead_refusals.ERASE))
async def erase_lead(lead_id: LeadId, using: Using, by: Administering, response: Response) -> Accepted:
    """Destroy the key of everything personal in this lead, for good; its path, score and source stay."""
    command = asked(by, f"pipeline/leads/{lead_id}/erasure", using.index)
    return accepted(response, await using.leads.erase(lead_id, command))
