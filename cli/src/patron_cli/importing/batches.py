"""Turn rows into batches that can be sent: bodies, unique keys, and what is decided before sending."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from patron_cli.importing.body import BodyMaker
from patron_cli.importing.errors_file import META, cells_of, is_errors_file, stored_of
from patron_cli.importing.identity import identify, key_of, stored_identity
from patron_cli.importing.journal import Failure, Journal, Settled
from patron_cli.importing.rows import Problem, Row
from patron_cli.importing.settle import Body
from patron_cli.importing.values import BadValue


@dataclass(frozen=True, slots=True)
class Prepared:
    """A row with its body. place: ordinal among all rows of the file, from 1.

    keys: 64-bit forms of its unique keys. reduced: the body lacks something that a dry run cannot refer to.
    """

    place: int
    row: Row
    body: Body
    keys: tuple[int, ...]
    reduced: bool = False


@dataclass(slots=True)
class Batch:
    """Rows that are settled together.

    sent: rows of the request. held: rows that share a key with a row that is not answered yet.
    """

    number: int
    settled: Settled
    sent: list[Prepared] = field(default_factory=list[Prepared])
    held: list[Prepared] = field(default_factory=list[Prepared])

    def keys(self) -> set[int]:
        """Give all unique keys in it."""
        return {key for prepared in (*self.sent, *self.held) for key in prepared.keys}


@dataclass(slots=True)
class Preparer:
    """Prepare batches of one file.

    dry_run: records that earlier rows would create do not exist for the server.
    withheld: custom fields that a dry run does not define.
    """

    maker: BodyMaker
    columns: Sequence[str]
    journal: Journal
    dry_run: bool = False
    withheld: frozenset[str] = frozenset()
    counted: dict[int, int] = field(default_factory=dict[int, int])
    _retried: bool = field(init=False)

    def __post_init__(self) -> None:
        self._retried = is_errors_file(self.columns)

    def batch(self, number: int, rows: Iterable[tuple[int, Row]], pending: set[int]) -> Batch:
        """Prepare rows of the file, given with their places; those whose parent is not in yet are put off.

        pending: keys of rows that were sent and are not answered.
        """
        batch = Batch(number, Settled(rows=0))
        for prepared in self._sorted_out(batch, rows, pending, insist=False):
            batch.settled.deferred[prepared.place] = (prepared.row.number, list(prepared.row.values))
        return batch

    def again(self, number: int, rows: Sequence[tuple[int, Row]], *, insist: bool) -> tuple[Batch, int]:
        """Prepare rows that were put off; returns the batch and how many go on waiting.

        insist: let none wait, for their parents are not in the file, or are each other's.
        """
        batch = Batch(number, Settled(rows=0))
        waiting = {prepared.place for prepared in self._sorted_out(batch, rows, set(), insist=insist)}
        batch.settled.undeferred = [place for place, _ in rows if place not in waiting]
        batch.settled.rows = 0  # they were counted when they were put off
        return batch, len(waiting)

    def _sorted_out(
        self, batch: Batch, rows: Iterable[tuple[int, Row]], pending: set[int], *, insist: bool
    ) -> list[Prepared]:
        """Fill a batch, and return the rows that must wait for their parents."""
        candidates: list[Prepared] = []
        for place, row in rows:
            batch.settled.rows += 1
            prepared = self._prepare(place, row, batch.settled)
            if prepared:
                candidates.append(prepared)
        known = self.journal.seen([key for prepared in candidates for key in prepared.keys])
        parents = self._parents(candidates)
        taken, waiting = set(pending), list[Prepared]()
        for prepared in candidates:
            parent = parent_key(prepared.body)
            if parent is not None and parent not in parents and not insist:
                waiting.append(prepared)
            elif any(key in known for key in prepared.keys):
                self.fail(batch.settled, prepared.place, prepared.row, DUPLICATE, prepared.body)
            elif taken.isdisjoint(prepared.keys):
                taken.update(prepared.keys)
                batch.sent.append(self._reduced(prepared, parents))
            else:
                taken.update(prepared.keys)
                batch.held.append(self._reduced(prepared, parents))
        return waiting

    def fail(self, settled: Settled, place: int, row: Row, problem: Problem, body: Body | None = None) -> None:
        """Count a row as duplicate or rejected, and keep it for the errors file."""
        status = "duplicate" if problem is DUPLICATE else "rejected"
        settled.counts[status] += 1
        self.record(settled, place, row, problem, body)

    def record(self, settled: Settled, place: int, row: Row, problem: Problem, body: Body | None) -> None:
        """Keep a row for the errors file without counting it."""
        source, key = stored_identity(body) if body else ("", "")
        cells = cells_of(row.values)
        if self._retried and len(cells) > len(META):
            source, key = cells[4] or source, cells[5] or key
            cells = cells[len(META) :]
        settled.failures[place] = Failure(row.number, problem.column, problem.code, problem.message, source, key, cells)

    def settled(self, settled: Settled) -> None:
        """Forget the counts that the journal has by now, unless a later batch went on counting."""
        for content, count in settled.occurrences.items():
            if self.counted.get(content) == count:
                del self.counted[content]

    def _prepare(self, place: int, row: Row, settled: Settled) -> Prepared | None:
        if row.problem:
            self.fail(settled, place, row, row.problem)
            return None
        try:
            body = self.maker.body(row.values)
        except BadValue as error:
            self.fail(settled, place, row, Problem(error.code, error.message, error.column))
            return None
        if not body:
            self.fail(settled, place, row, Problem("empty-row", "no mapped column has a value"))
            return None
        values = row.values[len(META) :] if self._retried else row.values
        stored = stored_of(row.values) if self._retried else None

        def count(content: int) -> int:
            if content not in self.counted:
                self.counted.update(self.journal.occurrences([content]) or {content: 0})
            self.counted[content] += 1
            settled.occurrences[content] = self.counted[content]
            return self.counted[content]

        keys = identify(self.maker.plan, row.values if self.maker.plan.key else values, body, stored, count)
        return Prepared(place, row, body, tuple(dict.fromkeys(keys)))

    def _parents(self, candidates: Sequence[Prepared]) -> dict[int, bool]:
        keys = [key for prepared in candidates if (key := parent_key(prepared.body)) is not None]
        return self.journal.seen(keys) if keys else {}

    def _reduced(self, prepared: Prepared, parents: dict[int, bool]) -> Prepared:
        """Leave out of a dry run what refers to records and fields that only the real run would make."""
        if not self.dry_run:
            return prepared
        body, reduced = prepared.body, False
        key = parent_key(body)
        if key is not None and parents.get(key):
            body = {name: value for name, value in body.items() if name != "parent"}
            reduced = True
        custom: dict[str, Any] = body.get("custom", {})
        if self.withheld and not self.withheld.isdisjoint(custom):
            kept = {name: value for name, value in custom.items() if name not in self.withheld}
            body = {**body, "custom": kept}
            reduced = True
        return replace(prepared, body=body, reduced=True) if reduced else prepared


DUPLICATE = Problem("duplicate-row", "a unique key of this row belongs to an earlier row of the file")


def parent_key(body: Body) -> int | None:
    """Give the key of the company that a body names as parent by an external id."""
    match body.get("parent"):
        case {"external_id": {"source": str(source), "id": str(name)}}:
            return key_of(source, name)
        case _:
            return None
