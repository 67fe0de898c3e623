"""One full sample of every fact of the pipeline context: what its golden files were made from."""

from datetime import UTC, date, datetime
from typing import Final

from patron_events.catalog.contacts import Attribute
from patron_events.catalog.pipeline import (
    activities,
    agendas,
    claims,
    customers,
    deals,
    leads,
    places,
    quotes,
    rules,
    settings,
    team,
)
from patron_events.registry import Fact

_AT: Final = datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
_DUE: Final = datetime(2026, 3, 29, 8, 30, tzinfo=UTC)
_DAY: Final = date(2026, 6, 30)
_DEAL: Final = "0b9c8f5e-7a51-5c66-8b0e-3f6a1c1a5211"
_LEAD: Final = "1c9d7e4f-6b42-5d77-9c1f-4a7b2d2b6322"
_PERSON: Final = "6f1c1a52-8b0e-5d8f-9a3e-0c6f5f1f1a11"
_COMPANY: Final = "7a2d2b63-9c1f-5e90-8b4f-1d7a6a2a2b22"
_OWNER: Final = "idp|grace"
_ATTRIBUTES: Final = (Attribute("budget", True), Attribute("seats", 250), Attribute("segment", "enterprise"))
_LINES: Final = (
    deals.LineItem(
        name="GTX Pro",
        unit_price_minor=482_100,
        net_minor=1_084_725,
        tax_minor=206_098,
        quantity="2.5",
        product_id="2e0f9a6b-5c33-5e88-8d2a-5b8c3e3c7433",
        sku="GTX-PRO",
        discount_percent="10",
        tax_percent="19",
    ),
    deals.LineItem(name="Installation", unit_price_minor=0, net_minor=0),
)

_ACTIVITIES: Final[tuple[Fact, ...]] = (
    activities.ActivityPlanned(
        kind="meeting",
        priority=1,
        deal_id=_DEAL,
        lead_id=_LEAD,
        person_id=_PERSON,
        company_id=_COMPANY,
        external_source="exchange",
        external_id="AAMk-1",
    ),
    activities.ActivityDescribed(
        summary="Demo für Žofie 😀",
        notes="Bring the contract.\nAnd a pen.",
        location="Hauptstraße 1, Berlin",
        attendees=("grace@example.org", "ada@example.org"),
    ),
    activities.ActivityScheduled(
        due_at=_DUE,
        starts_at=_AT,
        duration_minutes=45,
        all_day=True,
        time_zone="Europe/Berlin",
        recurrence="FREQ=WEEKLY;BYDAY=MO;COUNT=10",
        sequence=2,
    ),
    activities.ActivityAssigned(assignee=_OWNER, was="idp|ada"),
    activities.ActivityPrioritised(priority=5),
    activities.ActivityRemindersSet(
        reminders=(activities.Reminder(minutes=1_440, channel="webhook"), activities.Reminder(minutes=15))
    ),
    activities.ActivityReminded(due_at=_DUE, minutes=15, channel="email", message_id="<reminder-1@patron.example>"),
    activities.ActivityReminderFailed(due_at=_DUE, minutes=15, channel="email", reason="no-address"),
    activities.ActivityInvited(sequence=2, revision=3, attendees=("ada@example.org",), failed=1),
    activities.ActivityAnswered(attendee="ada@example.org", answer="tentative", sequence=2, occurrence=_DUE),
    activities.ActivityCompleted(outcome="reached", occurrence=_DUE, interaction_id="i1"),
    activities.ActivityCancelled(reason="ill", occurrence=_DUE),
    activities.ActivityReopened(),
    activities.ActivityErased(person_id=_PERSON),
)

_CLAIMS: Final[tuple[Fact, ...]] = (
    claims.ExternalIdClaimed(kind="deal", record_id=_DEAL),
    claims.ExternalIdReleased(record_id=_DEAL),
)

_AGENDAS: Final[tuple[Fact, ...]] = (
    agendas.AgendaEntered(activity_id=_PERSON),
    agendas.AgendaLeft(activity_id=_PERSON),
    agendas.CalendarOpened(subject=_OWNER, generation=2),
    agendas.CalendarClosed(),
)

_CUSTOMERS: Final[tuple[Fact, ...]] = (
    customers.CustomerLinked(kind="deal", record_id=_DEAL),
    customers.CustomerUnlinked(kind="lead", record_id=_LEAD),
)

_DEALS: Final[tuple[Fact, ...]] = (
    deals.DealOpened(
        name="GTX Pro for Acme",
        pipeline_id="default",
        stage="engaging",
        lead_id=_LEAD,
        external_source="crm",
        external_id="1C1I7A6R",
    ),
    deals.DealDescribed(description="They replace a competitor.\nIn spring.", next_step="Call Žofie on Monday"),
    deals.DealRenamed(name="GTX Pro for Acme, 2nd site", was="GTX Pro for Acme"),
    deals.DealValued(amount_minor=1_084_725, currency="USD", basis="lines"),
    deals.DealExpected(close_date=_DAY, forecast_category="commit"),
    deals.DealOwned(owner=_OWNER, team="east", splits=(deals.Split(_OWNER, "66.67"), deals.Split("idp|ada", "33.33"))),
    deals.DealCustomerChanged(
        company_id=_COMPANY,
        people=(
            deals.DealPerson(person_id=_PERSON, role="decision-maker", primary=True),
            deals.DealPerson(person_id="8b3e3c74-0d2a-5fa1-9c5a-2e8b7b3b3c33"),
        ),
    ),
    deals.DealSourced(source="google", medium="cpc", campaign="spring"),
    deals.DealCompetitorsChanged(competitors=("Bluth", "Initech")),
    deals.DealLinesChanged(currency="USD", lines=_LINES),
    deals.DealAttributesChanged(attributes=_ATTRIBUTES),
    deals.DealMoved(to="proposal", was="engaging", pipeline_id="enterprise"),
    deals.DealWon(stage="won", was="proposal", amount_minor=1_054_500, currency="USD", reason="price"),
    deals.DealLost(stage="lost", was="proposal", reason="competitor", competitor="Initech"),
    deals.DealReopened(to="proposal", was="lost", reason="the competitor failed"),
    deals.DealRotted(stage="proposal", since=_AT, days=30),
    deals.DealLeftWithoutActivity(since=_AT),
    deals.DealArchived(reason="duplicate"),
    deals.DealErased(person_id=_PERSON),
)

_LEADS: Final[tuple[Fact, ...]] = (
    leads.LeadCaptured(
        channel="form",
        source="google",
        medium="cpc",
        campaign="spring",
        form_id="contact-us",
        external_source="bank",
        external_id="17",
    ),
    leads.LeadDescribed(
        given_name="Žofie 😀",
        family_name="حسن",
        email="zofie@example.org",
        phone="030 901820",
        phone_e164="+4930901820",
        job_title="Buyer",
        message="Please call.\nSoon.",
        language="cs",
        time_zone="Europe/Prague",
    ),
    leads.LeadProfiled(
        company_name="Acme",
        industry="retail",
        employees=2_500,
        country="DE",
        region="BE",
        postal_code="10115",
        product_interest="GTX Pro",
        amount_minor=500_000,
        currency="EUR",
        attributes=_ATTRIBUTES,
    ),
    leads.LeadMatched(person_id=_PERSON, company_id=_COMPANY),
    leads.LeadAssigned(
        owner=_OWNER,
        was="idp|ada",
        team="east",
        queue="inbound",
        rule="big-german-leads",
        rules_version=3,
        strategy="round-robin",
        why="country is DE; employees is at least 1000",
    ),
    leads.LeadStatusChanged(to="recycled", was="working", reason="no-budget", until=_DUE),
    leads.LeadScored(
        score="37.5",
        rules_version=2,
        was="20",
        grade="B",
        parts=(
            leads.ScorePart(rule="opened-mail", points="12.5", of="25", at=_AT),
            leads.ScorePart(rule="size", points="25", of="25"),
        ),
        next_at=_DUE,
    ),
    leads.LeadConverted(
        was="qualified", person_id=_PERSON, company_id=_COMPANY, deal_id=_DEAL, created=("deal", "person")
    ),
    leads.LeadConversionRelinked(person_id=_PERSON, company_id=_COMPANY),
    leads.LeadErased(person_id=_PERSON),
)

_QUOTES: Final[tuple[Fact, ...]] = (
    quotes.QuoteDrafted(
        deal_id=_DEAL,
        quote_version=2,
        currency="USD",
        lines=_LINES,
        number=2,
        drafted_by=_OWNER,
        discount_percent="2.5",
        net_minor=1_057_607,
        tax_minor=200_946,
        valid_until=_DAY,
        terms="30 days net, attention of Žofie",
    ),
    quotes.QuoteSubmitted(quote_version=2, needs=("sales-manager", "finance")),
    quotes.QuoteApproved(quote_version=2, group="finance"),
    quotes.QuoteRejected(quote_version=2, reason="discount too high"),
    quotes.QuoteSent(quote_version=2),
    quotes.QuoteAccepted(quote_version=2),
    quotes.QuoteDeclined(quote_version=2, reason="no budget"),
)

_RULES: Final[tuple[Fact, ...]] = (
    rules.RulesDrafted(rules_version=3, document={"rules": [{"name": "all", "assign": {"rep": _OWNER}}]}, note="May"),
    rules.RulesPublished(rules_version=3, was=2),
    rules.TurnTaken(lead_id=_LEAD, owner=_OWNER, pool="team:emea"),
    rules.TurnGivenBack(lead_id=_LEAD, owner=_OWNER),
    rules.RotationContinued(
        was="leads",
        pools=(rules.PoolTurns(pool="team:emea", owners=("idp|ada", _OWNER)),),
        held=(rules.Held(owner=_OWNER, lead_ids=(_LEAD,)),),
    ),
    rules.RotationEnded(next="leads-2"),
)

_SETTINGS: Final[tuple[Fact, ...]] = (
    settings.PipelineDefined(
        definition_version=2,
        name="Enterprise",
        stages=(
            settings.Stage(
                id="proposal",
                name="Proposal",
                kind="open",
                probability=60,
                forecast_category="best-case",
                required=("amount", "close_date"),
                wip_limit=20,
                from_stages=("engaging",),
                skippable=False,
                movers=("east",),
                rotting_days=30,
            ),
            settings.Stage(id="won", name="Won", kind="won", probability=100),
            settings.Stage(id="lost", name="Lost", kind="lost"),
        ),
        lost_reasons=("competitor", "price"),
        won_reasons=("price",),
        won_reason_required=True,
        reopen="owner",
        reopen_days=30,
        activity_days=7,
        lead_days=90,
        currency="EUR",
        approvals=(
            settings.Approval(group="sales-manager", discount_above="10"),
            settings.Approval(group="finance", net_above_minor=10_000_000, currency="EUR"),
        ),
    ),
    settings.PipelineArchived(),
    settings.ProductDefined(
        sku="GTX-PRO",
        name="GTX Pro",
        unit_price_minor=482_100,
        currency="USD",
        family="GTX",
        tax_percent="19",
        aliases=("GTXPro",),
    ),
    settings.ProductRetired(),
    settings.ExchangeRateSet(base="EUR", currency="USD", on=_DAY, rate="1.0825"),
    settings.FormDefined(
        name="Contact us",
        fields=("email", "message"),
        honeypot="website",
        source="homepage",
        campaign="spring",
        origins=("https://acme.example",),
        per_minute=5,
        valid_s=3_600,
    ),
    settings.FormRetired(),
)

_TEAM: Final[tuple[Fact, ...]] = (
    team.RepDescribed(
        subject=_OWNER, name="Grace Hopper", email="grace@acme.example", time_zone="America/New_York", language="en-US"
    ),
    team.RepPlaced(
        team="east",
        region="East",
        manager="idp|dustin",
        territories=(
            team.Territory(country="DE", region="BE", postal_prefixes=("10", "12")),
            team.Territory(country="AT"),
        ),
        capacity=40,
    ),
    team.RepAvailabilityChanged(available=False, reason="holiday"),
    team.QuotaSet(period="2026-Q2", amount_minor=25_000_000, currency="USD"),
    team.RepRetired(),
    team.RepListed(subject=_OWNER, rep_id="3f1a0b7c-6d44-5f99-9e3b-6c9d4f4d8544"),
)

_PLACES: Final[tuple[Fact, ...]] = (
    places.PlaceTaken(deal_id=_DEAL),
    places.PlaceGivenUp(deal_id=_DEAL),
    places.PlacesCounted(deal_ids=(_DEAL,)),
)

PIPELINE_SAMPLES: Final = (
    *_ACTIVITIES,
    *_AGENDAS,
    *_CLAIMS,
    *_CUSTOMERS,
    *_DEALS,
    *_LEADS,
    *_PLACES,
    *_QUOTES,
    *_RULES,
    *_SETTINGS,
    *_TEAM,
)
