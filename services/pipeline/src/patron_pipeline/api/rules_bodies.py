"""Request and response models of rules; what a document means is decided in the domain, with stable codes."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field

from patron_pipeline.api.lead_bodies import Body, Id, Text, Time

ASSIGNMENT: Final[dict[str, Any]] = {
    "rules": [
        {
            "id": "dach",
            "when": {"type": "field", "field": "country", "op": "in", "value": ["DE", "AT", "CH"]},
            "to": {"strategy": "round-robin", "team": "emea"},
            "work_within": {"hours": 4},
        }
    ],
    "fallback": {"strategy": "queue", "queue": "inbox"},
}
Document = Annotated[dict[str, Any], Field(description="A document of docs/pipeline-rules.md.", examples=[ASSIGNMENT])]
Number = Annotated[int, Field(ge=1, le=1_000_000, examples=[2])]


class DraftBody(Body):
    """A new version, and what it is for."""

    document: Document
    note: Text | None = Field(default=None, examples=["Austria goes to EMEA"])


class PublishBody(Body):
    """Which version is to decide; absent: the newest."""

    version: Number | None = None


class Meant(Body):
    """The rules that are meant: a document, a version, or those in force."""

    document: Document | None = None
    version: Number | None = None


class TryBody(Meant):
    """Rules, and the lead they are tried on: by id, or described by fields."""

    lead_id: Id | None = None
    lead: Annotated[dict[str, Any], Field(max_length=100, examples=[{"country": "AT", "employees": 120}])] | None = None


class BacktestBody(Meant):
    """Rules, and the leads they are tried on: captured from `since` on and before `until` (absent: now)."""

    since: Time
    until: Time | None = None


class Part(BaseModel):
    """What one rule added to a score."""

    rule: str
    points: str
    of: str
    at: str | None = None


class Tried(BaseModel):
    """What rules would decide: an assignment, or a score."""

    owner: str | None = None
    team: str | None = None
    queue: str | None = None
    rule: str | None = None
    strategy: str | None = None
    why: str | None = None
    score: str | None = None
    grade: str | None = None
    parts: list[Part] | None = None
    next_at: str | None = None


class VersionView(BaseModel):
    """One version of rules."""

    version: int
    note: str | None
    drafted_at: str
    in_force: bool
    document: dict[str, Any]


class RulesView(BaseModel):
    """Rules with all their versions, the oldest first. in_force: the version that decides; null: none does."""

    name: Literal["assignment", "score"]
    in_force: int | None
    versions: list[VersionView]


class RulesList(BaseModel):
    """All rules of the context."""

    items: list[RulesView]
