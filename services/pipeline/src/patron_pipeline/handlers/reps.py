"""Use cases of the sales team: record, change, give quotas, retire; and who sells now, for the rules."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from patron_events.decisions import Asked, Committed, Decisions, Unit, Work
from patron_events.journal import Journal, Loaded
from patron_events.rejections import Forbidden, Rejection
from patron_pipeline.domain.rep import (
    REP,
    Command,
    RecordRep,
    Rep,
    RepNotFound,
    SetAvailability,
    rep_id,
)
from patron_pipeline.domain.rep_body import recorded
from patron_pipeline.domain.roster import ROSTER, ROSTER_ID, ListRep

_FRESH_S: Final = 1.0
Body = Mapping[str, Any]


class NotYourself(Forbidden):
    """Only admins say for others whether they take leads."""

    code: ClassVar[str] = "not-yourself"


@dataclass(slots=True)
class SalesTeam:
    """Who sells now, by subject; a second old at most, so that a rule that looks at everybody stays quick."""

    journal: Journal
    _known: tuple[float, Mapping[str, Rep]] | None = field(default=None)

    async def current(self, *, newest: bool = False) -> Mapping[str, Rep]:
        """Tell who sells; `newest` asks the log whatever is remembered."""
        if self._known is not None and not newest and time.monotonic() - self._known[0] < _FRESH_S:
            return self._known[1]
        roster = (await self.journal.load(ROSTER, ROSTER_ID)).state
        loaded = await self.journal.load_each([(REP, one) for one in sorted(roster.values())]) if roster else {}
        found: list[Rep] = [one.state for one in loaded.values()]
        reps = {rep.subject: rep for rep in found if rep.status == "active"}
        self._known = (time.monotonic(), reps)
        return reps

    def forget(self) -> None:
        """Ask the log the next time."""
        self._known = None


@dataclass(frozen=True, slots=True)
class RepHandlers:
    """Use cases of representatives. Every one of them is safe to repeat with the same command id."""

    decisions: Decisions
    team: SalesTeam

    async def record(self, body: Body, asked: Asked) -> Committed:
        """Make a representative known, bring them back, or change what the body states.

        Raises:
            RepOutOfOrder, PeriodInvalid, and the refusals of values.
        """
        command = recorded(body, datetime.now(UTC))
        committed = await self.decisions.transact(self._recording(command), asked)
        self.team.forget()
        return committed

    async def record_each(self, bodies: Sequence[Body | Rejection], asked: Asked) -> Sequence[Committed | Rejection]:
        """Record many, each answered by itself, in order; a Rejection stands where an item was not even a body."""
        now = datetime.now(UTC)
        answers: dict[int, Committed | Rejection] = {}
        works: dict[int, tuple[Work, Asked]] = {}
        subjects: set[str] = set()
        for number, body in enumerate(bodies):
            try:
                if isinstance(body, Rejection):
                    raise body
                command = recorded(body, now)
            except Rejection as refusal:
                answers[number] = refusal
                continue
            subjects.add(command.subject)
            one = replace(asked, command_id=f"{asked.command_id}:{number}", expected_version=None)
            works[number] = (self._recording(command), one)
        reads = [(ROSTER, ROSTER_ID), *((REP, rep_id(one)) for one in sorted(subjects))]
        committed = await self.decisions.transact_each(list(works.values()), reads)
        answers |= dict(zip(works, committed, strict=True))
        self.team.forget()
        return [answers[number] for number in range(len(bodies))]

    def _recording(self, command: RecordRep) -> Work:
        async def work(unit: Unit) -> None:
            known = rep_id(command.subject)
            before = await unit.state(REP, known)
            await unit.decide(REP, known, command)
            if before.status == "absent":
                await unit.decide(ROSTER, ROSTER_ID, ListRep(command.subject, known))

        return work

    async def command(self, known: str, command: Command, asked: Asked) -> Committed:
        """Run one command; raises RepNotFound, RepRetired, RepOutOfOrder."""
        committed = await self.decisions.run(REP, known, command, asked)
        self.team.forget()
        return committed

    async def available(self, known: str, command: SetAvailability, asked: Asked, *, admin: bool) -> Committed:
        """Say whether rules may give somebody leads; everybody for themselves, admins for all.

        Raises:
            NotYourself, RepNotFound, RepRetired.
        """
        if not admin and rep_id(asked.actor.id) != known:
            raise NotYourself
        return await self.command(known, command, asked)

    async def read(self, known: str) -> Loaded[Rep]:
        """Read a representative from the log as they are now; raises RepNotFound."""
        loaded = await self.decisions.journal.load(REP, known)
        if loaded.state.status == "absent":
            raise RepNotFound
        return loaded
