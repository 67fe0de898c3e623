"""What the routes need, and the parameters that all of them share."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, cast

import msgspec
from fastapi import Depends, FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from patron_events.rejections import Invalid, NotFound
from patron_projections.clocks import ClockInvalid, Clocks, read_clocks
from patron_projections.cursors import CursorInvalid
from patron_projections.customers.queries import Customers
from patron_projections.database import Database, ReadModelRebuilding, ReadModelsUnavailable, ValueRefused
from patron_projections.directory import Directory, Page
from patron_projections.engine.read_model import ReadModel
from patron_projections.fields import read_time
from patron_projections.freshness import AfterInvalid, Freshness, Freshnesses
from patron_projections.histories import AuditQueries, Period, TimelineQueries
from patron_projections.links import Links
from patron_projections.operations import Operations
from patron_projections.reports.running import Reports
from patron_projections.sales.queries import Sales
from patron_projections.segments.backtest_report import Backtests
from patron_projections.segments.evaluated import Evaluated
from patron_projections.segments.queries import SegmentQueries
from patron_runtime.identity import Role
from patron_runtime.problems import problems
from patron_runtime.requests import requires

STALE_HEADER: Final = "Patron-Stale"
_CURSOR_TEXT: Final = "`next_cursor` of the page before, for the same question."
_AS_OF_TEXT: Final = "What had happened by then: RFC 3339 time or date, inclusive, not in the future; now if absent."
_KNOWN_AT_TEXT: Final = "What had been recorded by then, in the same form; what is known now if absent."
_AFTER_TEXT: Final = "Position that a command answered with; the answer has everything up to it."


class PeriodInvalid(Invalid):
    """`from` and `to` take RFC 3339 times or dates."""

    code: ClassVar[str] = "period-invalid"


class RecordNotFound(NotFound):
    """There is no such record, or it is not in the read model yet; `after` waits for it."""

    code: ClassVar[str] = "record-not-found"


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that routes ask."""

    database: Database
    freshnesses: Freshnesses
    people: Directory
    companies: Directory
    customers: Customers
    names: Links
    timeline: TimelineQueries
    audit: AuditQueries
    operations: Operations
    segments: SegmentQueries
    evaluated: Evaluated
    backtests: Backtests
    reports: Reports
    sales: Sales
    models: Mapping[str, ReadModel]


def attach(app: FastAPI, parts: Parts) -> None:
    """Hang the parts on the application."""
    app.state.projections = parts


def parts_of(request: Request) -> Parts:
    """Give the parts of the application that serves this request."""
    return cast("Parts", request.app.state.projections)


Asked = Annotated[Parts, Depends(parts_of)]
READERS: Final = [Depends(requires(Role.READER))]
ADMINS: Final = [Depends(requires(Role.ADMIN))]
LIST_PROBLEMS: Final = problems(CursorInvalid, AfterInvalid, ValueRefused, ReadModelsUnavailable, ReadModelRebuilding)
AS_OF_PROBLEMS: Final = LIST_PROBLEMS | problems(ClockInvalid)


class Strict(BaseModel):
    """Parameters of a query; unknown ones are refused, so that a misspelt filter is not overlooked."""

    model_config = ConfigDict(extra="forbid")

    after: str | None = Field(None, max_length=60, description=_AFTER_TEXT, examples=["contacts.17.4"])
    wait_s: float = Field(5.0, ge=0, le=30, description="Seconds to wait for `after`; then 503.")
    _asked_at: float = PrivateAttr(default_factory=time.monotonic)

    @property
    def left_s(self) -> float:
        """What is left of `wait_s`, in seconds: one answer may wait for several models, one after the other."""
        return max(0.0, self.wait_s - (time.monotonic() - self._asked_at))


KNOWN_AT: Final = Field(None, max_length=40, description=_KNOWN_AT_TEXT, examples=["2026-04-15"])


class AsOf(BaseModel):
    """The two clocks of a question."""

    as_of: str | None = Field(None, max_length=40, description=_AS_OF_TEXT, examples=["2026-03-31T23:59:59Z"])
    known_at: str | None = KNOWN_AT

    def clocks(self) -> Clocks:
        """Read the clocks; raises ClockInvalid."""
        return read_clocks(self.as_of, self.known_at)


class Asking(Strict, AsOf):
    """Parameters of a question about one thing, as of any moment."""


class Listed(Strict):
    """Parameters of a list."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=6_000, description=_CURSOR_TEXT)


class ListedAsOf(Listed, AsOf):
    """Parameters of a list as of any moment."""


AfterQuery = Annotated[Strict, Query()]
AsOfQuery = Annotated[Asking, Query()]


class Reached(BaseModel):
    """Where the read model stands. stale: nobody has compared it with the log for 5 s; behind_s: since when."""

    reached: str = Field(examples=["contacts.*.1234"])
    stale: bool
    behind_s: float | None


class ListAnswer(BaseModel):
    """One page of a list."""

    items: list[dict[str, Any]]
    next_cursor: str | None
    position: Reached


async def wait_for(parts: Parts, query: Strict, *names: str) -> None:
    """Wait until the models that follow the log of `after` have what the caller asks for.

    names: of the models that an answer is made of; of several logs.

    Raises:
        AfterInvalid: none of them follows that log.
    """
    if query.after is None:
        return
    models = [parts.models[name] for name in names]
    context = query.after.partition(".")[0]
    for model in [one for one in models if one.context == context] or models[:1]:
        await parts.freshnesses.wait(model, query.after, query.left_s)


class Freshened:
    """Answers of one model, after waiting for the position that the caller asks for."""

    def __init__(self, parts: Parts, model: str) -> None:
        self._parts = parts
        self._model = parts.models[model]

    async def wait(self, query: Strict) -> None:
        """Wait for `after`, if the caller gave it."""
        if query.after is not None:
            await self._parts.freshnesses.wait(self._model, query.after, query.left_s)

    async def page(self, items: Sequence[dict[str, Any]], page: Page) -> Response:
        """Answer with a page."""
        freshness = await self._parts.freshnesses.of(self._model)
        document = {"items": items, "next_cursor": page.next_cursor, "position": freshness.document()}
        return answered(document, freshness)

    async def report(self, document: Mapping[str, Any]) -> Response:
        """Answer with one document that says itself where the read model stands."""
        freshness = await self._parts.freshnesses.of(self._model)
        return answered({**document, "position": freshness.document()}, freshness)

    async def document(self, document: Mapping[str, Any]) -> Response:
        """Answer with one document."""
        return answered(document, await self._parts.freshnesses.of(self._model))


def answered(document: Any, freshness: Freshness | None = None, status: int = 200) -> Response:
    """Write a JSON answer; `Patron-Position` and, where it may be stale, `Patron-Stale` are in its headers."""
    headers: dict[str, str] = {}
    if freshness is not None:
        headers["Patron-Position"] = freshness.position
        if freshness.stale:
            headers[STALE_HEADER] = "unknown" if freshness.behind_s is None else f"{freshness.behind_s:.0f}"
    return Response(msgspec.json.encode(document), status, headers, "application/json")


def period(since: str | None, until: str | None) -> Period:
    """Read a period.

    Raises:
        PeriodInvalid: one of its ends is no time.
    """
    return Period(_moment(since, "from"), _moment(until, "to"))


def _moment(text: str | None, name: str) -> datetime | None:
    try:
        return None if text is None else read_time(text)
    except (ValueError, OverflowError):
        raise PeriodInvalid(field=name) from None
