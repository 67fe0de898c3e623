"""The events that leads and planned activities began with, from the history of the pipeline context."""

from collections.abc import Mapping

from sqlalchemy import SelectBase, Text, cast, literal, null, select

from patron_projections.reports.dimensions import Divided
from patron_projections.sales.timeline import VIEW


def beginnings_of(divided: Divided, row: Mapping[str, str | None], event: str) -> SelectBase:
    """Give for each record of a row the event that it began with. event: its stored name.

    The rows have `id`, `customer_id` and `hit`.
    """
    base, view = divided.base, VIEW
    began = (view.c.record_id == base.c.id) & (view.c.type == event)
    event_id = view.c.commit_id + literal(":", Text) + cast(view.c.index, Text)
    return (
        select(
            event_id.label("event_id"),
            *(view.c[name] for name in ("occurred_at", "position", "index", "type")),
            base.c.id.label("record_id"),
            base.c.customer_id,
            *(null().label(name) for name in ("amount_minor", "currency", "quantity")),
            base.c.hit,
        )
        .select_from(base.join(view, began))
        .where(*divided.is_row(row))
    )
