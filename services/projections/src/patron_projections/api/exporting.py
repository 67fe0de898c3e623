"""Answers that are files: any list or report as CSV, JSON Lines or Parquet, sent while it is read."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final, Literal

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from patron_projections.exports import MEDIA_TYPES, Document, Format, accepted, writer_of, written
from patron_projections.reports.definition import Column

Listing = tuple[list[dict[str, Any]], str | None]
"""The items of a page, and the cursor of the next one."""
PAGE: Final = 1_000
EXPORTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {"type": "string"}},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
        }
    }
}


class Exported(BaseModel):
    """Parameters of what can be exported."""

    format: Format | None = Field(
        None,
        description="Answer with all rows as a file, whatever `limit`; `Accept` with its media type does the same.",
    )
    formulas: Literal["escaped", "kept"] = Field(
        "escaped", description="What of CSV cells that spreadsheets take for formulas: an apostrophe in front, or not."
    )

    def form(self, request: Request) -> Format | None:
        """Choose the format; None for JSON."""
        return self.format or accepted(request.headers.get("accept"))

    @property
    def exact(self) -> bool:
        """Tell whether texts of CSV stay as they are."""
        return self.formulas == "kept"


class _File(StreamingResponse):
    """A file that is sent while it is written, and whose sources are closed whatever happens."""

    def __init__(self, parts: AsyncGenerator[bytes], media_type: str, name: str) -> None:
        self._parts = parts
        super().__init__(parts, media_type=media_type)
        self.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        self.headers["Cache-Control"] = "no-store"

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a fault on the way cuts the connection, so that half a file is not taken for a whole one."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._parts.aclose()


async def paged(listed: Callable[[str | None], Awaitable[Listing]]) -> AsyncGenerator[list[dict[str, Any]]]:
    """Give all pages of a list, one after the other; each is asked for when the one before was sent."""
    cursor: str | None = None
    while True:
        items, cursor = await listed(cursor)
        yield items
        if cursor is None:
            return


async def exported(
    batches: AsyncGenerator[list[Any]], columns: Sequence[Column], form: Format, name: str, *, exact: bool = False
) -> Response:
    """Answer with a file; raises what the first rows raise, before anything is sent."""
    parts = written(writer_of(form, columns, exact=exact), _begun(batches, await _first(batches)))
    return _File(parts, MEDIA_TYPES[form], f"{name}.{form.value}")


async def _first(batches: AsyncGenerator[list[Document]]) -> list[Document]:
    try:
        async for batch in batches:
            return batch
    except BaseException:
        await batches.aclose()
        raise
    return []


async def _begun(batches: AsyncGenerator[list[Document]], first: list[Document]) -> AsyncGenerator[list[Document]]:
    try:
        yield first
        async for batch in batches:
            yield batch
    finally:
        await batches.aclose()
