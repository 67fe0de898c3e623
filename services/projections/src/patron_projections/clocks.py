"""The two clocks of a question: `as_of`, what had happened by then, and `known_at`, what had been recorded by then.

Facts (interactions, orders) count that happened up to `as_of` and were recorded up to `known_at`. A record is as its
newest version that was recorded up to the earlier of both: who a customer was cannot be known before it was recorded.
Both ends are inclusive. Without `known_at` everything recorded until now is known; without `as_of` the answer is about
now, and planned activities are left in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, FromClause, Table, case, func, literal_column, select
from sqlalchemy.dialects.postgresql import distinct_on

from patron_events.rejections import Invalid
from patron_projections import activities, companies, people, timeline
from patron_projections.fields import read_time

AHEAD: Final = timedelta(minutes=1)
"""How far the clock of a caller may be ahead of ours."""


class ClockInvalid(Invalid):
    """`as_of` and `known_at` take RFC 3339 times or dates that are not in the future."""

    code: ClassVar[str] = "clock-invalid"


@dataclass(frozen=True, slots=True)
class Clocks:
    """A moment by both clocks; None is now."""

    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Tell whether the question is about the present, as it is known now."""
        return self.as_of is None and self.known_at is None

    @property
    def recorded_by(self) -> datetime | None:
        """Give the time up to which the versions of records count; None for now."""
        return min((one for one in (self.as_of, self.known_at) if one is not None), default=None)

    def happened(self, view: FromClause) -> list[ColumnElement[bool]]:
        """Write as conditions that a fact had happened and was known. view: has `occurred_at` and `recorded_at`."""
        happened = [] if self.as_of is None else [view.c.occurred_at <= self.as_of]
        return happened + ([] if self.known_at is None else [view.c.recorded_at <= self.known_at])


LIVE: Final = Clocks()


def read_clocks(as_of: str | None, known_at: str | None) -> Clocks:
    """Read the clocks of a question; a date alone means its beginning, a missing offset UTC.

    Raises:
        ClockInvalid: no time, or one in the future; names the parameter.
    """
    latest = datetime.now(UTC) + AHEAD
    return Clocks(_read(as_of, "as_of", latest), _read(known_at, "known_at", latest))


def _read(text: str | None, name: str, latest: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        moment = read_time(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ClockInvalid(field=name) from None
    if moment > latest:
        raise ClockInvalid(field=name)
    return moment


def people_as_of(clocks: Clocks, *, first_known: bool = False) -> FromClause:
    """Select people as they were; columns as the view `people` has them.

    first_known: whoever has no version yet at that moment is as their first version, for facts that are older than
    their record, such as an imported history.
    """
    return _as_of(people.VIEW, people.VERSIONS_VIEW, clocks, first_known=first_known)


def companies_as_of(clocks: Clocks, *, first_known: bool = False) -> FromClause:
    """Select companies as they were; see `people_as_of`."""
    return _as_of(companies.VIEW, companies.VERSIONS_VIEW, clocks, first_known=first_known)


def activities_as_of(clocks: Clocks) -> FromClause:
    """Select the interactions and orders that had happened and were known; columns as the view `activities`."""
    return _happened(activities.VIEW, clocks)


def timeline_as_of(clocks: Clocks) -> FromClause:
    """Select the events that had happened and were known; columns as the view `timeline`."""
    return _happened(timeline.VIEW, clocks)


def _happened(view: Table, clocks: Clocks) -> FromClause:
    conditions = clocks.happened(view)
    return select(view).where(*conditions).subquery(view.name) if conditions else view


def _as_of(view: Table, versions: Table, clocks: Clocks, *, first_known: bool) -> FromClause:
    moment = clocks.recorded_by
    if moment is None:
        return view
    recorded = versions.c.recorded_at <= moment
    query = select(*_columns(view, versions)).ext(distinct_on(versions.c.id))
    if not first_known:
        return query.where(recorded).order_by(versions.c.id, versions.c.version.desc()).subquery(view.name)
    if clocks.known_at is not None:
        query = query.where(versions.c.recorded_at <= clocks.known_at)
    newest = case((recorded, -versions.c.version), else_=versions.c.version)
    return query.order_by(versions.c.id, recorded.desc(), newest).subquery(view.name)


def _columns(view: Table, versions: Table) -> Sequence[ColumnElement[Any]]:
    text = func.concat_ws(" ", versions.c.search_personal, versions.c.search_open)
    made: dict[str, ColumnElement[Any]] = {
        "search_text": text,
        "search": func.to_tsvector(literal_column("'simple'::regconfig"), text),
    }
    return [made[one.name].label(one.name) if one.name in made else versions.c[one.name] for one in view.columns]
