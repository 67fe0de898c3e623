"""What deals and quotas are to a forecast: rows of deals that are won or due in a period, with quotas beside them."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    FromClause,
    Numeric,
    Text,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import INTERVAL, UUID

from patron_events.rejections import Invalid
from patron_projections.reports.dimensions import TOTAL, Divided
from patron_projections.reports.question import Question, local_day
from patron_projections.reports.sales.amounts import worth_of
from patron_projections.reports.sales.attributes import Attributes
from patron_projections.reports.sales.dealt import Deals
from patron_projections.reports.sales.past import deals_over_time
from patron_projections.reports.sales.quotas import monthly_quotas
from patron_projections.reports.sources import local_time

OWNED: Final = frozenset({"owner", "team", "region", "manager"})
QUOTA_PERIODS: Final = frozenset({"month", "quarter", "year"})
_MOST_MOMENTS: Final = 400
CREDIT: Final = "A deal counts for each of its owners with their share of it; its list of events shows it once."
QUOTA: Final = (
    "Quotas count by whole months that begin in the period: a quota of a quarter or year is spread evenly over its "
    "months, unless a shorter one covers a month."
)


class HistoryTooLong(Invalid):
    """A history has at most 400 moments; take a later `history_from` or longer steps."""

    code: ClassVar[str] = "history-too-long"


class PeriodNeeded(Invalid):
    """A history is of one period: `from` says where it begins."""

    code: ClassVar[str] = "period-needed"


def _due_within(due: ColumnElement[Any], question: Question) -> list[ColumnElement[bool]]:
    """Keep the days of the period; a day that it ends within belongs to it."""
    kept: list[ColumnElement[bool]] = []
    if question.since is not None:
        kept.append(due >= literal(local_day(question.since, question.zone), Date))
    if question.until is not None:
        last = local_day(question.until, question.zone, before=True)
        kept.append(due <= literal(last, Date))
    return kept


def has_quotas(question: Question, names: Sequence[str]) -> bool:
    """Tell whether the rows of an answer can be compared with quotas."""
    filtered = {text.partition(":")[0] for text in question.filters}
    comparable = OWNED | QUOTA_PERIODS | {TOTAL, "currency", "snapshot"}
    return question.segment is None and filtered <= OWNED and set(names) <= comparable


def _due(rows: FromClause, question: Question) -> ColumnElement[Any]:
    """Give the day on which a deal was closed or is expected to be."""
    closed_on = cast(local_time(rows.c.closed_at, question.zone), Date)
    return case((rows.c.status == "won", closed_on), else_=rows.c.expected_close)


def deals_due(question: Question, names: Sequence[str], rows: FromClause | None, status: Sequence[str]) -> Divided:
    """Give the deals of some status that were won in the period, or are expected to close in it.

    rows: deals at many moments; those of the question's moment where there are none.
    """
    deals = Deals(question, rows, credited=True)
    won = deals.of("status") == "won"
    due = _due(deals.rows, question)
    deals.own["forecast_category"] = case((won, "closed"), else_=deals.category)
    moment = literal(None, DateTime(timezone=True))
    if rows is not None:
        deals.own["snapshot"] = rows.c.snapshot
        moment = rows.c.moment
    facts = [
        deals.of("status").label("status"),
        won.label("won"),
        deals.category.label("category"),
        deals.probability.label("probability"),
        moment.label("moment"),
        cast(null(), Numeric).label("quota"),
    ]
    meant = [deals.of("status").in_(status), *_due_within(due, question)]
    return deals.divided(None if rows is not None else due, facts, meant, names)


def _quotas(question: Question, names: Sequence[str], moments: FromClause | None) -> Divided:
    """Give quotas as rows beside those of `_deals`: the same columns in the same order."""
    monthly = monthly_quotas(question.clocks)
    own: dict[str, ColumnElement[Any]] = {"owner": monthly.c.owner, "currency": monthly.c.currency}
    attributes = Attributes(monthly, question, own)
    own["team"] = attributes.team(None, stated_first=False)
    if moments is not None:
        own["snapshot"] = moments.c.snapshot
        attributes.joined = attributes.joined.join(moments, literal(value=True))
    conditions = attributes.conditions()
    priced = worth_of(attributes.joined, monthly.c.minor, monthly.c.currency, question)
    attributes.joined = priced.joined
    worth, rated_on = priced.columns
    nothing = [(UUID(), "id"), (UUID(), "company_id"), (UUID(), "person_id"), (Numeric(), "amount_minor")]
    facts = [
        *(cast(null(), kind).label(name) for kind, name in nothing),
        monthly.c.currency.label("currency"),
        cast(null(), Numeric).label("worth"),
        rated_on,
        *(cast(null(), Text).label(name) for name in ("status",)),
        literal(value=False).label("won"),
        cast(null(), Text).label("category"),
        cast(null(), Numeric).label("probability"),
        cast(null(), DateTime(timezone=True)).label("moment"),
        worth.label("quota"),
    ]
    clock = None if moments is not None else monthly.c.month
    return attributes.divided(clock, facts, [*conditions, *_due_within(monthly.c.month, question)], names)


def outlook(
    question: Question, names: Sequence[str], status: Sequence[str], moments: FromClause | None = None
) -> Divided:
    """Give deals and quotas as rows of one kind."""
    rows = None if moments is None else at_moments(question, moments)
    divided = deals_due(question, names, rows, status)
    if not has_quotas(question, names):
        return divided
    both = union_all(select(divided.base), select(_quotas(question, names, moments).base))
    return Divided(both.subquery("facts"), divided.columns)


def moments_of(question: Question) -> FromClause:
    """Give the moments of a history: `snapshot`, the day, and `moment`; raises PeriodNeeded, HistoryTooLong."""
    if question.since is None:
        raise PeriodNeeded(field="from")
    zone = ZoneInfo(question.zone)
    first = local_day(question.history_from or question.since, question.zone)
    last = local_day(question.end, question.zone)
    days = {"day": 1, "week": 7, "month": 28, "quarter": 84}[question.every]
    if (last - first).days > _MOST_MOMENTS * days:
        raise HistoryTooLong(field="history_from")
    begin, end = (literal(datetime.combine(one, time(), None), DateTime()) for one in (first, last))
    step = literal({"quarter": "3 months"}.get(question.every, f"1 {question.every}"), INTERVAL)
    series = func.generate_series(begin, end, step, type_=DateTime()).table_valued("at", name="steps").render_derived()
    at = cast(series.c.at, DateTime())
    moment = func.timezone(literal(zone.key, Text), at, type_=DateTime(timezone=True))
    return select(cast(at, Date).label("snapshot"), moment.label("moment")).subquery("moments")


def at_moments(question: Question, moments: FromClause) -> FromClause:
    """Give the deals as they were at each moment."""
    told = deals_over_time(question.clocks)
    held = (told.c.held_from <= moments.c.moment) & (told.c.held_until > moments.c.moment)
    # Most versions are of no interest, and each of them would be there once for each moment.
    meant = [told.c.status.in_(("open", "won")), *_due_within(_due(told, question), question)]
    columns = [*told.columns, moments.c.snapshot, moments.c.moment]
    return select(*columns).select_from(moments.join(told, held)).where(*meant).subquery("deals")
