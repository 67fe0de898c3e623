"""Rows get lasting ids, duplicates are found across batches, and the journal keeps every count."""

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patron_cli.importing.batches import Batch, Preparer
from patron_cli.importing.body import compile_plan
from patron_cli.importing.detection import open_rows
from patron_cli.importing.errors_file import META, write_errors
from patron_cli.importing.journal import Failure, Journal, JournalBusy, Settled, latest
from patron_cli.importing.mapping import Stated, make_plan
from patron_cli.importing.mapping_file import MappingFile
from patron_cli.importing.rows import Problem, Row
from patron_cli.importing.shapes import Kind


def preparer(
    kind: Kind, columns: list[str], journal: Journal | None = None, *, dry_run: bool = False, **stated: Any
) -> Preparer:
    plan = make_plan(kind, columns, Stated(**stated), MappingFile(), default_source="file")
    return Preparer(compile_plan(plan), columns, journal or Journal(None), dry_run=dry_run)


def rows(*cells: list[Any], first: int = 1) -> list[tuple[int, Row]]:
    return [(place, Row(place + 1, one)) for place, one in enumerate(cells, start=first)]


def accept(worker: Preparer, batch: Batch, *, created: bool = True) -> None:
    """Settle a batch as if the server had taken every row that was sent."""
    for prepared in batch.sent:
        batch.settled.seen.update(dict.fromkeys(prepared.keys, created))
        batch.settled.counts["created"] += 1
    worker.journal.settle(batch.settled, seconds=1.0)
    worker.settled(batch.settled)


def test_the_id_column_becomes_the_external_id() -> None:
    batch = preparer("people", ["id", "name"], source="crm").batch(1, rows(["7", "Ada"]), set())
    assert [one.body for one in batch.sent] == [{"given_name": "Ada", "external_ids": [{"source": "crm", "id": "7"}]}]


def test_people_without_id_are_known_by_their_address() -> None:
    worker = preparer("people", ["name", "email"])
    first = worker.batch(1, rows(["Ada", "Ada@example.org"]), set())
    assert "external_ids" not in first.sent[0].body
    accept(worker, first)
    second = worker.batch(2, rows(["Ada", "ada@Example.org"], first=2), set())
    assert (second.sent, second.settled.counts["duplicate"]) == ([], 1)


def test_equal_rows_get_ids_by_their_ordinal_and_the_same_ones_again() -> None:
    columns = ["customer_id", "date", "dollar_value"]
    sale = ["1", "19970101", "0.00"]
    ids: list[list[str]] = []
    for _ in range(2):
        worker = preparer("orders", columns)
        one = worker.batch(1, rows(sale, sale), set())
        accept(worker, one)
        two = worker.batch(2, rows(sale, first=3), set())
        ids.append([prepared.body["external_id"] for prepared in (*one.sent, *two.sent)])
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 3
    assert ids[0][2] == f"{ids[0][0]}-3"


def test_rows_that_share_a_key_with_an_unanswered_one_are_held() -> None:
    worker = preparer("people", ["id", "email"])
    one = worker.batch(1, rows(["1", "a@b.de"], ["2", "a@b.de"], ["3", "c@b.de"]), set())
    assert [prepared.place for prepared in one.sent] == [1, 3]
    assert [prepared.place for prepared in one.held] == [2]
    two = worker.batch(2, rows(["3", "d@b.de"], first=4), one.keys())
    assert (two.sent, [prepared.place for prepared in two.held]) == ([], [4])


def test_children_wait_for_parents_that_come_later() -> None:
    worker = preparer("companies", ["account", "subsidiary_of"])
    one = worker.batch(1, rows(["Child", "Parent"], ["Parent", ""]), set())
    assert [prepared.body["name"] for prepared in one.sent] == ["Parent"]
    assert (one.settled.rows, set(one.settled.deferred)) == (2, {1})
    accept(worker, one)
    waiting = [(place, Row(number, cells)) for place, number, cells in worker.journal.deferred(0, 10)]
    again, left = worker.again(2, waiting, insist=False)
    assert (left, [prepared.body["name"] for prepared in again.sent]) == (0, ["Child"])
    accept(worker, again)
    assert worker.journal.deferred(0, 10) == []
    assert (worker.journal.progress.rows, worker.journal.progress.counts["created"]) == (2, 2)


def test_a_parent_outside_the_file_is_left_to_the_server() -> None:
    worker = preparer("companies", ["account", "subsidiary_of"])
    accept(worker, worker.batch(1, rows(["Child", "Elsewhere"]), set()))
    waiting = [(place, Row(number, cells)) for place, number, cells in worker.journal.deferred(0, 10)]
    assert worker.again(2, waiting, insist=False)[1] == 1
    again, left = worker.again(3, waiting, insist=True)
    assert (left, len(again.sent)) == (0, 1)


def test_a_dry_run_does_not_refer_to_what_it_would_create() -> None:
    worker = preparer("companies", ["account", "subsidiary_of"], dry_run=True)
    accept(worker, worker.batch(1, rows(["Parent", ""]), set()))
    (child,) = worker.batch(2, rows(["Child", "Parent"], first=2), set()).sent
    assert child.reduced
    assert "parent" not in child.body


def test_bad_cells_blank_rows_and_broken_rows_are_rejected_with_their_column() -> None:
    worker = preparer("people", ["name", "birthday"])
    broken = (3, Row(4, ["x"], Problem("too-few-cells", "the row has 1 cells, the header 2")))
    batch = worker.batch(1, [*rows(["Ada", "03/04/2005"], ["", ""]), broken], set())
    assert [(f.number, f.code, f.column) for f in batch.settled.failures.values()] == [
        (2, "ambiguous-date", "birthday"),
        (3, "empty-row", ""),
        (4, "too-few-cells", ""),
    ]
    assert batch.settled.counts["rejected"] == 3


def test_an_errors_file_is_imported_alone_under_the_same_ids(tmp_path: Path) -> None:
    columns = ["customer_id", "date", "dollar_value"]
    worker = preparer("orders", columns)
    one = worker.batch(1, rows(["1", "19970101", "5"], ["1", "19970101", "5"]), set())
    for prepared in one.sent:
        worker.fail(one.settled, prepared.place, prepared.row, Problem("made-up", "no", "date"), prepared.body)
    path = tmp_path / "errors.csv"
    assert write_errors(path, columns, one.settled.failures.values()) == 2
    file = open_rows(path)
    again = preparer("orders", list(file.columns)).batch(1, enumerate(file.rows(), start=1), set())
    assert [prepared.body for prepared in again.sent] == [prepared.body for prepared in one.sent]
    with path.open(encoding="utf-8", newline="") as stream:
        header, first, _ = csv.reader(stream)
    assert header == [*META, *columns]
    assert first[:5] == ["2", "date", "made-up", "no", "file"]


def test_a_second_errors_file_does_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "errors.csv"
    write_errors(path, ["name", "birthday"], [Failure(9, "birthday", "invalid-date", "no", "", "", ["Ada", "soon"])])
    file = open_rows(path)
    batch = preparer("people", list(file.columns)).batch(1, enumerate(file.rows(), start=1), set())
    (failure,) = batch.settled.failures.values()
    assert (failure.number, failure.cells) == (2, ["Ada", "soon"])


def test_a_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.sqlite"
    journal = Journal(path)
    journal.begin()
    failure = Failure(2, "", "made-up", "no", "s", "k", ["a", "é"])
    settled = Settled(rows=3, seen={5: True, -6: False}, occurrences={7: 2}, failures={1: failure})
    settled.counts["created"] = 2
    settled.position = "contacts.*.9"
    journal.settle(settled, seconds=2.5)
    with pytest.raises(JournalBusy):
        Journal(path)
    journal.close(finished=False)
    journal = Journal(path)
    assert journal.resumed
    assert (journal.progress.rows, journal.progress.seconds, journal.progress.counts["created"]) == (3, 2.5, 2)
    assert journal.progress.position == "contacts.*.9"
    assert journal.seen([5, -6, 8]) == {5: True, -6: False}
    assert journal.occurrences([7, 8]) == {7: 2}
    assert list(journal.failures()) == [failure]
    journal.close(finished=True)
    assert list(path.parent.iterdir()) == []


def test_the_later_position_wins() -> None:
    assert latest("contacts.*.9", "contacts.*.10") == "contacts.*.10"
    assert latest(None, "contacts.*.10") == latest("contacts.*.10", None) == "contacts.*.10"


@given(
    table=st.lists(
        st.tuples(st.sampled_from(["", "1", "2", "3"]), st.sampled_from(["", "a@b.de", "c@d.de", "x"])), max_size=20
    ),
    size=st.integers(1, 5),
)
def test_every_row_is_counted_once_whatever_the_batches(table: list[tuple[str, str]], size: int) -> None:
    worker = preparer("people", ["id", "email"])
    cells = rows(*([one, two] for one, two in table))
    for number, start in enumerate(range(0, len(cells), size)):
        batch = worker.batch(number, cells[start : start + size], set())
        for prepared in batch.held:
            worker.fail(batch.settled, prepared.place, prepared.row, Problem("held", ""), prepared.body)
        accept(worker, batch)
    run = worker.journal.progress
    assert run.rows == sum(run.counts.values()) == len(table)
