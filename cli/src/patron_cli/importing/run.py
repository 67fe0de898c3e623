"""Send a file through the bulk routes: a few requests in flight, every row accounted for once."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from patron_cli.importing.batches import DUPLICATE, Batch, Prepared, Preparer
from patron_cli.importing.blame import column_for
from patron_cli.importing.journal import Journal, latest
from patron_cli.importing.rows import Problem, Row, RowFile
from patron_cli.importing.service import BulkAnswer, RequestRefused, Result, Service, ServiceUnreachable
from patron_cli.importing.shapes import SALES, Kind

BATCH_ROWS = 500
IN_FLIGHT = 3
_BATCH_CHARS = 4_000_000
_INTERRUPT_WAIT_S = 10.0
_ORIGIN_LETTERS = 12
_SPLITTABLE = frozenset({400, 413, 422})
_encoder = msgspec.json.Encoder()


class Interrupted(Exception):
    """The user stopped the import; what was answered is in the journal."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a run is to do. create_people: make customers that an order or interaction names by external id."""

    kind: Kind
    dry_run: bool = False
    create_people: bool = True
    batch_rows: int = BATCH_ROWS
    in_flight: int = IN_FLIGHT


@dataclass(slots=True)
class ImportRun:
    """One file on its way in.

    show: is told the share of the file that was read and the rows a second, after every batch.
    """

    file: RowFile
    preparer: Preparer
    service: Service
    journal: Journal
    orders: Orders
    show: Callable[[float, float], None]
    _pool: ThreadPoolExecutor = field(init=False)
    _flying: deque[tuple[Batch, Future[BulkAnswer] | None]] = field(init=False)
    _numbered: int = field(init=False)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.orders.in_flight, thread_name_prefix="bulk")
        self._flying = deque()
        self._numbered = self.journal.progress.batches
        self._started = time.monotonic() - self.journal.progress.seconds

    def run(self) -> None:
        """Bring everything in, going on where the journal stops.

        Raises:
            FileUnusable: the file turns out to be damaged further down; rows before that are in.
            ServiceUnreachable, RequestRefused: as `Service.bulk`.
            Interrupted: by Ctrl-C, after the answers under way were noted.
        """
        self.journal.begin()
        try:
            if not self.journal.progress.read_all:
                self._whole_file()
                self.journal.all_read()
            self._deferred()
        except KeyboardInterrupt:
            self._note_answers_under_way()
            raise Interrupted from None
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _whole_file(self) -> None:
        rows = enumerate(self.file.rows(), start=1)
        for _ in islice(rows, self.journal.progress.rows):
            pass  # settled before the interruption
        for chunk in _chunks(rows, self.orders.batch_rows):
            self._launch(chunk)
            self._tell()
        self._land_all()

    def _tell(self) -> None:
        seconds = time.monotonic() - self._started
        self.show(self.file.progress(), sum(self.journal.progress.counts.values()) / seconds if seconds > 0 else 0.0)

    def _deferred(self) -> None:
        """Send rows that waited for their parents, round by round; at last those whose parents are elsewhere."""
        before, waiting = -1, self._round(insist=False)
        while waiting:
            before, waiting = waiting, self._round(insist=waiting == before)

    def _round(self, *, insist: bool) -> int:
        place = waiting = 0
        while found := self.journal.deferred(place, self.orders.batch_rows):
            place = found[-1][0]
            rows = [(at, Row(number, cells)) for at, number, cells in found]
            batch, left = self.preparer.again(self._next_number(), rows, insist=insist)
            waiting += left
            self._fly(batch)
            self._land_all()
        return waiting

    def _next_number(self) -> int:
        self._numbered += 1
        return self._numbered

    def _launch(self, rows: Sequence[tuple[int, Row]]) -> None:
        pending: set[int] = set()
        for batch, _ in self._flying:
            pending |= batch.keys()
        self._fly(self.preparer.batch(self._next_number(), rows, pending))
        while len(self._flying) >= self.orders.in_flight:
            self._land()

    def _fly(self, batch: Batch) -> None:
        future = self._pool.submit(self._send, batch.sent) if batch.sent else None
        self._flying.append((batch, future))

    def _land_all(self) -> None:
        while self._flying:
            self._land()

    def _land(self, timeout_s: float | None = None) -> None:
        """Note the answer to the oldest request under way, then settle the rows that were held for it."""
        batch, future = self._flying[0]
        if future:
            self._apply(batch, batch.sent, future.result(timeout_s))
        self._flying.popleft()
        held = batch.held
        while held:
            held = self._release(batch, held)
        self.journal.settle(batch.settled, time.monotonic() - self._started)
        self.preparer.settled(batch.settled)

    def _release(self, batch: Batch, held: Sequence[Prepared]) -> list[Prepared]:
        """Settle held rows: a duplicate where the other row got in, else sent now; returns those still held."""
        known = (
            self.journal.seen([key for prepared in held for key in prepared.keys]).keys() | batch.settled.seen.keys()
        )
        chosen: list[Prepared] = []
        rest: list[Prepared] = []
        taken: set[int] = set()
        for prepared in held:
            if not known.isdisjoint(prepared.keys):
                self.preparer.fail(batch.settled, prepared.place, prepared.row, DUPLICATE, prepared.body)
            elif taken.isdisjoint(prepared.keys):
                taken.update(prepared.keys)
                chosen.append(prepared)
            else:
                rest.append(prepared)
        if chosen:
            self._apply(batch, chosen, self._send(chosen))
        return rest

    def _apply(self, batch: Batch, sent: Sequence[Prepared], answer: BulkAnswer) -> None:
        settled = batch.settled
        settled.position = answer.position or settled.position
        for prepared, result in zip(sent, answer.results, strict=True):
            status = "updated" if prepared.reduced and result.status == "unchanged" else result.status
            settled.counts[status] += 1
            if status in {"duplicate", "rejected"}:
                column = column_for(self.preparer.maker.plan, prepared.row.values, result.field)
                problem = Problem(result.code or status, result.detail or "", column)
                self.preparer.record(settled, prepared.place, prepared.row, problem, prepared.body)
            else:
                settled.seen.update(dict.fromkeys(prepared.keys, status == "created"))

    def _send(self, sent: Sequence[Prepared]) -> BulkAnswer:
        """Send rows; where the request as a whole is refused, find the row to blame by halving."""
        request: dict[str, object] = {"items": [one.body for one in sent], "dry_run": self.orders.dry_run}
        if self.orders.kind in {"people", "companies", "deals"}:
            request["mode"] = "upsert"
            # The name of a file may be that of a person; its checksum is not, and whoever has the file can tell.
            file = self.file.fingerprint[:_ORIGIN_LETTERS]
            request["origin"] = {"file": file, "rows": [one.row.number for one in sent]}
        elif self.orders.kind not in SALES:
            request["create_people"] = self.orders.create_people
        content = _encoder.encode(request)
        # The content is part of the key: rows that are held shift between requests when a run resumes.
        digest = hashlib.blake2b(content, digest_size=12).hexdigest()
        try:
            answer = self.service.bulk(self.orders.kind, content, f"import-{self.journal.progress.run_id}-{digest}")
        except RequestRefused as error:
            if error.status not in _SPLITTABLE:
                raise
            if len(sent) == 1:
                return BulkAnswer([Result(0, "rejected", code=error.code, detail=error.detail)])
            middle = len(sent) // 2
            first, second = self._send(sent[:middle]), self._send(sent[middle:])
            return BulkAnswer(first.results + second.results, latest(first.position, second.position))
        if len(answer.results) != len(sent):
            raise ServiceUnreachable(f"{len(answer.results)} answers came for {len(sent)} rows")
        return answer

    def _note_answers_under_way(self) -> None:
        """Give requests under way some seconds; what is not noted now is sent again on resuming, harmlessly."""
        deadline = time.monotonic() + _INTERRUPT_WAIT_S
        try:
            while self._flying:
                self._land(max(deadline - time.monotonic(), 0.0))
        except (FutureTimeout, KeyboardInterrupt, ServiceUnreachable, RequestRefused):
            return


def _chunks(rows: Iterator[tuple[int, Row]], size: int) -> Iterator[list[tuple[int, Row]]]:
    """Cut the rows into batches that are bounded in number and in characters."""
    chunk: list[tuple[int, Row]] = []
    chars = 0
    for place, row in rows:
        chunk.append((place, row))
        try:
            chars += sum(map(len, row.values))
        except TypeError:  # numbers of typed formats
            chars += len(str(row.values))
        if len(chunk) == size or chars > _BATCH_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk
