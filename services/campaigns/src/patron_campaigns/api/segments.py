"""Routes of segments."""

from typing import Any, Final, Literal

import msgspec
from fastapi import Response

from patron_campaigns.api import refusal_lists
from patron_campaigns.api.bodies import (
    CatalogueAnswer,
    ChangeBody,
    CheckBody,
    Checked,
    CustomersBody,
    ReleaseBody,
    SegmentBody,
    SegmentView,
    Templates,
)
from patron_campaigns.api.parts import Parts, SegmentId, Using
from patron_campaigns.api.views import catalogue_view, looks_view, segment_view
from patron_campaigns.domain.segment import PutByHand
from patron_campaigns.domain.segment_catalogue import missing_or_cyclic
from patron_campaigns.domain.templates import TEMPLATES
from patron_events.decisions import Committed
from patron_rules.checking import RuleInvalid
from patron_rules.looking import looks_at, references
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import AskedBy, Commanding, Reading

segments: Final = router(prefix="/campaigns/v1/segments", tags=["segments"])


@segments.post("", status_code=201, responses=problems(*refusal_lists.CREATE))
async def create_segment(body: SegmentBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Define a segment. With an `Idempotency-Key`, repeating the request changes nothing."""
    content = plain(body)
    return accepted(
        response, await using.segments.create(content, asked(by, "campaigns/segments", using.index, content))
    )


@segments.get("", response_model=CatalogueAnswer, responses=problems(*refusal_lists.LIST))
async def list_segments(using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """List all live segments from the log, by name, with which uses which."""
    del by  # it stands for the permission
    loaded = await using.segments.catalogue()
    stamp(response, position=str(loaded.position))
    return catalogue_view(loaded.state)


@segments.get("/templates", response_model=Templates)
async def list_templates(by: Reading) -> dict[str, Any]:
    """List ready-made segments: the eight of recency, frequency and monetary value, and useful behaviour."""
    del by  # it stands for the permission
    return {"items": [msgspec.to_builtins(one) for one in TEMPLATES]}


@segments.post("/check", response_model=Checked, responses=problems(*refusal_lists.LIST))
async def check_rule(body: CheckBody, using: Using, by: Reading) -> dict[str, Any]:
    """Check a rule without saving it: what it looks at and uses, or everything that is wrong, with its place."""
    del by  # it stands for the permission
    try:
        rule = await using.segments.checked(body.rule)
    except RuleInvalid as refused:
        return {"ok": False, "problems": [msgspec.to_builtins(one) for one in refused.problems]}
    catalogue = (await using.segments.catalogue()).state
    named = references(rule)
    wrong = missing_or_cyclic(catalogue, body.segment, named)
    if wrong:
        found = [{"path": path, "code": why.code, "message": why.detail} for path, why in wrong]
        return {"ok": False, "problems": found}
    used = sorted({(catalogue[one].name, one) for _, one in named})
    looks = looks_at(rule, await using.segments.fields.current())
    return {"ok": True, "looks_at": looks_view(looks), "uses": [{"id": one, "name": name} for name, one in used]}


@segments.get("/{segment_id}", response_model=SegmentView, responses=problems(*refusal_lists.READ))
async def read_segment(segment_id: SegmentId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a segment from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.segments.read(segment_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return segment_view(loaded, (await using.segments.catalogue()).state)


@segments.patch("/{segment_id}", responses=problems(*refusal_lists.CHANGE))
async def change_segment(
    segment_id: SegmentId, body: ChangeBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Change what the body states; only what differs is recorded. A new rule gets the next rule version."""
    content = plain(body)
    command = asked(by, f"campaigns/segments/{segment_id}", using.index, content)
    return accepted(response, await using.segments.change(segment_id, content, command))


@segments.post("/{segment_id}/archive", responses=problems(*refusal_lists.ARCHIVE))
async def archive_segment(segment_id: SegmentId, using: Using, by: Commanding, response: Response) -> Accepted:
    """Take a segment out of use for good: it has no members any more, and its name is free."""
    command = asked(by, f"campaigns/segments/{segment_id}/archive", using.index)
    return accepted(response, await using.segments.archive(segment_id, command))


How = Literal["include", "exclude", "release"]


async def _put(to: tuple[str, How], body: CustomersBody | ReleaseBody, using: Parts, by: AskedBy) -> Committed:
    segment_id, how = to
    reason = body.reason if isinstance(body, CustomersBody) else None
    command = asked(by, f"campaigns/segments/{segment_id}/{how}", using.index, plain(body))
    return await using.segments.put(segment_id, PutByHand(how, frozenset(body.customer_ids), reason), command)


@segments.post("/{segment_id}/include", responses=problems(*refusal_lists.COMMAND))
async def include_customers(
    segment_id: SegmentId, body: CustomersBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Put customers in by hand, whatever the rule says; those who are in already are passed over."""
    return accepted(response, await _put((segment_id, "include"), body, using, by))


@segments.post("/{segment_id}/exclude", responses=problems(*refusal_lists.COMMAND))
async def exclude_customers(
    segment_id: SegmentId, body: CustomersBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Leave customers out by hand, whatever the rule says."""
    return accepted(response, await _put((segment_id, "exclude"), body, using, by))


@segments.post("/{segment_id}/release", responses=problems(*refusal_lists.COMMAND))
async def release_customers(
    segment_id: SegmentId, body: ReleaseBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Let the rule alone decide about customers again."""
    return accepted(response, await _put((segment_id, "release"), body, using, by))


@segments.post("/{segment_id}/snapshot", responses=problems(*refusal_lists.SNAPSHOT))
async def take_snapshot(segment_id: SegmentId, using: Using, by: Commanding, response: Response) -> Accepted:
    """Take the members of a snapshot anew, by its rule as of now."""
    command = asked(by, f"campaigns/segments/{segment_id}/snapshot", using.index)
    return accepted(response, await using.segments.take_snapshot(segment_id, command))
