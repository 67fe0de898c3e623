"""Routes of the reports: their definitions, their rows, and the events behind a row."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from patron_projections.api.exporting import EXPORTED, Exported, exported
from patron_projections.api.parts import (
    READERS,
    Asked,
    Freshened,
    ListAnswer,
    Reached,
    Strict,
    answered,
)
from patron_projections.clocks import ClockInvalid, read_clocks
from patron_projections.cursors import CursorInvalid
from patron_projections.database import ReadModelRebuilding, ReadModelsUnavailable, StreamsBusy, ValueRefused
from patron_projections.directory import Page
from patron_projections.filters import FilterInvalid
from patron_projections.freshness import AfterInvalid
from patron_projections.reports.catalogue import LIFETIME_VALUE, REPORTS
from patron_projections.reports.definition import Definition
from patron_projections.reports.interactions import ResponseInvalid
from patron_projections.reports.lifetime_value import ModelUnfit
from patron_projections.reports.question import (
    ByInvalid,
    CurrencyNeeded,
    ParameterNotTaken,
    Question,
    ReportNotFound,
    RowInvalid,
    TimeInvalid,
    TimeZoneInvalid,
    read_by,
    read_moment,
    read_row,
    read_zone,
)
from patron_projections.reports.running import EVENTS, Answer, Turn, definition_of, drill, event_documents
from patron_projections.reports.sales.outlook import HistoryTooLong, PeriodNeeded
from patron_runtime.bodies import router
from patron_runtime.problems import problems

routes = router(prefix="/projections/v1", tags=["reports"], dependencies=READERS)

_PATH: Final = "/projections/v1/reports"
_TIME_TEXT: Final = "RFC 3339 time, or a date: its midnight in `time_zone`."
_CLOCK_TEXT: Final = "RFC 3339 time, or a date: its midnight UTC; not in the future."
_PROBLEMS: Final = problems(
    *(PeriodNeeded, HistoryTooLong),
    *(ReportNotFound, TimeInvalid, TimeZoneInvalid, ByInvalid, FilterInvalid, ParameterNotTaken, CurrencyNeeded),
    *(
        ResponseInvalid,
        ModelUnfit,
        ClockInvalid,
        AfterInvalid,
        ValueRefused,
        ReadModelsUnavailable,
        ReadModelRebuilding,
        StreamsBusy,
    ),
)
_EVENT_PROBLEMS: Final = _PROBLEMS | problems(RowInvalid, CursorInvalid)
_NAMES: Final = {"since": "from"}
_FRESHNESS: Final = frozenset({"after", "wait_s", "limit", "cursor", "row", "format", "formulas"})
Name = Annotated[str, Path(max_length=60)]


class ReportQuery(Strict, Exported):
    """Parameters of a report; each takes those that its definition lists."""

    since: str | None = Field(None, alias="from", max_length=40, description=f"{_TIME_TEXT} Inclusive.")
    to: str | None = Field(None, max_length=40, description=f"{_TIME_TEXT} Exclusive.")
    by: list[str] = Field([], max_length=10, description="What rows are made by; repeated or separated by commas.")
    time_zone: str = Field("UTC", max_length=60, description="IANA name; days and other periods begin there.")
    filter: list[str] = Field([], max_length=20, description="Only customers for whom this holds, as in `/people`.")
    segment: UUID | None = Field(None, description="Only members of this segment; with `as_of`, those of then.")
    as_of: str | None = Field(None, max_length=40, description=f"{_CLOCK_TEXT} What had happened by then.")
    known_at: str | None = Field(None, max_length=40, description=f"{_CLOCK_TEXT} What had been recorded by then.")
    currency: str | None = Field(None, pattern="^[A-Z]{3}$", description="ISO 4217 code.")
    days: int = Field(90, ge=1, le=3_650, description="Horizon of a forecast.")
    discount: Decimal = Field(Decimal("0.1"), ge=0, le=1, max_digits=10, description="Yearly rate of a forecast.")
    response: str | None = Field(None, max_length=300, description="Condition, such as `properties.y:eq:yes`.")
    rate_date: date | None = Field(None, description="Day whose exchange rates convert amounts into `currency`.")
    outcome: Literal["won", "lost", "closed"] = Field("won", description="Which closed deals are meant.")
    every: Literal["day", "week", "month", "quarter"] = Field("week", description="Steps of a history.")
    history_from: str | None = Field(None, max_length=40, description=f"{_TIME_TEXT} First moment of a history.")

    def question(self, definition: Definition) -> Question:
        """Read the parameters; raises what is wrong with them."""
        for field in self.model_fields_set - _FRESHNESS:
            if _NAMES.get(field, field) not in definition.takes():
                raise ParameterNotTaken(field=_NAMES.get(field, field))
        zone = read_zone(self.time_zone)
        return Question(
            now=datetime.now(UTC),
            since=read_moment(self.since, zone, "from"),
            until=read_moment(self.to, zone, "to"),
            by=read_by(self.by, definition.default_by),
            zone=zone,
            filters=self.filter,
            segment=self.segment,
            clocks=read_clocks(self.as_of, self.known_at),
            currency=self.currency,
            days=self.days,
            discount=self.discount,
            response=self.response,
            rate_date=self.rate_date,
            outcome=self.outcome,
            every=self.every,
            history_from=read_moment(self.history_from, zone, "history_from"),
        )

    def repeated(self, by: Sequence[str]) -> list[tuple[str, str]]:
        """Write the parameters again, for the events behind a row."""
        pairs = [("by", name) for name in by]
        for field in sorted(self.model_fields_set - _FRESHNESS - {"by"}):
            value: Any = getattr(self, field)
            several = cast("list[Any]", value if isinstance(value, list) else [value])
            pairs += [(_NAMES.get(field, field), str(one)) for one in several if one is not None]
        return pairs


class RowsQuery(ReportQuery):
    """Parameters of the rows of a report."""

    limit: int = Field(1_000, ge=1, le=10_000, description="Most rows of a JSON answer; an export has all.")


class EventsQuery(ReportQuery):
    """Parameters of the events behind a row: those of the report, and the row."""

    row: list[str] = Field([], max_length=10, description="Column of the key and value of the row, `column:value`.")
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=6_000, description="`next_cursor` of the page before.")


class ReportsAnswer(BaseModel):
    """The definitions of all reports."""

    reports: list[dict[str, Any]]


class ReportAnswer(BaseModel):
    """The rows of a report. complete: there are no more than `limit`. drill, in rows: the events behind them."""

    report: str
    title: str
    by: list[str]
    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    complete: bool
    position: Reached


@routes.get("/reports", response_model=ReportsAnswer)
async def reports() -> Response:
    """List the reports: what they count, their columns with units, and their parameters."""
    listed = [*(report.definition for report in REPORTS.values()), LIFETIME_VALUE.definition]
    return answered({"reports": [one.document() for one in sorted(listed, key=lambda one: one.name)]})


@routes.get("/reports/{name}", response_model=ReportAnswer, responses=_PROBLEMS | EXPORTED)
async def report(parts: Asked, name: Name, request: Request, query: Annotated[RowsQuery, Query()]) -> Response:
    """Answer a report: rows of figures, each with the address of the events behind it."""
    question = query.question(definition_of(name))
    fresh = await _waited(parts, name, query)
    form = query.form(request)
    answer = await parts.reports.answer(name, question, "answers" if form is None else "exports")
    if form is not None:
        return await exported(answer.batches, answer.columns, form, f"patron-{name}", exact=query.exact)
    rows: list[dict[str, Any]] = []
    complete = True
    try:
        async for batch in answer.batches:
            rows += batch
            if len(rows) > query.limit:
                complete = False
                break
    finally:
        await answer.batches.aclose()
    document = _document(answer, question, rows[: query.limit], query.repeated(question.by))
    return await fresh.report({**document, "complete": complete})


@routes.get("/reports/{name}/events", response_model=ListAnswer, responses=_EVENT_PROBLEMS | EXPORTED)
async def events(parts: Asked, name: Name, request: Request, query: Annotated[EventsQuery, Query()]) -> Response:
    """List the events behind one row of a report, newest first; its `drill` is the address to ask."""
    question = query.question(definition_of(name))
    row = read_row(query.row, await parts.reports.keys(name, question))
    fresh = await _waited(parts, name, query)
    form = query.form(request)
    if form is not None:
        batches = parts.reports.events(name, question, row)
        return await exported(batches, EVENTS, form, f"patron-{name}-events", exact=query.exact)
    page = await parts.reports.page(name, question, row, Turn(query.limit, query.cursor))
    return await fresh.page(event_documents(page.rows), Page([], page.next_cursor))


async def _waited(parts: Asked, name: str, query: ReportQuery) -> Freshened:
    *others, last = definition_of(name).models
    for model in others:
        await Freshened(parts, model).wait(query)
    fresh = Freshened(parts, last)
    await fresh.wait(query)
    if query.segment is not None and query.after is not None:
        await parts.evaluated.wait(query.after, query.left_s, str(query.segment))
    return fresh


def _document(
    answer: Answer, question: Question, rows: list[dict[str, Any]], repeated: list[tuple[str, str]]
) -> dict[str, Any]:
    name = answer.definition.name
    if answer.key:
        path = f"{_PATH}/{name}/events"
        rows = [{**row, "drill": drill(path, repeated, row, answer.key)} for row in rows]
    return {
        "report": name,
        "title": answer.definition.title,
        "by": list(question.by),
        "columns": [column.document() for column in answer.columns],
        "rows": rows,
    }
