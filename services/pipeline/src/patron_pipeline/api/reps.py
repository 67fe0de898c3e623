"""Routes of the sales team."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import Path, Response

from patron_events.personal import known
from patron_events.rejections import Unavailable
from patron_pipeline.api.bulk import BulkAnswer, bulk_answer, item_result, read_items
from patron_pipeline.api.lead_bodies import Id
from patron_pipeline.api.lead_refusals import ALWAYS
from patron_pipeline.api.parts import Using
from patron_pipeline.api.rep_bodies import AvailabilityBody, BulkReps, QuotaBody, RepBody, RepFields, RepList, RepView
from patron_pipeline.domain.rep import Rep, RepNotFound, RepOutOfOrder, RepRetired, RetireRep, SetAvailability, SetQuota
from patron_pipeline.domain.rep import rep_id as id_of
from patron_pipeline.domain.rep_body import PeriodInvalid, changed, quota
from patron_pipeline.handlers.reps import NotYourself
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.identity import Role
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Commanding, Reading
from patron_values import errors as values
from patron_values.money import decimal_text
from patron_values.texts import optional_text

reps: Final = router(prefix="/pipeline/v1/reps", tags=["sales team"])
RepId = Annotated[Id, Path(description="UUID of the representative", examples=["2e0f9a6b-5c33-5e88-8d2a-5b8c3e3c7433"])]
Period = Annotated[str, Path(description="Year, quarter or month", examples=["2026-Q2"], max_length=10)]
_VALUES: Final = (values.TextInvalid, values.EmailInvalid, values.CountryUnknown, values.CurrencyUnknown)
_RECORD: Final = (*ALWAYS, RepOutOfOrder, PeriodInvalid, *_VALUES)
_COMMAND: Final = (*ALWAYS, RepNotFound, RepRetired)


@reps.post("", responses=problems(*_RECORD))
async def record_rep(body: RepBody, using: Using, by: Administering, response: Response) -> Accepted:
    """Make a representative known, bring them back, or change what the body states."""
    content = plain(body)
    return accepted(response, await using.reps.record(content, asked(by, "pipeline/reps", using.index, content)))


@reps.post("/bulk", response_model=BulkAnswer, responses=problems(*ALWAYS))
async def bulk_reps(body: BulkReps, using: Using, by: Administering, response: Response) -> Response:
    """Record up to 10,000 representatives; each item is decided by itself. `dry_run` records nothing."""
    command = asked(by, "pipeline/reps/bulk", using.index, body.items)
    cases = using.rehearse() if body.dry_run else using
    answers = await cases.reps.record_each(read_items(RepBody, body.items), command)
    return bulk_answer(response, [item_result(one) for one in answers], dry_run=body.dry_run)


@reps.get("", response_model=RepList, responses=problems(Unavailable))
async def list_reps(using: Using, by: Reading) -> dict[str, Any]:
    """List everybody who sells now, by subject; always current."""
    del by  # it stands for the permission
    team = await using.reps.team.current(newest=True)
    return {"items": [rep_view(id_of(subject), team[subject]) for subject in sorted(team)]}


@reps.get("/{rep_id}", response_model=RepView, responses=problems(RepNotFound, Unavailable))
async def read_rep(rep_id: RepId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a representative from the log: always current."""
    del by  # it stands for the permission
    loaded = await using.reps.read(rep_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return rep_view(rep_id, loaded.state)


@reps.patch("/{rep_id}", responses=problems(*_COMMAND, RepOutOfOrder, *_VALUES))
async def change_rep(rep_id: RepId, body: RepFields, using: Using, by: Administering, response: Response) -> Accepted:
    """Change what the body states; absent members stay, null clears."""
    content = plain(body)
    command = asked(by, f"pipeline/reps/{rep_id}", using.index, content)
    return accepted(response, await using.reps.command(rep_id, changed(content, datetime.now(UTC)), command))


@reps.post("/{rep_id}/availability", responses=problems(*_COMMAND, NotYourself))
async def set_availability(
    rep_id: RepId, body: AvailabilityBody, using: Using, by: Commanding, response: Response
) -> Accepted:
    """Say whether rules may give somebody leads: everybody for themselves, admins for all."""
    told = asked(by, f"pipeline/reps/{rep_id}/availability", using.index, plain(body))
    command = SetAvailability(body.available, optional_text(body.reason, "reason"))
    admin = by.principal.may(Role.ADMIN)
    return accepted(response, await using.reps.available(rep_id, command, told, admin=admin))


@reps.put("/{rep_id}/quotas/{period}", responses=problems(*_COMMAND, PeriodInvalid, *_VALUES))
async def set_quota(
    rep_id: RepId, period: Period, body: QuotaBody, using: Using, by: Administering, response: Response
) -> Accepted:
    """Say what somebody is to win within a year, quarter or month; an amount of null takes it back."""
    content = plain(body)
    told = asked(by, f"pipeline/reps/{rep_id}/quotas/{period}", using.index, content)
    return accepted(response, await using.reps.command(rep_id, SetQuota(quota(period, content)), told))


@reps.post("/{rep_id}/retirement", responses=problems(*ALWAYS, RepNotFound))
async def retire_rep(rep_id: RepId, using: Using, by: Administering, response: Response) -> Accepted:
    """Take somebody out of the team; their records stay theirs until somebody else gets them."""
    told = asked(by, f"pipeline/reps/{rep_id}/retirement", using.index)
    return accepted(response, await using.reps.command(rep_id, RetireRep(), told))


def rep_view(rep_id: str, rep: Rep) -> dict[str, Any]:
    """Show a representative."""
    described, placed = rep.described, rep.placed
    return {
        "id": rep_id,
        "subject": rep.subject,
        "status": rep.status,
        "name": known(described.name, None),
        "email": known(described.email, None),
        "time_zone": described.time_zone,
        "language": described.language,
        "team": placed.team,
        "region": placed.region,
        "manager": placed.manager,
        "territories": [
            {"country": one.country, "region": one.region, "postal_prefixes": list(one.postal_prefixes)}
            for one in placed.territories
        ],
        "capacity": placed.capacity,
        "placed_at": None if rep.placed_at is None else msgspec.to_builtins(rep.placed_at),
        "available": rep.available,
        "absence": rep.absence,
        "quotas": [
            {"period": one.period, "amount": decimal_text(one.amount_minor, one.currency), "currency": one.currency}
            for _, one in sorted(rep.quotas.items())
            if one.amount_minor is not None
        ],
    }
