"""A plausible history of the pipeline context for tests of read models: seeded, with every kind of fact."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from patron_events.catalog.contacts import Attribute
from patron_events.catalog.pipeline import activities, deals, leads, quotes, settings, team
from patron_events.envelope import StreamId
from patron_events.registry import Fact
from patron_events.store import EventStore
from patron_events.vault import KeyVault
from sales_log import DEFAULT, SalesLog, Told

OWNERS: Final = ("ann", "bob", "carla")
_STAGES: Final = ("prospecting", "engaging", "offer")
_TEXT: Final = 'Said "why\\"\n\tand went'


class SalesHistory(SalesLog):
    """Appends what may happen next to leads, deals, planned activities and settings."""

    def __init__(self, seed: int = 1, store: EventStore | None = None, vault: KeyVault | None = None) -> None:
        super().__init__(seed, store, vault)
        self.reps: list[str] = []
        self.deals: list[str] = []
        self.leads: list[str] = []
        self.planned: list[str] = []
        self.customers = [self.new_id() for _ in range(5)]

    async def say(self, category: str, record: str, *facts: Fact) -> None:
        """Record facts that happened up to some minutes before they are told."""
        at = self.now - timedelta(minutes=self.random.randrange(3))
        await self.told(Told(category, record, [(fact, at) for fact in facts]))

    async def begin(self, category: str, records: list[str], *facts: Fact) -> str:
        """Record something new with a key of its own; answers its id."""
        record = self.new_id()
        await self.vault.create([record])
        await self.say(category, record, *facts)
        records.append(record)
        return record

    async def settings(self) -> None:
        """Record a pipeline, products, rates, representatives and their quotas."""
        await self.say("pipeline", "default", DEFAULT)
        await self.say("product", self.new_id(), settings.ProductDefined("GTX-PRO", "GTX Pro", 482_100, "USD"))
        await self.say("rates", "usd", settings.ExchangeRateSet("USD", "EUR", self.now.date(), "0.9"))
        for owner in OWNERS:
            described = team.RepDescribed(subject=owner, name=owner.title(), time_zone="Europe/Berlin")
            placed = team.RepPlaced(team="west", region="West", territories=(team.Territory("DE"),))
            await self.begin("rep", self.reps, described, placed, team.QuotaSet("2024-Q1", 5_000_000, "USD"))

    async def lead(self) -> str:
        """Record a new lead; answers the id."""
        captured = leads.LeadCaptured(channel="form", source="web", campaign=self.random.choice((None, "spring")))
        described = leads.LeadDescribed(given_name="Zoë", family_name="Müller", email="z@example.org", message=_TEXT)
        return await self.begin("lead", self.leads, captured, described, leads.LeadProfiled(company_name="Acme"))

    async def deal_of(self, owner: str) -> str:
        """Record a new deal; answers the id."""
        opened = deals.DealOpened(f"Deal {len(self.deals)}", "default", self.random.choice(_STAGES))
        valued = deals.DealValued(self.random.randrange(1_000_000), self.random.choice(("USD", "EUR")))
        return await self.begin("deal", self.deals, opened, valued, deals.DealOwned(owner=owner))

    async def activity(self) -> str:
        """Record a new planned activity; answers the id."""
        deal = self.random.choice(self.deals) if self.deals and self.random.random() < 0.5 else None
        planned = activities.ActivityPlanned("call", 1, deal_id=deal, person_id=self.random.choice(self.customers))
        due = activities.ActivityScheduled(due_at=self.now + timedelta(days=self.random.randrange(-3, 9)))
        said = activities.ActivityDescribed(summary="Call back", notes=_TEXT, attendees=("a@example.org",))
        assigned = activities.ActivityAssigned(assignee=self.random.choice(OWNERS))
        return await self.begin("activity", self.planned, planned, said, due, assigned)

    async def anything(self, *, erasures: bool = True) -> None:
        """Record something that may happen next."""
        dice = self.random.random()
        if len(self.leads) < 3 or dice < 0.1:
            await self.lead()
        elif len(self.deals) < 3 or dice < 0.2:
            await self.deal_of(self.random.choice(OWNERS))
        elif len(self.planned) < 3 or dice < 0.3:
            await self.activity()
        elif dice < 0.34 and erasures:
            category, records = self._of_some()
            await self.erase(records.pop(self.random.randrange(len(records))), category)
        else:
            category, records = self._of_some()
            await self.say(category, self.random.choice(records), *self._changes(category))

    async def erase(self, record_id: str, category: str = "lead") -> int:
        """Destroy the key of a record, and record that."""
        erased = {"lead": leads.LeadErased, "deal": deals.DealErased, "activity": activities.ActivityErased}
        await self.vault.destroy(record_id)
        await self.say(category, record_id, erased[category]())
        return self.last

    def _of_some(self) -> tuple[str, list[str]]:
        return self.random.choice((("lead", self.leads), ("deal", self.deals), ("activity", self.planned)))

    def _changes(self, category: str) -> Sequence[Fact]:
        choices = {"lead": self._of_lead, "deal": self._of_deal, "activity": self._of_activity}[category]()
        return self.random.sample(choices, self.random.randrange(1, 3))

    def _of_lead(self) -> list[Fact]:
        person = self.random.choice(self.customers)
        owner = self.random.choice(OWNERS)
        return [
            leads.LeadAssigned(owner=owner, rule="west", rules_version=2, strategy="round-robin", why="country is DE"),
            leads.LeadStatusChanged(to=self.random.choice(("working", "qualified", "dead")), was="new", reason="r"),
            leads.LeadStatusChanged(to="recycled", was="working", until=self.now),
            leads.LeadScored("12.5", 1, parts=(leads.ScorePart("visited", "12.5", "20", self.now),)),
            leads.LeadMatched(person_id=person),
            leads.LeadDescribed(given_name="Zed", phone="030 1", phone_e164="+49301"),
            leads.LeadProfiled(company_name="Acme\tTab", employees=7, attributes=(Attribute("plan", "gold"),)),
            leads.LeadConverted(was="working", person_id=person, deal_id=self.random.choice(self.deals)),
            leads.LeadConversionRelinked(person_id=person),
        ]

    def _of_deal(self) -> list[Fact]:
        stage = self.random.choice(_STAGES)
        line = deals.LineItem("GTX Pro", 482_100, 482_100, sku="GTX-PRO")
        people = (deals.DealPerson(self.random.choice(self.customers), "champion", primary=True),)
        return [
            deals.DealMoved(to=stage, was="prospecting"),
            deals.DealWon(stage="won", was=stage, amount_minor=5_000, currency="EUR", reason="price"),
            deals.DealLost(stage="lost", was=stage, reason="price", competitor="Other"),
            deals.DealReopened(to=stage, was="lost"),
            deals.DealDescribed(description=_TEXT, next_step="Call"),
            deals.DealRenamed(name="Åther", was="Deal"),
            deals.DealExpected(self.now.date(), "commit"),
            deals.DealOwned("ann", "west", (deals.Split("ann", "60"), deals.Split("bob", "40"))),
            deals.DealCustomerChanged(self.customers[0], people),
            deals.DealSourced("web", "cpc", "spring"),
            deals.DealCompetitorsChanged(("A,b", 'C"d')),
            deals.DealLinesChanged("EUR", (line,)),
            deals.DealAttributesChanged((Attribute("plan", 1),)),
            deals.DealRotted(stage, self.now, 30),
            deals.DealLeftWithoutActivity(self.now),
            deals.DealArchived("duplicate"),
        ]

    def _of_activity(self) -> list[Fact]:
        return [
            activities.ActivityCompleted(outcome="reached"),
            activities.ActivityCompleted(occurrence=self.now),
            activities.ActivityCancelled(reason="ill"),
            activities.ActivityReopened(),
            activities.ActivityPrioritised(5),
            activities.ActivityRemindersSet((activities.Reminder(15),)),
            activities.ActivityReminded(self.now, 15, "email", "m1"),
            activities.ActivityAssigned(self.random.choice(OWNERS)),
            activities.ActivityDescribed(summary="Other", location="Köln"),
        ]

    async def quote(self, deal: str) -> str:
        """Record a quote for a deal; answers its id."""
        quote = self.new_id()
        line = deals.LineItem("GTX Pro", 482_100, 482_100)
        await self.say("quote", quote, quotes.QuoteDrafted(deal, 1, "EUR", (line,), net_minor=482_100))
        return quote

    def stream(self, category: str, record: str) -> StreamId:
        """Name the stream of a record."""
        return StreamId(self.context, category, record)
