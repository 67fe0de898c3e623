"""The report `follow-ups`: planned calls, meetings, tasks and e-mails, and whether they were done."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, DateTime, Numeric, SelectBase, cast, func, literal, or_, select

from patron_projections.belonging import members_as_of
from patron_projections.reports.definition import Column, Definition, Result
from patron_projections.reports.dimensions import Divided
from patron_projections.reports.question import Question
from patron_projections.reports.sales.attributes import Attributes
from patron_projections.reports.sales.models import OF_ACTIVITIES
from patron_projections.reports.sales.told import beginnings_of
from patron_projections.reports.sources import within
from patron_projections.sales.listed import planned_activities_listed

DEFINITION: Final = Definition(
    name="follow-ups",
    title="Planned activities",
    text=(
        "Planned calls, meetings, tasks and e-mails by when they are due, those without a time by when they were "
        "planned; as they stand now or at `as_of`. One that recurs counts once, with all of its completions. What was "
        "logged of customers is in `interactions`. `filter` takes the attributes of planned activities."
    ),
    by=(
        "total; day, week, month, quarter, year; of the activity: kind, status, priority, outcome, assignee, team, "
        "region, manager, deal_id, lead_id, company_id, person_id, external_source; company.<field> and person.<field>."
    ),
    columns=(
        Column("activities", "integer", "Planned activities.", "activities"),
        Column("share", "number", "Activities of all activities of the answer.", "share"),
        Column("done", "integer", "Those that are done.", "activities"),
        Column("open", "integer", "Those that are to be done.", "activities"),
        Column("overdue", "integer", "Of these: past their time, or the whole day that they were for.", "activities"),
        Column("cancelled", "integer", "Those that are cancelled.", "activities"),
        Column("completion", "number", "Done, of those that are not cancelled.", "share"),
        Column("late", "integer", "Done after they were due.", "activities"),
        Column("completions", "integer", "How often they were done, every time of recurring ones.", "completions"),
    ),
    default_by=("kind",),
    models=OF_ACTIVITIES,
)
_PLAIN: Final = (
    *("id", "kind", "status", "priority", "outcome", "assignee", "deal_id", "lead_id", "company_id", "person_id"),
    *("external_source", "external_id", "due_at", "completed_at", "created_at"),
)


class FollowUps:
    """The report `follow-ups`."""

    definition = DEFINITION

    def result(self, question: Question) -> Result:
        """Count planned activities by how they stand."""
        divided = self._divided(question)
        base = divided.base
        number = func.count()
        done, cancelled = number.filter(base.c.hit), number.filter(base.c.status == "cancelled")
        figures: list[ColumnElement[Any]] = [
            number.label("activities"),
            (cast(number, Numeric) / func.sum(number).over()).label("share"),
            done.label("done"),
            number.filter(base.c.status == "open").label("open"),
            number.filter(base.c.overdue).label("overdue"),
            cancelled.label("cancelled"),
            (cast(done, Numeric) / func.nullif(number - cancelled, 0)).label("completion"),
            number.filter(base.c.hit, base.c.late).label("late"),
            func.sum(base.c.completions).label("completions"),
        ]
        query = divided.ordered(select(*divided.labelled, *figures))
        return Result(query, [*divided.columns, *DEFINITION.columns], divided.names)

    def events(self, question: Question, row: Mapping[str, str | None]) -> SelectBase:
        """Give the events that planned the activities of one row; `hit` tells those that are done."""
        return beginnings_of(self._divided(question), row, "pipeline.activity-planned")

    def _divided(self, question: Question) -> Divided:
        rows = planned_activities_listed(question.clocks).alias("activities")
        own: dict[str, ColumnElement[Any]] = {"owner": rows.c.assignee}
        own |= {name: rows.c[name] for name in _PLAIN}
        attributes = Attributes(rows, question, own)
        if "team" in question.by or any(text.startswith("team:") for text in question.filters):
            own["team"] = attributes.team(None, stated_first=False)
        clock = func.coalesce(rows.c.due_at, rows.c.created_at, type_=DateTime(timezone=True))
        where = [*attributes.conditions(), *within(clock, question)]
        if question.segment is not None:
            members = members_as_of(question.clocks)
            mine = select(members.c.customer_id).where(members.c.segment_id == str(question.segment))
            where.append(or_(rows.c.company_id.in_(mine), rows.c.person_id.in_(mine)))
        facts = [
            rows.c.id,
            func.coalesce(rows.c.person_id, rows.c.company_id).label("customer_id"),
            *(rows.c.status, rows.c.completions),
            (rows.c.status == "completed").label("hit"),
            rows.c.overdue,
            func.coalesce(rows.c.completed_at > rows.c.due_at, literal(value=False)).label("late"),
        ]
        return attributes.divided(clock, facts, where)
