"""Count which open deals are in the stages of a pipeline that have a limit, from the log itself.

Deals are not counted while a stage has no limit, because one aggregate for each stage would make every import wait
for itself. So a stage is counted when its limit is stated.
"""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from patron_events.catalog.pipeline import deals as events
from patron_events.codec import decode_event
from patron_events.decisions import Asked, Decisions, Unit
from patron_events.envelope import decode_commit
from patron_events.registry import type_of
from patron_events.store import LogReader, Stored
from patron_pipeline.domain.pipeline import Definition
from patron_pipeline.domain.places import PLACES, CountPlaces, places_id

_LEAVING: Final = (events.DealWon, events.DealLost, events.DealArchived)
_ENTERING: Final = (events.DealOpened, events.DealMoved, events.DealReopened)
_NAMES: Final = frozenset(type_of(one).name for one in (*_LEAVING, *_ENTERING))
Standing = dict[str, tuple[str, str, bool]]
"""By deal: its pipeline, its stage, and whether it is open there."""


@dataclass(frozen=True, slots=True)
class PlaceCounting:
    """Counts places; safe to repeat. Reading the log takes seconds for each hundred thousand commits."""

    decisions: Decisions
    reader: LogReader

    async def count(self, pipeline_id: str, definition: Definition, asked: Asked) -> None:
        """State which deals are in the limited stages now; a deal that moves meanwhile makes that count begin again."""
        for stage in definition.stages:
            if stage.wip_limit is not None:
                one = replace(asked, command_id=f"{asked.command_id}:{stage.id}", expected_version=None)
                await self._count(pipeline_id, stage.id, one)

    async def _count(self, pipeline_id: str, stage: str, asked: Asked) -> None:
        own = places_id(pipeline_id, stage)

        async def work(unit: Unit) -> None:
            # Read first: the guard of the append then refuses a count that somebody moved past.
            await unit.state(PLACES, own)
            standing = await self._standing()
            here = {deal for deal, where in standing.items() if where == (pipeline_id, stage, True)}
            await unit.decide(PLACES, own, CountPlaces(frozenset(here)))

        await self.decisions.transact(work, asked)

    async def _standing(self) -> Mapping[str, tuple[str, str, bool]]:
        end = await self.reader.last_sequence("pipeline")
        standing: Standing = {}
        if not end:
            return standing
        async with aclosing(self.reader.follow("pipeline")) as batches:
            async for batch in batches:
                for stored in batch.commits:
                    if stored.stream.category == "deal":
                        _fold(standing, stored)
                if batch.through >= end:
                    break
        return standing


def _fold(standing: Standing, stored: Stored) -> None:
    deal_id = stored.stream.id
    for event in decode_commit(stored.body).events:
        if event.type not in _NAMES:
            continue
        fact = decode_event(event, deal_id, None)
        pipeline_id, stage, _ = standing.get(deal_id, ("", "", False))
        match fact:
            case events.DealOpened(pipeline_id=pipeline, stage=to):
                standing[deal_id] = (pipeline, to, True)
            case events.DealMoved(to=to, pipeline_id=other):
                standing[deal_id] = (other or pipeline_id, to, True)
            case events.DealReopened(to=to):
                standing[deal_id] = (pipeline_id, to, True)
            case _:
                standing[deal_id] = (pipeline_id, stage, False)
