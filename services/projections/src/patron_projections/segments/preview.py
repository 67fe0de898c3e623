"""Try a rule before it is saved: how many customers it holds for, and some of them."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from sqlalchemy import func, select

from patron_events.rejections import Fault, Invalid
from patron_projections import custom_fields
from patron_projections.clocks import ClockInvalid, Clocks
from patron_projections.database import Database
from patron_projections.segments.compiler import compile_rule
from patron_projections.segments.sources import as_of, live
from patron_rules.checking import RuleInvalid, check
from patron_rules.fields import Definitions
from patron_rules.looking import looks_at
from patron_rules.tree import Rule

EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
"""No question is about earlier times: calendars of rules reach back from the moment of asking."""


class RuleRefused(Invalid):
    """The rule is wrong; `errors` names every part that is, with a code of docs/rules.md."""

    code: ClassVar[str] = "rule-invalid"


class ScoresWithoutHistory(Invalid):
    """RFM scores are known for now only; a rule that looks at them has no past."""

    code: ClassVar[str] = "scores-without-history"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would give. count: customers for whom it holds; total: all customers; sample: the first by id."""

    at: datetime
    count: int
    total: int
    sample: list[dict[str, Any]]
    took_ms: float


class Rules:
    """Reads and checks rules by the custom fields that the read side knows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def definitions(self) -> Definitions:
        """Give the definitions in use."""
        return custom_fields.definitions(await self._database.rows(custom_fields.query()))

    async def checked(self, document: object, path: str = "rule") -> tuple[Rule, Definitions]:
        """Read a rule and give the definitions that it was checked by. path: where it stands in the request.

        Raises:
            RuleRefused: the document is no rule; names all that is wrong with it.
        """
        known = await self.definitions()
        try:
            return check(document, known), known
        except RuleInvalid as refused:
            faults = [Fault(f"{path}{one.path[1:]}", one.code, one.message) for one in refused.problems]
            raise RuleRefused(faults=faults, field=faults[0].field) from None


def with_past(rule: Rule) -> None:
    """Refuse a rule that cannot be asked about the past; raises ScoresWithoutHistory."""
    if looks_at(rule).rfm:
        raise ScoresWithoutHistory(field="rule")


class Previews:
    """Answers what a rule would give, now or as of a moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rules = Rules(database)

    async def of(self, document: object, clocks: Clocks, limit: int) -> Preview:
        """Count and show the customers for whom a rule holds.

        Raises:
            RuleRefused: the document is no rule.
            ScoresWithoutHistory: it looks at RFM scores, and the question is about the past.
            ClockInvalid: the moment lies before 1900.
        """
        rule, known = await self._rules.checked(document)
        moment = clocks.recorded_by if clocks.as_of is None else clocks.as_of
        if moment is not None and moment < EARLIEST:
            raise ClockInvalid(field="as_of")
        if not clocks.live:
            with_past(rule)
        began = time.perf_counter()
        now = clocks.as_of or datetime.now(UTC)
        source = live(known) if clocks.live else as_of(clocks, known)
        people = source.people
        found = select(people.c.id, people.c.display_name, people.c.email, func.count().over().label("count"))
        rows = await self._database.rows(
            found.where(compile_rule(rule, source, now)).order_by(people.c.id).limit(max(limit, 1))
        )
        everybody = await self._database.rows(select(func.count().label("total")).select_from(people))
        sample = [{name: row[name] for name in ("id", "display_name", "email")} for row in rows[:limit]]
        took_ms = (time.perf_counter() - began) * 1000
        return Preview(now, rows[0]["count"] if rows else 0, everybody[0]["total"], sample, round(took_ms, 1))
