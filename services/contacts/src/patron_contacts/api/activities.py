"""Routes of interactions and orders."""

from typing import Any, Final

from fastapi import Response
from pydantic import BaseModel

from patron_contacts.api import refusal_lists
from patron_contacts.api.asking import InvalidItem, bulk_answer, read_items
from patron_contacts.api.bodies import Accepted, BulkActivities, BulkAnswer, InteractionBody, OrderBody
from patron_contacts.api.parts import UseCases, Using
from patron_contacts.handlers.activities import ActivityHandlers
from patron_contacts.handlers.bulk import Result
from patron_events.envelope import Position
from patron_events.rejections import Rejection
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import AskedBy, Commanding

activities: Final = router(prefix="/contacts/v1", tags=["activities"])


def _customer_checked(item: dict[str, Any] | Rejection) -> dict[str, Any] | Rejection:
    if isinstance(item, Rejection) or len([one for one in item["customer"].values() if one is not None]) == 1:
        return item
    return InvalidItem("Name the customer by exactly one key.", field="customer")


async def _one(handlers: ActivityHandlers, body: BaseModel, using: Using, asking: tuple[AskedBy, Response]) -> Accepted:
    by, response = asking
    item = _customer_checked(plain(body))
    if isinstance(item, Rejection):
        raise item
    result: Result = await handlers.log(item, asked(by, handlers.kind, using.index, item))
    position = str(Position("contacts", None, result.sequence))
    stamp(response, position=position)
    response.status_code = 201 if result.status == "created" else 200
    return Accepted.model_validate(
        {"id": result.id, "version": result.version, "position": position, "status": result.status}
    )


async def _many(cases: UseCases, body: BulkActivities, using: Using, asking: tuple[AskedBy, Response, str]) -> Response:
    by, response, kind = asking
    handlers, model = (cases.orders, OrderBody) if kind == "orders" else (cases.interactions, InteractionBody)
    command = asked(by, f"{kind}/bulk", using.index, body.items)
    items = [_customer_checked(item) for item in read_items(model, body.items)]
    results = await handlers.log_each(items, command, create_people=body.create_people)
    return bulk_answer(response, results, dry_run=body.dry_run)


@activities.post("/interactions", status_code=201, responses=problems(*refusal_lists.ACTIVITY))
async def log_interaction(body: InteractionBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Log an interaction, also one in the past; (source, external_id) is recorded once per customer."""
    return await _one(using.real.interactions, body, using, (by, response))


@activities.post("/interactions/bulk", responses=problems(*refusal_lists.BULK), response_model=BulkAnswer)
async def bulk_interactions(body: BulkActivities, using: Using, by: Commanding, response: Response) -> Response:
    """Log up to 10,000 interactions; each item is decided by itself."""
    cases = using.rehearse() if body.dry_run else using.real
    return await _many(cases, body, using, (by, response, "interactions"))


@activities.post("/orders", status_code=201, responses=problems(*refusal_lists.ACTIVITY))
async def place_order(body: OrderBody, using: Using, by: Commanding, response: Response) -> Accepted:
    """Record a purchase, also one in the past; (source, external_id) is recorded once per customer."""
    return await _one(using.real.orders, body, using, (by, response))


@activities.post("/orders/bulk", responses=problems(*refusal_lists.BULK), response_model=BulkAnswer)
async def bulk_orders(body: BulkActivities, using: Using, by: Commanding, response: Response) -> Response:
    """Record up to 10,000 purchases; each item is decided by itself."""
    cases = using.rehearse() if body.dry_run else using.real
    return await _many(cases, body, using, (by, response, "orders"))
