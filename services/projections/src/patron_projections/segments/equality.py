"""Equality: a full evaluation from the beginning, the members kept live, and the log's story must be the same.

All three are read in one statement, so that nothing can change in between.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Numeric, Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql.selectable import FromClause

from patron_projections.database import Database
from patron_projections.segments.judging import members_of
from patron_projections.segments.members import MEMBERS, OUTBOX
from patron_projections.segments.memberships import VIEW as MEMBERSHIPS
from patron_projections.segments.segment import Segment
from patron_rules.fields import Definitions

_ANSWER_S: Final = 60.0


class Sum(NamedTuple):
    """A number of customers, and the sum of the hashes of their ids."""

    customers: int
    checksum: str


class Equality(NamedTuple):
    """Who belongs to a segment, found in three ways.

    evaluated: by its rule and hand lists; None for a snapshot, which stands as it was taken. kept: by the table of
    members. told: by the log. pending: changes that are not told yet.
    """

    evaluated: Sum | None
    kept: Sum
    told: Sum
    pending: int

    @property
    def holds(self) -> bool:
        """Tell whether all three are the same."""
        return self.pending == 0 and self.kept == self.told and self.evaluated in {None, self.kept}

    def document(self) -> dict[str, object]:
        """Write it for an answer."""
        sums = {"evaluated": self.evaluated, "kept": self.kept, "told": self.told}
        shown = {name: None if one is None else one._asdict() for name, one in sums.items()}
        return {**shown, "pending": self.pending, "equal": self.holds}


async def equality(database: Database, segment: Segment, definitions: Definitions, now: datetime) -> Equality:
    """Compare the three for one segment.

    Raises:
        ReadModelsUnavailable: PostgreSQL does not answer in time.
    """
    (row,) = await database.rows(comparison(segment, definitions, now), answer_s=_ANSWER_S)
    return read(row, taken=segment.kind == "snapshot" and not segment.archived)


def read(row: Mapping[str, Any], *, taken: bool) -> Equality:
    """Read the answer to `comparison`. taken: the segment is a snapshot."""
    sums = {name: Sum(row[name], _hex(row[f"{name}_sum"])) for name in ("evaluated", "kept", "told")}
    return Equality(None if taken else sums["evaluated"], sums["kept"], sums["told"], row["pending"])


def comparison(segment: Segment, definitions: Definitions, now: datetime) -> Select[Any]:
    """Write the statement that finds the members of a segment in three ways."""
    kept = select(MEMBERS.c.customer_id).where(MEMBERS.c.segment_id == segment.id).subquery("kept")
    last = (
        select(MEMBERSHIPS.c.customer_id, MEMBERSHIPS.c.entered)
        .where(MEMBERSHIPS.c.segment_id == segment.id)
        .ext(distinct_on(MEMBERSHIPS.c.customer_id))
        .order_by(MEMBERSHIPS.c.customer_id, MEMBERSHIPS.c.position.desc(), MEMBERSHIPS.c.index.desc())
        .subquery("last")
    )
    told = select(last.c.customer_id).where(last.c.entered).subquery("told")
    pending = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.segment_id == segment.id).scalar_subquery()
    evaluated = members_of(segment, definitions, now).subquery("evaluated")
    columns: list[ColumnElement[Any]] = [pending.label("pending")]
    for name, found in (("evaluated", evaluated), ("kept", kept), ("told", told)):
        columns += [_count(found).label(name), _checksum(found).label(f"{name}_sum")]
    return select(*columns)


def _count(found: FromClause) -> ColumnElement[int]:
    return select(func.count()).select_from(found).scalar_subquery()


def _checksum(found: FromClause) -> ColumnElement[Any]:
    """Sum up hashes: a sum needs no order."""
    hashed = func.hashtextextended(cast(found.c.customer_id, Text), literal(0, BigInteger))
    return select(func.coalesce(func.sum(cast(hashed, Numeric)), 0)).scalar_subquery()


def _hex(total: Any) -> str:
    return f"{int(total) % 2**64:016x}"
