"""Send an invented organisation through the bulk routes, the same way as an import."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import msgspec

from patron_cli.console import NOT_RUNNING, REFUSED, Stopped
from patron_cli.demo.companies import invent_companies
from patron_cli.demo.interactions import invent_interactions
from patron_cli.demo.orders import invent_orders
from patron_cli.demo.people import invent_people
from patron_cli.demo.plan import Body, Plan
from patron_cli.importing.service import BulkAnswer, RequestRefused, Service, ServiceUnreachable

if TYPE_CHECKING:
    from patron_cli.importing.shapes import Kind

_BATCH: Final = 1000
_IN_FLIGHT: Final = 3
_REFUSED: Final = frozenset({"rejected", "duplicate"})
Progress = Callable[[str, int, int | None], None]
"""Told after each batch: what is filled in, how many so far, of how many (None where that is not known)."""


@dataclass(slots=True)
class Made:
    """What became of the records, by kind and status. position: where the log stands after the last one."""

    counts: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    position: str | None = None

    def of(self, kind: str) -> int:
        """Count the records of a kind that are in now."""
        return sum(count for status, count in self.counts.get(kind, {}).items() if status not in _REFUSED)


def fill(service: Service, plan: Plan, progress: Progress) -> Made:
    """Invent everything and send it; wait until all of it can be seen.

    Repeating it with the same plan changes nothing: every record has an id of its own.

    Raises:
        Stopped: the installation refuses a record or does not answer.
    """
    made = Made()
    try:
        companies = invent_companies(plan)
        # A company can only belong to one that is there already.
        bodies = [company.body for company in companies]
        bodies.sort(key=lambda body: "parent" in body)
        groups = sum("parent" not in body for body in bodies)
        _send(service, "companies", bodies[:groups], made, progress)
        _send(service, "companies", bodies[groups:], made, progress)
        people = invent_people(plan, companies)
        _send(service, "people", [person.body for person in people], made, progress)
        _send(service, "interactions", invent_interactions(plan, people), made, progress)
        _send(service, "orders", invent_orders(plan, people), made, progress)
        if made.position is not None:
            service.wait_visible("orders", made.position)
    except ServiceUnreachable as error:
        raise Stopped(f"{error}; the same command with --force goes on", NOT_RUNNING) from None
    except RequestRefused as error:
        raise Stopped(f"refused: {error}", REFUSED) from None
    return made


def _send(service: Service, kind: "Kind", bodies: Iterable[Body], made: Made, progress: Progress) -> None:
    """Send bodies in batches, several at a time, in order."""
    counts = made.counts.setdefault(kind, {})
    total = sum(counts.values()) + len(bodies) if isinstance(bodies, list) else None
    flying: deque[Future[BulkAnswer]] = deque()
    progress(kind, sum(counts.values()), total)
    with ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="demo") as pool:
        try:
            for batch in _batches(bodies):
                content, key = _request(kind, batch)
                flying.append(pool.submit(service.bulk, kind, content, key))
                while len(flying) >= _IN_FLIGHT:
                    _land(flying.popleft().result(), kind, made)
                    progress(kind, sum(counts.values()), total)
            while flying:
                _land(flying.popleft().result(), kind, made)
                progress(kind, sum(counts.values()), total)
        finally:
            for future in flying:
                future.cancel()
    progress(kind, sum(counts.values()), sum(counts.values()))


def _batches(bodies: Iterable[Body]) -> Iterator[list[Body]]:
    rest = iter(bodies)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _request(kind: str, batch: list[Body]) -> tuple[bytes, str]:
    """Write the body of a request and its key, under which one run may send it twice and another run sends it anew."""
    records = kind in {"companies", "people"}
    document = {"items": batch, "mode": "upsert"} if records else {"items": batch}
    content = msgspec.json.encode(document)
    return content, f"demo-{uuid4().hex}"


def _land(answer: BulkAnswer, kind: str, made: Made) -> None:
    counts = made.counts[kind]
    for result in answer.results:
        counts[result.status] = counts.get(result.status, 0) + 1
        if result.status in _REFUSED:
            raise Stopped(f"an invented record of {kind} is refused: {result.detail} ({result.code})", REFUSED)
    made.position = _later(made.position, answer.position)


def _later(one: str | None, other: str | None) -> str | None:
    """Choose the position with the higher sequence."""
    if one is None or other is None:
        return other if one is None else one
    with suppress(ValueError):
        return max(one, other, key=lambda position: int(position.rpartition(".")[2]))
    return other
