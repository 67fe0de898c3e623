"""Request and response models of deals."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from patron_pipeline.api.bodies import (
    Amount,
    Body,
    Currency,
    ExternalIdBody,
    ForecastCategory,
    Id,
    Items,
    LongText,
    Scalar,
    Slug,
    Text,
    Time,
)

Day = Annotated[Text, Field(description="RFC 3339 full-date", examples=["2026-06-30"])]


class SplitBody(Body):
    """The share of one owner."""

    owner: Text = Field(examples=["idp|grace"])
    percent: Amount = Field(examples=["66.67"])


class DealPersonBody(Body):
    """A person of the buyer, named in exactly one way."""

    person_id: Id | None = None
    person_external_id: ExternalIdBody | None = None
    person_email: Text | None = Field(default=None, examples=["grace@example.org"])
    role: Literal["decision-maker", "champion", "evaluator", "influencer", "blocker", "user", "other"] = "other"
    primary: bool = False


class LineBody(Body):
    """One line. What it leaves out is that of its product: name, unit price, tax."""

    product_id: Id | None = None
    sku: Text | None = Field(default=None, examples=["GTX-PRO"])
    name: Text | None = Field(default=None, examples=["GTX Pro"])
    quantity: Amount | None = Field(default=None, description="1 if absent", examples=["2.5"])
    unit_price: Amount | None = None
    discount_percent: Amount | None = Field(default=None, examples=["10"])
    tax_percent: Amount | None = Field(default=None, examples=["19"])


class _Stated(Body):
    """What can be said of a deal at any time."""

    description: LongText | None = None
    next_step: LongText | None = Field(default=None, examples=["Call on Monday"])
    amount: Amount | None = Field(default=None, description="what it may bring; of a deal with lines their sum")
    currency: Currency | None = None
    close_date: Day | None = Field(default=None, description="when it is expected to close")
    forecast_category: ForecastCategory | None = Field(default=None, description="null: that of the stage")
    owner: Text | None = Field(default=None, description="`sub` of the token of who sells it", examples=["idp|grace"])
    team: Text | None = None
    splits: Annotated[list[SplitBody], Field(max_length=50)] | None = None
    company_id: Id | None = None
    company_external_id: ExternalIdBody | None = None
    people: Annotated[list[DealPersonBody], Field(max_length=50)] | None = None
    source: Text | None = Field(default=None, examples=["conference"])
    medium: Text | None = None
    campaign: Text | None = None
    competitors: Annotated[list[Text], Field(max_length=100)] | None = None
    lines: Annotated[list[LineBody], Field(max_length=500)] | None = None
    attributes: dict[str, Scalar | None] | None = Field(
        default=None, description="anything else, not personal; in a change only those named change, null removes"
    )


class DealBody(_Stated):
    """A new deal."""

    name: Text = Field(examples=["GTX Pro for Acme"])
    pipeline_id: Slug = Field(default="default", description="`default` exists without being defined")
    stage: Slug | None = Field(default=None, description="the first open stage if absent", examples=["prospecting"])
    external_id: ExternalIdBody | None = None
    occurred_at: Time | None = None


class HappenedBody(Body):
    """One event of a history. stage: of open, move, win, lose, reopen; amount: of value and win."""

    at: Text = Field(description="RFC 3339 time, or a day: its beginning in UTC", examples=["2017-03-01"])
    do: Literal["open", "move", "win", "lose", "reopen", "value"]
    stage: Slug | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    reason: Text | None = None
    competitor: Text | None = None


class DealItem(DealBody):
    """A deal with what happened to it elsewhere, oldest first, beginning with `open`."""

    history: Annotated[list[HappenedBody], Field(max_length=500)] | None = None


class OriginBody(Body):
    """Where items come from: each commit gets the correlation id `import:<file>:<row>`, which is kept for ever.

    file: a name without personal data, such as the beginning of the file's checksum. rows: of the items, in order.
    """

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,80}$")] = Field(examples=["3f2a91bc70d4"])
    rows: Annotated[list[Annotated[int, Field(ge=0, lt=2**53)]], Field(max_length=10_000)]


class BulkDeals(Body):
    """Many deals; each item is a deal body with `history` and is decided by itself."""

    items: Items = Field(
        examples=[
            [
                {
                    "name": "GTX Pro for Acme",
                    "external_id": {"source": "crm", "id": "1C1I7A6R"},
                    "history": [
                        {"at": "2016-10-20", "do": "open", "stage": "engaging"},
                        {"at": "2017-03-01", "do": "win", "amount": "1054.00", "currency": "USD"},
                    ],
                }
            ]
        ]
    )
    origin: OriginBody | None = None
    mode: Literal["create", "upsert"] = "upsert"
    dry_run: bool = False


class DealChangeBody(_Stated):
    """What is to change; absent members stay, null clears, a list replaces the whole list."""

    name: Text | None = None


class MoveBody(Body):
    """Where the deal goes, and from where: the stage in which the caller saw it; 409 if it is elsewhere by now."""

    to: Slug = Field(examples=["proposal"])
    from_: Slug = Field(alias="from", examples=["engaging"])
    pipeline_id: Slug | None = Field(default=None, description="another pipeline; absent: the same")
    occurred_at: Time | None = None


class WinBody(Body):
    """How the deal was won; the amount is that of the deal if absent."""

    amount: Amount | None = None
    currency: Currency | None = None
    reason: Text | None = None
    stage: Slug | None = Field(default=None, description="the first won stage if absent")
    from_: Slug | None = Field(
        default=None, alias="from", description="the stage in which the caller saw it; 409 if it is elsewhere by now"
    )
    occurred_at: Time | None = None


class LoseBody(Body):
    """Why the deal was lost."""

    reason: Text = Field(examples=["price"])
    competitor: Text | None = None
    stage: Slug | None = Field(default=None, description="the first lost stage if absent")
    from_: Slug | None = Field(
        default=None, alias="from", description="the stage in which the caller saw it; 409 if it is elsewhere by now"
    )
    occurred_at: Time | None = None


class ReopenBody(Body):
    """Where the deal is to be again: the stage it was closed from if absent."""

    to: Slug | None = None
    reason: Text | None = None
    occurred_at: Time | None = None


class ReasonBody(Body):
    """Why."""

    reason: Text | None = Field(default=None, examples=["duplicate"])


class StayView(BaseModel):
    """A time in a stage."""

    pipeline_id: str
    stage: str
    entered_at: str
    left_at: str | None = None


class DealView(BaseModel):
    """A deal as the log has it now; members without a value are left out."""

    id: str
    version: int
    status: Literal["open", "won", "lost", "archived"]
    name: str
    pipeline_id: str
    stage: str
    stage_since: str
    opened_at: str
    updated_at: str
    closed_at: str | None = None
    amount: str | None = None
    currency: str | None = None
    amount_basis: Literal["stated", "lines", "quote"] | None = None
    won: dict[str, Any] | None = None
    lost: dict[str, Any] | None = None
    close_date: str | None = None
    forecast_category: str | None = None
    owner: str | None = None
    team: str | None = None
    splits: list[dict[str, Any]] | None = None
    company_id: str | None = None
    people: list[dict[str, Any]] | None = None
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    description: Any = None
    next_step: Any = None
    competitors: list[str] | None = None
    lines: list[dict[str, Any]] | None = None
    attributes: dict[str, Any] | None = None
    lead_id: str | None = None
    external_id: dict[str, str] | None = None
    rotting: bool | None = None
    idle_since: str | None = None
    stays: list[StayView] | None = None
