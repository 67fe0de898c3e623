"""Walks the log of this context, for reactions to a change of rules: records that were there before follow them too."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from typing import Final

from patron_events.store import LogReader

CONTEXT: Final = "pipeline"
_AT_ONCE: Final = 64


async def records(
    log: LogReader, categories: Collection[str], through: int
) -> AsyncGenerator[Sequence[tuple[str, str]]]:
    """List the records up to a sequence of the log in parts: category and id, each once; later ones know the rules."""
    seen: set[str] = set()
    async with aclosing(log.follow(CONTEXT)) as batches:
        async for batch in batches:
            found = {stored.stream.id: stored.stream.category for stored in batch.commits}
            fresh = [(kind, one) for one, kind in found.items() if kind in categories and one not in seen]
            seen.update(one for _, one in fresh)
            for start in range(0, len(fresh), _AT_ONCE):
                yield fresh[start : start + _AT_ONCE]
            if batch.through >= through:
                return
