"""A segment as the evaluator knows it: its definition, what it looks at, and when it is to be judged."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from patron_projections.segments.dirty import ERASED, wakes
from patron_rules.looking import looks_at
from patron_rules.tree import Rule, read_rule

DEFINITIONS: Final = """
SELECT id, kind, name, rule, rule_version, rule_event_id, rule_changed_at, snapshot_event_id, snapshot_at, archived,
       archived_event_id, archived_at, hand_decisions, updated_at
FROM patron.segment_definitions WHERE %(ids)s::text[] IS NULL OR id = ANY(%(ids)s::text[])
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment's definition as the read model has it.

    rule: None for static segments. hand_decisions: how many were ever made.
    """

    id: str
    kind: str
    rule: Rule | None
    rule_version: int
    archived: bool
    hand_decisions: int
    snapshot_event_id: str | None
    snapshot_at: datetime | None
    stated_by: str | None
    stated_at: datetime

    @property
    def is_live(self) -> bool:
        """Tell whether members come and go by themselves."""
        return self.kind == "dynamic" and not self.archived

    @property
    def judged_rule(self) -> Rule | None:
        """The rule that decides now: none for static and archived segments, and for a snapshot not yet asked for."""
        if self.archived or self.kind == "static" or (self.kind == "snapshot" and self.snapshot_at is None):
            return None
        return self.rule

    @property
    def woken_by(self) -> frozenset[str]:
        """Name the types of events that may change its members; of a snapshot only an erasure may."""
        if self.archived:
            return frozenset()
        if self.kind == "snapshot":
            return frozenset({ERASED})
        if self.rule is None:
            return wakes(())
        at = looks_at(self.rule)
        fields = [*at.profile, *at.facts, *(("company",) if at.company else ()), *(("rfm",) if at.rfm else ())]
        return wakes(fields)

    @property
    def uses(self) -> frozenset[str]:
        """The segments whose members its own depend on."""
        return looks_at(self.rule).segments if self.rule is not None and self.is_live else frozenset()

    @property
    def fields(self) -> frozenset[str]:
        """The fields of people and companies that its members depend on now, as rules name them."""
        if self.rule is None or not self.is_live:
            return frozenset()
        at = looks_at(self.rule)
        return at.profile | {f"company.{name}" for name in at.company}

    def moment(self, now: datetime) -> datetime:
        """Tell as of when its rule is asked: a snapshot is taken as of its request."""
        return self.snapshot_at if self.kind == "snapshot" and self.snapshot_at is not None else now


def segment_of(row: Mapping[str, Any]) -> Segment:
    """Read a row of `DEFINITIONS`; raises msgspec.ValidationError for a rule of a newer release."""
    rule = None if row["rule"] is None else read_rule(row["rule"])
    by, at = row["rule_event_id"], row["rule_changed_at"]
    if row["kind"] == "snapshot":
        by, at = row["snapshot_event_id"], row["snapshot_at"]
    if row["archived"]:
        by, at = row["archived_event_id"], row["archived_at"]
    return Segment(
        id=row["id"],
        kind=row["kind"],
        rule=rule,
        rule_version=row["rule_version"],
        archived=row["archived"],
        hand_decisions=row["hand_decisions"],
        snapshot_event_id=row["snapshot_event_id"],
        snapshot_at=row["snapshot_at"],
        stated_by=by,
        stated_at=at or row["updated_at"],
    )


async def read_segments(
    connection: AsyncConnection, ids: Collection[str] | None = None
) -> tuple[list[Segment], dict[str, str]]:
    """Read definitions, of all segments or of some; also why those cannot be read that are of a newer release."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(DEFINITIONS, {"ids": None if ids is None else list(ids)})
        rows = await cursor.fetchall()
    segments: list[Segment] = []
    faults: dict[str, str] = {}
    for row in rows:
        try:
            segments.append(segment_of(row))
        except Exception as error:  # noqa: BLE001  (whatever a rule of another release holds, the other segments go on)
            faults[row["id"]] = type(error).__name__
    return segments, faults


def in_order(uses: Mapping[str, Collection[str]]) -> Sequence[str]:
    """Order segments so that each comes after those that it uses; a cycle, which is refused on writing, is cut."""
    done: dict[str, None] = {}
    entered: set[str] = set()

    def visit(one: str) -> None:
        if one in entered or one not in uses:
            return
        entered.add(one)
        for below in sorted(uses[one]):
            visit(below)
        done[one] = None

    for one in sorted(uses):
        visit(one)
    return list(done)
