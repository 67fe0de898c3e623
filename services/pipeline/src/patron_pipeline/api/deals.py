"""Routes of deals."""

from typing import Any, Final

from fastapi import Response

from patron_events.rejections import Rejection
from patron_pipeline.api import refusal_lists
from patron_pipeline.api.bodies import RecordId
from patron_pipeline.api.bulk import BulkAnswer, ItemResult, ItemStatus, bulk_answer, read_items
from patron_pipeline.api.deal_bodies import (
    BulkDeals,
    DealBody,
    DealChangeBody,
    DealItem,
    DealView,
    LoseBody,
    MoveBody,
    ReasonBody,
    ReopenBody,
    WinBody,
)
from patron_pipeline.api.deal_views import deal_view
from patron_pipeline.api.parts import Using
from patron_pipeline.domain.claim import ExternalIdTaken
from patron_pipeline.domain.deal_errors import RepeatedInRequest
from patron_pipeline.domain.stages import Mover
from patron_pipeline.handlers.deal_bulk import Answer, DealBulk, Origin
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.identity import Role
from patron_runtime.problems import problems
from patron_runtime.requests import AskedBy, Commanding, Reading

deals: Final = router(prefix="/pipeline/v1/deals", tags=["deals"])


def mover(by: AskedBy) -> Mover:
    """Tell the rules of stages who asks; an administrator may move anything."""
    principal = by.principal
    return Mover(principal.subject, principal.roles | principal.teams, boss=principal.may(Role.ADMIN))


@deals.post("", status_code=201, responses=problems(*refusal_lists.OPEN))
async def open_deal(body: DealBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Open a deal, also one that began in the past. Without `owner` it belongs to the caller; null: to nobody."""
    content = plain(body)
    command = asked(by, "pipeline/deals", using.index, content)
    owned = {"owner": by.principal.subject, **content}
    return accepted(response, await using.deals.open(owned, command, mover(by)))


@deals.post("/bulk", response_model=BulkAnswer, responses=problems(*refusal_lists.BULK))
async def bulk_deals(body: BulkDeals, using: Using, by: Commanding, response: Response) -> Response:
    """Open or change up to 10,000 deals, with what happened to them elsewhere; each item is decided by itself.

    An upsert finds its deal by `external_id`. What is on record already is passed over, so the same file can be sent
    again, grown since. Of an administrator histories are taken as they happened; of others rules of stages are asked.
    """
    command = asked(by, "pipeline/deals/bulk", using.index, [body.mode, body.items])
    cases = using.rehearse() if body.dry_run else using
    origin = None if body.origin is None else Origin(body.origin.file, body.origin.rows)
    bulk = DealBulk(cases.deals, command, mover(by), body.mode == "upsert", origin)
    answers = await bulk.run(read_items(DealItem, body.items))
    return bulk_answer(response, [_result(one) for one in answers], dry_run=body.dry_run)


def _result(answer: Answer) -> ItemResult:
    if isinstance(answer, Rejection):
        taken = isinstance(answer, ExternalIdTaken | RepeatedInRequest)
        return ItemResult("duplicate" if taken else "rejected", refusal=answer)
    changed: ItemStatus = "created" if answer.version == 1 else "updated"
    status = changed if answer.events or answer.repeated else "unchanged"
    return ItemResult(status, answer.stream.id, answer.version, answer.last or answer.position.sequence)


@deals.get(
    "/{deal_id}", response_model=DealView, response_model_exclude_unset=True, responses=problems(*refusal_lists.READ)
)
async def read_deal(deal_id: RecordId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a deal from the log, with the times in its stages: always current."""
    del by  # it stands for the permission
    loaded = await using.deals.read(deal_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return deal_view(loaded)


@deals.patch("/{deal_id}", responses=problems(*refusal_lists.CHANGE))
async def change_deal(
    deal_id: RecordId, body: DealChangeBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Change what the body states; only what differs is recorded."""
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}", using.index, content)
    return accepted(response, await using.deals.change(deal_id, content, command))


@deals.post("/{deal_id}/move", responses=problems(*refusal_lists.MOVE))
async def move_deal(deal_id: RecordId, body: MoveBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Move a deal into another open stage. Of two callers at the same moment one wins, the other gets 409.

    The problem document carries `current`: where the deal is now. Into the stage where it already is: `unchanged`.
    """
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}/move", using.index, content)
    return accepted(response, await using.deals.move(deal_id, content, command, mover(by)))


@deals.post("/{deal_id}/win", responses=problems(*refusal_lists.CLOSE))
async def win_deal(deal_id: RecordId, body: WinBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Close a deal as won. Conflicts as with moves."""
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}/win", using.index, content)
    return accepted(response, await using.deals.win(deal_id, content, command, mover(by)))


@deals.post("/{deal_id}/lose", responses=problems(*refusal_lists.CLOSE))
async def lose_deal(deal_id: RecordId, body: LoseBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Close a deal as lost, with the reason. Conflicts as with moves."""
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}/lose", using.index, content)
    return accepted(response, await using.deals.lose(deal_id, content, command, mover(by)))


@deals.post("/{deal_id}/reopen", responses=problems(*refusal_lists.REOPEN))
async def reopen_deal(
    deal_id: RecordId, body: ReopenBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Open a closed deal again, as far as its pipeline lets the caller."""
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}/reopen", using.index, content)
    return accepted(response, await using.deals.reopen(deal_id, content, command, mover(by)))


@deals.post("/{deal_id}/archive", responses=problems(*refusal_lists.ARCHIVE))
async def archive_deal(
    deal_id: RecordId, body: ReasonBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Take a mistake, such as a duplicate, out of everything that is counted, for good."""
    content = plain(body)
    command = asked(by, f"pipeline/deals/{deal_id}/archive", using.index, content)
    return accepted(response, await using.deals.archive(deal_id, content, command))
