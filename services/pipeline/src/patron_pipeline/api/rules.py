"""Routes of rules: read, draft, publish, roll back, try, and try on history."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import Path, Response

from patron_events.journal import Loaded
from patron_events.rejections import Unavailable
from patron_pipeline.api.lead_refusals import ALWAYS
from patron_pipeline.api.parts import Using
from patron_pipeline.api.rules_bodies import (
    BacktestBody,
    DraftBody,
    PublishBody,
    RulesList,
    RulesView,
    Tried,
    TryBody,
)
from patron_pipeline.domain import rules_errors as refusals
from patron_pipeline.domain.assignment_document import AssignmentRules
from patron_pipeline.domain.lead_errors import LeadNotFound
from patron_pipeline.domain.rules import NAMES, Rules
from patron_pipeline.handlers.backtest import Span
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Reading
from patron_values import errors as values
from patron_values import moments

rules: Final = router(prefix="/pipeline/v1/rules", tags=["rules"])
Name = Annotated[str, Path(description="assignment or score", examples=["assignment"])]
MEANT: Final = (
    Unavailable,
    refusals.RulesNotFound,
    refusals.RulesInvalid,
    refusals.RulesVersionNotFound,
    refusals.RulesUnpublished,
)
TIMES: Final = (values.TimeInvalid, values.TimeZoneMissing, values.TimeTooEarly)


@rules.get("", response_model=RulesList, responses=problems(Unavailable))
async def list_rules(using: Using, by: Reading) -> dict[str, Any]:
    """List the rules of the context with their versions."""
    del by  # it stands for the permission
    return {"items": [_view(name, await using.routing.rules.read(name)) for name in NAMES]}


@rules.get("/{rules_name}", response_model=RulesView, responses=problems(Unavailable, refusals.RulesNotFound))
async def read_rules(rules_name: Name, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read rules from the log with all their versions, always current."""
    del by  # it stands for the permission
    loaded = await using.routing.rules.read(rules_name)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return _view(rules_name, loaded)


@rules.post("/{rules_name}/drafts", status_code=201, responses=problems(*ALWAYS, *MEANT))
async def draft_rules(
    rules_name: Name, body: DraftBody, using: Using, by: Administering, response: Response
) -> Accepted:
    """Write a new version that does nothing yet; the newest version again changes nothing."""
    content = plain(body)
    command = asked(by, f"pipeline/rules/{rules_name}/drafts", using.index, content)
    return accepted(response, await using.routing.rules.draft(rules_name, content, command))


@rules.post("/{rules_name}/publish", responses=problems(*ALWAYS, *MEANT))
async def publish_rules(
    rules_name: Name, body: PublishBody, using: Using, by: Administering, response: Response
) -> Accepted:
    """Let a version decide from now on; within a second everywhere."""
    command = asked(by, f"pipeline/rules/{rules_name}/publish", using.index, plain(body))
    return accepted(response, await using.routing.rules.publish(rules_name, body.version, command))


@rules.post("/{rules_name}/rollback", responses=problems(*ALWAYS, *MEANT, refusals.NothingToRollBack))
async def roll_back_rules(rules_name: Name, using: Using, by: Administering, response: Response) -> Accepted:
    """Let the version decide again that did before the present one."""
    command = asked(by, f"pipeline/rules/{rules_name}/rollback", using.index)
    return accepted(response, await using.routing.rules.roll_back(rules_name, command))


@rules.post("/{rules_name}/try", response_model=Tried, responses=problems(*MEANT, refusals.LeadUnclear, LeadNotFound))
async def try_rules(rules_name: Name, body: TryBody, using: Using, by: Reading) -> dict[str, Any]:
    """Say what rules would decide about a lead now, and why; nothing is recorded."""
    del by  # it stands for the permission
    found = await using.routing.rules.try_on(rules_name, plain(body), datetime.now(UTC))
    return {name: value for name, value in msgspec.to_builtins(found).items() if name in Tried.model_fields}


@rules.post("/{rules_name}/backtest", response_model=dict[str, Any], responses=problems(*MEANT, *TIMES))
async def backtest_rules(rules_name: Name, body: BacktestBody, using: Using, by: Administering) -> dict[str, Any]:
    """Try rules on leads of the past: who would have got what, or what they would have scored. Reads the whole log."""
    del by  # it stands for the permission
    meant = await using.routing.rules.meant(rules_name, plain(body))
    since = moments.moment(body.since, "since")
    until = datetime.now(UTC) if body.until is None else moments.moment(body.until, "until")
    span, history = Span(since, until), using.routing.backtest
    if history is None:
        raise Unavailable
    found = await (
        history.assignment(meant, span) if isinstance(meant, AssignmentRules) else history.score(meant, span)
    )
    return dict(found)


def _view(name: str, loaded: Loaded[Rules]) -> dict[str, Any]:
    state = loaded.state
    return {
        "name": name,
        "in_force": state.published,
        "versions": [
            {
                "version": one.number,
                "note": one.note,
                "drafted_at": msgspec.to_builtins(one.drafted_at),
                "in_force": one.number == state.published,
                "document": one.document,
            }
            for one in state.versions
        ],
    }
