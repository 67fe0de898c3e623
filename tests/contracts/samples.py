"""One full sample of every fact: what the golden files were made from. Old versions are kept as documents."""

from datetime import UTC, date, datetime
from typing import Any, Final

from contracts.pipeline_samples import PIPELINE_SAMPLES
from patron_events.catalog import campaigns, segments
from patron_events.catalog import contacts as events
from patron_events.registry import Fact

_AT: Final = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
_COMPANY: Final = "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"

SAMPLES: Final[tuple[Fact, ...]] = (
    events.PersonCreated(),
    events.PersonNamed(
        given_name="Žofie 😀",
        family_name="حسن",
        additional_name="Brewster Murray",
        honorific_prefix="Dr.",
        honorific_suffix="jr.",
        nickname="Amazing",
    ),
    events.PersonDetailsChanged(
        job_title="Rear admiral",
        department="Research",
        language="en-US",
        time_zone="America/New_York",
        birth_date=date(1906, 12, 9),
        gender="f",
        description="Compilers.\nAnd more.",
    ),
    events.PreferencesChanged(
        preferences=(
            events.Attribute("digest", True),
            events.Attribute("hour", 9),
            events.Attribute("ratio", 0.25),
            events.Attribute("tone", "formal"),
        )
    ),
    events.AcquisitionChanged(
        lead_source="conference",
        first_touch=(events.Touch("google", "cpc", "spring", _AT),),
        last_touch=(events.Touch(source="newsletter"),),
    ),
    events.ConsentGiven(
        purpose="newsletter",
        channel="email",
        basis="legitimate-interests",
        source="web-form",
        wording="newsletter-2026-02",
        expires_at=_AT,
    ),
    events.ConsentWithdrawn(purpose="newsletter", channel="email", source="phone call"),
    events.LifecycleStageChanged(to="customer", was="lead"),
    events.CompanyLinked(
        company_id=_COMPANY, role="Director", start=date(2020, 1, 1), end=date(2021, 12, 31), primary=True
    ),
    events.CompanyUnlinked(company_id=_COMPANY),
    events.CompanyCreated(),
    events.CompanyNamed(name="Acme", legal_name="Acme Corporation Inc."),
    events.CompanyDetailsChanged(
        website="https://acme.example",
        domains=("acme.example",),
        industry="manufacturing",
        employees=2822,
        annual_revenue=events.Money(110004000000, "USD"),
        founding_year=1996,
        description="Anvils.",
        parent_id=_COMPANY,
    ),
    events.EmailsChanged(
        emails=(events.EmailAddress("grace@example.org", "work", primary=True), events.EmailAddress("g@example.com"))
    ),
    events.PhonesChanged(
        phones=(
            events.PhoneNumber("(202) 555-0143", "+12025550143", "work", primary=True),
            events.PhoneNumber("555 0143"),
        )
    ),
    events.AddressesChanged(
        addresses=(
            events.PostalAddress(
                type="home",
                street_address="1 Main St",
                extended_address="Flat 2",
                locality="New York",
                region="NY",
                postal_code="10001",
                country="US",
                primary=True,
            ),
        )
    ),
    events.SocialHandlesChanged(
        social=(events.SocialHandle("linkedin", "grace", "https://linkedin.example/grace"),),
        urls=("https://grace.example/",),
    ),
    events.TagsChanged(tags=("press", "vip")),
    events.CustomFieldsChanged(
        fields=(events.Attribute("plan", "gold"), events.Attribute("seats", 3)),
        personal=(events.Attribute("iban", "DE1"),),
    ),
    events.ExternalIdsChanged(external_ids=(events.ExternalId("salesforce", "0031t00000XyZabAAF"),)),
    events.OwnerAssigned(owner="ann", team="north"),
    events.NoteAdded(note_id="3b1f", text="Called.\nWill call again.", author="ann"),
    events.NoteRemoved(note_id="3b1f"),
    events.RecordArchived(reason="left"),
    events.RecordRestored(),
    events.RecordErased(reason="request"),
    events.InteractionLogged(
        interaction_id="i1",
        kind="call",
        direction="inbound",
        channel="zoom",
        subject="Hello",
        body="How are you?",
        duration_s=61,
        company_id=_COMPANY,
        source="pbx",
        external_id="9",
        properties=(events.Attribute("mood", "good"),),
    ),
    events.OrderPlaced(
        order_id="o1",
        currency="USD",
        amount_minor=2933,
        lines=(
            events.OrderLine(amount_minor=2933, quantity="2.5", sku="A-1", name="Anvil", unit_price_minor=1173),
            events.OrderLine(amount_minor=0),
        ),
        status="paid",
        company_id=_COMPANY,
        source="shop",
        external_id="1997-1",
    ),
    events.KeyClaimed(kind="email", owner="grace"),
    events.KeyReleased(owner="grace"),
    events.FieldDefined(
        name="plan", type="enum", label="Plan", required=True, options=("gold", "free"), unique=True, personal=True
    ),
    events.FieldRetired(name="plan"),
    campaigns.SegmentCreated(kind="dynamic"),
    campaigns.SegmentDescribed(name="Big spenders", description="More than 500 EUR in 90 days."),
    campaigns.SegmentRuleChanged(
        rule_version=3, rule={"type": "not", "rule": {"type": "field", "field": "tags", "op": "has", "value": "vip"}}
    ),
    campaigns.SnapshotRequested(rule_version=3),
    campaigns.CustomersIncluded(customer_ids=(_COMPANY,), reason="asked for it"),
    campaigns.CustomersExcluded(customer_ids=(_COMPANY,), reason="complained"),
    campaigns.CustomersReleased(customer_ids=(_COMPANY,)),
    campaigns.SegmentArchived(),
    campaigns.SegmentListed(segment_id=_COMPANY, name="Big spenders", uses=(_COMPANY,)),
    campaigns.SegmentUnlisted(segment_id=_COMPANY),
    segments.MemberEntered(segment_id=_COMPANY, rule_version=3, cause="event", cause_id="018f:0"),
    segments.MemberLeft(segment_id=_COMPANY, rule_version=3, cause="rule", cause_id="018f:1"),
    *PIPELINE_SAMPLES,
)

# The plain form of versions that nobody writes any more: open fields, personal fields.
OLD_VERSIONS: Final[dict[tuple[str, int], tuple[dict[str, Any], dict[str, Any]]]] = {
    ("contacts.interaction-logged", 1): (
        {
            "interaction_id": "i1",
            "kind": "inbound-call",
            "channel": "zoom",
            "duration_s": 61,
            "source": "pbx",
            "external_id": "9",
        },
        {"subject": "Hello", "body": "How are you?"},
    ),
}
