"""What a deal looks like to a caller, as the log has it now."""

from datetime import datetime
from typing import Any

import msgspec

from patron_events.catalog.pipeline import deals as events
from patron_events.journal import Loaded
from patron_pipeline.domain.deal_state import Deal
from patron_values.money import decimal_text


def deal_view(loaded: Loaded[Deal]) -> dict[str, Any]:
    """Show a deal; members without a value are left out."""
    deal = loaded.state
    view = {
        "id": loaded.stream.id,
        "version": loaded.version,
        "status": deal.status,
        "name": deal.name,
        "pipeline_id": deal.pipeline_id,
        "stage": deal.stage,
        "stage_since": _time(deal.since),
        "opened_at": _time(deal.opened_at),
        "updated_at": _time(deal.changed_at),
        **_worth(deal),
        **_closing(deal),
        **_members(deal, events.DealExpected, events.DealOwned, events.DealCustomerChanged),
        **_members(deal, events.DealSourced, events.DealDescribed, events.DealCompetitorsChanged),
        "attributes": {one.name: one.value for one in deal.facet(events.DealAttributesChanged).attributes},
        "rotting": deal.rotted or None,
        "idle_since": _time(deal.idle_since),
        **_origin(deal),
        "stays": [
            {
                "pipeline_id": stay.pipeline_id,
                "stage": stay.stage,
                "entered_at": _time(stay.entered_at),
                "left_at": _time(stay.left_at),
            }
            for stay in deal.stays
        ],
    }
    return {name: value for name, value in view.items() if value not in (None, [], (), {})}


def line_view(line: events.LineItem, currency: str) -> dict[str, Any]:
    """Show one line, amounts as exact decimals."""
    view = {
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": decimal_text(line.unit_price_minor, currency),
        "discount_percent": line.discount_percent,
        "net": decimal_text(line.net_minor, currency),
        "tax_percent": line.tax_percent,
        "tax": decimal_text(line.tax_minor, currency),
        "product_id": line.product_id,
        "sku": line.sku,
    }
    return {name: value for name, value in view.items() if value is not None}


def _worth(deal: Deal) -> dict[str, Any]:
    valued, lines = deal.facet(events.DealValued), deal.facet(events.DealLinesChanged)
    shown: dict[str, Any] = {"lines": [line_view(one, lines.currency) for one in lines.lines]}
    if valued.amount_minor is not None and valued.currency is not None:
        shown["amount"] = decimal_text(valued.amount_minor, valued.currency)
        shown |= {"currency": valued.currency, "amount_basis": valued.basis}
    return shown


def _closing(deal: Deal) -> dict[str, Any]:
    match deal.closing:
        case None:
            return {}
        case events.DealWon() as won:
            amount = decimal_text(won.amount_minor, won.currency)
            shown = {"amount": amount, "currency": won.currency, "from": won.was, "reason": won.reason}
            return {"won": _stated(shown), "closed_at": _time(deal.since)}
        case events.DealLost() as lost:
            shown = {"reason": lost.reason, "from": lost.was, "competitor": lost.competitor}
            return {"lost": _stated(shown), "closed_at": _time(deal.since)}


def _stated(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _members(deal: Deal, *kinds: type[Any]) -> dict[str, Any]:
    return {
        name: msgspec.to_builtins(getattr(fact, name))
        for kind in kinds
        for fact in (deal.facet(kind),)
        for name in fact.__struct_fields__
    }


def _origin(deal: Deal) -> dict[str, Any]:
    opened = deal.opened
    if opened is None:
        return {}
    known = opened.external_source is not None
    external = {"source": opened.external_source, "id": opened.external_id} if known else None
    return {"lead_id": opened.lead_id, "external_id": external}


def _time(value: datetime | None) -> str | None:
    return None if value is None else msgspec.to_builtins(value)
