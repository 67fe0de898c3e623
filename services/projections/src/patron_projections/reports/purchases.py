"""The report `purchases`: what was bought, when, and by whom."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Numeric, SelectBase, cast, func, literal, null, select

from patron_projections.money import amount_of
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided, Divider
from patron_projections.reports.question import Question
from patron_projections.reports.sources import facts

DEFINITION: Final = Definition(
    name="purchases",
    title="Purchases",
    text=(
        "Orders by the time at which they were placed, whatever their status. Amounts of different currencies are "
        "never added: every row is of one currency. Orders of archived and erased customers count."
    ),
    by=(
        "total; day, week, month, quarter, year; of the order: currency, status, source, sku, company_id; any field of "
        "the customer, such as country, tags or custom.plan. An order with several skus, or of a customer with several "
        "tags, counts in the row of each."
    ),
    columns=(
        Column("currency", "text", "ISO 4217 code.", None),
        Column("revenue", "decimal", "Sum of the amounts of the orders.", "currency"),
        Column("orders", "integer", "Number of orders.", "orders"),
        Column("customers", "integer", "Different customers with at least one of the orders.", "customers"),
        Column("average_order", "decimal", "Revenue divided by orders.", "currency"),
        Column("units", "decimal", "Sum of the quantities of the lines; 1 for an order without lines.", "units"),
        Column("repeat_rate", "number", "Customers with two or more of the orders, of all of its customers.", "share"),
    ),
    default_by=("month",),
    parameters={"currency": "Only orders in this currency."},
)


class Purchases:
    """The report `purchases`."""

    definition = DEFINITION

    def result(self, question: Question) -> Result:
        """Sum up by row and customer first, then by row."""
        divided = self._divided(question)
        base = divided.base
        each = (
            select(
                *divided.by,
                func.count().label("orders"),
                func.sum(base.c.amount_minor).label("minor"),
                func.sum(base.c.quantity).label("units"),
            )
            .group_by(*divided.by, base.c.customer_id)
            .subquery("each")
        )
        summed = Divided(each, divided.columns)
        currency = each.c[f"by_{divided.names.index('currency')}"]
        orders, customers = func.sum(each.c.orders), func.count()
        minor = func.sum(each.c.minor)
        query = select(
            *summed.labelled,
            amount_of(minor, currency).label("revenue"),
            orders.label("orders"),
            customers.label("customers"),
            amount_of(minor / orders, currency).label("average_order"),
            func.sum(each.c.units).label("units"),
            (cast(func.count().filter(each.c.orders > 1), Numeric) / customers).label("repeat_rate"),
        )
        figures = [one for one in DEFINITION.columns if one.name != "currency"]
        return Result(summed.ordered(query), [*divided.columns, *figures], divided.names)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the orders of one row."""
        divided = self._divided(question)
        return select(*purchase_events(divided.base)).where(*divided.is_row(row))

    def _divided(self, question: Question) -> Divided:
        rows, where = facts(question, "purchase")
        names = (*question.by, *(() if "currency" in question.by else ("currency",)))
        own = {"currency": rows.c.currency, "status": rows.c.status, "source": rows.c.source, "sku": rows.c.skus}
        return Divider(question, rows, own | {"company_id": rows.c.company_id}).divided(
            names, purchase_columns(rows), where
        )


def purchase_columns(rows: Any) -> list[Any]:
    """Name the columns of an order that figures and lists of events need."""
    names = (
        "customer_id", "event_id", "occurred_at", "position", "index", "amount_minor", "currency", "quantity",
    )  # fmt: skip
    return [rows.c[name] for name in names]


def purchase_events(rows: Any) -> list[Any]:
    """Write orders as events."""
    return [
        *purchase_columns(rows),
        literal("contacts.order-placed").label("type"),
        null().label("hit"),
    ]
