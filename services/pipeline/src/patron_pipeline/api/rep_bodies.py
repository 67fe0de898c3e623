"""Request and response models of the sales team; they check shape and size only."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from patron_pipeline.api.lead_bodies import Amount, Body, Text, Time

MOST_LEADS = 1_000_000
MOST_REPS = 10_000


class TerritoryBody(Body):
    """Where somebody sells: a country, and within it a region or beginnings of postal codes; absent is any."""

    country: Text = Field(examples=["DE"])
    region: Text | None = None
    postal_prefixes: Annotated[list[Text], Field(max_length=500)] | None = Field(default=None, examples=[["80", "81"]])


class QuotaBody(Body):
    """What somebody is to win; an amount of null takes it back."""

    amount: Amount | None
    currency: Text = Field(examples=["EUR"])


class PeriodQuotaBody(QuotaBody):
    """What somebody is to win within a period."""

    period: Text = Field(examples=["2026-Q2"])


class RepFields(Body):
    """What is known of a representative; absent members stay, null clears."""

    name: Text | None = Field(default=None, examples=["Ann Example"])
    email: Text | None = Field(default=None, examples=["ann@example.org"])
    time_zone: Text | None = Field(default=None, examples=["Europe/Berlin"])
    language: Text | None = Field(default=None, examples=["de"])
    team: Text | None = Field(default=None, examples=["north"])
    region: Text | None = Field(default=None, examples=["EMEA"])
    manager: Text | None = Field(default=None, description="`sub` of their manager.")
    territories: Annotated[list[TerritoryBody], Field(max_length=500)] | None = None
    capacity: Annotated[int, Field(ge=0, le=MOST_LEADS)] | None = Field(
        default=None, description="Most open leads; null: any number."
    )
    placed_at: Time | None = Field(default=None, description="Since when team, region and the like hold.")


class RepBody(RepFields):
    """A representative, known by the `sub` of their tokens."""

    subject: Text = Field(examples=["ann"])
    quotas: Annotated[list[PeriodQuotaBody], Field(max_length=500)] | None = None


class BulkReps(Body):
    """Up to 10,000 representatives, each as for a single one."""

    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_REPS)]
    dry_run: bool = Field(default=False, description="Decide every item and record nothing.")


class AvailabilityBody(Body):
    """Whether rules may give somebody leads, and why not."""

    available: bool
    reason: Text | None = Field(default=None, examples=["holiday"])


class TerritoryView(BaseModel):
    """Where somebody sells."""

    country: str
    region: str | None
    postal_prefixes: list[str]


class QuotaView(BaseModel):
    """What somebody is to win within a period."""

    period: str
    amount: str
    currency: str


class RepView(BaseModel):
    """A representative as the log has them now."""

    id: str
    subject: str
    status: Literal["active", "retired"]
    name: str | None
    email: str | None
    time_zone: str | None
    language: str | None
    team: str | None
    region: str | None
    manager: str | None
    territories: list[TerritoryView]
    capacity: int | None
    placed_at: str | None
    available: bool
    absence: str | None
    quotas: list[QuotaView]


class RepList(BaseModel):
    """Everybody who sells now, by subject."""

    items: list[RepView]
