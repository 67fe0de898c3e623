"""Request and response models of the campaigns API.

They check shape and size only; what a rule means is decided by `patron_rules.checking`, with stable codes.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_CUSTOMERS: Final = 10_000
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Name = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
Description = Annotated[str, StringConstraints(max_length=10_000)]
Reason = Annotated[str, StringConstraints(max_length=1_000)]
RULE: Final[dict[str, Any]] = {
    "type": "measure",
    "measure": "count",
    "facts": {
        "fact": "purchase",
        "where": [{"field": "amount", "op": "gt", "value": "50.00", "currency": "EUR"}],
        "period": {"last": {"days": 90}},
    },
    "op": "gte",
    "value": 3,
}
RuleDocument = Annotated[dict[str, Any], Field(description="A tree of docs/rules.md.", examples=[RULE])]


class Body(BaseModel):
    """A request body: unknown members are refused, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SegmentBody(Body):
    """A new segment. Dynamic and snapshot segments need a rule, static ones have none."""

    kind: Literal["static", "dynamic", "snapshot"] = Field(examples=["dynamic"])
    name: Name = Field(examples=["Frequent buyers"])
    description: Description | None = Field(default=None, examples=["3 purchases over 50 EUR in 90 days"])
    rule: RuleDocument | None = None


class ChangeBody(Body):
    """What is to change; absent members stay. A description of null clears it."""

    name: Name | None = Field(default=None, examples=["Very frequent buyers"])
    description: Description | None = None
    rule: RuleDocument | None = None


class CustomersBody(Body):
    """Customers by id, and why."""

    customer_ids: list[Id] = Field(
        min_length=1, max_length=MOST_CUSTOMERS, examples=[["6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"]]
    )
    reason: Reason | None = Field(
        default=None,
        description=(
            "A code or the number of a ticket. It is stored in the open and outlives the erasure of the customers: "
            "nothing about a person belongs here."
        ),
        examples=["TICKET-1234"],
    )


class ReleaseBody(Body):
    """Customers by id."""

    customer_ids: list[Id] = Field(
        min_length=1, max_length=MOST_CUSTOMERS, examples=[["6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"]]
    )


class CheckBody(Body):
    """A rule to be checked, whatever it is. segment: the segment whose rule it would be, to find cycles."""

    rule: Any = Field(examples=[RULE])
    segment: Id | None = None


class Used(BaseModel):
    """A segment that a rule names."""

    id: str
    name: str


class RuleProblem(BaseModel):
    """One part of a rule that is wrong. path: JSON path; code: one of docs/rules.md."""

    path: str = Field(examples=["$.rules[1].facts.where[0].op"])
    code: str = Field(examples=["operator-not-allowed"])
    message: str


class Looks(BaseModel):
    """What a rule depends on. clock: its answer can change by time alone; personal: it looks at personal fields."""

    profile: list[str]
    company: list[str]
    facts: list[str]
    rfm: bool
    clock: bool
    personal: bool


class Checked(BaseModel):
    """What a check found: a rule with what it looks at and uses, or its problems."""

    ok: bool
    looks_at: Looks | None = None
    uses: list[Used] = []
    problems: list[RuleProblem] = []


class CatalogueItem(BaseModel):
    """A live segment: its name, the segments its rule uses, and the segments whose rules use it."""

    id: str
    name: str
    uses: list[str]
    used_by: list[str]


class CatalogueAnswer(BaseModel):
    """All live segments by name."""

    items: list[CatalogueItem]


class TemplateItem(BaseModel):
    """A ready-made segment; its rule can be sent to `POST segments` as it is."""

    id: str
    name: str
    description: str
    rule: dict[str, Any]


class Templates(BaseModel):
    """All ready-made segments."""

    items: list[TemplateItem]


class SegmentView(BaseModel):
    """A segment as the log has it now. included, excluded: how many customers are put in or left out by hand."""

    id: str
    version: int
    status: Literal["live", "archived"]
    kind: Literal["static", "dynamic", "snapshot"]
    name: str
    description: str | None
    rule: dict[str, Any] | None
    rule_version: int
    uses: list[str]
    used_by: list[str]
    included: int
    excluded: int
    snapshot_at: str | None
    snapshot_rule_version: int
    created_at: str
    updated_at: str
