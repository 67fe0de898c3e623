"""From the body of an interaction or order to the fact it states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, ClassVar, Final

from patron_contacts.domain.intake import LONG_TEXT, NOTE_TEXT, attributes, external_ids
from patron_events.catalog import contacts as events
from patron_events.decider import Dated
from patron_events.rejections import Invalid
from patron_values import moments, money, texts
from patron_values.contact_points import email_key, emails
from patron_values.keys import UniqueKey

Body = Mapping[str, Any]


class AmountMismatch(Invalid):
    """The amount of the order is not the sum of its lines."""

    code: ClassVar[str] = "amount-mismatch"


class AmountMissing(Invalid):
    """An order needs an amount, or lines with amounts."""

    code: ClassVar[str] = "amount-missing"


class QuantityInvalid(Invalid):
    """A quantity is a decimal number below 10^12 with at most nine decimals."""

    code: ClassVar[str] = "quantity-invalid"


_QUANTITY_LIMIT: Final = 10**12
_PLACES: Final = 9


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """A customer as a caller names it: a person or company by id, or a unique key."""

    person_id: str | None = None
    company_id: str | None = None
    key: UniqueKey | None = None


def customer_ref(body: Body) -> CustomerRef:
    """Read how a caller names the customer."""
    if body.get("person_id") is not None:
        return CustomerRef(person_id=str(body["person_id"]))
    if body.get("company_id") is not None:
        return CustomerRef(company_id=str(body["company_id"]))
    if body.get("email") is not None:
        (one,) = emails([{"value": body["email"]}], "customer.email")
        return CustomerRef(key=UniqueKey("email", (email_key(one.value),)))
    (own,) = external_ids([body["external_id"]], "customer.external_id")
    return CustomerRef(key=UniqueKey("external-id", (own.source, own.id)))


def _optional(body: Body, name: str, limit: int = 200) -> str | None:
    value = body.get(name)
    return None if value is None else texts.optional_text(value, name, limit, multiline=limit > LONG_TEXT)


def interaction(body: Body, own_id: str, now: datetime) -> Dated:
    """Read the body of an interaction; without `occurred_at` it happened now."""
    when = body.get("occurred_at")
    fact = events.InteractionLogged(
        interaction_id=own_id,
        kind=body["kind"],
        direction=body.get("direction"),
        channel=_optional(body, "channel"),
        subject=_optional(body, "subject", 1_000),
        body=_optional(body, "body", NOTE_TEXT),
        duration_s=body.get("duration_s"),
        company_id=body.get("company_id"),
        source=_optional(body, "source"),
        external_id=_optional(body, "external_id"),
        properties=attributes(body.get("properties") or {}, "properties"),
    )
    return Dated(fact, now if when is None else moments.instant(when, "occurred_at", now=now))


def _quantity(value: Any, path: str) -> Decimal:
    try:
        quantity = Decimal(str(value))
    except InvalidOperation:
        raise QuantityInvalid(field=path) from None
    if not quantity.is_finite() or abs(quantity) >= _QUANTITY_LIMIT or quantity != round(quantity, _PLACES):
        raise QuantityInvalid(field=path)
    return quantity


def _line(body: Body, currency: str, path: str) -> events.OrderLine:
    unit = body.get("unit_price")
    unit_minor = None if unit is None else money.minor(unit, currency, f"{path}.unit_price")
    quantity = _quantity(body.get("quantity", 1), f"{path}.quantity")
    amount = body.get("amount")
    if amount is not None:
        amount_minor = money.minor(amount, currency, f"{path}.amount")
    elif unit_minor is not None:
        amount_minor = int((unit_minor * quantity).to_integral_value(ROUND_HALF_EVEN))
    else:
        raise AmountMissing(field=f"{path}.amount")
    return events.OrderLine(
        amount_minor=amount_minor,
        quantity=f"{quantity:f}",
        sku=_optional(body, "sku"),
        name=_optional(body, "name", 1_000),
        unit_price_minor=unit_minor,
    )


def _lines(values: Sequence[Body], currency: str) -> tuple[events.OrderLine, ...]:
    return tuple(_line(one, currency, f"lines[{number}]") for number, one in enumerate(values))


def order(body: Body, own_id: str, now: datetime) -> Dated:
    """Read the body of an order; its amount is the sum of its lines where both are stated."""
    code = money.currency(body["currency"], "currency")
    lines = _lines(body.get("lines") or (), code)
    total = sum(line.amount_minor for line in lines)
    if body.get("amount") is not None:
        stated = money.minor(body["amount"], code, "amount")
        if lines and stated != total:
            raise AmountMismatch(field="amount")
        total = stated
    elif not lines:
        raise AmountMissing(field="amount")
    when = body.get("ordered_at")
    fact = events.OrderPlaced(
        order_id=own_id,
        currency=code,
        amount_minor=total,
        lines=lines,
        status=_optional(body, "status"),
        company_id=body.get("company_id"),
        source=_optional(body, "source"),
        external_id=_optional(body, "external_id"),
    )
    return Dated(fact, now if when is None else moments.instant(when, "ordered_at", now=now))
