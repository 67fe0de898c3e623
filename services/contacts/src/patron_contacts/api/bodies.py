"""Request and response models of the contacts API; names follow vCard (RFC 6350) and schema.org.

They check shape and size only. What a value means (is it an address, does this stage exist) is decided in
`patron_contacts.domain`, where refusals have stable codes.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from patron_contacts.domain.custom_field import TYPES
from patron_contacts.domain.lifecycle import STAGES

Text = Annotated[str, StringConstraints(max_length=1_000)]
LongText = Annotated[str, StringConstraints(max_length=100_000)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
FieldName = Annotated[str, StringConstraints(max_length=63)]
Scalar = str | bool | int | float
Amount = Annotated[str | int | float, Field(description="Exact decimal, best sent as text.", examples=["29.33"])]


class Body(BaseModel):
    """A request body: unknown members are refused, and nothing is converted in silence."""

    model_config = ConfigDict(extra="forbid", strict=True)


ONE_MEMBER = ConfigDict(extra="forbid", strict=True, json_schema_extra={"minProperties": 1, "maxProperties": 1})


class EmailBody(Body):
    """An e-mail address."""

    value: Text = Field(examples=["grace@example.org"])
    type: Literal["work", "home", "other"] = "other"
    primary: bool = False


class PhoneBody(Body):
    """A phone number as typed; `region` (ISO 3166-1 alpha-2) tells how to read a national form."""

    value: Text = Field(examples=["+1 202 555 0143"])
    type: Literal["cell", "work", "home", "fax", "pager", "other"] = "other"
    primary: bool = False
    region: Text | None = None


class AddressBody(Body):
    """A postal address; country is ISO 3166-1 alpha-2, or alpha-3 or an English name that is normalised."""

    type: Literal["work", "home", "other"] = "other"
    street_address: Text | None = None
    extended_address: Text | None = None
    locality: Text | None = None
    region: Text | None = None
    postal_code: Text | None = None
    country: Text | None = Field(default=None, examples=["US"])
    primary: bool = False


class SocialBody(Body):
    """An account at a social service."""

    service: Text = Field(examples=["linkedin"])
    handle: Text | None = None
    url: Text | None = None


class ExternalIdBody(Body):
    """The id of the record in another system."""

    source: Text = Field(examples=["salesforce"])
    id: Text = Field(examples=["0031t00000XyZabAAF"])


class TouchBody(Body):
    """A contact with marketing."""

    source: Text | None = None
    medium: Text | None = None
    campaign: Text | None = None
    at: Text | None = Field(default=None, description="RFC 3339", examples=["2026-03-01T09:00:00Z"])


class LinkTerms(Body):
    """Role of a person at a company, and from when to when (inclusive)."""

    role: Text | None = None
    from_: Text | None = Field(default=None, alias="from", examples=["2024-01-01"])
    to: Text | None = None
    primary: bool = False


class CompanyRefBody(Body):
    """A company by id, by external id, or by a name (which creates a company that nobody has named yet)."""

    company_id: Id | None = None
    external_id: ExternalIdBody | None = None
    name: Text | None = None


class LinkBody(LinkTerms, CompanyRefBody):
    """A link of a person to a company."""


class NoteBody(Body):
    """A note; `at` is when it was written (RFC 3339)."""

    text: LongText
    author: Text | None = None
    at: Text | None = None


class MoneyBody(Body):
    """An amount of money."""

    amount: Amount
    currency: Text = Field(examples=["EUR"])


Emails = Annotated[list[EmailBody], Field(max_length=50)]
Phones = Annotated[list[PhoneBody], Field(max_length=50)]
Addresses = Annotated[list[AddressBody], Field(max_length=50)]
Socials = Annotated[list[SocialBody], Field(max_length=50)]
Urls = Annotated[list[Text], Field(max_length=50)]
Tags = Annotated[list[Text], Field(max_length=100)]
ExternalIds = Annotated[list[ExternalIdBody], Field(max_length=50)]
Values = Annotated[dict[FieldName, Scalar | None], Field(max_length=500)]
Notes = Annotated[list[NoteBody], Field(max_length=200)]

PERSON_EXAMPLE: dict[str, Any] = {
    "given_name": "Grace",
    "family_name": "Hopper",
    "emails": [{"value": "grace@example.org", "type": "work", "primary": True}],
    "phones": [{"value": "(202) 555-0143", "type": "work", "region": "US"}],
    "job_title": "Rear admiral",
    "language": "en-US",
    "time_zone": "America/New_York",
    "tags": ["vip"],
    "external_ids": [{"source": "salesforce", "id": "0031t00000XyZabAAF"}],
    "lead_source": "conference",
    "lifecycle_stage": "lead",
}
COMPANY_EXAMPLE: dict[str, Any] = {
    "name": "Acme Corporation",
    "website": "https://acme.example",
    "domains": ["acme.example"],
    "industry": "manufacturing",
    "employees": 2822,
    "annual_revenue": {"amount": "1100040000.00", "currency": "USD"},
}


class RecordBody(Body):
    """Members that people and companies share. In a change, absent members stay and null clears."""

    emails: Emails | None = None
    phones: Phones | None = None
    addresses: Addresses | None = None
    social: Socials | None = None
    urls: Urls | None = None
    description: LongText | None = None
    tags: Tags | None = None
    custom: Values | None = None
    external_ids: ExternalIds | None = None
    owner: Text | None = None
    team: Text | None = None
    notes: Notes | None = Field(default=None, description="Notes to be added; those on record stay.")


class PersonBody(RecordBody):
    """A person."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [PERSON_EXAMPLE]})

    given_name: Text | None = None
    family_name: Text | None = None
    additional_name: Text | None = None
    honorific_prefix: Text | None = None
    honorific_suffix: Text | None = None
    nickname: Text | None = None
    job_title: Text | None = None
    department: Text | None = None
    language: Text | None = Field(default=None, description="BCP 47")
    time_zone: Text | None = Field(default=None, description="IANA name")
    birth_date: Text | None = Field(default=None, description="RFC 3339 full-date", examples=["1906-12-09"])
    gender: Text | None = None
    preferences: Values | None = None
    lead_source: Text | None = None
    first_touch: TouchBody | None = None
    last_touch: TouchBody | None = None
    lifecycle_stage: Text | None = None
    companies: Annotated[list[LinkBody], Field(max_length=50)] | None = None


class CompanyBody(RecordBody):
    """A company; a new one needs a name."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [COMPANY_EXAMPLE]})

    name: Text | None = None
    legal_name: Text | None = None
    website: Text | None = None
    domains: Urls | None = None
    industry: Text | None = None
    employees: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    annual_revenue: MoneyBody | None = None
    founding_year: Annotated[int, Field(ge=1, le=9999)] | None = None
    parent: CompanyRefBody | None = None


class CustomValueBody(Body):
    """The value of a unique custom field."""

    name: FieldName
    value: Scalar


class MatchCompanyBody(Body):
    """The unique key by which an upsert finds a company; exactly one member. Companies may share addresses."""

    model_config = ONE_MEMBER

    external_id: ExternalIdBody | None = None
    custom: CustomValueBody | None = None


class MatchBody(MatchCompanyBody):
    """The unique key by which an upsert finds a person; exactly one member."""

    email: Text | None = None


class UpsertPerson(Body):
    """A person, and the key by which it is found."""

    match: MatchBody
    person: PersonBody


class UpsertCompany(Body):
    """A company, and the key by which it is found."""

    match: MatchCompanyBody
    company: CompanyBody


class ReasonBody(Body):
    """Why something is done; it is erased with the record."""

    reason: Text | None = None


class ErasureBody(Body):
    """Why a record is erased: no free text, because the reason stays."""

    reason: Literal["request", "consent-withdrawn", "retention", "other"] = "request"


class StageBody(Body):
    """A move along the lifecycle."""

    to: Text = Field(examples=["customer"], json_schema_extra={"enum": [*STAGES]})
    at: Text | None = Field(default=None, description="RFC 3339; now if absent")


class FieldBody(Body):
    """The definition of a custom field."""

    type: Text = Field(examples=["enum"], json_schema_extra={"enum": [*sorted(TYPES)]})
    label: Text | None = None
    required: bool = False
    options: Annotated[list[Text], Field(max_length=1_000)] = Field(default_factory=list[str])
    unique: bool = False
    personal: bool = False


class CustomerBody(Body):
    """A customer: by id of a person or company, by e-mail address, or by external id; exactly one member."""

    model_config = ONE_MEMBER

    person_id: Id | None = None
    company_id: Id | None = None
    email: Text | None = None
    external_id: ExternalIdBody | None = None


class InteractionBody(Body):
    """A contact with a customer."""

    customer: CustomerBody
    company_id: Id | None = Field(
        default=None, description="The company that the person acted for; its timeline shows it too."
    )
    kind: Literal["email", "call", "meeting", "chat", "visit", "form", "social", "note", "other"]
    direction: Literal["inbound", "outbound"] | None = None
    channel: Text | None = None
    subject: Text | None = None
    body: LongText | None = None
    occurred_at: Text | None = Field(default=None, description="RFC 3339, also in the past; now if absent")
    duration_s: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    source: Text | None = None
    external_id: Text | None = None
    properties: Annotated[dict[FieldName, Scalar | None], Field(max_length=100)] | None = None


class OrderLineBody(Body):
    """One line; its amount is unit price times quantity where it is not stated."""

    sku: Text | None = None
    name: Text | None = None
    quantity: Amount = 1
    unit_price: Amount | None = None
    amount: Amount | None = None


class OrderBody(Body):
    """A purchase."""

    customer: CustomerBody
    company_id: Id | None = Field(
        default=None, description="The company that the person acted for; its timeline shows it too."
    )
    currency: Text = Field(examples=["USD"])
    amount: Amount | None = None
    lines: Annotated[list[OrderLineBody], Field(max_length=1_000)] | None = None
    ordered_at: Text | None = Field(default=None, description="RFC 3339, also in the past; now if absent")
    status: Text | None = None
    source: Text | None = None
    external_id: Text | None = None


Items = Annotated[list[dict[str, Any]], Field(max_length=10_000, min_length=1)]


class OriginBody(Body):
    """Where items come from: each commit gets the correlation id `import:<file>:<row>`, which is kept for ever.

    file: a name without personal data, such as the beginning of the file's checksum. rows: of the items, in order.
    """

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,80}$")] = Field(examples=["3f2a91bc70d4"])
    rows: Annotated[list[Annotated[int, Field(ge=0, lt=2**53)]], Field(max_length=10_000)]


class BulkRecords(Body):
    """Many records; each item is a person or company body and is decided by itself."""

    items: Items
    origin: OriginBody | None = None
    mode: Literal["create", "upsert"] = "upsert"
    dry_run: bool = False


class BulkActivities(Body):
    """Many interactions or orders; each item is decided by itself."""

    items: Items
    create_people: bool = False
    dry_run: bool = False


class Accepted(BaseModel):
    """A command was carried out; read models show it from `position` on."""

    id: str
    version: int
    position: str
    status: Literal["created", "updated", "unchanged"]


class ItemResult(BaseModel):
    """What became of one item of a bulk request; `field` is the path within the item."""

    index: int
    status: Literal["created", "updated", "unchanged", "duplicate", "rejected"]
    id: str | None = None
    version: int | None = None
    code: str | None = None
    detail: str | None = None
    field: str | None = None


class BulkAnswer(BaseModel):
    """What became of a bulk request."""

    results: list[ItemResult]
    counts: dict[str, int]
    position: str | None
