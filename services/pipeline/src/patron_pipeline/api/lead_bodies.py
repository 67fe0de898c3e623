"""Request and response models of leads.

They check shape and size only. What a value means is decided in the domain, where refusals have stable codes.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from patron_pipeline.api.bodies import ExternalIdBody

Text = Annotated[str, StringConstraints(max_length=1_000)]
LongText = Annotated[str, StringConstraints(max_length=100_000)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Scalar = str | bool | int | float
Amount = Annotated[str | int | float, Field(description="Exact decimal, best sent as text.", examples=["1234.50"])]
Time = Annotated[Text, Field(description="RFC 3339, with an offset; absent: now.", examples=["2026-03-01T09:00:00Z"])]
Status = Literal["new", "assigned", "working", "qualified", "converted", "recycled", "dead"]
MOST_EMPLOYEES = 100_000_000
MOST_ITEMS = 10_000


class Body(BaseModel):
    """A request body: unknown members are refused, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LeadFields(Body):
    """What is known of a lead; null clears in a change."""

    given_name: Text | None = Field(default=None, examples=["Grace"])
    family_name: Text | None = Field(default=None, examples=["Hopper"])
    email: Text | None = Field(default=None, examples=["grace@example.org"])
    phone: Text | None = Field(default=None, examples=["+1 202 555 0143"])
    phone_region: Text | None = Field(default=None, description="Country to read a national number by.")
    job_title: Text | None = None
    message: LongText | None = Field(default=None, description="What they wrote; sealed like the name.")
    language: Text | None = Field(default=None, examples=["en"])
    time_zone: Text | None = Field(default=None, examples=["Europe/Berlin"])
    company_name: Text | None = Field(default=None, examples=["Acme"])
    industry: Text | None = None
    employees: Annotated[int, Field(ge=0, le=MOST_EMPLOYEES)] | None = None
    country: Text | None = Field(default=None, examples=["DE"])
    region: Text | None = None
    postal_code: Text | None = None
    product_interest: Text | None = None
    amount: Amount | None = Field(default=None, description="What it may bring; needs a currency.")
    currency: Text | None = Field(default=None, examples=["EUR"])
    attributes: dict[str, Scalar | None] | None = Field(
        default=None, description="Anything else that is not personal; a change replaces all.", examples=[{"seats": 25}]
    )


class MatchBody(Body):
    """Who a lead is about, in the contacts context; a person and a company are each named in one way at most."""

    person_id: Id | None = None
    person_external_id: ExternalIdBody | None = None
    person_email: Text | None = None
    company_id: Id | None = None
    company_external_id: ExternalIdBody | None = None


class LeadBody(LeadFields, MatchBody):
    """A new lead. Without `person_…` the holder of its address is looked up, without `company_…` their company."""

    source: Text | None = Field(default=None, examples=["google"])
    medium: Text | None = Field(default=None, examples=["cpc"])
    campaign: Text | None = Field(default=None, examples=["spring"])
    external_id: ExternalIdBody | None = None
    owner: Text | None = Field(default=None, description="`sub` of whoever is to work on it; absent: the rules decide.")
    team: Text | None = None
    captured_at: Time | None = None


class AssignmentBody(Body):
    """Who is responsible from now on; an owner of null puts the lead back, into a queue if one is named."""

    owner: Text | None = Field(examples=["ann"])
    team: Text | None = None
    queue: Text | None = None
    why: Text | None = Field(default=None, description="For people; nothing personal.", examples=["Speaks Finnish"])
    occurred_at: Time | None = None


class StatusBody(Body):
    """Where the lead is to move. reason: a code, needed to recycle, give up, and bring back from the dead."""

    to: Literal["new", "assigned", "working", "qualified", "recycled", "dead"]
    reason: Text | None = Field(default=None, examples=["no-budget"])
    until: Time | None = Field(default=None, description="When a recycled lead comes back.")
    occurred_at: Time | None = None


class ConversionDealBody(Body):
    """The deal to open. What is absent is that of the lead: the name of its company, owner, team, amount, source."""

    name: Text | None = Field(default=None, examples=["GTX Pro for Acme"])
    pipeline_id: Text | None = Field(default=None, examples=["default"])
    stage: Text | None = None
    amount: Amount | None = None
    currency: Text | None = None
    close_date: Text | None = Field(default=None, examples=["2026-06-30"])
    owner: Text | None = None
    team: Text | None = None
    next_step: LongText | None = None
    description: LongText | None = None
    attributes: dict[str, Scalar | None] | None = None


class ConversionBody(MatchBody):
    """Who the lead becomes. Absent: who it was matched with, else who holds its address, else somebody new.

    A company of null: none. deal: the deal to open, absent or null for none.
    """

    deal: ConversionDealBody | None = None
    occurred_at: Time | None = None


class StepView(BaseModel):
    """One step of the path: `assigned`, `moved` or `converted`, and what decided it."""

    step: Literal["assigned", "moved", "converted"]
    at: str
    owner: str | None = None
    was: str | None = None
    team: str | None = None
    queue: str | None = None
    rule: str | None = None
    rules_version: int | None = None
    strategy: str | None = None
    why: str | None = None
    to: str | None = None
    reason: str | None = None
    until: str | None = None


class ScorePartView(BaseModel):
    """What one rule added. points: after decay; of: before."""

    rule: str
    points: str
    of: str
    at: str | None = None


class ScoreView(BaseModel):
    """The score and what it is made of."""

    score: str
    grade: str | None
    rules_version: int
    parts: list[ScorePartView]
    next_at: str | None


class ConversionView(BaseModel):
    """What the lead became. created: which of them did not exist before."""

    person_id: str
    company_id: str | None
    deal_id: str | None
    created: list[str]


class LeadView(BaseModel):
    """A lead as the log has it now; personal members are null once it is erased."""

    id: str
    version: int
    status: Literal["new", "assigned", "working", "qualified", "converted", "recycled", "dead", "erased"]
    channel: str
    form_id: str | None
    source: str | None
    medium: str | None
    campaign: str | None
    external_id: ExternalIdBody | None
    given_name: str | None
    family_name: str | None
    email: str | None
    phone: str | None
    phone_e164: str | None
    job_title: str | None
    message: str | None
    language: str | None
    time_zone: str | None
    company_name: str | None
    industry: str | None
    employees: int | None
    country: str | None
    region: str | None
    postal_code: str | None
    product_interest: str | None
    amount: str | None = Field(examples=["1234.50"])
    currency: str | None
    attributes: dict[str, Any]
    person_id: str | None
    company_id: str | None
    owner: str | None
    team: str | None
    queue: str | None
    reason: str | None
    until: str | None
    score: ScoreView | None
    conversion: ConversionView | None
    path: list[StepView]
    captured_at: str
    status_since: str | None
    updated_at: str


class PastBody(Body):
    """One step of a lead's path: somebody became responsible, it moved on, or both."""

    at: Time | None = None
    to: Status | None = None
    reason: Text | None = None
    until: Time | None = None
    owner: Text | None = None


class LeadItem(LeadBody):
    """A lead with what became of it. closed_at: when it got `status`; history: every step before that, in order."""

    status: Status | None = None
    reason: Text | None = None
    until: Time | None = None
    closed_at: Time | None = None
    history: Annotated[list[PastBody], Field(max_length=200)] | None = None


class BulkLeads(Body):
    """Up to 10,000 leads. mode upsert: an item changes the lead that holds its external id, where there is one."""

    items: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_ITEMS)]
    mode: Literal["upsert", "create"] = "upsert"
    channel: Literal["file", "api", "email"] = "file"
    dry_run: bool = Field(default=False, description="Decide every item and record nothing.")
