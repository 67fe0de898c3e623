"""Routes of pipelines."""

from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Response
from pydantic import BaseModel, Field

from patron_events.catalog.pipeline.settings import Approval
from patron_events.rejections import Unavailable
from patron_pipeline.api.bodies import Amount, Body, Currency, ForecastCategory, Slug, SlugId, Text
from patron_pipeline.api.parts import Using
from patron_pipeline.api.refusal_lists import ALWAYS
from patron_pipeline.domain import deal_errors
from patron_runtime.answers import stamp
from patron_runtime.bodies import router
from patron_runtime.commands import Accepted, accepted, asked, plain
from patron_runtime.problems import problems
from patron_runtime.requests import Administering, Reading
from patron_values import errors as wrong
from patron_values.money import decimal_text

pipelines: Final = router(prefix="/pipeline/v1/pipelines", tags=["pipelines"])
Percent = Annotated[int, Field(ge=0, le=100)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Codes = Annotated[list[Text], Field(max_length=200)]


class StageBody(Body):
    """A stage. Probability and forecast category of closed stages are given; only open ones have limits."""

    id: Slug = Field(examples=["proposal"])
    name: Text | None = Field(default=None, examples=["Proposal"])
    kind: Literal["open", "won", "lost"] = "open"
    probability: Percent | None = Field(default=None, description="percent of winning", examples=[60])
    forecast_category: ForecastCategory | None = None
    required: Codes | None = Field(default=None, description="fields a deal needs to enter", examples=[["amount"]])
    wip_limit: Annotated[int, Field(ge=1, le=10_000)] | None = Field(default=None, description="most open deals in it")
    from_stages: Annotated[list[Slug], Field(max_length=100)] | None = Field(
        default=None, description="the only stages it may be entered from; null: any, also by opening a deal there"
    )
    skippable: bool | None = Field(default=None, description="may be left out on the way forward (default: yes)")
    movers: Codes | None = Field(
        default=None, description="roles or teams that may move deals into it; none: everybody"
    )
    rotting_days: Days | None = Field(default=None, description="a deal that stands longer is rotting")


class ApprovalBody(Body):
    """Quotes need the approval of this group (role or team) above a discount or an amount; with neither, all do."""

    group: Text = Field(examples=["sales-managers"])
    discount_above: Amount | None = Field(default=None, description="percent off list prices", examples=["10"])
    net_above: Amount | None = Field(default=None, examples=["100000"])
    currency: Currency | None = Field(default=None, description="of net_above; quotes in others need approval always")


class PipelineBody(Body):
    """A whole pipeline, stages in order; one open, one won and one lost stage at least."""

    name: Text = Field(examples=["Enterprise"])
    stages: Annotated[list[StageBody], Field(min_length=3, max_length=100)]
    lost_reasons: Codes | None = Field(default=None, description="none: any reason", examples=[["price", "competitor"]])
    won_reasons: Codes | None = None
    won_reason_required: bool = False
    reopen: Literal["anyone", "owner", "admin", "nobody"] = "anyone"
    reopen_days: Days | None = Field(default=None, description="closed deals can be reopened for so many days")
    activity_days: Days | None = Field(
        default=None, description="an open deal without a planned activity is reported after so many days"
    )
    lead_days: Days | None = Field(
        default=None, description="leads open for so many days are given up; only the pipeline `default` is asked"
    )
    currency: Currency | None = Field(default=None, description="of amounts that name none")
    approvals: Annotated[list[ApprovalBody], Field(max_length=50)] | None = None


class PipelineView(BaseModel):
    """A pipeline as the log has it now; version 0 is the built-in one that nobody has defined yet."""

    id: str
    version: int
    status: Literal["live", "archived"]
    definition_version: int
    name: str
    stages: list[dict[str, Any]]
    lost_reasons: list[str]
    won_reasons: list[str]
    won_reason_required: bool
    reopen: str
    reopen_days: int | None
    activity_days: int | None
    lead_days: int | None
    currency: str | None
    approvals: list[dict[str, Any]]


DEFINE: Final = (
    *ALWAYS,
    deal_errors.PipelineInvalid,
    deal_errors.StageKindFixed,
    wrong.TextEmpty,
    wrong.TextInvalid,
    wrong.CurrencyUnknown,
    wrong.AmountInvalid,
    wrong.AmountTooPrecise,
    deal_errors.PercentInvalid,
)


@pipelines.put("/{pipeline_id}", responses=problems(*DEFINE))
async def define_pipeline(
    pipeline_id: SlugId, body: PipelineBody, using: Using, by: Administering, response: Response
) -> Accepted:
    """State the whole definition of a pipeline. Deals obey it from now on; those in stages it lacks stay there."""
    content = plain(body)
    command = asked(by, f"pipeline/pipelines/{pipeline_id}", using.index, content)
    return accepted(response, await using.pipelines.define(pipeline_id, content, command))


@pipelines.get(
    "/{pipeline_id}", response_model=PipelineView, responses=problems(deal_errors.PipelineNotFound, Unavailable)
)
async def read_pipeline(pipeline_id: SlugId, using: Using, by: Reading, response: Response) -> dict[str, Any]:
    """Read a pipeline from the log: always current. The pipeline `default` exists without being defined."""
    del by  # it stands for the permission
    loaded, definition = await using.pipelines.read(pipeline_id)
    stamp(response, version=loaded.version, position=str(loaded.position))
    return {
        "id": pipeline_id,
        "version": loaded.version,
        "status": "archived" if loaded.state.archived else "live",
        **{name: msgspec.to_builtins(getattr(definition, name)) for name in definition.__struct_fields__},
        "stages": [
            {name: msgspec.to_builtins(getattr(one, name)) for name in one.__struct_fields__}
            for one in definition.stages
        ],
        "approvals": [_approval(one) for one in definition.approvals],
    }


@pipelines.post("/{pipeline_id}/archive", responses=problems(*ALWAYS, deal_errors.PipelineNotFound))
async def archive_pipeline(pipeline_id: SlugId, using: Using, by: Administering, response: Response) -> Accepted:
    """Let no new deals enter; those in it stay and can be closed. Defining it again brings it back."""
    command = asked(by, f"pipeline/pipelines/{pipeline_id}/archive", using.index)
    return accepted(response, await using.pipelines.archive(pipeline_id, command))


def _approval(rule: Approval) -> dict[str, Any]:
    limited = rule.net_above_minor is not None and rule.currency is not None
    return {
        "group": rule.group,
        "discount_above": rule.discount_above,
        "net_above": decimal_text(rule.net_above_minor or 0, rule.currency or "") if limited else None,
        "currency": rule.currency,
    }
