"""Sections of a page: how many records fit a question, the first of them, and how the list goes on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from patron_projections.clocks import Clocks
from patron_projections.directory import Directory, Wanted
from patron_projections.documents import Document, Row

Shown = Callable[[Sequence[Row]], Awaitable[list[Document]]]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page. path: the list that it is the beginning of; filters and sort as that list takes them."""

    records: Directory
    path: str
    filters: Sequence[str]
    sort: str
    shown: Shown

    async def document(self, clocks: Clocks, limit: int) -> Document:
        """Count, and show the first ones; `list` with `filter`, `sort` and `cursor` goes on."""
        snapshot = self.records.at(clocks)
        wanted = Wanted(limit, tuple(self.filters), sort=self.sort)
        page = await snapshot.page(wanted)
        number = len(page.rows) if page.next_cursor is None else await snapshot.count(wanted)
        going_on: dict[str, Any] = {"filter": list(self.filters), "sort": self.sort, "cursor": page.next_cursor}
        return {"number": number, "items": await self.shown(page.rows), "list": {"path": self.path, **going_on}}
